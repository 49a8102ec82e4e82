/* labels: quick
 *
 * Max pooling and the global mean: every fast kernel set against the reference, with ties, with
 * values all negative (padding must not win), accumulation and mask; and the reference's rule for
 * ties on an example worked out by hand. GN_CASE=NUMBER runs one case alone. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "support/check.h"

#include <stdlib.h>

enum { CASES = 3000 };

struct pool_case {
    struct gn_geometry g;
    int n;
    enum fill kind;
    int gap[4]; /* of x, y, dx, dy */
    bool argmax, accumulate, mask;
};

#define PICK(list, i) list[draw_below(stream, i, (int)(sizeof list / sizeof list[0]))]

static struct pool_case draw_case(int number)
{
    static const int channels[] = { 1, 3, 15, 16, 17, 24, 33 };
    static const int batches[] = { 1, 2, 5 };
    static const int gaps[] = { 0, 1, 7, 16 };
    static const enum fill kinds[] = { FILL_TIES, FILL_INTEGERS, FILL_REALS, FILL_NEGATIVE };
    const uint64_t stream = (UINT64_C(5) << 32) + (uint64_t)number;
    struct pool_case c = { .n = PICK(batches, 0), .kind = PICK(kinds, 1) };
    const struct gn_shape in = { 1 + draw_below(stream, 2, 13), 1 + draw_below(stream, 3, 13),
                                 PICK(channels, 4) };
    struct gn_pool_options options = { .kernel = 1 + draw_below(stream, 5, 8),
                                       .stride = 1 + draw_below(stream, 6, 3) };
    if (draw_below(stream, 14, 3) == 0) { /* a window that is not square */
        options.kernel_w = 1 + draw_below(stream, 15, 8);
        options.stride_h = 1 + draw_below(stream, 16, 3);
    }
    assert_int_equal(rule_of(&gn_op_max_pool, "pool", in, &options, &c.g), GN_OK);
    for (uint64_t i = 0; i < 4; i++)
        c.gap[i] = PICK(gaps, 7 + i);
    c.argmax = draw_below(stream, 11, 8) != 0;
    c.accumulate = draw_below(stream, 12, 2) == 0;
    c.mask = draw_below(stream, 13, 2) == 0;
    return c;
}

static struct pool_case draw_average(int number)
{
    struct pool_case c = draw_case(number);
    c.g.oh = c.g.ow = c.g.kh = c.g.kw = c.g.stride_h = c.g.stride_w = 1;
    c.g.pad_top = c.g.pad_left = 0;
    c.kind = FILL_REALS;
    return c;
}

static void failed(const struct pool_case *c, const char *isa, const char *what, int number)
{
    char text[256];
    (void)snprintf(
        text, sizeof text,
        "%s: %s: n %d, %dx%dx%d to %dx%d, kernel %dx%d, stride %dx%d, kind %d, accumulate %d, "
        "mask %d",
        isa, what, c->n, c->g.h, c->g.w, c->g.c, c->g.oh, c->g.ow, c->g.kh, c->g.kw, c->g.stride_h,
        c->g.stride_w, (int)c->kind, c->accumulate, c->mask);
    case_failed("test_kernels_pool", number, text);
}

struct data {
    struct tensor x, y, dx, dy;
};

static struct data make_data(const struct pool_case *c, int number)
{
    const struct gn_geometry *g = &c->g;
    const uint64_t stream = ((UINT64_C(6) << 32) + (uint64_t)number) << 8;
    const size_t in = (size_t)(c->n * g->h * g->w), out = (size_t)(c->n * g->oh * g->ow);
    struct data d = { tensor_new(in, g->c, 0, c->gap[0]), tensor_new(out, g->c, 0, c->gap[1]),
                      tensor_new(in, g->c, 0, c->gap[2]), tensor_new(out, g->c, 0, c->gap[3]) };
    tensor_fill(&d.x, c->kind, stream);
    tensor_fill(&d.dy, FILL_REALS, stream + 1);
    if (c->accumulate)
        tensor_fill(&d.dx, FILL_REALS, stream + 2);
    return d;
}

static void free_data(struct data *d)
{
    tensor_free(&d->x);
    tensor_free(&d->y);
    tensor_free(&d->dx);
    tensor_free(&d->dy);
}

static struct gn_args args_of(const struct pool_case *c, const struct data *d, uint8_t *argmax)
{
    return (struct gn_args){ .g = c->g,
                             .x = d->x.view,
                             .y = d->y.view,
                             .dx = d->dx.view,
                             .dy = d->dy.view,
                             .kept = argmax,
                             .accumulate = c->accumulate,
                             .mask = c->mask };
}

static void check_max_pool(const struct pool_case *c, int number)
{
    const struct gn_geometry *g = &c->g;
    const struct gn_run run = { .n = c->n, .batch = c->n };
    const size_t count = (size_t)(c->n * g->oh * g->ow * g->c);
    uint8_t *expected = gn_alloc(count, "winners");
    uint8_t *got = gn_alloc(count + 1, "winners");
    assert_true(expected != NULL && got != NULL);
    struct data d = make_data(c, number);
    const struct gn_args args = args_of(c, &d, expected);
    run_kernel(gn_reference_kernels(), GN_OP_MAX_POOL, GN_PASS_FORWARD, &args, &run, 0);
    run_kernel(gn_reference_kernels(), GN_OP_MAX_POOL, GN_PASS_BACK, &args, &run, 0);
    assert_true(tensor_is_clean(&d.y) && tensor_is_clean(&d.dx));
    for (const struct gn_kernel_set *const *set = fast_sets(); *set != NULL; set++) {
        struct data f = make_data(c, number);
        memset(got, 0xaa, count + 1);
        struct gn_args fast = args_of(c, &f, c->argmax ? got : NULL);
        run_kernel(*set, GN_OP_MAX_POOL, GN_PASS_FORWARD, &fast, &run, (uint64_t)number);
        if (!tensor_same_bits(&f.y, &d.y))
            failed(c, (*set)->isa, "output", number);
        if (c->argmax && (memcmp(got, expected, count) != 0 || got[count] != 0xaa))
            failed(c, (*set)->isa, "winners", number);
        /* A plan that wants no winners makes no backward step. */
        fast.kept = expected;
        run_kernel(*set, GN_OP_MAX_POOL, GN_PASS_BACK, &fast, &run, (uint64_t)number);
        if (!tensor_same_bits(&f.dx, &d.dx))
            failed(c, (*set)->isa, "gradient", number);
        /* The same mask by the winners, which the pooled tensor is not needed for. */
        if (c->mask && !c->accumulate) {
            fast.mask = false;
            fast.x.data = NULL;
            run_kernel(*set, GN_OP_MAX_POOL, GN_PASS_BACK, &fast, &run, (uint64_t)number);
            if (!tensor_same_bits(&f.dx, &d.dx))
                failed(c, (*set)->isa, "gradient by winners", number);
        }
        free_data(&f);
    }
    free_data(&d);
    gn_free(expected);
    gn_free(got);
}

static void max_pool_gives_the_bits_of_the_reference(void **state)
{
    (void)state;
    int first, last;
    case_range(CASES, &first, &last);
    for (int number = first; number < last; number++) {
        const struct pool_case c = draw_case(number);
        check_max_pool(&c, number);
    }
}

static void check_average(const struct pool_case *c, int number)
{
    const struct gn_run run = { .n = c->n, .batch = c->n };
    struct data d = make_data(c, number);
    const struct gn_args args = args_of(c, &d, NULL);
    run_kernel(gn_reference_kernels(), GN_OP_GLOBAL_AVG_POOL, GN_PASS_FORWARD, &args, &run, 0);
    run_kernel(gn_reference_kernels(), GN_OP_GLOBAL_AVG_POOL, GN_PASS_BACK, &args, &run, 0);
    assert_true(tensor_is_clean(&d.y) && tensor_is_clean(&d.dx));
    for (const struct gn_kernel_set *const *set = fast_sets(); *set != NULL; set++) {
        struct data f = make_data(c, number);
        const struct gn_args fast = args_of(c, &f, NULL);
        run_kernel(*set, GN_OP_GLOBAL_AVG_POOL, GN_PASS_FORWARD, &fast, &run, (uint64_t)number);
        run_kernel(*set, GN_OP_GLOBAL_AVG_POOL, GN_PASS_BACK, &fast, &run, (uint64_t)number);
        /* Means of values in [-1, 1] that happen to cancel have no relative accuracy. */
        const double least = 0.01 * (double)tensor_count(&d.y);
        if (!tensor_is_clean(&f.y) || tensor_error(&f.y, &d.y, least) > 1.2e-6)
            failed(c, (*set)->isa, "mean", number);
        if (!tensor_same_bits(&f.dx, &d.dx))
            failed(c, (*set)->isa, "gradient of the mean", number);
        free_data(&f);
    }
    free_data(&d);
}

static void global_mean_agrees_with_the_reference_within_1_2e_6(void **state)
{
    (void)state;
    int first, last;
    case_range(CASES / 4, &first, &last);
    for (int number = first; number < last; number++) {
        const struct pool_case c = draw_average(number);
        check_average(&c, number);
    }
}

/* 3x3 over a 3x3 map with SAME padding (one pixel around), stride 1. */
static void first_of_equal_values_takes_the_gradient(void **state)
{
    (void)state;
    static float x[] = { 5, 5, 1, /* */ 2, 5, 1, /* */ -3, -3, -4 };
    static float dy[] = { 1, 2, 4, /* */ 8, 16, 32, /* */ 64, 128, 256 };
    /* Winners: the window of output (r, c) covers rows r-1..r+1, columns c-1..c+1. */
    static const uint8_t winners[] = { 4, 3, 3, /* */ 1, 0, 0, /* */ 2, 1, 0 };
    static const float dx[] = { 27, 36, 0, /* */ 0, 448, 0, /* */ 0, 0, 0 };
    struct gn_args args = { .g = { 3, 3, 1, 3, 3, 1, 3, 3, 1, 1, 1, 1 } };
    const struct gn_run run = { .n = 1, .batch = 1 };
    const struct gn_kernel_set *const *fast = fast_sets();
    for (int i = -1; i < 0 || fast[i] != NULL; i++) {
        const struct gn_kernel_set *set = i < 0 ? gn_reference_kernels() : fast[i];
        float y[9], got[9];
        uint8_t argmax[9];
        args.x = (struct gn_view){ x, 1 };
        args.y = (struct gn_view){ y, 1 };
        args.dy = (struct gn_view){ dy, 1 };
        args.dx = (struct gn_view){ got, 1 };
        args.kept = argmax;
        run_kernel(set, GN_OP_MAX_POOL, GN_PASS_FORWARD, &args, &run, 0);
        run_kernel(set, GN_OP_MAX_POOL, GN_PASS_BACK, &args, &run, 0);
        for (int k = 0; k < 9; k++)
            assert_true(y[k] == 5);
        assert_memory_equal(argmax, winners, sizeof winners);
        assert_memory_equal(got, dx, sizeof dx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_of_equal_values_takes_the_gradient),
        cmocka_unit_test(max_pool_gives_the_bits_of_the_reference),
        cmocka_unit_test(global_mean_agrees_with_the_reference_within_1_2e_6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
