/* labels: quick
 *
 * Schedules, clipping, averages, accumulation and label smoothing against Keras' own numbers, and
 * the patterns that name tensors. */
#include "base/random.h"
#include "formats/safetensors.h"
#include "graph/pattern.h"
#include "ops/kernels.h"
#include "support/check.h"
#include "support/tiny.h"
#include "optimizer/optimizer.h"
#include "train/schedule.h"

#include "support/small_layer.h"

#include <math.h>

enum { RATES = 20, STEPS = 10 };

static struct gn_st_file *golden;

static int open_golden(void **state)
{
    (void)state;
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/training.safetensors");
    return golden == NULL;
}

static int close_golden(void **state)
{
    (void)state;
    gn_st_close(golden);
    return 0;
}

static const struct gn_st_tensor *find(const char *name, size_t count)
{
    const struct gn_st_tensor *tensor = gn_st_find(golden, name);
    if (tensor == NULL || tensor->count != count)
        fail_msg("%s: not in the golden file with %zu values", name, count);
    return tensor;
}

/* ---- Schedules ---- */

static void rates_are_those_of_keras(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct gn_schedule_options options;
    } cases[] = {
        { "schedule.line",
          { GN_SCHEDULE_POLYNOMIAL, .lr = 0.05, .lr_min = 0.001, .power = 1, .total = RATES } },
        { "schedule.curve",
          { GN_SCHEDULE_POLYNOMIAL, .lr = 0.05, .lr_min = 0.001, .power = 2, .total = RATES } },
        { "schedule.cosine", { GN_SCHEDULE_COSINE, .lr = 0.05, .lr_min = 0.001, .total = RATES } },
        { "schedule.warm_cosine",
          { GN_SCHEDULE_COSINE, .lr = 0.05, .lr_min = 0.001, .warmup = 5, .total = RATES } },
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        double rates[RATES];
        memcpy(rates, find(cases[c].name, RATES)->data, sizeof rates);
        for (uint64_t k = 0; k < RATES; k++) {
            const double rate = gn_schedule_rate(&cases[c].options, k);
            if (fabs(rate - rates[k]) > 1e-7 * 0.05)
                fail_msg("%s, step %d: %.9g, Keras has %.9g", cases[c].name, (int)k, rate,
                         rates[k]);
        }
    }
}

static void one_cycle_rises_and_falls_in_lines(void **state)
{
    (void)state;
    const struct gn_schedule_options o = { GN_SCHEDULE_ONE_CYCLE, .lr = 0.2, .power = 1,
                                           .warmup = 20, .total = 100 };
    for (uint64_t k = 0; k < 100; k++) {
        const double wanted = k < 20 ? 0.2 * (double)(k + 1) / 21 : 0.2 * (double)(100 - k) / 80;
        assert_true(fabs(gn_schedule_rate(&o, k) - wanted) < 1e-15);
    }
}

static void steps_fall_at_their_periods(void **state)
{
    (void)state;
    const struct gn_schedule_options o = { GN_SCHEDULE_STEP, .lr = 1, .step_factor = 0.5,
                                           .period = 10, .total = 40 };
    assert_true(gn_schedule_rate(&o, 0) == 1 && gn_schedule_rate(&o, 9) == 1);
    assert_true(gn_schedule_rate(&o, 10) == 0.5 && gn_schedule_rate(&o, 39) == 0.125);
}

/* ---- Updates ---- */

struct update_case {
    const char *name;
    struct gn_optimizer_options optimizer;
    struct gn_schedule_options schedule;
    double clip_norm;
    int accumulate;
};

static const struct update_case update_cases[] = {
    { "nesterov_warm_cosine",
      { .momentum = 0.9, .nesterov = true, .weight_decay = 0.0005 },
      { GN_SCHEDULE_COSINE, .lr = 0.05, .warmup = 4, .total = STEPS },
      .accumulate = 1 },
    { "adamw_line",
      { GN_ADAMW, .weight_decay = 0.01, .adam_eps = 1e-7 },
      { GN_SCHEDULE_POLYNOMIAL, .lr = 0.01, .power = 1, .total = STEPS },
      .accumulate = 1 },
    { "momentum_clip", { .momentum = 0.9 }, { .lr = 0.05 }, .clip_norm = 1.5, .accumulate = 1 },
    { "adamw_clip",
      { GN_ADAMW, .weight_decay = 0.004, .adam_eps = 1e-7 },
      { .lr = 0.01 },
      .clip_norm = 0.5,
      .accumulate = 1 },
    { "momentum_ema", { .momentum = 0.9, .ema = 0.9 }, { .lr = 0.05 }, .accumulate = 1 },
    { "momentum_accumulate", { .momentum = 0.9 }, { .lr = 0.05 }, .accumulate = 2 },
};

static void compare(const char *name, const char *part, int step, const float *values)
{
    char full[64];
    float all[STEPS * KERNEL];
    (void)snprintf(full, sizeof full, "%s.%s", name, part);
    assert_true(gn_st_to_float(find(full, STEPS * KERNEL), all));
    for (size_t i = 0; i < KERNEL; i++) {
        const float wanted = all[(size_t)step * KERNEL + i];
        if (fabsf(values[i] - wanted) > 4e-7F * fmaxf(1.0F, fabsf(wanted)))
            fail_msg("%s, step %d, element %zu: %.9g, Keras has %.9g", full, step, i,
                     (double)values[i], (double)wanted);
    }
}

static void run_case(const struct update_case *c)
{
    struct gn_optimizer_options options = c->optimizer;
    options.threads = 1;
    struct gn_updater *updater = gn_updater_create(&small_graph, &options);
    assert_non_null(updater);
    float params[FLOATS] = { 0 }, grads[FLOATS] = { 0 }, sum[FLOATS] = { 0 };
    draw_both(params, 5200, 5201, 1);
    gn_updater_begin(updater, params);
    for (int step = 0; step < STEPS; step++) {
        draw_both(grads, 5000 + (uint64_t)step, 5100 + (uint64_t)step, 1);
        gn_updater_add(updater, sum, grads, 1, step % c->accumulate == 0);
        if (step % c->accumulate == c->accumulate - 1) {
            const uint64_t done = (uint64_t)(step / c->accumulate);
            const double mean = 1.0 / c->accumulate, norm = mean * gn_updater_norm(updater, sum);
            const double clip = c->clip_norm > 0 && norm > c->clip_norm ? c->clip_norm / norm : 1;
            const struct gn_update update = { done + 1, gn_schedule_rate(&c->schedule, done),
                                              mean * clip };
            gn_updater_step(updater, params, sum, &update);
        }
        compare(c->name, "kernel", step, params);
        if (options.ema > 0)
            compare(c->name, "average", step, gn_updater_ema(updater));
    }
    gn_updater_free(updater);
}

static void updates_are_those_of_keras(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof update_cases / sizeof update_cases[0]; c++)
        run_case(&update_cases[c]);
}

static void frozen_tensors_and_their_average_keep_every_bit(void **state)
{
    (void)state;
    const struct gn_optimizer_options options = { .momentum = 0.9,
                                                  .weight_decay = 0.1,
                                                  .decay_all = true,
                                                  .ema = 0.9,
                                                  .freeze = "bias",
                                                  .lr_scale = "kernel=0",
                                                  .threads = 1 };
    struct gn_updater *updater = gn_updater_create(&small_graph, &options);
    float params[FLOATS] = { 0 }, grads[FLOATS] = { 0 }, before[FLOATS];
    draw_both(params, 5200, 5201, 1);
    params[BIAS_OFFSET + 3] = -0.0F;
    memcpy(before, params, sizeof before);
    gn_updater_begin(updater, params);
    for (uint64_t step = 1; step <= 5; step++) {
        draw_both(grads, 5000 + step, 5100 + step, 1);
        gn_updater_step(updater, params, grads, &(struct gn_update){ step, 0.1, 1 });
    }
    assert_memory_equal(params, before, sizeof before);
    assert_memory_equal(gn_updater_ema(updater), before, sizeof before);
    gn_updater_free(updater);
}

/* ---- Label smoothing ---- */

static void the_smoothed_loss_is_that_of_keras(void **state)
{
    (void)state;
    enum { N = 8, CLASSES = 10 };
    float logits[N * CLASSES], gradient[N * CLASSES], wanted[N * CLASSES];
    int32_t labels[N];
    struct gn_loss_sum sum;
    double wanted_loss;
    for (uint64_t i = 0; i < N * CLASSES; i++)
        logits[i] = draw(5300, i, 4);
    for (uint64_t i = 0; i < N; i++)
        labels[i] = (int32_t)(gn_random_bits(0, GN_RANDOM_TEST, 2000, i) % CLASSES);
    const int32_t *const current = labels;
    const struct gn_loss_args own = {
        .labels = &current, .sums = &sum, .weight = 1, .smoothing = 0.1
    };
    const struct gn_args args = { .g = { 1, 1, CLASSES, 1, 1, CLASSES, 1, 1, 1, 1, 0, 0 },
                                  .x = { logits, CLASSES },
                                  .dx = { gradient, CLASSES },
                                  .loss = &own };
    const struct gn_run run = { .n = N, .batch = N };
    gn_reference_kernels()->table[GN_OP_LOSS][GN_PASS_FORWARD].run(&args, &run, 0, NULL);
    memcpy(&wanted_loss, find("smoothed.loss", 1)->data, sizeof wanted_loss);
    assert_true(fabs(sum.loss / N - wanted_loss) < 1e-12);
    assert_true(gn_st_to_float(find("smoothed.gradient", N * CLASSES), wanted));
    for (size_t i = 0; i < N * CLASSES; i++)
        assert_true(fabsf(gradient[i] - wanted[i]) < 1e-7F);
}

/* ---- Patterns ---- */

static void patterns_name_tensors_and_all_below_a_prefix(void **state)
{
    (void)state;
    static const char name[] = "b3.inception3a.p1_1.weight";
    static const char *const hits[] = { name,       "b3",      "b3.inception3a", "b3.*", "*",
                                        "*.weight", "*.p1_?",  "b?.*.p1_1",      "b*t",  "x,b3.*,y",
                                        "*3a*",     "*.*.*.*", "b3.i*" };
    static const char *const misses[] = {
        "", "b", "b33", "weight", "*.bia", "b3.i", "b3.*.bias", "b3.inception3a.p1_1.weight.x"
    };
    for (size_t i = 0; i < sizeof hits / sizeof hits[0]; i++)
        if (!gn_pattern_matches(hits[i], name))
            fail_msg("%s does not match", hits[i]);
    for (size_t i = 0; i < sizeof misses / sizeof misses[0]; i++)
        if (gn_pattern_matches(misses[i], name))
            fail_msg("%s matches", misses[i]);
    assert_false(gn_pattern_matches(NULL, name));
    assert_true(gn_pattern_factor("b3.*=0.5,*.bias=2", name) == 0.5);
    assert_true(gn_pattern_factor("b3.*=0.5,*=2", name) == 2);
    assert_true(gn_pattern_factor("b1=0.5", name) == 1 && gn_pattern_factor(NULL, name) == 1);
}

static void patterns_are_checked_with_the_nearest_name(void **state)
{
    (void)state;
    gn_net *net = tiny_net();
    const struct gn_graph *g = net->graph;
    assert_int_equal(gn_pattern_check("b1,b2.*,*.bias", false, g, "freeze"), GN_OK);
    assert_int_equal(gn_pattern_check(NULL, false, g, "freeze"), GN_OK);
    assert_int_equal(gn_pattern_check("b1=0.1,*=1e-3", true, g, "lr-scale"), GN_OK);
    (void)gn_pattern_check("dense.wieght", false, g, "freeze");
    check_error(GN_STATUS_BAD_ARGUMENT, "\"dense.wieght\" names none");
    (void)gn_pattern_check("dense.wieght", false, g, "freeze");
    check_error(GN_STATUS_BAD_ARGUMENT, "nearest name is dense.weight");
    (void)gn_pattern_check("b1,,b2", false, g, "freeze");
    check_error(GN_STATUS_BAD_ARGUMENT, "empty");
    (void)gn_pattern_check("b1=2", false, g, "freeze");
    check_error(GN_STATUS_BAD_ARGUMENT, "\"=\"");
    static const char *const bad[] = { "b1", "b1=", "b1=x", "b1=-1", "b1=nan", "b1=inf", "b1=1x" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)gn_pattern_check(bad[i], true, g, "lr-scale");
        check_error(GN_STATUS_BAD_ARGUMENT, "needs a factor");
    }
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_those_of_keras),
        cmocka_unit_test(one_cycle_rises_and_falls_in_lines),
        cmocka_unit_test(steps_fall_at_their_periods),
        cmocka_unit_test(updates_are_those_of_keras),
        cmocka_unit_test(frozen_tensors_and_their_average_keep_every_bit),
        cmocka_unit_test(the_smoothed_loss_is_that_of_keras),
        cmocka_unit_test(patterns_name_tensors_and_all_below_a_prefix),
        cmocka_unit_test(patterns_are_checked_with_the_nearest_name),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
