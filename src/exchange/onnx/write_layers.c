/*
 * Layers and their weights. Activations are NCHW in ONNX, ours NHWC: kernels go from
 * [kh][kw][c][oc] to [oc][c][kh][kw], matrices from [in][oc] to [oc][in], where a map that is
 * flattened goes from (h, w, c) to (c, h, w). A normalisation after a convolution that nothing else
 * reads becomes part of its weights, unless the caller wants it kept.
 */
#include "exchange/onnx/writer.h"

#include "base/memory.h"
#include "ops/batch_norm/norm.h"

#include <math.h>
#include <string.h>

static const float *values_of(const struct gn_onnx *onnx, int tensor)
{
    return onnx->net->params + onnx->net->graph->tensors[tensor].offset;
}

/* ---- Normalisations in weights ---- */

static int readers(const struct gn_onnx *onnx, int layer)
{
    const struct gn_graph *g = onnx->net->graph;
    int n = layer == onnx->net->output;
    for (int i = layer + 1; i < g->n_layers; i++)
        for (int k = 0; onnx->live[i] && k < g->layers[i].n_inputs; k++)
            n += g->layers[i].inputs[k] == layer;
    return n;
}

static void find_folded(struct gn_onnx *onnx)
{
    const struct gn_graph *g = onnx->net->graph;
    for (int i = 0; i < g->n_layers; i++)
        onnx->folded[i] = -1;
    for (int i = 0; i < g->n_layers && !onnx->options->keep_norm; i++) {
        const struct gn_layer *norm = &g->layers[i];
        if (!onnx->live[i] || norm->op->fuses != GN_FUSE_NORM)
            continue;
        const int before = norm->inputs[0];
        if (g->layers[before].op->takes_norm && readers(onnx, before) == 1)
            onnx->folded[before] = i;
    }
}

/* What output channel c of a layer is multiplied by, and the summand with its own bias. */
static void scale_of(const struct gn_onnx *onnx, int layer, int c, double *factor, double *summand)
{
    const struct gn_graph *g = onnx->net->graph;
    const struct gn_layer *l = &g->layers[layer];
    *factor = 1;
    *summand = l->bias >= 0 ? (double)values_of(onnx, l->bias)[c] : 0;
    if (onnx->folded[layer] < 0)
        return;
    const struct gn_layer *norm = &g->layers[onnx->folded[layer]];
    const struct gn_norm_options *o = gn_layer_attributes(norm);
    const double variance = (double)values_of(onnx, norm->tensors[GN_NORM_RUNNING_VARIANCE])[c];
    const double mean = (double)values_of(onnx, norm->tensors[GN_NORM_RUNNING_MEAN])[c];
    *factor = (double)values_of(onnx, norm->tensors[GN_NORM_GAMMA])[c] / sqrt(variance + o->eps);
    *summand =
        (*summand - mean) * *factor + (double)values_of(onnx, norm->tensors[GN_NORM_BETA])[c];
}

/* ---- Weights ---- */

/* Kernels and matrices: the window (or the map) of height kh and width kw over c channels. */
static gn_status write_kernel(struct gn_onnx *onnx, int layer, const char *name, bool is_matrix)
{
    const struct gn_layer *l = &onnx->net->graph->layers[layer];
    const size_t kh = (size_t)l->window.kh, kw = (size_t)l->window.kw;
    const size_t c = (size_t)l->window.c, oc = (size_t)l->window.oc;
    const float *from = values_of(onnx, l->weight);
    float *to = gn_alloc(kh * kw * c * oc * sizeof *to, "weights of an exported layer");
    if (to == NULL)
        return gn_last_status();
    for (size_t o = 0; o < oc; o++) {
        double factor, summand;
        scale_of(onnx, layer, (int)o, &factor, &summand);
        for (size_t i = 0; i < c; i++)
            for (size_t p = 0; p < kh * kw; p++)
                to[(o * c + i) * kh * kw + p] =
                    (float)((double)from[(p * c + i) * oc + o] * factor);
    }
    const int64_t dims[] = { (int64_t)oc, (int64_t)c, (int64_t)kh, (int64_t)kw };
    const int64_t flat[] = { (int64_t)oc, (int64_t)(c * kh * kw) };
    gn_onnx_floats(onnx, name, to, is_matrix ? flat : dims, is_matrix ? 2 : 4);
    gn_free(to);
    return GN_OK;
}

static gn_status write_bias(struct gn_onnx *onnx, int layer, const char *name)
{
    const int oc = onnx->net->graph->layers[layer].window.oc;
    float *to = gn_calloc((size_t)oc, sizeof *to, "biases of an exported layer");
    if (to == NULL)
        return gn_last_status();
    for (int o = 0; o < oc; o++) {
        double factor, summand;
        scale_of(onnx, layer, o, &factor, &summand);
        to[o] = (float)summand;
    }
    gn_onnx_floats(onnx, name, to, &(int64_t){ oc }, 1);
    gn_free(to);
    return GN_OK;
}

/* The constants of a layer; their names follow its inputs in `names`. */
static gn_status write_tensors(struct gn_onnx *onnx, int layer, char names[][GN_ONNX_NAME], int *n)
{
    const struct gn_layer *l = &onnx->net->graph->layers[layer];
    if (l->op->multiplies) {
        const bool matrix = l->op->tensors[0].shape == GN_TENSOR_MATRIX;
        const bool int8 = gn_layer_flag(l, "int8") && onnx->folded[layer] < 0;
        bool done = false;
        (void)snprintf(names[(*n)++], GN_ONNX_NAME, "%s.weight", l->name);
        GN_TRY(int8 ? gn_onnx_write_int8_weights(onnx, layer, names[*n - 1])
                    : write_kernel(onnx, layer, names[*n - 1], matrix));
        if (l->bias < 0 && onnx->folded[layer] < 0)
            return GN_OK;
        (void)snprintf(names[(*n)++], GN_ONNX_NAME, "%s.bias", l->name);
        if (int8)
            GN_TRY(gn_onnx_write_int8_bias(onnx, layer, names[*n - 1], &done));
        return done ? GN_OK : write_bias(onnx, layer, names[*n - 1]);
    }
    for (int i = 0; i < GN_LAYER_TENSORS && l->tensors[i] >= 0; i++) {
        const struct gn_tensor *t = &onnx->net->graph->tensors[l->tensors[i]];
        (void)snprintf(names[(*n)++], GN_ONNX_NAME, "%s", t->name);
        gn_onnx_floats(onnx, names[*n - 1], values_of(onnx, l->tensors[i]),
                       &(int64_t){ (int64_t)t->count }, 1);
    }
    return GN_OK;
}

/* ---- Nodes ---- */

void gn_onnx_flatten(struct gn_onnx *onnx, const char *name, const char *input,
                     char output[GN_ONNX_NAME])
{
    struct gn_onnx_op op = { .type = "Flatten" };
    (void)snprintf(output, GN_ONNX_NAME, "%.*s.flat", GN_ONNX_NAME - 8, name);
    gn_onnx_int(&op, "axis", 1);
    const size_t node = gn_onnx_node(onnx, op.type, output, output, &input, 1);
    gn_onnx_write_attribute(onnx, &op.attributes[0]);
    gn_pb_end(&onnx->pb, node);
}

/* Whether `name` is BASE.SUFFIX for one of the names that the graph makes of a layer's. */
static bool is_made_of(const char *name, const char *base)
{
    static const char *const suffixes[] = {
        ".weight",      ".bias",         ".flat",        ".relu",       ".min",        ".max",
        ".weight_int8", ".weight_scale", ".weight_zero", ".bias_int32", ".bias_scale", ".bias_zero",
        ".scale",       ".zero",         ".bytes",       NULL
    };
    const size_t n = strlen(base);
    if (strncmp(name, base, n) != 0)
        return false;
    for (int i = 0; suffixes[i] != NULL; i++)
        if (strcmp(name + n, suffixes[i]) == 0)
            return true;
    return false;
}

/* Whether another value or constant of the file may have this name. */
static bool is_taken(const struct gn_onnx *onnx, const char *name)
{
    static const char *const own[] = { "input",  "image", "logits", "probabilities", "softmax",
                                       "image.", "crop.", "bgr.",   "resize.",       NULL };
    const struct gn_graph *g = onnx->net->graph;
    for (int i = 0; own[i] != NULL; i++) {
        const size_t n = strlen(own[i]);
        if (strcmp(own[i], name) == 0 || (own[i][n - 1] == '.' && strncmp(own[i], name, n) == 0))
            return true;
    }
    for (int i = 0; i < g->n_layers; i++)
        if (is_made_of(name, g->layers[i].name))
            return true;
    return false;
}

/* What a layer's value is called: as the layer, unless that is the name of something else. */
static void name_value(const struct gn_onnx *onnx, int layer)
{
    const struct gn_layer *l = &onnx->net->graph->layers[layer];
    char *name = onnx->value[layer];
    /* The ReLU of gn_conv_relu has no name that a reader knows; a second one of the same layer keeps
     * its own. */
    bool first = l->hidden;
    for (int i = 0; i < layer && first; i++) {
        const struct gn_layer *other = &onnx->net->graph->layers[i];
        first = !other->hidden || other->inputs[0] != l->inputs[0];
    }
    if (first)
        (void)snprintf(name, GN_ONNX_NAME, "%s.relu", onnx->net->graph->layers[l->inputs[0]].name);
    else
        (void)snprintf(name, GN_ONNX_NAME, is_taken(onnx, l->name) ? "%s.value" : "%s", l->name);
}

static gn_status write_node(struct gn_onnx *onnx, int layer, const struct gn_onnx_op *op)
{
    enum { MOST = GN_MAX_INPUTS + GN_LAYER_TENSORS + GN_ONNX_ATTRIBUTES };
    const struct gn_layer *l = &onnx->net->graph->layers[layer];
    char names[MOST][GN_ONNX_NAME];
    const char *inputs[MOST];
    int n = 0;
    for (; n < l->n_inputs; n++)
        (void)snprintf(names[n], GN_ONNX_NAME, "%s", onnx->value[l->inputs[n]]);
    bool maps = !op->takes_rows;
    for (int i = 0; i < l->n_inputs; i++)
        maps &= onnx->is_map[l->inputs[i]];
    for (int i = 0; i < l->n_inputs && !maps; i++) {
        char flat[GN_ONNX_NAME], own[GN_ONNX_NAME];
        if (!onnx->is_map[l->inputs[i]])
            continue;
        (void)snprintf(own, sizeof own, i == 0 ? "%s" : "%.60s.%d", l->name, i);
        gn_onnx_flatten(onnx, own, names[i], flat);
        memcpy(names[i], flat, sizeof flat);
    }
    onnx->is_map[layer] = maps;
    GN_TRY(write_tensors(onnx, layer, names, &n));
    const bool as_inputs = op->inputs_from > 0 && onnx->opset >= op->inputs_from;
    for (int i = 0; i < op->n && as_inputs; i++) {
        (void)snprintf(names[n++], GN_ONNX_NAME, "%s.%s", l->name, op->attributes[i].name);
        gn_onnx_floats(onnx, names[n - 1], &(float){ (float)op->attributes[i].real }, NULL, 0);
    }
    for (int i = 0; i < n; i++)
        inputs[i] = names[i];
    name_value(onnx, layer);
    const size_t node =
        gn_onnx_node(onnx, l->n_inputs == 2 && op->type_of_two != NULL ? op->type_of_two : op->type,
                     onnx->value[layer], onnx->value[layer], inputs, n);
    for (int i = 0; i < op->n && !as_inputs; i++)
        gn_onnx_write_attribute(onnx, &op->attributes[i]);
    gn_pb_end(&onnx->pb, node);
    return GN_OK;
}

static bool is_folded(const struct gn_onnx *onnx, int layer)
{
    const struct gn_layer *l = &onnx->net->graph->layers[layer];
    return l->n_inputs == 1 && onnx->folded[l->inputs[0]] == layer;
}

gn_status gn_onnx_write_layers(struct gn_onnx *onnx)
{
    const struct gn_graph *g = onnx->net->graph;
    find_folded(onnx);
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *l = &g->layers[i];
        struct gn_onnx_op op = { 0 };
        if (!onnx->live[i] || l->n_inputs == 0)
            continue;
        if (l->op->fuses == GN_FUSE_SAME || is_folded(onnx, i)) {
            memcpy(onnx->value[i], onnx->value[l->inputs[0]], GN_ONNX_NAME);
            onnx->is_map[i] = onnx->is_map[l->inputs[0]];
            continue;
        }
        if (l->op->fuses == GN_FUSE_BYTES) {
            name_value(onnx, i);
            onnx->is_map[i] = onnx->is_map[l->inputs[0]];
            gn_onnx_write_quantize(onnx, i);
            continue;
        }
        if (l->op->onnx != NULL)
            l->op->onnx(&l->window, gn_layer_attributes(l), &op);
        if (op.type == NULL || op.refused != NULL)
            GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: layer %s (%s) cannot be written as ONNX%s%s",
                    onnx->options->path, l->name, l->op->type, op.refused == NULL ? "" : ": ",
                    op.refused == NULL ? "" : op.refused);
        GN_TRY(write_node(onnx, i, &op));
    }
    return GN_OK;
}
