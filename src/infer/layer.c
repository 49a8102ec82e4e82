/* A layer by its name: what can be looked at in a network besides its answer. */
#include "infer/layer.h"

#include "base/words.h"
#include "plan/plan.h"

#include <string.h>

static bool is_row(const struct gn_layer *layer)
{
    return layer->n_inputs > 0 && !layer->hidden;
}

/* What the last dense layer before the answer reads; the answer, if there is none. */
static int features_of(const struct gn_net *net)
{
    const struct gn_graph *g = net->graph;
    bool live[GN_MAX_LAYERS] = { false };
    gn_graph_mark_live(g, net->output, live);
    for (int i = net->output; i > 0; i--)
        if (live[i] && g->layers[i].op->id == GN_OP_DENSE && g->layers[i].inputs[0] > 0)
            return g->layers[i].inputs[0];
    return net->output;
}

static gn_status unknown(const struct gn_graph *g, const char *name)
{
    const char *names[GN_MAX_LAYERS + 1] = { NULL };
    int n = 0;
    for (int i = 0; i < g->n_layers; i++)
        if (is_row(&g->layers[i]))
            names[n++] = g->layers[i].name;
    const char *nearest = gn_nearest(name, names);
    if (nearest != NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "layer: the network has none called \"%s\" (did you mean \"%s\"?)", name, nearest);
    GN_FAIL(GN_STATUS_BAD_ARGUMENT,
            "layer: the network has none called \"%s\" (summary lists them)", name);
}

gn_status gn_layer_index(const struct gn_net *net, const char *name, int *index)
{
    const struct gn_graph *g = net->graph;
    if (name == NULL) {
        *index = features_of(net);
        return GN_OK;
    }
    for (int i = 0; i < g->n_layers; i++) {
        if (!is_row(&g->layers[i]) || strcmp(g->layers[i].name, name) != 0)
            continue;
        *index = gn_focus_layer(g, i);
        return GN_OK;
    }
    return unknown(g, name);
}

static size_t values_of(const struct gn_layer *layer)
{
    return (size_t)layer->out.h * (size_t)layer->out.w * (size_t)layer->out.c;
}

void gn_net_up_to_index(const struct gn_net *net, int index, struct gn_net *view)
{
    *view = *net;
    view->output = index;
    view->classes = (int)values_of(&net->graph->layers[index]);
    view->labels = NULL;
}

gn_status gn_net_up_to(const struct gn_net *net, const char *name, struct gn_net *view)
{
    int index;
    GN_TRY(gn_layer_index(net, name, &index));
    gn_net_up_to_index(net, index, view);
    return GN_OK;
}

gn_status gn_find_layer(const gn_net *net, const char *name, struct gn_layer_info *info,
                        size_t *values)
{
    int index, row = -1;
    if (net == NULL)
        return gn_last_status();
    GN_TRY(gn_layer_index(net, name, &index));
    /* A hidden ReLU belongs to the row of what it reads. */
    const struct gn_layer *layer = &net->graph->layers[index];
    const int named = layer->hidden ? layer->inputs[0] : index;
    for (int i = 0; i <= named; i++)
        row += is_row(&net->graph->layers[i]);
    if (values != NULL)
        *values = values_of(layer);
    if (info == NULL)
        return GN_OK;
    if (row < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "layer: the network has none besides its input");
    return gn_net_layer(net, row, info);
}
