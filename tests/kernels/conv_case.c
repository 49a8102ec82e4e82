/* Convolutions as test cases: drawn by number, run by a kernel set, compared with the reference. */
#include "kernels/conv_case.h"

#include "base/memory.h"
#include "support/check.h"

#include <math.h>

#define PICK(list, i) list[draw_below(stream, i, (int)(sizeof list / sizeof list[0]))]

/* Output size; a map too small for the kernel grows. */
static void set_output(struct conv_case *c)
{
    struct gn_geometry *g = &c->g;
    const int rows = g->pad_top + c->pad_bottom - g->kh;
    const int columns = g->pad_left + c->pad_right - g->kw;
    g->h = g->h + rows < 0 ? -rows : g->h;
    g->w = g->w + columns < 0 ? -columns : g->w;
    g->oh = (g->h + rows) / g->stride_h + 1;
    g->ow = (g->w + columns) / g->stride_w + 1;
}

struct conv_case conv_case_drawn(uint64_t family, int number)
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
    g->stride_h = g->stride_w = 1 + draw_below(stream, 5, 2);
    if (draw_below(stream, 40, 3) == 0) { /* a window that is not square */
        g->kw = 1 + draw_below(stream, 41, 7);
        g->stride_w = 1 + draw_below(stream, 42, 3);
    }
    int pads[4];
    for (uint64_t i = 0; i < 4; i++)
        pads[i] = draw_below(stream, 6 + i, i < 2 ? g->kh : g->kw);
    const int h = 1 + draw_below(stream, 10, 13), w = 1 + draw_below(stream, 11, 13);
    g->h = h;
    g->w = w;
    g->pad_top = pads[0];
    g->pad_left = pads[2];
    c.pad_bottom = pads[1];
    c.pad_right = pads[3];
    set_output(&c);
    for (uint64_t i = 0; i < 4; i++) {
        c.gap[i] = PICK(gaps, 12 + i);
        c.shift[i] = c.gap[i] == 0 ? 0 : draw_below(stream, 16 + i, c.gap[i] + 1);
    }
    c.relu = draw_below(stream, 20, 2) == 0;
    c.bias = draw_below(stream, 21, 8) != 0;
    c.accumulate = draw_below(stream, 22, 2) == 0;
    c.mask = draw_below(stream, 23, 2) == 0;
    c.half = draw_below(stream, 24, 3) == 0;
    return c;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

struct conv_case conv_case_for_winograd(uint64_t family, int number)
{
    static const int channels[] = { 8, 16, 24, 32, 40, 48 };
    static const int tiles[2][3] = { { 2, 4, 6 }, { 2, 4, 4 } };
    const uint64_t stream = family + (uint64_t)number;
    struct conv_case c = conv_case_drawn(family, number);
    struct gn_geometry *g = &c.g;
    const int wide = draw_below(stream, 30, 2);
    c.tile = tiles[wide][draw_below(stream, 31, 3)];
    g->stride_h = g->stride_w = 1;
    g->kh = g->kw = wide == 1 ? 5 : 3;
    c.half = c.half && c.tile + g->kh - 1 < 8; /* as plans have it */
    g->c = PICK(channels, 32);
    g->oc = PICK(channels, 33);
    g->pad_top = smaller(g->pad_top, g->kh - 1);
    g->pad_left = smaller(g->pad_left, g->kw - 1);
    c.pad_bottom = smaller(c.pad_bottom, g->kh - 1);
    c.pad_right = smaller(c.pad_right, g->kh - 1);
    set_output(&c);
    return c;
}

double conv_case_macs(const struct conv_case *c)
{
    const struct gn_geometry *g = &c->g;
    return (double)c->n * g->oh * g->ow * g->oc * g->kh * g->kw * g->c;
}

static void describe(const struct conv_case *c, char *text, size_t size)
{
    const struct gn_geometry *g = &c->g;
    (void)snprintf(
        text, size,
        "tile %d, n %d, %dx%dx%d to %dx%dx%d, kernel %dx%d, stride %dx%d, pads %d %d %d %d, gaps "
        "%d %d %d %d, relu %d, bias %d, accumulate %d, mask %d, half %d",
        c->tile, c->n, g->h, g->w, g->c, g->oh, g->ow, g->oc, g->kh, g->kw, g->stride_h,
        g->stride_w, g->pad_top, c->pad_bottom, g->pad_left, c->pad_right, c->gap[0], c->gap[1],
        c->gap[2], c->gap[3], c->relu, c->bias, c->accumulate, c->mask, c->half);
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

/* The regions of all units of the weight gradient are every value of dw and db, each once. */
static void check_regions(const struct gn_kernel *kernel, const struct gn_args *a,
                          const struct gn_run *run)
{
    const size_t n = (size_t)(a->g.kh * a->g.kw * a->g.c) * (size_t)a->g.oc;
    const size_t biases = a->db == NULL ? 0 : (size_t)a->g.oc;
    uint8_t *seen = gn_calloc(n + biases, 1, "a test");
    assert_non_null(seen);
    for (int unit = 0; unit < kernel->units(a, run); unit++) {
        struct gn_region r;
        kernel->region(a, unit, &r);
        for (int t = 0; t < r.taps; t++)
            for (int i = 0; i < r.rows; i++)
                for (int j = 0; j < r.columns; j++)
                    seen[r.first + (size_t)t * r.tap_stride + (size_t)i * r.row_stride +
                         (size_t)j]++;
        for (int i = 0; i < r.biases; i++)
            seen[n + (size_t)(r.bias + i)]++;
    }
    for (size_t i = 0; i < n + biases; i++)
        assert_int_equal(seen[i], 1);
    gn_free(seen);
}

/* F(2,3) is there for the forward pass alone. */
static int tile_of_pass(const struct conv_case *c, enum gn_pass pass)
{
    const bool forward = pass == GN_PASS_PACK || pass == GN_PASS_FORWARD;
    return c->tile == 2 && c->g.kh == 3 && !forward ? 0 : c->tile;
}

static struct outputs run_set(const struct gn_kernel_set *set, const struct conv_case *c,
                              const struct data *d, uint64_t stream)
{
    static const enum gn_pass passes[] = { GN_PASS_PACK, GN_PASS_PACK_BACK, GN_PASS_FORWARD,
                                           GN_PASS_BACK, GN_PASS_GRADIENT };
    struct outputs o = { tensor_copy(&d->y), tensor_copy(&d->dx), tensor_copy(&d->dw),
                         tensor_copy(&d->db) };
    const bool fast = set != gn_reference_kernels(), half = c->half && fast;
    const int tile = fast ? c->tile : 0;
    const int tile_back = fast ? tile_of_pass(c, GN_PASS_BACK) : 0;
    const int values = (int)gn_packed_floats(set, GN_PASS_PACK, &c->g, tile);
    struct tensor packed = tensor_new(1, half ? (values + 1) / 2 : values, 0, 0);
    struct tensor packed_back =
        tensor_new(1, (int)gn_packed_floats(set, GN_PASS_PACK_BACK, &c->g, tile_back), 0, 0);
    struct gn_args args = { .g = c->g,
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
                            .half = half,
                            .threads = c->threads };
    const struct gn_run run = { .n = c->n, .batch = c->n };
    for (int i = 0; i < (int)(sizeof passes / sizeof passes[0]); i++) {
        args.tile = fast ? tile_of_pass(c, passes[i]) : 0;
        run_kernel(set, args.tile > 0 ? GN_OP_WINOGRAD : GN_OP_CONV, passes[i], &args, &run,
                   stream + (uint64_t)i);
    }
    check_regions(&set->table[args.tile > 0 ? GN_OP_WINOGRAD : GN_OP_CONV][GN_PASS_GRADIENT], &args,
                  &run);
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

/* Within 1e-6 of the reference (relative L2); Winograd's filtering within 1e-5, and no element off
 * by more than 1e-4 of what an element usually is; weights of 16 bits round by 2^-11 at most. */
static bool is_near(const struct conv_case *c, bool half, const struct tensor *a,
                    const struct tensor *b, double chain)
{
    const double least = expected_norm(b, chain);
    const double tolerance = half ? (c->tile > 0 ? 4e-3 : 5e-4) : c->tile > 0 ? 1e-5 : 1e-6;
    if (!tensor_is_clean(a) || tensor_error(a, b, least) > tolerance)
        return false;
    const double most = 10 * tolerance * least / sqrt((double)tensor_count(b));
    for (size_t i = 0; c->tile > 0 && i < tensor_count(b); i++)
        if (fabs((double)*tensor_at(a, i) - (double)*tensor_at(b, i)) > most)
            return false;
    return true;
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
        if (exact ? !tensor_same_bits(a, b) : !is_near(c, c->half && i == 0, a, b, pairs[i].chain))
            return pairs[i].name;
    }
    return NULL;
}

void conv_case_check(const struct conv_case *c, enum fill kind, uint64_t stream, int number,
                     const char *program)
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
            case_failed(program, number, what);
        }
        free_outputs(&fast);
    }
    free_outputs(&reference);
    free_data(&d);
}
