/* A network: a finished graph with the values of its parameters. */
#include "base/crc32c.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "net/net.h"

#include <math.h>
#include <string.h>

/* Glorot and Bengio's limit, or Caffe's "xavier" (include/caffe/filler.hpp). */
static void draw_uniform(const struct gn_tensor *t, uint64_t seed, uint64_t stream, float *values)
{
    const float limit = (float)sqrt(
        t->initial == GN_INITIAL_XAVIER ? 3.0 / t->fan_in : 6.0 / (t->fan_in + t->fan_out));
    for (size_t k = 0; k < t->count; k++)
        values[k] = limit * (2 * gn_random_unit(seed, GN_RANDOM_INIT, stream, k) - 1);
}

/* Box and Muller's transform of two draws for each value. */
static void draw_normal(const struct gn_tensor *t, uint64_t seed, uint64_t stream, float *values)
{
    for (size_t k = 0; k < t->count; k++) {
        const double u = 1 - (double)gn_random_unit(seed, GN_RANDOM_INIT, stream, 2 * k);
        const double angle =
            6.283185307179586 * (double)gn_random_unit(seed, GN_RANDOM_INIT, stream, 2 * k + 1);
        values[k] = (float)(t->deviation * sqrt(-2 * log(u)) * cos(angle));
    }
}

void gn_net_init(struct gn_net *net, uint64_t seed)
{
    const struct gn_graph *g = net->graph;
    const int threads = gn_usable_threads(NULL);
    memset(net->params, 0, g->n_floats * sizeof(float));
    /* One team for all tensors: threads that wait for each other behind every one would spin while
     * data are read beside them. */
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (g->n_floats > 65536)
    for (int i = 0; i < g->n_tensors; i++) {
        const struct gn_tensor *t = &g->tensors[i];
        float *values = net->params + t->offset;
        if (t->is_kernel && t->initial == GN_INITIAL_NORMAL)
            draw_normal(t, seed, (uint64_t)i, values);
        else if (t->is_kernel)
            draw_uniform(t, seed, (uint64_t)i, values);
        for (size_t k = 0; !t->is_kernel && k < t->count; k++)
            values[k] = (float)t->constant;
    }
}

/* The one input layer's shape; false when there is none or more than one. */
static bool find_input(const struct gn_graph *g, struct gn_shape *input)
{
    int n = 0;
    for (int i = 0; i < g->n_layers; i++) {
        if (g->layers[i].op == GN_OP_INPUT) {
            *input = g->layers[i].out;
            n++;
        }
    }
    return n == 1;
}

/* Nothing may read the logits of a head or of the answer: each has the gradient of its loss alone. */
static gn_status check_heads(const struct gn_graph *g, gn_node output)
{
    const int classes = g->layers[output.id].out.c;
    for (int h = 0; h < g->n_heads; h++) {
        const struct gn_head *head = &g->heads[h];
        const struct gn_shape s = g->layers[head->layer].out;
        if (s.h != 1 || s.w != 1 || s.c != classes)
            GN_FAIL(GN_STATUS_BAD_SHAPE,
                    "%s: an auxiliary head has as many logits as the answer, %d; it is %dx%dx%d",
                    head->name, classes, s.h, s.w, s.c);
        bool others[GN_MAX_LAYERS] = { false }, own[GN_MAX_LAYERS] = { false };
        gn_graph_mark_live(g, output.id, others);
        for (int k = 0; k < g->n_heads; k++)
            if (k != h)
                gn_graph_mark_live(g, g->heads[k].layer, others);
        gn_graph_mark_live(g, head->layer, own);
        if (others[head->layer] || own[output.id])
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "%s: an auxiliary head ends in a layer of its own, which no other reads",
                    head->name);
    }
    return GN_OK;
}

static gn_status check_graph(const struct gn_graph *g, gn_node output, struct gn_shape *input)
{
    if (g->status != GN_OK)
        return gn_fail(g->status, "%s", g->message);
    if (output.id < 0 || output.id >= g->n_layers)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "gn_compile: the output is not a node of this graph");
    if (!find_input(g, input))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "gn_compile: a network has exactly one input");
    const struct gn_layer *last = &g->layers[output.id];
    if (last->out.h != 1 || last->out.w != 1)
        GN_FAIL(GN_STATUS_BAD_SHAPE,
                "%s: the answer must be a vector of logits, it is %dx%dx%d (pool it, then dense)",
                last->name, last->out.h, last->out.w, last->out.c);
    return check_heads(g, output);
}

gn_net *gn_net_create(gn_graph *graph, gn_node output)
{
    if (graph == NULL) {
        (void)gn_last_status();
        return NULL;
    }
    struct gn_shape input;
    gn_net *net = NULL;
    if (check_graph(graph, output, &input) == GN_OK)
        net = gn_calloc(1, sizeof *net, "a network");
    if (net != NULL)
        net->params = gn_calloc(graph->n_floats + 1, sizeof(float), "parameters");
    if (net == NULL || net->params == NULL) {
        gn_free(net);
        gn_graph_free(graph);
        return NULL;
    }
    net->graph = graph;
    net->output = output.id;
    net->input = input;
    net->classes = graph->layers[output.id].out.c;
    net->resize = GN_RESIZE_TF1_LEGACY;
    (void)snprintf(net->preset, sizeof net->preset, "custom");
    return net;
}

gn_net *gn_compile(gn_graph *graph, gn_node output, uint64_t seed)
{
    gn_net *net = gn_net_create(graph, output);
    if (net != NULL)
        gn_net_init(net, seed);
    return net;
}

static void free_labels(gn_net *net)
{
    for (int i = 0; net->labels != NULL && i < net->classes; i++)
        gn_free(net->labels[i]);
    gn_free(net->labels);
    net->labels = NULL;
}

void gn_free_net(gn_net *net)
{
    if (net == NULL)
        return;
    free_labels(net);
    gn_graph_free(net->graph);
    gn_free(net->params);
    gn_free(net->description);
    gn_free(net);
}

const char *gn_net_head(const gn_net *net, int i)
{
    return net != NULL && i >= 0 && i < net->graph->n_heads ? net->graph->heads[i].name : NULL;
}

gn_status gn_net_set_labels(gn_net *net, const char *const *labels, int n)
{
    if (net == NULL)
        return gn_last_status();
    if (labels != NULL && n != net->classes)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d labels for a network of %d classes", n, net->classes);
    char **copy = NULL;
    if (labels != NULL) {
        copy = gn_calloc((size_t)n, sizeof *copy, "labels");
        for (int i = 0; copy != NULL && i < n; i++) {
            copy[i] = gn_strdup(labels[i]);
            if (copy[i] == NULL) {
                while (i-- > 0)
                    gn_free(copy[i]);
                gn_free(copy);
                copy = NULL;
            }
        }
        if (copy == NULL)
            return gn_last_status();
    }
    free_labels(net);
    net->labels = copy;
    return GN_OK;
}

/* ---- Pixels ---- */

enum { COLOURS = 3, LONGEST_SIDE = 16384 };

static int longer_side(const gn_net *net)
{
    return net->input.h > net->input.w ? net->input.h : net->input.w;
}

/* Finite, and a deviation that divides. */
static bool is_normal(const struct gn_pixel_options *o, int channels)
{
    for (int i = 0; i < channels && i < COLOURS; i++)
        if (!isfinite(o->mean[i]) || !isfinite(o->deviation[i]) || !(o->deviation[i] > 0))
            return false;
    return channels <= COLOURS;
}

static bool is_affine(const struct gn_pixel_options *o, int channels)
{
    for (int i = 0; i < channels && i < COLOURS; i++)
        if (!isfinite(o->factor[i]) || !isfinite(o->summand[i]))
            return false;
    return channels <= COLOURS;
}

static gn_status check_pixels(const gn_net *net, const struct gn_pixel_options *o)
{
    const int size = longer_side(net), channels = net->input.c;
    if (o->short_side != 0 && (o->short_side < size || o->short_side > LONGEST_SIDE))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "short side of %d pixels: it must be at least the network's %d, and at most %d",
                o->short_side, size, LONGEST_SIDE);
    if (o->square && o->short_side == 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "square pictures need a short side, it is 0");
    if (o->bgr && channels != COLOURS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "blue, green, red is an order of 3 channels, the network has %d", channels);
    if (o->normalise && !is_normal(o, channels))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "normalisation: means must be finite and deviations above 0, for each of at most 3 "
                "channels");
    if (o->affine && !is_affine(o, channels))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "factors and summands must be finite, for each of at most 3 channels");
    return GN_OK;
}

/* A square of the network's size is nothing but the resize that takes place without it. */
static void store_pixels(gn_net *net, const struct gn_pixel_rule *rule)
{
    net->pixels = *rule;
    if (rule->square && rule->short_side == net->input.h && rule->short_side == net->input.w) {
        net->pixels.short_side = 0;
        net->pixels.square = false;
    }
}

void gn_net_take_pixels(struct gn_net *net, const struct gn_pixel_rule *rule, int size,
                        int channels)
{
    if (net->input.c != channels)
        return;
    struct gn_pixel_rule scaled = *rule;
    const int64_t side = (int64_t)rule->short_side * net->input.h / size;
    scaled.short_side = side > LONGEST_SIDE ? LONGEST_SIDE : (int)side;
    store_pixels(net, &scaled);
}

gn_status gn_net_set_pixels(gn_net *net, const struct gn_pixel_options *options)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(options, "the pixel options");
    GN_TRY(check_pixels(net, options));
    struct gn_pixel_rule rule = { .short_side = options->short_side,
                                  .square = options->square,
                                  .bgr = options->bgr,
                                  .bytes = options->bytes,
                                  .normalise = options->normalise,
                                  .affine = options->affine };
    for (int i = 0; i < COLOURS && options->normalise; i++) {
        rule.mean[i] = (float)options->mean[i];
        rule.deviation[i] = (float)options->deviation[i];
    }
    for (int i = 0; i < COLOURS && options->affine; i++) {
        rule.factor[i] = (float)options->factor[i];
        rule.summand[i] = (float)options->summand[i];
    }
    store_pixels(net, &rule);
    return GN_OK;
}

gn_status gn_net_pixels(const gn_net *net, struct gn_pixel_options *options)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(options, "the pixel options");
    const struct gn_pixel_rule *rule = &net->pixels;
    *options = (struct gn_pixel_options){ .short_side = rule->short_side,
                                          .square = rule->square,
                                          .bgr = rule->bgr,
                                          .bytes = rule->bytes,
                                          .normalise = rule->normalise,
                                          .affine = rule->affine };
    for (int i = 0; i < COLOURS; i++) {
        options->mean[i] = (double)rule->mean[i];
        options->deviation[i] = (double)rule->deviation[i];
        options->factor[i] = (double)rule->factor[i];
        options->summand[i] = (double)rule->summand[i];
    }
    return GN_OK;
}

uint32_t gn_net_hash(const gn_net *net)
{
    uint32_t crc = 0;
    for (int i = 0; net != NULL && i < net->graph->n_tensors; i++) {
        const struct gn_tensor *t = &net->graph->tensors[i];
        crc = gn_crc32c(crc, net->params + t->offset, t->count * sizeof(float));
    }
    return crc;
}
