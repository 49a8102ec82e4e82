/* Random networks of all layers, with windows, strides and pads of any shape. */
#include "formats/random_net.h"

#include "base/random.h"
#include "graph/graph.h"
#include "support/check.h"

enum { MOST_OPEN = 5 };

struct maker {
    gn_graph *g;
    uint64_t seed, draws;
    gn_node open[MOST_OPEN]; /* nodes that nothing has read yet */
    int n_open;
};

static int draw(struct maker *m, int low, int high)
{
    return low + (int)gn_random_below(m->seed, GN_RANDOM_TEST, 77, m->draws++,
                                      (uint32_t)(high - low + 1));
}

static gn_node convolution(struct maker *m, gn_node x)
{
    struct gn_conv_options o = { .channels = draw(m, 1, 9) };
    int kernel[2], stride[2];
    for (int i = 0; i < 2; i++) {
        kernel[i] = draw(m, 1, 5);
        stride[i] = draw(m, 1, 4) == 1 ? 2 : 1;
    }
    if (draw(m, 0, 1) == 1) {
        kernel[1] = kernel[0];
        o.kernel = kernel[0];
        o.stride = stride[0];
    } else {
        o.kernel_h = kernel[0];
        o.kernel_w = kernel[1];
        o.stride_h = stride[0];
        o.stride_w = stride[1];
    }
    if (draw(m, 0, 1) == 1) {
        o.explicit_pads = true;
        o.pad_top = kernel[0] / 2;
        o.pad_bottom = draw(m, kernel[0] / 4, kernel[0] / 2);
        o.pad_left = kernel[1] / 2;
        o.pad_right = draw(m, kernel[1] / 4, kernel[1] / 2);
    }
    gn_initialize(m->g, (gn_initial)draw(m, 0, 2), 0.125 * draw(m, 0, 2), 0.1 * draw(m, -1, 1));
    switch (draw(m, 0, 3)) {
    case 0:
        return gn_conv_with(m->g, x, &o);
    case 1:
        o.no_bias = true;
        x = gn_batch_norm(m->g, gn_conv_with(m->g, x, &o), .unbiased = draw(m, 0, 1) == 1,
                          .eps = 0.1 * draw(m, 0, 3), .momentum = 0.3 * draw(m, 0, 2));
        return gn_relu(m->g, x);
    default:
        return gn_conv_relu_with(m->g, x, &o);
    }
}

static gn_node pool(struct maker *m, gn_node x)
{
    struct gn_pool_options o = { .kernel = draw(m, 2, 3), .stride = draw(m, 1, 2) };
    if (draw(m, 0, 1) == 1) {
        o = (struct gn_pool_options){ .kernel_h = draw(m, 1, 3), .kernel_w = draw(m, 2, 3) };
        o.stride_h = draw(m, 1, 2);
        o.stride_w = draw(m, 1, 2);
    }
    if (draw(m, 0, 1) == 1) {
        o.explicit_pads = true;
        o.pad_top = o.kernel_h == 1 ? 0 : draw(m, 0, 1);
        o.pad_left = draw(m, 0, 1);
        o.pad_bottom = o.kernel_h == 1 ? 0 : draw(m, 0, 1);
        o.pad_right = draw(m, 0, 1);
        o.ceil = draw(m, 0, 1) == 1;
    }
    if (draw(m, 0, 1) == 1)
        return gn_max_pool_with(m->g, x, &o);
    o.count_padding = !o.ceil && draw(m, 0, 1) == 1;
    return gn_avg_pool_with(m->g, x, &o);
}

/* Some layer after x, under a name of its own now and then. */
static gn_node some_layer(struct maker *m, gn_node x, int step)
{
    char name[32];
    (void)snprintf(name, sizeof name, "block %d \xc3\xbc\"", step);
    switch (draw(m, 0, 9)) {
    case 0:
        return gn_lrn(m->g, x, draw(m, 0, 2) * 2 + 1, .alpha = 0.01 * draw(m, 0, 3));
    case 1:
        return gn_dropout(m->g, x, 0.1 * draw(m, 0, 5), name);
    case 2:
        return gn_batch_norm(m->g, x, .name = draw(m, 0, 1) == 1 ? name : NULL);
    case 3:
        return gn_inception(m->g, x, name, draw(m, 1, 5), (gn_pair){ 2, draw(m, 1, 5) },
                            (gn_pair){ 1, 3 }, 2);
    case 4:
    case 5:
        return pool(m, x);
    default:
        return convolution(m, x);
    }
}

/* Takes one of the open nodes away. */
static gn_node take(struct maker *m, int i)
{
    const gn_node x = m->open[i];
    m->open[i] = m->open[--m->n_open];
    return x;
}

/* A number for the way from the input to layer i, as far as it changes the size: maps of equal numbers
 * have equal sizes, whatever the size of the input. */
static uint64_t size_class(const struct gn_graph *g, int i)
{
    static const char *const names[] = { "stride",     "stride_h", "stride_w",  "explicit_pads",
                                         "kernel",     "kernel_h", "kernel_w",  "pad_top",
                                         "pad_bottom", "pad_left", "pad_right", "ceil" };
    if (i < 0)
        return 0; /* the graph has an error */
    const struct gn_layer *layer = &g->layers[i];
    if (layer->n_inputs == 0)
        return 1;
    const uint64_t before = size_class(g, layer->inputs[0]);
    uint64_t after = before;
    bool changes = false;
    for (size_t n = 0; n < sizeof names / sizeof names[0] && layer->op->has_window; n++)
        for (int a = 0; a < layer->op->n_attributes; a++) {
            if (strcmp(layer->op->attributes[a].name, names[n]) != 0)
                continue;
            const double value = gn_attribute_value(&layer->op->attributes[a], layer->attributes);
            after = after * 131 + (uint64_t)value;
            changes |= (n < 3 && value > 1) || (n == 3 && value > 0);
        }
    return changes ? after : before;
}

/* Joins the first two open nodes of equal size, so that concatenations nest. */
static void join(struct maker *m)
{
    for (int i = 0; i < m->n_open; i++)
        for (int k = i + 1; k < m->n_open; k++) {
            if (size_class(m->g, m->open[i].id) != size_class(m->g, m->open[k].id))
                continue;
            const gn_node both[2] = { take(m, k), take(m, i) };
            m->open[m->n_open++] = gn_concat(m->g, both, 2, NULL);
            return;
        }
}

static void head(struct maker *m, gn_node x, int i)
{
    char name[16];
    (void)snprintf(name, sizeof name, "side%d", i);
    gn_stage(m->g, name);
    x = gn_conv_relu(m->g, gn_avg_pool(m->g, x, 0, .adaptive = 2), 3, .kernel = 1);
    x = gn_dropout(m->g, gn_relu(m->g, gn_dense(m->g, x, 6, NULL)), 0.5, NULL);
    gn_head(m->g, gn_dense(m->g, x, RANDOM_CLASSES, "logits"), 0.1 * draw(m, 1, 5), name);
}

/* NULL when a window is larger than its map. */
static gn_net *try_net(uint64_t seed, int h, int w)
{
    struct maker m = { .g = gn_graph_create(), .seed = seed };
    m.open[m.n_open++] = gn_input(m.g, h, w, draw(&m, 1, 4));
    const int steps = draw(&m, 4, 14), heads = draw(&m, 0, 2);
    gn_node inner = m.open[0];
    for (int i = 0; i < steps; i++) {
        if (draw(&m, 0, 3) == 0)
            gn_stage(m.g, draw(&m, 0, 3) == 0 ? NULL : i % 2 == 0 ? "even" : "odd");
        const gn_node x = take(&m, draw(&m, 0, m.n_open - 1));
        m.open[m.n_open++] = inner = some_layer(&m, x, i);
        if (m.n_open < MOST_OPEN && draw(&m, 0, 1) == 1)
            m.open[m.n_open++] = some_layer(&m, x, i + 100);
        if (draw(&m, 0, 1) == 1)
            join(&m);
    }
    gn_stage(m.g, NULL);
    for (int i = 0; i < m.n_open; i++)
        m.open[i] = gn_global_avg_pool(m.g, m.open[i]);
    const gn_node x = gn_concat(m.g, m.open, m.n_open, "all");
    const gn_node answer = gn_dense(m.g, x, RANDOM_CLASSES, "answer");
    for (int i = 0; i < heads; i++)
        head(&m, inner, i);
    gn_stage(m.g, NULL);
    return gn_compile(m.g, answer, seed);
}

/* The seed of network i: one with which the smallest input is possible. */
static uint64_t seed_of(int i)
{
    static uint64_t seeds[RANDOM_NETS + 1], next;
    static int n;
    while (n <= i) {
        gn_net *net = try_net(next, RANDOM_LEAST, RANDOM_LEAST);
        if (net != NULL)
            seeds[n++] = next;
        else
            check_error(GN_STATUS_BAD_SHAPE, "exceeds the padded input");
        gn_free_net(net);
        next++;
    }
    return seeds[i];
}

gn_net *random_net(int i, int h, int w)
{
    assert_true(i <= RANDOM_NETS && h >= RANDOM_LEAST && w >= RANDOM_LEAST);
    const uint64_t seed = seed_of(i);
    gn_net *net = try_net(seed, h, w);
    if (net == NULL)
        fail_msg("network %d: %s", (int)seed, gn_error_message());
    return net;
}
