/*
 * Shapes are not part of a graph's description, so another input needs nothing but the layers added
 * again. The number of classes is the width of the layers that make logits.
 */
#include "graph/derive.h"

#include <string.h>

/* The layer whose attributes say how many values layer i has for a pixel; -1: more than one, or the
 * input. */
static int width_layer(const struct gn_graph *g, int i)
{
    while (g->layers[i].n_inputs == 1 && !g->layers[i].op->multiplies)
        i = g->layers[i].inputs[0];
    return g->layers[i].op->multiplies ? i : -1;
}

/* Node number k of those that give logits: the answer, then the heads. */
static int logits_node(const struct gn_graph *g, gn_node output, int k)
{
    return k == 0 ? output.id : g->heads[k - 1].layer;
}

void gn_graph_mark_logits(const struct gn_graph *g, gn_node output, bool *marked)
{
    for (int k = 0; k <= g->n_heads; k++) {
        int i = logits_node(g, output, k);
        const int first = width_layer(g, i);
        for (; first >= 0 && i != first; i = g->layers[i].inputs[0])
            marked[i] = true;
        if (first >= 0)
            marked[first] = true;
    }
}

void gn_graph_mark_heads_only(const struct gn_graph *g, gn_node output, bool *marked)
{
    bool answer[GN_MAX_LAYERS] = { false };
    gn_graph_mark_live(g, output.id, answer);
    for (int h = 0; h < g->n_heads; h++)
        gn_graph_mark_live(g, g->heads[h].layer, marked);
    for (int i = 0; i < g->n_layers; i++)
        marked[i] = marked[i] && !answer[i];
}

/* Sets an attribute by its name; false: the operator has none such. */
static bool set(const struct gn_operator *op, void *attributes, const char *name, int value)
{
    for (int i = 0; i < op->n_attributes; i++)
        if (strcmp(op->attributes[i].name, name) == 0)
            return gn_attribute_set(&op->attributes[i], attributes, value);
    return false;
}

/* A copy in the making. */
struct copy {
    const struct gn_graph *from;
    const struct gn_graph_changes *changes;
    gn_graph *to;
    bool wide[GN_MAX_LAYERS]; /* has as many channels or units as there are classes */
    bool dropped[GN_MAX_LAYERS];
    gn_node nodes[GN_MAX_LAYERS]; /* by layer of `from` */
};

static gn_status mark_wide(struct copy *c, gn_node output)
{
    const struct gn_graph *g = c->from;
    const int heads = c->changes->drop_heads ? 0 : g->n_heads;
    if (c->changes->classes == 0 || c->changes->classes == g->layers[output.id].out.c)
        return GN_OK;
    for (int k = 0; k <= heads; k++) {
        const int end = logits_node(g, output, k), i = width_layer(g, end);
        if (i < 0)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "%s: the number of classes cannot become %d, because no single convolution or "
                    "dense layer makes the logits",
                    g->layers[end].name, c->changes->classes);
        c->wide[i] = true;
    }
    return GN_OK;
}

gn_node gn_graph_append_like(gn_graph *to, const struct gn_layer *layer, const gn_node *nodes,
                             const void *attributes)
{
    gn_node inputs[GN_MAX_INPUTS];
    for (int k = 0; k < layer->n_inputs; k++)
        inputs[k] = nodes[layer->inputs[k]];
    return gn_graph_append(to, &(struct gn_layer_spec){ .op = layer->op,
                                                        .name = layer->name,
                                                        .owner = layer->owner,
                                                        .stage = layer->stage,
                                                        .hidden = layer->hidden,
                                                        .inputs = inputs,
                                                        .n_inputs = layer->n_inputs,
                                                        .attributes = attributes,
                                                        .initial = layer->initial });
}

static void copy_layer(struct copy *c, int i)
{
    const struct gn_graph_changes *changes = c->changes;
    const struct gn_layer *layer = &c->from->layers[i];
    alignas(double) unsigned char attributes[GN_ATTRIBUTE_BYTES];
    memcpy(attributes, layer->attributes, sizeof attributes);
    if (layer->n_inputs == 0) {
        if (changes->height != 0)
            (void)set(layer->op, attributes, "height", changes->height);
        if (changes->width != 0)
            (void)set(layer->op, attributes, "width", changes->width);
        if (changes->channels != 0)
            (void)set(layer->op, attributes, "channels", changes->channels);
    }
    if (c->wide[i] && !set(layer->op, attributes, "units", changes->classes))
        (void)set(layer->op, attributes, "channels", changes->classes);
    c->nodes[i] = gn_graph_append_like(c->to, layer, c->nodes, attributes);
}

/* The first error of the copy, if there is one. */
static gn_status copy_layers(struct copy *c, gn_node output)
{
    const struct gn_graph *g = c->from;
    GN_TRY(mark_wide(c, output));
    if (c->changes->drop_heads)
        gn_graph_mark_heads_only(g, output, c->dropped);
    for (int s = 0; s < g->n_stages; s++)
        gn_stage(c->to, g->stages[s]);
    for (int i = 0; i < g->n_layers; i++)
        if (!c->dropped[i])
            copy_layer(c, i);
    for (int h = 0; h < g->n_heads && !c->changes->drop_heads; h++)
        gn_head(c->to, c->nodes[g->heads[h].layer], g->heads[h].weight, g->heads[h].name);
    gn_stage(c->to, NULL);
    return c->to->status == GN_OK ? GN_OK : gn_fail(c->to->status, "%s", c->to->message);
}

gn_graph *gn_graph_derive(const struct gn_graph *graph, const struct gn_graph_changes *changes,
                          gn_node *output)
{
    struct copy c = { .from = graph, .changes = changes, .to = gn_graph_create() };
    if (c.to == NULL)
        return NULL;
    if (copy_layers(&c, *output) != GN_OK) {
        gn_graph_free(c.to);
        return NULL;
    }
    *output = c.nodes[output->id];
    return c.to;
}
