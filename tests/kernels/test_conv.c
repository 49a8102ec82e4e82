/* labels: push
 * timeout: 300
 *
 * Convolution and dense layer: every fast kernel set against the reference in the three
 * directions. Integer data must give equal bits, since every partial sum is exact; real data must
 * agree within 1e-6 (relative L2). Shapes are a sample of all combinations of odd sizes, drawn by
 * case number, and all weighted layers of GoogLeNet with a quarter of their channels.
 *
 * GN_CASE=NUMBER runs one case alone; a failure prints the line that does so. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "models/models.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { INTEGER_CASES = 5000, REAL_CASES = 2000, LARGEST_MACS = 1500000 };

struct conv_case {
    struct gn_geometry g;
    int pad_bottom, pad_right;
    int n, threads;
    int shift[4], gap[4]; /* of x, y, dx, dy */
    bool relu, bias, accumulate, mask, first;
};

#define PICK(list, i) list[draw_below(stream, i, (int)(sizeof list / sizeof list[0]))]

/* Case `number` of a family; families differ in their stream of random numbers. */
static struct conv_case draw_case(uint64_t family, int number)
{
    static const int channels[] = { 1, 3, 15, 16, 17, 24, 33 };
    static const int kernels[] = { 1, 3, 5, 7 };
    static const int batches[] = { 1, 2, 5 };
    static const int gaps[] = { 0, 0, 1, 7, 16 };
    const uint64_t stream = family + (uint64_t)number;
    struct conv_case c = { .n = PICK(batches, 0), .threads = 1 + draw_below(stream, 1, 4) };
    struct gn_geometry *g = &c.g;
    g->c = PICK(channels, 2);
    g->oc = PICK(channels, 3);
    g->kh = g->kw = PICK(kernels, 4);
    g->stride = 1 + draw_below(stream, 5, 2);
    int pads[4];
    for (uint64_t i = 0; i < 4; i++)
        pads[i] = draw_below(stream, 6 + i, g->kh);
    const int h = 1 + draw_below(stream, 10, 13), w = 1 + draw_below(stream, 11, 13);
    g->h = h + pads[0] + pads[1] < g->kh ? g->kh - pads[0] - pads[1] : h;
    g->w = w + pads[2] + pads[3] < g->kw ? g->kw - pads[2] - pads[3] : w;
    g->pad_top = pads[0];
    g->pad_left = pads[2];
    c.pad_bottom = pads[1];
    c.pad_right = pads[3];
    g->oh = (g->h + pads[0] + pads[1] - g->kh) / g->stride + 1;
    g->ow = (g->w + pads[2] + pads[3] - g->kw) / g->stride + 1;
    for (uint64_t i = 0; i < 4; i++) {
        c.gap[i] = PICK(gaps, 12 + i);
        c.shift[i] = c.gap[i] == 0 ? 0 : draw_below(stream, 16 + i, c.gap[i] + 1);
    }
    c.relu = draw_below(stream, 20, 2) == 0;
    c.bias = draw_below(stream, 21, 8) != 0;
    c.accumulate = draw_below(stream, 22, 2) == 0;
    c.mask = draw_below(stream, 23, 2) == 0;
    c.first = draw_below(stream, 24, 2) == 0;
    return c;
}

static double macs(const struct conv_case *c)
{
    const struct gn_geometry *g = &c->g;
    return (double)c->n * g->oh * g->ow * g->oc * g->kh * g->kw * g->c;
}

static void describe(const struct conv_case *c, char *text, size_t size)
{
    const struct gn_geometry *g = &c->g;
    (void)snprintf(text, size,
                   "n %d, %dx%dx%d to %dx%dx%d, kernel %d, stride %d, pads %d %d %d %d, gaps "
                   "%d %d %d %d, relu %d, bias %d, accumulate %d, mask %d, first %d",
                   c->n, g->h, g->w, g->c, g->oh, g->ow, g->oc, g->kh, g->stride, g->pad_top,
                   c->pad_bottom, g->pad_left, c->pad_right, c->gap[0], c->gap[1], c->gap[2],
                   c->gap[3], c->relu, c->bias, c->accumulate, c->mask, c->first);
}

/* The tensors of a case: inputs, and outputs as they are before a kernel runs. */
struct data {
    struct tensor x, dy, w, b;
    struct tensor y, dx, dw, db;
    float *zeros;
};

static struct data make_data(const struct conv_case *c, enum fill kind, uint64_t stream)
{
    const struct gn_geometry *g = &c->g;
    const size_t in = (size_t)(c->n * g->h * g->w), out = (size_t)(c->n * g->oh * g->ow);
    const size_t rows = (size_t)(g->kh * g->kw * g->c);
    struct data d;
    d.x = tensor_new(in, g->c, c->shift[0], c->gap[0]);
    d.y = tensor_new(out, g->oc, c->shift[1], c->gap[1]);
    d.dx = tensor_new(in, g->c, c->shift[2], c->gap[2]);
    d.dy = tensor_new(out, g->oc, c->shift[3], c->gap[3]);
    d.w = tensor_new(rows, g->oc, 0, 0);
    d.dw = tensor_new(rows, g->oc, 0, 0);
    d.b = tensor_new(1, g->oc, 0, 0);
    d.db = tensor_new(1, g->oc, 0, 0);
    tensor_fill(&d.x, kind, stream + 1);
    tensor_fill(&d.dy, kind, stream + 2);
    tensor_fill(&d.w, kind, stream + 3);
    tensor_fill(&d.b, kind, stream + 4);
    if (c->accumulate)
        tensor_fill(&d.dx, kind, stream + 5);
    if (!c->first) {
        tensor_fill(&d.dw, kind, stream + 6);
        tensor_fill(&d.db, kind, stream + 7);
    }
    const int window = g->kh * g->kw * g->c;
    d.zeros = gn_calloc((size_t)(window > g->oc ? window : g->oc), sizeof(float), "zeros");
    assert_non_null(d.zeros);
    return d;
}

static void free_data(struct data *d)
{
    struct tensor *const all[] = { &d->x, &d->dy, &d->w, &d->b, &d->y, &d->dx, &d->dw, &d->db };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tensor_free(all[i]);
    gn_free(d->zeros);
}

/* The outputs of one kernel set. */
struct outputs {
    struct tensor y, dx, dw, db;
};

static struct outputs run_set(const struct gn_kernel_set *set, const struct conv_case *c,
                              const struct data *d, uint64_t stream)
{
    struct outputs o = { tensor_copy(&d->y), tensor_copy(&d->dx), tensor_copy(&d->dw),
                         tensor_copy(&d->db) };
    struct tensor packed = tensor_new(1, (int)set->packed_floats(&c->g, 0), 0, 0);
    struct tensor packed_back = tensor_new(1, (int)set->packed_back_floats(&c->g, 0), 0, 0);
    const struct gn_args args = { .g = c->g,
                                  .x = d->x.view,
                                  .y = o.y.view,
                                  .dx = o.dx.view,
                                  .dy = d->dy.view,
                                  .w = d->w.view.data,
                                  .b = c->bias ? d->b.view.data : NULL,
                                  .dw = o.dw.view.data,
                                  .db = c->bias ? o.db.view.data : NULL,
                                  .packed = packed.view.data,
                                  .packed_back = packed_back.view.data,
                                  .zeros = d->zeros,
                                  .relu = c->relu,
                                  .accumulate = c->accumulate,
                                  .mask = c->mask,
                                  .threads = c->threads };
    const struct gn_run run = { .n = c->n, .batch = c->n, .first = c->first };
    run_kernel(set, GN_KERNEL_CONV_PACK, &args, &run, stream);
    run_kernel(set, GN_KERNEL_CONV_PACK_BACK, &args, &run, stream + 1);
    run_kernel(set, GN_KERNEL_CONV_FORWARD, &args, &run, stream + 2);
    run_kernel(set, GN_KERNEL_CONV_BACK_DATA, &args, &run, stream + 3);
    run_kernel(set, GN_KERNEL_CONV_BACK_FILTER, &args, &run, stream + 4);
    assert_true(tensor_guards_are_intact(&packed) && tensor_guards_are_intact(&packed_back));
    tensor_free(&packed);
    tensor_free(&packed_back);
    return o;
}

static void free_outputs(struct outputs *o)
{
    tensor_free(&o->y);
    tensor_free(&o->dx);
    tensor_free(&o->dw);
    tensor_free(&o->db);
}

/* What a random vector of such sums measures: real results are compared with it when they
 * happen to be smaller, because a sum that cancels has no relative accuracy. */
static double expected_norm(const struct tensor *t, double chain)
{
    return sqrt((double)tensor_count(t) * chain) / 4;
}

/* NULL, or the name of the output in which the sets differ. */
static const char *difference(const struct conv_case *c, bool exact, const struct outputs *fast,
                              const struct outputs *reference)
{
    const struct gn_geometry *g = &c->g;
    const double taps = g->kh * g->kw, pixels = (double)c->n * g->oh * g->ow;
    const struct {
        const char *name;
        const struct tensor *fast, *reference;
        double chain;
    } pairs[] = {
        { "output", &fast->y, &reference->y, taps * g->c },
        { "gradient of the input", &fast->dx, &reference->dx, taps * g->oc },
        { "gradient of the weights", &fast->dw, &reference->dw, pixels },
        { "gradient of the bias", &fast->db, &reference->db, pixels },
    };
    for (int i = 0; i < (c->bias ? 4 : 3); i++) {
        const struct tensor *a = pairs[i].fast, *b = pairs[i].reference;
        assert_true(tensor_is_clean(b));
        const bool same = exact ? tensor_same_bits(a, b)
                                : tensor_is_clean(a) &&
                                      tensor_error(a, b, expected_norm(b, pairs[i].chain)) <= 1e-6;
        if (!same)
            return pairs[i].name;
    }
    return NULL;
}

static void check_case(const struct conv_case *c, enum fill kind, uint64_t stream, int number)
{
    struct data d = make_data(c, kind, stream);
    struct outputs reference = run_set(gn_reference_kernels(), c, &d, stream);
    for (const struct gn_kernel_set *const *set = fast_sets(); *set != NULL; set++) {
        struct outputs fast = run_set(*set, c, &d, stream + 10);
        const char *where = difference(c, kind == FILL_INTEGERS, &fast, &reference);
        if (where != NULL) {
            char text[320], what[512];
            describe(c, text, sizeof text);
            (void)snprintf(what, sizeof what, "%s: %s: %s", (*set)->isa, where, text);
            case_failed("test_kernels_conv", number, what);
        }
        free_outputs(&fast);
    }
    free_outputs(&reference);
    free_data(&d);
}

static void check_family(uint64_t family, int n, enum fill kind)
{
    int first, last, ran = 0;
    const char *sanitizers = getenv("GN_SANITIZE");
    const bool slow = sanitizers != NULL && sanitizers[0] != '\0';
    case_range(slow ? n / 8 : n, &first, &last);
    for (int number = first; number < last; number++) {
        const struct conv_case c = draw_case(family, number);
        if (macs(&c) > LARGEST_MACS)
            continue;
        check_case(&c, kind, (family + (uint64_t)number) << 8, number);
        ran++;
    }
    print_message("%d of %d shapes, those below %d multiplications\n", ran, last - first,
                  LARGEST_MACS);
}

static void integers_give_the_bits_of_the_reference(void **state)
{
    (void)state;
    check_family(UINT64_C(1) << 32, INTEGER_CASES, FILL_INTEGERS);
}

static void reals_agree_with_the_reference_within_1e_6(void **state)
{
    (void)state;
    check_family(UINT64_C(2) << 32, REAL_CASES, FILL_REALS);
}

static void layers_of_googlenet_give_the_bits_of_the_reference(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet(.size = 96);
    assert_non_null(net);
    int first, last, layers = 0;
    case_range(net->graph->n_layers, &first, &last);
    for (int i = first; i < last && i < net->graph->n_layers; i++) {
        const struct gn_layer *layer = &net->graph->layers[i];
        if (layer->weight < 0)
            continue;
        struct conv_case c = { .g = layer->window, .n = 2, .threads = 2, .bias = true };
        const bool dense = layer->op == GN_OP_DENSE;
        c.g.c = dense || c.g.c < 4 ? c.g.c : c.g.c / 4;
        c.g.oc = dense ? c.g.oc : c.g.oc / 4;
        c.relu = !dense;
        c.mask = c.accumulate = i % 2 == 0;
        c.first = i % 3 != 0;
        check_case(&c, FILL_INTEGERS, (UINT64_C(3) << 40) + ((uint64_t)i << 8), i);
        layers++;
    }
    assert_true(layers == 58 || getenv("GN_CASE") != NULL);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_give_the_bits_of_the_reference),
        cmocka_unit_test(reals_agree_with_the_reference_within_1e_6),
        cmocka_unit_test(layers_of_googlenet_give_the_bits_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
