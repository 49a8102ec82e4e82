/* The network without its normalisations, as a plan for prediction folds them. */
#include "infer/quantize/quantize.h"

#include "base/memory.h"
#include "graph/derive.h"
#include "ops/kernels.h"

#include <string.h>

gn_net *gn_quantize_net(gn_graph *graph, gn_node output, const gn_net *like)
{
    gn_net *net = gn_net_create(graph, output);
    if (net == NULL)
        return NULL;
    memcpy(net->preset, like->preset, sizeof net->preset);
    net->resize = like->resize;
    net->resize_is_given = like->resize_is_given;
    gn_net_take_pixels(net, &like->pixels, like->input);
    gn_status status = gn_net_reserve(net);
    if (status == GN_OK && like->labels != NULL)
        status = gn_net_set_labels(net, (const char *const *)like->labels, like->classes);
    if (status == GN_OK)
        return net;
    gn_free_net(net);
    return NULL;
}

struct fold {
    const gn_net *from;
    bool live[GN_MAX_LAYERS];
    int norm[GN_MAX_LAYERS]; /* what becomes part of a layer; -1: nothing */
    bool gone[GN_MAX_LAYERS];
    gn_node nodes[GN_MAX_LAYERS];
};

static void find_norms(struct fold *f)
{
    const struct gn_graph *g = f->from->graph;
    int readers[GN_MAX_LAYERS] = { 0 };
    for (int i = 0; i < g->n_layers; i++)
        for (int k = 0; f->live[i] && k < g->layers[i].n_inputs; k++)
            readers[g->layers[i].inputs[k]]++;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *layer = &g->layers[i];
        const int in = layer->n_inputs > 0 ? layer->inputs[0] : -1;
        f->norm[i] = -1;
        if (!f->live[i] || layer->op->fuses != GN_FUSE_NORM || !g->layers[in].op->takes_norm ||
            readers[in] != 1 || in == f->from->output)
            continue;
        f->norm[in] = i;
        f->gone[i] = true;
    }
}

static void add_layer(struct fold *f, gn_graph *to, int i)
{
    const struct gn_layer *layer = &f->from->graph->layers[i];
    alignas(double) unsigned char attributes[GN_ATTRIBUTE_BYTES];
    memcpy(attributes, layer->attributes, sizeof attributes);
    if (f->norm[i] >= 0 && layer->op->id == GN_OP_CONV)
        ((struct gn_conv_options *)(void *)attributes)->no_bias = false;
    f->nodes[i] = gn_graph_append_like(to, layer, f->nodes, attributes);
}

/* Weights and bias of layer i with the normalisation after it, into those of layer `to`. */
static gn_status fold_weights(const struct fold *f, int i, const gn_net *net)
{
    const struct gn_graph *g = f->from->graph;
    const struct gn_layer *l = &g->layers[i], *n = &g->layers[f->norm[i]];
    const struct gn_layer *to = &net->graph->layers[f->nodes[i].id];
    const struct gn_kernel *row = gn_reference_kernels()->table[n->op->id];
    const struct gn_kernel *kernels[] = { &row[GN_PASS_FOLD], &row[GN_PASS_FOLD_BIAS] };
    const int tensors[] = { to->weight, to->bias };
    const struct gn_run run = { .n = 1, .batch = 1 };
    struct gn_args a = { .g = l->window, .attributes = gn_layer_attributes(n) };
    a.w = gn_quantize_values(f->from, l->weight);
    a.b = l->bias < 0 ? NULL : gn_quantize_values(f->from, l->bias);
    for (int t = 0; t < GN_LAYER_TENSORS; t++)
        if (n->tensors[t] >= 0)
            a.tensors[t] = gn_quantize_values(f->from, n->tensors[t]);
    for (int k = 0; k < 2; k++) {
        const size_t bytes = kernels[k]->scratch_bytes == NULL ? 0 : kernels[k]->scratch_bytes(&a);
        void *scratch = gn_alloc(bytes + 1, "weights of a quantised model");
        if (scratch == NULL)
            return gn_last_status();
        a.y = (struct gn_view){ gn_quantize_values(net, tensors[k]), l->window.oc };
        for (int unit = 0; unit < kernels[k]->units(&a, &run); unit++)
            kernels[k]->run(&a, &run, unit, scratch);
        gn_free(scratch);
    }
    return GN_OK;
}

static gn_status copy_weights(const struct fold *f, const gn_net *net)
{
    const struct gn_graph *g = f->from->graph;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *from = &g->layers[i];
        if (!f->live[i] || f->gone[i])
            continue;
        const struct gn_layer *to = &net->graph->layers[f->nodes[i].id];
        if (f->norm[i] >= 0) {
            GN_TRY(fold_weights(f, i, net));
            continue;
        }
        for (int t = 0; t < GN_LAYER_TENSORS; t++)
            if (from->tensors[t] >= 0)
                memcpy(gn_quantize_values(net, to->tensors[t]),
                       gn_quantize_values(f->from, from->tensors[t]),
                       g->tensors[from->tensors[t]].count * sizeof(float));
    }
    return GN_OK;
}

static gn_graph *make_graph(struct fold *f)
{
    const struct gn_graph *g = f->from->graph;
    gn_graph *to = gn_graph_create();
    if (to == NULL)
        return NULL;
    for (int s = 0; s < g->n_stages; s++)
        gn_stage(to, g->stages[s]);
    gn_stage(to, NULL);
    for (int i = 0; i < g->n_layers; i++) {
        if (f->gone[i])
            f->nodes[i] = f->nodes[g->layers[i].inputs[0]];
        else if (f->live[i])
            add_layer(f, to, i);
    }
    return to;
}

gn_net *gn_quantize_fold(const gn_net *net)
{
    struct fold f = { .from = net };
    gn_graph_mark_live(net->graph, net->output, f.live);
    find_norms(&f);
    gn_graph *graph = make_graph(&f);
    gn_net *folded = graph == NULL ? NULL : gn_quantize_net(graph, f.nodes[net->output], net);
    if (folded == NULL || copy_weights(&f, folded) == GN_OK)
        return folded;
    gn_free_net(folded);
    return NULL;
}
