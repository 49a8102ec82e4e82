/* labels: quick
 *
 * Batch normalisation, local response normalisation, average pooling and dropout: every fast kernel
 * set against the reference at odd sizes, with gaps between pixels, accumulation and mask; the bits
 * of AVX2 and AVX-512 alike; running statistics by Keras' and PyTorch's rules; folding. GN_CASE=NUMBER
 * runs one case alone. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "ops/attributes.h"
#include "ops/batch_norm/norm.h"
#include "support/check.h"

#include <math.h>

enum { CASES = 400, MOST_CHANNELS = 64 };

struct norm_case {
    enum gn_op op;
    struct gn_args args; /* geometry and attributes */
    int n;
    int gap[4]; /* of x, y, dx, dy */
    bool train;
    uint64_t stream;
};

#define PICK(list, i) list[draw_below(stream, i, (int)(sizeof list / sizeof list[0]))]

static struct norm_case draw_case(uint64_t kind, int number)
{
    static const int channels[] = { 1, 3, 15, 16, 17, 24, 33, 48 };
    static const int batches[] = { 1, 2, 5, 9 };
    static const int gaps[] = { 0, 1, 7, 16 };
    const uint64_t stream = (kind << 32) + (uint64_t)number;
    struct norm_case c = { .n = PICK(batches, 0), .stream = stream << 8 };
    const int size = 1 + draw_below(stream, 1, 12), ch = PICK(channels, 2);
    c.args.g = (struct gn_geometry){ size, size, ch, size, size, ch, 1, 1, 1, 1, 0, 0 };
    for (uint64_t i = 0; i < 4; i++)
        c.gap[i] = PICK(gaps, 3 + i);
    c.args.accumulate = draw_below(stream, 7, 2) == 0;
    c.args.mask = draw_below(stream, 8, 2) == 0;
    c.args.relu = draw_below(stream, 9, 2) == 0;
    c.train = draw_below(stream, 10, 4) != 0;
    return c;
}

struct data {
    struct tensor x, y, dx, dy;
    float gamma[MOST_CHANNELS], beta[MOST_CHANNELS], mean[MOST_CHANNELS], variance[MOST_CHANNELS];
    float dgamma[MOST_CHANNELS], dbeta[MOST_CHANNELS], slot[2 * MOST_CHANNELS];
    float *stats;
};

/* Values around 3, so that means are not small beside deviations. */
static void make_data(struct data *d, struct norm_case *c)
{
    const struct gn_geometry *g = &c->args.g;
    const size_t in = (size_t)(c->n * g->h * g->w), out = (size_t)(c->n * g->oh * g->ow);
    *d = (struct data){ .x = tensor_new(in, g->c, 0, c->gap[0]),
                        .y = tensor_new(out, g->c, 0, c->gap[1]),
                        .dx = tensor_new(in, g->c, 0, c->gap[2]),
                        .dy = tensor_new(out, g->c, 0, c->gap[3]) };
    tensor_fill(&d->x, FILL_REALS, c->stream);
    tensor_fill(&d->dy, FILL_REALS, c->stream + 1);
    if (c->args.accumulate)
        tensor_fill(&d->dx, FILL_REALS, c->stream + 2);
    for (int i = 0; i < g->c; i++) {
        d->gamma[i] = 0.5F + 0.01F * (float)i;
        d->beta[i] = 0.3F - 0.02F * (float)i;
        d->mean[i] = 0.1F * (float)(i % 3);
        d->variance[i] = 0.5F + 0.1F * (float)(i % 5);
    }
    d->stats = gn_calloc(gn_norm_floats(g, c->n, c->n), sizeof *d->stats, "sums");
    assert_non_null(d->stats);
    c->args.x = d->x.view;
    c->args.y = d->y.view;
    c->args.dx = d->dx.view;
    c->args.dy = d->dy.view;
    c->args.dw = d->dgamma;
    c->args.db = d->dbeta;
    c->args.dw_slots.next = d->slot;
    c->args.db_slots.next = d->slot + MOST_CHANNELS;
    c->args.tensors[GN_NORM_GAMMA] = d->gamma;
    c->args.tensors[GN_NORM_BETA] = d->beta;
    c->args.tensors[GN_NORM_RUNNING_MEAN] = d->mean;
    c->args.tensors[GN_NORM_RUNNING_VARIANCE] = d->variance;
    c->args.shared = d->stats;
}

static void free_data(struct data *d)
{
    tensor_free(&d->x);
    tensor_free(&d->y);
    tensor_free(&d->dx);
    tensor_free(&d->dy);
    gn_free(d->stats);
}

/* In the order of a training step. */
static const enum gn_pass all_passes[] = { GN_PASS_SUMS,          GN_PASS_GRAIN_SUMS,
                                           GN_PASS_STATISTICS,    GN_PASS_FORWARD,
                                           GN_PASS_GRADIENT_SUMS, GN_PASS_GRADIENT_GRAIN_SUMS,
                                           GN_PASS_GRADIENT,      GN_PASS_BACK };
enum { N_PASSES = sizeof all_passes / sizeof all_passes[0] };

/* Makes it a case of an operator with these attributes. */
static void apply(struct norm_case *c, const struct gn_operator *op, void *attributes)
{
    const struct gn_shape in = { c->args.g.h, c->args.g.w, c->args.g.c };
    c->op = op->id;
    c->args.attributes = attributes;
    assert_int_equal(rule_of(op, op->name, in, attributes, &c->args.g), GN_OK);
}

static void run_all(const struct gn_kernel_set *set, const struct norm_case *c,
                    const enum gn_pass *passes, int n)
{
    /* Every other case in grains of one image, an empty one, and the rest: fewer than images. */
    const bool divided = (c->stream >> 8) % 2 == 1 && c->n >= 3;
    const int counts[] = { 1, 0, c->n - 1 };
    const struct gn_grain grains[] = {
        { .n = 1 },
        { .first = 1, .number = 1, .slot = 1, .additions = 1 },
        { .first = 1, .n = c->n - 1, .number = 2, .slot = 1, .additions = 1 }
    };
    const struct gn_run run = { .n = c->n,
                                .batch = c->n,
                                .train = c->train,
                                .image = 3,
                                .seed = 5,
                                .step = 7,
                                .grains = divided ? grains : NULL,
                                .n_grains = 3,
                                .counts = divided ? counts : NULL,
                                .n_counts = 3 };
    for (int i = 0; i < n; i++) {
        const struct gn_kernel *kernel = &set->table[c->op][passes[i]];
        if (kernel->run != NULL && kernel->units(&c->args, &run) > 0)
            run_kernel(set, c->op, passes[i], &c->args, &run, c->stream + (uint64_t)i);
    }
}

static double row_error(const float *a, const float *b, int n)
{
    double difference = 0, norm = 0.01 * n; /* sums that cancel have no relative accuracy */
    for (int i = 0; i < n; i++) {
        difference += pow((double)a[i] - (double)b[i], 2);
        norm += pow((double)b[i], 2);
    }
    return sqrt(difference / norm);
}

/* Runs the kernels by the reference and by each fast set, and compares what they wrote. */
static void compare(struct norm_case c, const enum gn_pass *passes, int n_passes, double most,
                    int number)
{
    struct data expected, first = { .stats = NULL };
    const int channels = c.args.g.c;
    make_data(&expected, &c);
    run_all(gn_reference_kernels(), &c, passes, n_passes);
    assert_true(tensor_is_clean(&expected.y) && tensor_is_clean(&expected.dx));
    for (int k = 0; fast_sets()[k] != NULL; k++) {
        const struct gn_kernel_set *set = fast_sets()[k];
        struct data got;
        make_data(&got, &c);
        run_all(set, &c, passes, n_passes);
        const double errors[] = { tensor_error(&got.y, &expected.y, 1),
                                  tensor_error(&got.dx, &expected.dx, 1),
                                  row_error(got.dgamma, expected.dgamma, channels),
                                  row_error(got.dbeta, expected.dbeta, channels),
                                  row_error(got.mean, expected.mean, channels),
                                  row_error(got.variance, expected.variance, channels) };
        for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
            char text[160];
            (void)snprintf(text, sizeof text, "%s: value %zu off by %.2e: n %d, %dx%dx%d", set->isa,
                           i, errors[i], c.n, c.args.g.h, c.args.g.w, channels);
            if (!(errors[i] <= most) || !tensor_is_clean(&got.y) || !tensor_is_clean(&got.dx))
                case_failed("test_kernels_norm", number, text);
        }
        /* The sets of one processor that fuse stand in front of the one that does not. */
        if (k == 1 && strcmp(set->isa, "generic") != 0 &&
            !(tensor_same_bits(&got.y, &first.y) && tensor_same_bits(&got.dx, &first.dx)))
            case_failed("test_kernels_norm", number, "sets with fused sums give different bits");
        if (k == 0)
            first = got;
        else
            free_data(&got);
    }
    if (first.stats != NULL)
        free_data(&first);
    free_data(&expected);
}

static void batch_norm_agrees_with_the_reference(void **state)
{
    (void)state;
    static const enum gn_pass frozen[] = { GN_PASS_SUMS, GN_PASS_GRAIN_SUMS, GN_PASS_STATISTICS,
                                           GN_PASS_FORWARD, GN_PASS_BACK };
    int first, last;
    case_range(CASES, &first, &last);
    for (int number = first; number < last; number++) {
        struct norm_case c = draw_case(31, number);
        struct gn_norm_options options = { .unbiased = number % 2 == 0 };
        apply(&c, &gn_op_batch_norm, &options);
        /* One value has no deviation, so its gradient is rounding alone. */
        if (c.n * c.args.g.h * c.args.g.w > 4)
            compare(c, all_passes, N_PASSES, 5e-6, number);
        /* Without the sums of a gradient, which nothing needs. */
        c.args.frozen = c.train = true;
        compare(c, frozen, 5, 1e-6, number);
    }
}

static void lrn_agrees_with_the_reference(void **state)
{
    (void)state;
    int first, last;
    case_range(CASES, &first, &last);
    for (int number = first; number < last; number++) {
        struct norm_case c = draw_case(32, number);
        struct gn_lrn_options options = { .size = 1 + 2 * draw_below(c.stream, 20, 4),
                                          .alpha = number % 3 == 0 ? 0 : 0.7,
                                          .beta = number % 4 == 0 ? 0.6 : 0.75,
                                          .k = 1 + number % 2 };
        apply(&c, &gn_op_lrn, &options);
        compare(c, all_passes, N_PASSES, 1.8e-6, number);
    }
}

static void average_pool_agrees_with_the_reference(void **state)
{
    (void)state;
    int first, last;
    case_range(CASES, &first, &last);
    for (int number = first; number < last; number++) {
        struct norm_case c = draw_case(33, number);
        const int size = c.args.g.h;
        const int kernel = 1 + draw_below(c.stream, 20, 5 < size ? 5 : size);
        struct gn_pool_options o = { .kernel = kernel, .stride = 1 + draw_below(c.stream, 21, 3) };
        o.explicit_pads = draw_below(c.stream, 22, 2) == 0;
        o.ceil = o.explicit_pads && draw_below(c.stream, 23, 2) == 0;
        o.count_padding = !o.ceil && draw_below(c.stream, 24, 2) == 0;
        const bool square = draw_below(c.stream, 28, 3) != 0;
        o.kernel_w = square ? 0 : 1 + draw_below(c.stream, 29, kernel);
        o.stride_h = square ? 0 : 1 + draw_below(c.stream, 30, 3);
        const int narrow = o.kernel_w > 0 ? o.kernel_w : kernel;
        o.pad_top = o.pad_left = draw_below(c.stream, 25, narrow);
        o.pad_bottom = o.pad_right = draw_below(c.stream, 26, narrow);
        o.adaptive = number % 4 == 0 ? 1 + draw_below(c.stream, 27, size) : 0;
        apply(&c, &gn_op_avg_pool, &o);
        compare(c, all_passes, N_PASSES, 1.2e-6, number);
    }
}

/* By hand: 5 pixels, windows of 3 by 2; the last one is cut off, and padding counts or does not. */
static void pools_round_up_and_count_as_they_should(void **state)
{
    (void)state;
    const struct gn_shape in = { 1, 6, 1 };
    struct gn_geometry g;
    struct gn_pool_options o = {
        .kernel = 3, .stride = 2, .explicit_pads = true, .pad_top = 1, .pad_bottom = 1
    };
    assert_int_equal(rule_of(&gn_op_max_pool, "p", in, &o, &g), GN_OK);
    assert_int_equal(g.ow, 2);
    o.ceil = true;
    assert_int_equal(rule_of(&gn_op_max_pool, "p", in, &o, &g), GN_OK);
    assert_int_equal(g.ow, 3); /* 112 to 56, not to 55 */
    o.pad_left = o.pad_right = 1;
    assert_int_equal(rule_of(&gn_op_max_pool, "p", (struct gn_shape){ 1, 5, 1 }, &o, &g), GN_OK);
    assert_int_equal(g.ow, 3);
    o.pad_right = 0;
    o.stride = 3;
    o.kernel = 2; /* a window that would begin behind the image is none */
    assert_int_equal(rule_of(&gn_op_max_pool, "p", (struct gn_shape){ 1, 5, 1 }, &o, &g), GN_OK);
    assert_int_equal(g.ow, 2);
    o.count_padding = true;
    assert_int_equal(rule_of(&gn_op_avg_pool, "p", in, &o, &g), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "either ceil or count_padding");
    o = (struct gn_pool_options){ .kernel = 3, .ceil = true };
    assert_int_equal(rule_of(&gn_op_max_pool, "p", in, &o, &g), GN_STATUS_BAD_ARGUMENT);
    o = (struct gn_pool_options){ .adaptive = -1 };
    assert_int_equal(rule_of(&gn_op_avg_pool, "p", in, &o, &g), GN_STATUS_BAD_SHAPE);
}

/* Keras keeps 0.99 of the running statistics and takes the batch's own variance; PyTorch's divides by
 * n - 1. */
static void running_statistics_follow_both_rules(void **state)
{
    (void)state;
    static float x[] = { 1, 2, 3, 6 };
    for (int unbiased = 0; unbiased < 2; unbiased++) {
        float gamma = 2, beta = 1, mean = 10, variance = 4, y[4], stats[1024] = { 0 };
        const struct gn_norm_options options = { .eps = 1e-3,
                                                 .momentum = 0.9,
                                                 .unbiased = unbiased == 1 };
        struct gn_args args = { .g = { 2, 2, 1, 2, 2, 1, 1, 1, 1, 1, 0, 0 },
                                .x = { x, 1 },
                                .y = { y, 1 },
                                .tensors = { &gamma, &beta, &mean, &variance },
                                .shared = stats,
                                .attributes = &options };
        struct gn_run run = { .n = 1, .batch = 1, .train = true };
        run_kernel(gn_reference_kernels(), GN_OP_BATCH_NORM, GN_PASS_GRAIN_SUMS, &args, &run, 0);
        run_kernel(gn_reference_kernels(), GN_OP_BATCH_NORM, GN_PASS_STATISTICS, &args, &run, 0);
        run_kernel(gn_reference_kernels(), GN_OP_BATCH_NORM, GN_PASS_FORWARD, &args, &run, 0);
        assert_true(fabs((double)mean - 9.3) < 1e-6); /* 0.9 * 10 + 0.1 * 3 */
        assert_true(fabs((double)variance - (3.6 + 0.1 * (unbiased ? 14.0 / 3 : 3.5))) < 1e-6);
        assert_true(fabs((double)y[3] - (1 + 2 * 3 / sqrt(3.501))) < 1e-5);
        run.train = false;
        run_kernel(gn_reference_kernels(), GN_OP_BATCH_NORM, GN_PASS_STATISTICS, &args, &run, 0);
        run_kernel(gn_reference_kernels(), GN_OP_BATCH_NORM, GN_PASS_FORWARD, &args, &run, 0);
        assert_true(fabs((double)mean - 9.3) < 1e-6); /* untouched */
        assert_true(fabs((double)y[0] - (1 + 2 * (1 - 9.3) / sqrt((double)variance + 1e-3))) <
                    1e-5);
    }
}

/* Keras' trainable = False: the formula of prediction in training, too. */
static void a_frozen_one_takes_and_keeps_its_running_statistics(void **state)
{
    (void)state;
    static float x[] = { 1, 2, 3, 6 }, dy[] = { 1, -2, 0.5F, 4 };
    const struct gn_run run = { .n = 1, .batch = 1, .train = true };
    const struct gn_norm_options options = { .eps = 0.5, .momentum = 0.99 };
    for (int k = -1; k < 0 || fast_sets()[k] != NULL; k++) {
        const struct gn_kernel_set *set = k < 0 ? gn_reference_kernels() : fast_sets()[k];
        float gamma = 2, beta = 1, mean = 10, variance = 4, y[4], dx[4], stats[1024] = { 0 };
        struct gn_args args = { .g = { 2, 2, 1, 2, 2, 1, 1, 1, 1, 1, 0, 0 },
                                .x = { x, 1 },
                                .y = { y, 1 },
                                .dx = { dx, 1 },
                                .dy = { dy, 1 },
                                .tensors = { &gamma, &beta, &mean, &variance },
                                .shared = stats,
                                .frozen = true,
                                .attributes = &options };
        run_kernel(set, GN_OP_BATCH_NORM, GN_PASS_STATISTICS, &args, &run, 0);
        run_kernel(set, GN_OP_BATCH_NORM, GN_PASS_FORWARD, &args, &run, 0);
        run_kernel(set, GN_OP_BATCH_NORM, GN_PASS_BACK, &args, &run, 0);
        const double scale = 2 / sqrt(4.5);
        for (int i = 0; i < 4; i++) {
            assert_true(fabs((double)y[i] - (((double)x[i] - 10) * scale + 1)) < 2e-6);
            assert_true(fabs((double)dx[i] - (double)dy[i] * scale) < 1e-6);
        }
        assert_true(mean >= 10 && mean <= 10 && variance >= 4 && variance <= 4);
    }
}

static void dropout_keeps_its_share_and_draws_by_step_and_image(void **state)
{
    (void)state;
    enum { N = 4, C = 2000 };
    static float x[N * C], y[N * C], dx[N * C], again[N * C];
    for (int i = 0; i < N * C; i++)
        x[i] = 1;
    struct gn_dropout_attributes own = { 0.4 };
    struct gn_geometry g;
    struct gn_args args = { .g = { 1, 1, C, 1, 1, C, 1, 1, 1, 1, 0, 0 },
                            .x = { x, C },
                            .y = { y, C },
                            .dx = { dx, C },
                            .dy = { x, C },
                            .attributes = &own,
                            .number = 3 };
    const struct gn_kernel_set *set = gn_reference_kernels();
    struct gn_run run = { .n = N, .batch = N, .train = true, .seed = 1, .step = 2 };
    run_kernel(set, GN_OP_DROPOUT, GN_PASS_FORWARD, &args, &run, 0);
    run_kernel(set, GN_OP_DROPOUT, GN_PASS_BACK, &args, &run, 0);
    assert_memory_equal(y, dx, sizeof y); /* the same mask, drawn again */
    int kept = 0;
    for (int i = 0; i < N * C; i++) {
        assert_true(y[i] == 0 || fabs((double)y[i] - 1 / 0.6) < 1e-6);
        kept += y[i] > 0;
    }
    assert_in_range(kept, 4700, 4900); /* 4800 +- 2.3 deviations */
    assert_true(memcmp(y, y + C, C * sizeof *y) != 0);
    /* The second image alone, as a slice of its own. */
    memcpy(again, y, sizeof y);
    args.x.data += C;
    args.y.data += C;
    run.n = run.image = 1;
    run_kernel(set, GN_OP_DROPOUT, GN_PASS_FORWARD, &args, &run, 0);
    assert_memory_equal(again, y, sizeof y);
    run.step = 3;
    run_kernel(set, GN_OP_DROPOUT, GN_PASS_FORWARD, &args, &run, 0);
    assert_true(memcmp(again, y, sizeof y) != 0);
    run.train = false;
    run_kernel(set, GN_OP_DROPOUT, GN_PASS_FORWARD, &args, &run, 0);
    assert_memory_equal(y + C, x + C, C * sizeof *y);
    own.rate = 1;
    assert_int_equal(rule_of(&gn_op_dropout, "drop", (struct gn_shape){ 1, 1, C }, &own, &g),
                     GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "drop: a rate of 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_norm_agrees_with_the_reference),
        cmocka_unit_test(lrn_agrees_with_the_reference),
        cmocka_unit_test(average_pool_agrees_with_the_reference),
        cmocka_unit_test(pools_round_up_and_count_as_they_should),
        cmocka_unit_test(running_statistics_follow_both_rules),
        cmocka_unit_test(a_frozen_one_takes_and_keeps_its_running_statistics),
        cmocka_unit_test(dropout_keeps_its_share_and_draws_by_step_and_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
