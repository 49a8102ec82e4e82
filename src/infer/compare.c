/*
 * Two networks on the same inputs: how far their answers are apart, and where on the way they part.
 * Noise is given to both as numbers, in the range that the first one's preprocessing makes; samples of
 * a data set go through the preprocessing of each.
 */
#include "base/memory.h"
#include "base/random.h"
#include "data/dataset.h"
#include "infer/layer.h"
#include "infer/predictor.h"
#include "plan/plan.h"

#include <math.h>
#include <string.h>

enum { NOISE_IMAGES = 64, CHUNK = 64 };

struct comparison {
    gn_net *a, *b;
    const struct gn_compare_options *options;
    struct gn_comparison *result;
    float *inputs; /* noise, all of it; NULL: samples */
    uint64_t worst;
    bool finite;
};

static size_t input_floats(const gn_net *net)
{
    return (size_t)net->input.h * (size_t)net->input.w * (size_t)net->input.c;
}

/* ---- Noise ---- */

static void make_noise(const gn_net *net, uint64_t seed, float *inputs, uint64_t images)
{
    const struct gn_pixel_rule *rule = &net->pixels;
    const size_t c = (size_t)net->input.c, n = input_floats(net);
    for (uint64_t i = 0; i < images; i++)
        for (size_t k = 0; k < n; k++) {
            const size_t at = c <= 3 ? k % c : 0;
            float value = gn_random_unit(seed, GN_RANDOM_TEST, i, k);
            if (rule->bytes)
                value *= 255;
            if (rule->normalise)
                value = (value - rule->mean[at]) / rule->deviation[at];
            if (rule->affine)
                value = value * rule->factor[at] + rule->summand[at];
            inputs[i * n + k] = value;
        }
}

/* ---- Answers ---- */

static int best_of(const float *logits, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

static void compare_answer(struct comparison *c, uint64_t image, const float *a, const float *b)
{
    struct gn_comparison *r = c->result;
    const int n = c->a->classes;
    for (int i = 0; i < n; i++) {
        const double difference = fabs((double)a[i] - (double)b[i]);
        c->finite &= isfinite(a[i]) && isfinite(b[i]);
        if (difference > r->max_abs) {
            r->max_abs = difference;
            c->worst = image;
        }
        r->mean_abs += difference;
        if (fabs((double)a[i]) > r->largest)
            r->largest = fabs((double)a[i]);
    }
    r->top1_agreement += best_of(a, n) == best_of(b, n);
    r->images++;
}

static gn_status answers(const struct comparison *c, gn_net *net, uint64_t first, uint64_t n,
                         float *logits)
{
    const struct gn_predict_options images = {
        .data = c->inputs == NULL ? c->options->data : NULL,
        .first = first,
        .n = n,
        .inputs = c->inputs == NULL ? NULL : c->inputs + first * input_floats(net),
        .threads = c->options->threads,
    };
    return gn_predict_with(net, logits, &images);
}

static gn_status compare_all(struct comparison *c, uint64_t images)
{
    const size_t classes = (size_t)c->a->classes;
    float *a = gn_calloc(2 * CHUNK * classes, sizeof *a, "answers of two networks");
    gn_status status = a == NULL ? gn_last_status() : GN_OK;
    for (uint64_t first = 0; first < images && status == GN_OK; first += CHUNK) {
        const uint64_t n = images - first < CHUNK ? images - first : CHUNK;
        float *b = a + CHUNK * classes;
        status = answers(c, c->a, first, n, a);
        if (status == GN_OK)
            status = answers(c, c->b, first, n, b);
        for (uint64_t i = 0; i < n && status == GN_OK; i++)
            compare_answer(c, first + i, a + i * classes, b + i * classes);
    }
    gn_free(a);
    if (c->result->images > 0) {
        c->result->mean_abs /= (double)c->result->images * (double)classes;
        c->result->top1_agreement /= (double)c->result->images;
    }
    return status;
}

/* ---- Layers ---- */

static gn_status one_input(const struct comparison *c, gn_net *net, float *input)
{
    struct gn_image image;
    if (c->inputs != NULL) {
        memcpy(input, c->inputs + c->worst * input_floats(net), input_floats(net) * sizeof *input);
        return GN_OK;
    }
    gn_preprocessor *own = gn_preprocessor_create_with(net, NULL);
    if (own == NULL)
        return gn_last_status();
    gn_status status = gn_dataset_picture(c->options->data, c->worst, &image);
    if (status == GN_OK) {
        status = gn_preprocess(own, &image, 0, input);
        gn_free_image(&image);
    }
    gn_preprocessor_free(own);
    return status;
}

/* The last layer of what begins with layer i and nothing else reads: its normalisation and ReLU. */
static int end_of(const struct gn_graph *g, int i)
{
    for (;;) {
        int next = -1, readers = 0;
        for (int k = i + 1; k < g->n_layers; k++)
            for (int j = 0; j < g->layers[k].n_inputs; j++)
                if (g->layers[k].inputs[j] == i) {
                    next = k;
                    readers++;
                }
        if (readers != 1 || g->layers[next].op->fuses == GN_FUSE_NONE)
            return i;
        i = next;
    }
}

/* The weighted layer after i that the answer depends on; -1: none. */
static int next_weighted(const struct gn_graph *g, const bool *live, int i)
{
    while (++i < g->n_layers)
        if (live[i] && g->layers[i].op->multiplies)
            return i;
    return -1;
}

/* What the network has computed when it ends with layer i, for one input. */
static gn_status output_of(const struct comparison *c, const gn_net *net, int i, const float *input,
                           float *values)
{
    struct gn_net view;
    gn_net_up_to_index(net, i, &view);
    struct gn_plan *plan = gn_plan_create(
        &view, &(struct gn_plan_options){ .batch = 1, .threads = c->options->threads });
    const gn_status status =
        plan == NULL ? gn_last_status() : gn_plan_forward(plan, input, 1, values);
    gn_plan_free(plan);
    return status;
}

/* Whether two layers' outputs are further apart than the tolerance. BAD_SHAPE: of other shapes. */
static gn_status part(const struct comparison *c, const int layers[2], float *const inputs[2],
                      float *values, bool *parts)
{
    const struct gn_shape a = c->a->graph->layers[layers[0]].out;
    const struct gn_shape b = c->b->graph->layers[layers[1]].out;
    const size_t n = (size_t)a.h * (size_t)a.w * (size_t)a.c;
    double largest = 0, most = 0;
    bool finite = true;
    if (a.h != b.h || a.w != b.w || a.c != b.c)
        return GN_STATUS_BAD_SHAPE;
    GN_TRY(output_of(c, c->a, layers[0], inputs[0], values));
    GN_TRY(output_of(c, c->b, layers[1], inputs[1], values + n));
    for (size_t i = 0; i < n; i++) {
        const double difference = fabs((double)values[i] - (double)values[n + i]);
        finite &= isfinite(values[i]) && isfinite(values[n + i]);
        most = difference > most ? difference : most;
        largest = fabs((double)values[i]) > largest ? fabs((double)values[i]) : largest;
    }
    *parts = !finite || most > c->options->tolerance * largest;
    if (*parts) {
        c->result->layer_max_abs = most;
        c->result->layer_largest = largest;
    }
    return GN_OK;
}

static gn_status walk(const struct comparison *c, float *const inputs[2], float *values)
{
    bool live_a[GN_MAX_LAYERS] = { false }, live_b[GN_MAX_LAYERS] = { false };
    const struct gn_graph *g = c->a->graph, *h = c->b->graph;
    gn_graph_mark_live(g, c->a->output, live_a);
    gn_graph_mark_live(h, c->b->output, live_b);
    int i = next_weighted(g, live_a, -1), k = next_weighted(h, live_b, -1);
    while (i >= 0 && k >= 0) {
        bool parts = false;
        const int ends[2] = { end_of(g, i), end_of(h, k) };
        const gn_status status = part(c, ends, inputs, values, &parts);
        if (status != GN_OK && status != GN_STATUS_BAD_SHAPE)
            return status;
        if (parts || status == GN_STATUS_BAD_SHAPE) {
            (void)snprintf(c->result->first_layer, sizeof c->result->first_layer, "%s",
                           g->layers[i].name);
            return GN_OK;
        }
        i = next_weighted(g, live_a, i);
        k = next_weighted(h, live_b, k);
    }
    return GN_OK;
}

static size_t largest_layer(const gn_net *net)
{
    size_t most = 1;
    for (int i = 0; i < net->graph->n_layers; i++) {
        const struct gn_shape s = net->graph->layers[i].out;
        const size_t n = (size_t)s.h * (size_t)s.w * (size_t)s.c;
        most = n > most ? n : most;
    }
    return most;
}

static gn_status compare_layers(const struct comparison *c)
{
    gn_net *const nets[2] = { c->a, c->b };
    float *inputs[2] = { NULL, NULL };
    float *values = gn_calloc(2 * largest_layer(c->a), sizeof *values, "outputs of layers");
    gn_status status = values == NULL ? gn_last_status() : GN_OK;
    for (int i = 0; i < 2 && status == GN_OK; i++) {
        inputs[i] = gn_calloc(input_floats(nets[i]), sizeof *inputs[i], "an input");
        status = inputs[i] == NULL ? gn_last_status() : one_input(c, nets[i], inputs[i]);
    }
    if (status == GN_OK)
        status = walk(c, inputs, values);
    gn_free(inputs[0]);
    gn_free(inputs[1]);
    gn_free(values);
    return status;
}

/* ---- The whole ---- */

static gn_status check(const gn_net *a, const gn_net *b, const struct gn_compare_options *o)
{
    if (a->classes != b->classes)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "compare: one network has %d classes, the other %d",
                a->classes, b->classes);
    if (o->data == NULL &&
        (a->input.h != b->input.h || a->input.w != b->input.w || a->input.c != b->input.c))
        GN_FAIL(GN_STATUS_BAD_SHAPE, "compare: one network takes %dx%dx%d, the other %dx%dx%d",
                a->input.h, a->input.w, a->input.c, b->input.h, b->input.w, b->input.c);
    if (!(o->tolerance >= 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "compare: tolerance %g (0 or more)", o->tolerance);
    return GN_OK;
}

static gn_status compare_steps(struct comparison *c)
{
    enum { STEPS = 4096 };
    static const char what[] = "the steps of two networks";
    char *a = gn_alloc(2 * STEPS, what);
    gn_status status = a == NULL ? gn_last_status() : gn_net_preprocess(c->a, a, STEPS);
    if (status == GN_OK)
        status = gn_net_preprocess(c->b, a + STEPS, STEPS);
    if (status == GN_OK)
        c->result->same_preprocess = strcmp(a, a + STEPS) == 0;
    gn_free(a);
    return status;
}

gn_status gn_compare_with(gn_net *a, gn_net *b, struct gn_comparison *result,
                          const struct gn_compare_options *options)
{
    if (a == NULL || b == NULL)
        return gn_last_status();
    GN_NEED(result, "the comparison");
    struct gn_compare_options o = options == NULL ? (struct gn_compare_options){ 0 } : *options;
    o.tolerance = o.tolerance == 0 && !o.zero_tolerance ? 1e-4 : o.tolerance;
    *result = (struct gn_comparison){ 0 };
    struct comparison c = { .a = a, .b = b, .options = &o, .result = result, .finite = true };
    uint64_t images = o.images;
    GN_TRY(check(a, b, &o));
    GN_TRY(compare_steps(&c));
    if (o.data != NULL && (images == 0 || images > o.data->samples))
        images = o.data->samples;
    gn_status status = GN_OK;
    if (o.data == NULL) {
        images = images == 0 ? NOISE_IMAGES : images;
        c.inputs = gn_calloc(input_floats(a) * (size_t)images, sizeof *c.inputs, "noise");
        if (c.inputs == NULL)
            return gn_last_status();
        make_noise(a, o.seed, c.inputs, images);
    }
    status = compare_all(&c, images);
    result->within = c.finite && result->max_abs <= o.tolerance * result->largest;
    if (status == GN_OK && o.layers)
        status = compare_layers(&c);
    gn_free(c.inputs);
    return status;
}
