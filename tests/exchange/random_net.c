/* Inception networks by number: widths, depths, strides, windows, normalisations, sums, dropout. */
#include "exchange/random_net.h"

#include "base/random.h"
#include "net/net.h"
#include "support/check.h"

enum { MOST = 8 };

struct draws {
    uint64_t network, n;
};

/* From 0 to below `n`. */
static int draw(struct draws *d, int n)
{
    return (int)gn_random_below(3, GN_RANDOM_TEST, d->network, d->n++, (uint64_t)n);
}

/* A convolution with the ReLU and perhaps a normalisation or a window that is not square. */
static gn_node unit(gn_graph *g, struct draws *d, gn_node x, int kernel, int stride)
{
    const bool norm = draw(d, 3) == 0, wide = kernel > 1 && draw(d, 4) == 0;
    x = gn_conv(g, x, 1 + draw(d, MOST), .kernel_h = wide ? 1 : kernel, .kernel_w = kernel,
                .stride_h = stride, .stride_w = stride, .no_bias = norm);
    if (norm)
        x = gn_batch_norm(g, x, .eps = 1e-3);
    return draw(d, 8) == 0 ? x : gn_relu(g, x);
}

static gn_node pool(gn_graph *g, struct draws *d, gn_node x, int stride)
{
    const struct gn_pool_options o = { .kernel = 3,
                                       .stride = stride,
                                       .count_padding = draw(d, 2) == 0 };
    if (draw(d, 3) == 0)
        return gn_avg_pool_with(g, x, &o);
    return gn_max_pool(g, x, 3, stride);
}

static gn_node block(gn_graph *g, struct draws *d, gn_node x)
{
    gn_node paths[4];
    int n = 0;
    paths[n++] = unit(g, d, x, 1, 1);
    paths[n++] = unit(g, d, unit(g, d, x, 1, 1), 3, 1);
    if (draw(d, 4) > 0)
        paths[n++] = unit(g, d, unit(g, d, x, 1, 1), draw(d, 2) == 0 ? 5 : 3, 1);
    if (draw(d, 4) > 0)
        paths[n++] = unit(g, d, pool(g, d, x, 1), 1, 1);
    gn_node y = gn_concat(g, paths, n, NULL);
    if (draw(d, 4) == 0)
        y = gn_relu(g, gn_sum(g, (const gn_node[]){ y, gn_max_pool(g, y, 3, 1) }, 2, NULL));
    return y;
}

gn_net *test_random_network(int number)
{
    struct draws d = { (uint64_t)number, 0 };
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, 24 + draw(&d, 9), 24 + draw(&d, 9), draw(&d, 2) == 0 ? 1 : 3);
    x = unit(g, &d, x, 3 + 2 * draw(&d, 3), 1 + draw(&d, 2));
    if (draw(&d, 3) == 0)
        x = gn_lrn(g, x, 3);
    for (int stage = 1 + draw(&d, 3); stage > 0; stage--) {
        x = pool(g, &d, x, 2);
        for (int i = 1 + draw(&d, 2); i > 0; i--)
            x = block(g, &d, x);
    }
    const bool is_large = x.id >= 0 && (g->layers[x.id].out.h > 8 || g->layers[x.id].out.w > 8);
    if (draw(&d, 3) > 0 || is_large)
        x = gn_global_avg_pool(g, x);
    if (draw(&d, 2) == 0)
        x = gn_dropout(g, x, 0.3, NULL);
    if (draw(&d, 3) == 0)
        x = gn_relu(g, gn_dense(g, x, 9, "hidden"));
    gn_net *net = gn_compile(g, gn_dense(g, x, 4, "logits"), (uint64_t)number);
    if (net == NULL)
        fail_msg("network %d: %s", number, gn_error_message());
    for (int t = 0; t < net->graph->n_tensors; t++) { /* statistics and biases, too */
        const struct gn_tensor *tensor = &net->graph->tensors[t];
        for (size_t k = 0; !tensor->is_kernel && k < tensor->count; k++)
            net->params[tensor->offset + k] =
                0.2F * gn_random_unit(9, GN_RANDOM_TEST, (uint64_t)t, k) + (float)tensor->constant;
    }
    return net;
}
