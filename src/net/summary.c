/* What a network looks like: layer by layer for programs, as a table and as the shape walk for
 * people. */
#include "base/width.h"
#include "net/net.h"

#include "base/number.h"

#include <string.h>

/* Rows of the summary: all layers but the input and the ReLU inside gn_conv_relu. */
static bool is_row(const struct gn_layer *layer)
{
    return layer->n_inputs > 0 && !layer->hidden;
}

static uint64_t layer_params(const struct gn_graph *g, const struct gn_layer *layer)
{
    uint64_t n = 0;
    for (int k = 0; k < GN_LAYER_TENSORS; k++)
        if (layer->tensors[k] >= 0 && g->tensors[layer->tensors[k]].trainable)
            n += g->tensors[layer->tensors[k]].count;
    return n;
}

/* Stages of the walk: the named ones, then every row outside of them (the dense layer). */
static int stage_count(const struct gn_graph *g)
{
    int n = g->n_stages;
    for (int i = 0; i < g->n_layers; i++)
        n += is_row(&g->layers[i]) && g->layers[i].stage < 0;
    return n;
}

static void fill_shape(struct gn_layer_info *info, struct gn_shape s)
{
    info->rank = s.h == 1 && s.w == 1 ? 1 : 3;
    info->shape[0] = info->rank == 1 ? s.c : s.h;
    info->shape[1] = info->rank == 1 ? 0 : s.w;
    info->shape[2] = info->rank == 1 ? 0 : s.c;
}

/* Vectors begin at a global pool or a dense layer; what works element by element keeps them. */
static bool is_vector(const struct gn_graph *g, int i)
{
    const struct gn_layer *layer = &g->layers[i];
    return layer->op->makes_vector || (layer->op->keeps_vector && is_vector(g, layer->inputs[0]));
}

static void fill_layer(const struct gn_graph *g, int i, struct gn_layer_info *info)
{
    const struct gn_layer *layer = &g->layers[i];
    *info = (struct gn_layer_info){ .name = layer->name, .type = layer->op->type };
    info->stage = layer->stage < 0 ? "" : g->stages[layer->stage];
    fill_shape(info, layer->out);
    /* A map that has shrunk to one pixel is still a map; vectors begin at the global pool. */
    if (!is_vector(g, i) && info->rank == 1) {
        info->rank = 3;
        info->shape[0] = info->shape[1] = 1;
        info->shape[2] = layer->out.c;
    }
    info->params = layer_params(g, layer);
    info->macs = gn_layer_macs(g, i);
}

gn_status gn_net_describe(const gn_net *net, struct gn_net_info *info)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(info, "the description");
    const struct gn_graph *g = net->graph;
    *info = (struct gn_net_info){ .preset = net->preset,
                                  .size_h = net->input.h,
                                  .size_w = net->input.w,
                                  .channels = net->input.c,
                                  .classes = net->classes,
                                  .resize = net->resize,
                                  .params = gn_graph_params(g, true),
                                  .statistics = gn_graph_params(g, false),
                                  .heads = g->n_heads,
                                  .momentum = gn_graph_momentum(g),
                                  .stages = stage_count(g),
                                  .tensors = g->n_tensors,
                                  .labels = (const char *const *)net->labels };
    for (int i = 0; i < g->n_layers; i++) {
        info->layers += is_row(&g->layers[i]);
        info->macs += gn_layer_macs(g, i);
    }
    return GN_OK;
}

gn_status gn_net_layer(const gn_net *net, int index, struct gn_layer_info *info)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(info, "the layer");
    for (int i = 0, row = 0; i < net->graph->n_layers; i++) {
        if (!is_row(&net->graph->layers[i]) || row++ != index)
            continue;
        fill_layer(net->graph, i, info);
        return GN_OK;
    }
    GN_FAIL(GN_STATUS_BAD_ARGUMENT, "layer %d does not exist", index);
}

gn_status gn_net_stage(const gn_net *net, int index, struct gn_layer_info *info)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(info, "the stage");
    const struct gn_graph *g = net->graph;
    int last = -1;
    if (index >= 0 && index < g->n_stages) {
        for (int i = 0; i < g->n_layers; i++)
            last = g->layers[i].stage == index ? i : last;
    } else {
        int row = g->n_stages;
        for (int i = 0; i < g->n_layers && last < 0; i++)
            if (is_row(&g->layers[i]) && g->layers[i].stage < 0 && row++ == index)
                last = i;
    }
    if (last < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "stage %d does not exist", index);
    fill_layer(g, last, info);
    if (index < g->n_stages)
        info->name = g->stages[index];
    info->params = info->macs = 0;
    for (int i = 0; i < g->n_layers; i++) {
        if (index < g->n_stages ? g->layers[i].stage != index : i != last)
            continue;
        info->params += layer_params(g, &g->layers[i]);
        info->macs += gn_layer_macs(g, i);
    }
    return GN_OK;
}

gn_status gn_net_tensor(gn_net *net, int i, struct gn_tensor_info *info)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(info, "the tensor");
    if (i < 0 || i >= net->graph->n_tensors)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "tensor %d does not exist", i);
    const struct gn_tensor *t = &net->graph->tensors[i];
    *info = (struct gn_tensor_info){
        .name = t->name,
        .rank = t->rank,
        .count = t->count,
        .values = net->params + t->offset,
        .trainable = t->trainable,
    };
    memcpy(info->shape, t->shape, sizeof info->shape);
    return GN_OK;
}

/* "(None, 24, 24, 64)", or "(1, 24, 24, 64)" with another first entry. */
static void format_shape(char *text, size_t size, const char *batch,
                         const struct gn_layer_info *info)
{
    if (info->rank == 1)
        (void)snprintf(text, size, "(%s, %d)", batch, info->shape[0]);
    else
        (void)snprintf(text, size, "(%s, %d, %d, %d)", batch, info->shape[0], info->shape[1],
                       info->shape[2]);
}

/* 5977530 -> "5,977,530". */
static const char *format_count(char *text, size_t size, uint64_t value)
{
    char digits[24];
    const int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    size_t out = 0;
    for (int i = 0; i < n && out + 2 < size; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            text[out++] = ',';
        text[out++] = digits[i];
    }
    text[out] = '\0';
    return text;
}

enum { NAME_COLUMN = 44, SHAPE_COLUMN = 22, PARAM_COLUMN = 12 };

static void rule(FILE *out, char c)
{
    for (int i = 0; i < NAME_COLUMN + SHAPE_COLUMN + PARAM_COLUMN; i++)
        (void)fputc(c, out);
    (void)fputc('\n', out);
}

gn_status gn_summary(const gn_net *net, FILE *out)
{
    struct gn_net_info net_info;
    GN_TRY(gn_net_describe(net, &net_info));
    GN_NEED(out, "the summary");
    char text[96], count[32], size[GN_NUMBER_TEXT];
    (void)fprintf(out, "Model: \"%s\" (input %dx%dx%d, %d classes)\n", net_info.preset,
                  net_info.size_h, net_info.size_w, net_info.channels, net_info.classes);
    rule(out, '_');
    (void)fprintf(out, "%-*s%-*s%*s\n", NAME_COLUMN, "Layer (type)", SHAPE_COLUMN, "Output Shape",
                  PARAM_COLUMN, "Param #");
    rule(out, '=');
    for (int i = 0; i < net_info.layers; i++) {
        struct gn_layer_info info;
        char shape[64];
        (void)gn_net_layer(net, i, &info);
        (void)snprintf(text, sizeof text, "%s (%s)", info.name, info.type);
        format_shape(shape, sizeof shape, "None", &info);
        (void)fprintf(out, "%s%*s%-*s%*s\n", text, gn_padding(text, NAME_COLUMN), "", SHAPE_COLUMN,
                      shape, PARAM_COLUMN, format_count(count, sizeof count, info.params));
    }
    rule(out, '=');
    (void)fprintf(out, "Total params: %s (%s)\n",
                  format_count(count, sizeof count, net_info.params + net_info.statistics),
                  gn_bytes_text((net_info.params + net_info.statistics) * sizeof(float), size));
    (void)fprintf(out, "Trainable params: %s\n",
                  format_count(count, sizeof count, net_info.params));
    (void)fprintf(out, "Non-trainable params: %s\n",
                  format_count(count, sizeof count, net_info.statistics));
    (void)fprintf(out, "Multiply-adds: %s an image\n",
                  format_count(count, sizeof count, net_info.macs));
    if (fflush(out) != 0)
        GN_FAIL(GN_STATUS_IO, "the summary could not be written");
    return GN_OK;
}

gn_status gn_walk(const gn_net *net, FILE *out)
{
    struct gn_net_info net_info;
    GN_TRY(gn_net_describe(net, &net_info));
    GN_NEED(out, "the shape walk");
    for (int i = 0; i < net_info.stages; i++) {
        struct gn_layer_info info;
        char shape[64];
        (void)gn_net_stage(net, i, &info);
        format_shape(shape, sizeof shape, "1", &info);
        (void)fprintf(out, "%s output shape:\t %s\n", info.name, shape);
    }
    if (fflush(out) != 0)
        GN_FAIL(GN_STATUS_IO, "the shape walk could not be written");
    return GN_OK;
}
