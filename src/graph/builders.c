/* The builders of the public header: each is a line to the generic one. They check shapes and
 * compute nothing. */
#include "graph/graph.h"
#include "ops/attributes.h"

#include <string.h>

/* The name that options ask for; NULL: none. */
#define NAME_OF(options) ((options) == NULL ? NULL : (options)->name)

gn_node gn_input(gn_graph *g, int height, int width, int channels)
{
    const struct gn_input_attributes a = { height, width, channels };
    return gn_graph_add(g, &gn_op_input, "input", NULL, 0, &a);
}

gn_node gn_conv_with(gn_graph *g, gn_node x, const struct gn_conv_options *options)
{
    return gn_graph_add(g, &gn_op_conv, NAME_OF(options), &x, 1, options);
}

gn_node gn_relu(gn_graph *g, gn_node x)
{
    return gn_graph_add(g, &gn_op_relu, NULL, &x, 1, NULL);
}

gn_node gn_clip(gn_graph *g, gn_node x, double low, double high, const char *name)
{
    const struct gn_clip_attributes a = { low, high };
    return gn_graph_add(g, &gn_op_clip, name, &x, 1, &a);
}

gn_node gn_conv_relu_with(gn_graph *g, gn_node x, const struct gn_conv_options *options)
{
    const gn_node y = gn_relu(g, gn_conv_with(g, x, options));
    if (y.id >= 0)
        g->layers[y.id].hidden = true;
    return y;
}

gn_node gn_max_pool_with(gn_graph *g, gn_node x, const struct gn_pool_options *options)
{
    return gn_graph_add(g, &gn_op_max_pool, NAME_OF(options), &x, 1, options);
}

gn_node gn_avg_pool_with(gn_graph *g, gn_node x, const struct gn_pool_options *options)
{
    return gn_graph_add(g, &gn_op_avg_pool, NAME_OF(options), &x, 1, options);
}

gn_node gn_global_avg_pool(gn_graph *g, gn_node x)
{
    return gn_graph_add(g, &gn_op_global_avg_pool, NULL, &x, 1, NULL);
}

/* A normalisation without a name takes that of the convolution before it: "conv.norm", and its
 * tensors carry the convolution's name, like the bias that they replace. */
gn_node gn_batch_norm_with(gn_graph *g, gn_node x, const struct gn_norm_options *options)
{
    char name[2 * GN_NAME_BYTES + 8];
    const bool follows_conv = g != NULL && g->status == GN_OK && NAME_OF(options) == NULL &&
                              x.id >= 0 && x.id < g->n_layers && g->layers[x.id].op->takes_norm;
    if (!follows_conv)
        return gn_graph_add(g, &gn_op_batch_norm, NAME_OF(options), &x, 1, options);
    const struct gn_layer *conv = &g->layers[x.id];
    if (g->stage < 0 || conv->stage == g->stage)
        (void)snprintf(name, sizeof name, "%s.norm", conv->name);
    else
        (void)snprintf(name, sizeof name, "%.60s.%s.norm", g->stages[g->stage], conv->name);
    if (strlen(name) + 8 > GN_NAME_BYTES)
        return GN_STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: the name is longer than %d bytes", name,
                        GN_NAME_BYTES - 8);
    return gn_graph_append(g, &(struct gn_layer_spec){ .op = &gn_op_batch_norm,
                                                       .name = name,
                                                       .owner = conv->name,
                                                       .stage = g->stage,
                                                       .inputs = &x,
                                                       .n_inputs = 1,
                                                       .attributes = options,
                                                       .initial = g->initial });
}

gn_node gn_lrn_with(gn_graph *g, gn_node x, const struct gn_lrn_options *options)
{
    return gn_graph_add(g, &gn_op_lrn, NAME_OF(options), &x, 1, options);
}

gn_node gn_dropout(gn_graph *g, gn_node x, double rate, const char *name)
{
    const struct gn_dropout_attributes a = { rate };
    return gn_graph_add(g, &gn_op_dropout, name, &x, 1, &a);
}

gn_node gn_concat(gn_graph *g, const gn_node *nodes, int n, const char *name)
{
    return gn_graph_add(g, &gn_op_concat, name, nodes, n, NULL);
}

gn_node gn_sum(gn_graph *g, const gn_node *nodes, int n, const char *name)
{
    return gn_graph_add(g, &gn_op_sum, name, nodes, n, NULL);
}

gn_node gn_dense(gn_graph *g, gn_node x, int units, const char *name)
{
    const struct gn_dense_attributes a = { units };
    return gn_graph_add(g, &gn_op_dense, name, &x, 1, &a);
}

void gn_initialize(gn_graph *g, gn_initial kernels, double deviation, double biases)
{
    if (g == NULL || g->status != GN_OK)
        return;
    if ((int)kernels < 0 || kernels > GN_INITIAL_NORMAL || !(deviation >= 0) || deviation > 1e6 ||
        !(biases >= -1e6) || biases > 1e6) {
        (void)GN_STICK(
            g, GN_STATUS_BAD_ARGUMENT,
            "gn_initialize: rule number %d, deviation %g, biases %g (rules 0 to %d, finite "
            "numbers)",
            (int)kernels, deviation, biases, (int)GN_INITIAL_NORMAL);
        return;
    }
    g->initial = (struct gn_initialization){ kernels, deviation, biases };
}

void gn_head(gn_graph *g, gn_node logits, double weight, const char *name)
{
    if (g == NULL || g->status != GN_OK)
        return;
    const char *known = name == NULL ? "head" : name;
    if (g->n_heads == GN_MAX_HEADS)
        (void)GN_STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: a network has at most %d auxiliary heads",
                       known, (int)GN_MAX_HEADS);
    else if (logits.id < 0 || logits.id >= g->n_layers)
        (void)GN_STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: its logits are not a node of this graph",
                       known);
    else if (!(weight > 0) || weight > 1e6)
        (void)GN_STICK(g, GN_STATUS_BAD_ARGUMENT, "%s: a loss weight of %g (above 0, finite)",
                       known, weight);
    else if (!gn_is_name(known))
        (void)GN_STICK(g, GN_STATUS_BAD_ARGUMENT,
                       "%s: a head's name is UTF-8 without control characters, of at most %d bytes",
                       known, GN_NAME_BYTES - 1);
    if (g->status != GN_OK)
        return;
    struct gn_head *head = &g->heads[g->n_heads++];
    *head = (struct gn_head){ .layer = logits.id, .weight = weight };
    (void)snprintf(head->name, sizeof head->name, "%s", known);
}
