/* labels: quick
 *
 * Sums, and ReLU and the copies of a concatenation as steps of their own: every fast kernel set gives the
 * bits of the reference, on slices of wider tensors, accumulating and masked; and the values of
 * the formulas themselves, at 0, -0 and NaN. GN_CASE=NUMBER runs one case alone. */
#include "kernels/kernels.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { CASES = 1000 };

#define PICK(list, i) list[draw_below(stream, i, (int)(sizeof list / sizeof list[0]))]

struct case_data {
    struct gn_args args;
    int n;
    struct tensor x, y, dx, dy, x2;
};

/* Case `number`; the same values at every call. */
static struct case_data make_case(int number)
{
    static const int channels[] = { 1, 3, 15, 16, 17, 24, 33 };
    static const int batches[] = { 1, 2, 5 };
    static const int gaps[] = { 0, 1, 7, 16 };
    const uint64_t stream = (UINT64_C(7) << 32) + (uint64_t)number;
    struct case_data d = { .n = PICK(batches, 0) };
    struct gn_geometry *g = &d.args.g;
    g->h = g->oh = 1 + draw_below(stream, 1, 13);
    g->w = g->ow = 1 + draw_below(stream, 2, 13);
    g->c = g->oc = PICK(channels, 3);
    g->kh = g->kw = g->stride_h = g->stride_w = 1;
    d.args.accumulate = draw_below(stream, 4, 2) == 0;
    d.args.mask = draw_below(stream, 5, 2) == 0;
    struct tensor *const all[] = { &d.x, &d.y, &d.dx, &d.dy, &d.x2 };
    for (uint64_t i = 0; i < 5; i++) {
        const int gap = PICK(gaps, i < 4 ? 6 + i : 14);
        *all[i] = tensor_new((size_t)(d.n * g->h * g->w), g->c,
                             draw_below(stream, 10 + 5 * (i / 4) + i % 4, gap + 1), gap);
    }
    tensor_fill(&d.x, FILL_REALS, stream << 8);
    tensor_fill(&d.dy, FILL_REALS, (stream << 8) + 1);
    if (d.args.accumulate)
        tensor_fill(&d.dx, FILL_REALS, (stream << 8) + 2);
    d.args.relu = draw_below(stream, 16, 2) == 0;
    tensor_fill(&d.x2, FILL_REALS, (stream << 8) + 3);
    d.args.x2 = d.x2.view;
    d.args.x = d.x.view;
    d.args.y = d.y.view;
    d.args.dx = d.dx.view;
    d.args.dy = d.dy.view;
    return d;
}

static void free_case(struct case_data *d)
{
    tensor_free(&d->x);
    tensor_free(&d->y);
    tensor_free(&d->dx);
    tensor_free(&d->dy);
    tensor_free(&d->x2);
}

static void run_both(const struct gn_kernel_set *set, const struct case_data *d, enum gn_op op)
{
    const struct gn_run run = { .n = d->n, .batch = d->n };
    run_kernel(set, op, GN_PASS_FORWARD, &d->args, &run, 0);
    run_kernel(set, op, GN_PASS_BACK, &d->args, &run, 1);
}

static void check(enum gn_op op)
{
    int first, last;
    case_range(CASES, &first, &last);
    for (int number = first; number < last; number++) {
        struct case_data expected = make_case(number);
        run_both(gn_reference_kernels(), &expected, op);
        assert_true(tensor_is_clean(&expected.y) && tensor_is_clean(&expected.dx));
        for (const struct gn_kernel_set *const *set = fast_sets(); *set != NULL; set++) {
            struct case_data fast = make_case(number);
            run_both(*set, &fast, op);
            if (!tensor_same_bits(&fast.y, &expected.y) ||
                !tensor_same_bits(&fast.dx, &expected.dx)) {
                char text[128];
                (void)snprintf(text, sizeof text, "%s: n %d, %dx%dx%d, accumulate %d, mask %d",
                               (*set)->isa, fast.n, fast.args.g.h, fast.args.g.w, fast.args.g.c,
                               fast.args.accumulate, fast.args.mask);
                case_failed("test_kernels_relu_concat", number, text);
            }
            free_case(&fast);
        }
        free_case(&expected);
    }
}

static void relu_gives_the_bits_of_the_reference(void **state)
{
    (void)state;
    check(GN_OP_RELU);
}

static void copies_give_the_bits_of_the_reference(void **state)
{
    (void)state;
    check(GN_OP_CONCAT);
}

static void sums_give_the_bits_of_the_reference(void **state)
{
    (void)state;
    check(GN_OP_SUM);
}

/* Calls `body` for the reference and every fast set. */
static void for_every_set(void (*body)(const struct gn_kernel_set *set))
{
    body(gn_reference_kernels());
    for (const struct gn_kernel_set *const *set = fast_sets(); *set != NULL; set++)
        body(*set);
}

enum { N = 19 }; /* full vectors and a rest in every set */

static void relu_values(const struct gn_kernel_set *set)
{
    static float x[N] = { 0, -0.0F, 1, -1, 1e-30F, -1e-30F, INFINITY, -INFINITY };
    float y[N], dx[N], dy[N];
    x[8] = x[N - 1] = NAN;
    for (int i = 0; i < N; i++)
        dy[i] = (float)(i + 1);
    const struct gn_args args = { .g = { 1, 1, N, 1, 1, N, 1, 1, 1, 1, 0, 0 },
                                  .x = { x, N },
                                  .y = { y, N },
                                  .dx = { dx, N },
                                  .dy = { dy, N } };
    const struct gn_run run = { .n = 1, .batch = 1 };
    run_kernel(set, GN_OP_RELU, GN_PASS_FORWARD, &args, &run, 0);
    run_kernel(set, GN_OP_RELU, GN_PASS_BACK, &args, &run, 0);
    for (int i = 0; i < N; i++) {
        const bool is_nan = i == 8 || i == N - 1;
        assert_true(is_nan ? isnan(y[i]) : y[i] == (x[i] > 0 ? x[i] : 0));
        /* The gradient at 0 is 0. */
        assert_true(dx[i] == (x[i] > 0 ? dy[i] : 0));
    }
}

static void relu_keeps_nan_and_has_no_gradient_at_0(void **state)
{
    (void)state;
    for_every_set(relu_values);
}

static void copied_slices(const struct gn_kernel_set *set)
{
    enum { PIXELS = 3, WIDE = 2 + N + 4 };
    float x[PIXELS * N], whole[PIXELS * WIDE], back[PIXELS * N];
    for (int i = 0; i < PIXELS * N; i++)
        x[i] = (float)(i - 20);
    for (int i = 0; i < PIXELS * WIDE; i++)
        whole[i] = 1000;
    const struct gn_args args = { .g = { 1, PIXELS, N, 1, PIXELS, N, 1, 1, 1, 1, 0, 0 },
                                  .x = { x, N },
                                  .y = { whole + 2, WIDE },
                                  .dy = { whole + 2, WIDE },
                                  .dx = { back, N } };
    const struct gn_run run = { .n = 1, .batch = 1 };
    run_kernel(set, GN_OP_CONCAT, GN_PASS_FORWARD, &args, &run, 0);
    run_kernel(set, GN_OP_CONCAT, GN_PASS_BACK, &args, &run, 0);
    for (int p = 0; p < PIXELS; p++)
        for (int c = 0; c < WIDE; c++)
            assert_true(whole[p * WIDE + c] == (c < 2 || c >= 2 + N ? 1000 : x[p * N + c - 2]));
    assert_memory_equal(back, x, sizeof x);
}

static void splitting_undoes_concatenating(void **state)
{
    (void)state;
    for_every_set(copied_slices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu_keeps_nan_and_has_no_gradient_at_0),
        cmocka_unit_test(splitting_undoes_concatenating),
        cmocka_unit_test(relu_gives_the_bits_of_the_reference),
        cmocka_unit_test(sums_give_the_bits_of_the_reference),
        cmocka_unit_test(copies_give_the_bits_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
