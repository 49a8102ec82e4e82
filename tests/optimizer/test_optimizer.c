/* labels: quick
 *
 * The optimisers against Keras' own numbers, and that their bits do not depend on threads. */
#include "base/memory.h"
#include "base/random.h"
#include "formats/safetensors.h"
#include "support/check.h"
#include "optimizer/optimizer.h"

#include "support/small_layer.h"

#include <math.h>

enum { STEPS = 10 };

static const char *const golden = GN_SOURCE_DIR "/tests/golden/optimizers.safetensors";

static void compare(const struct gn_st_file *file, const char *name, const char *part,
                    const float *values, int step, size_t count)
{
    char tensor_name[64];
    (void)snprintf(tensor_name, sizeof tensor_name, "%s.%s", name, part);
    const struct gn_st_tensor *tensor = gn_st_find(file, tensor_name);
    assert_non_null(tensor);
    assert_int_equal(tensor->count, STEPS * count);
    float expected[STEPS * KERNEL];
    assert_true(gn_st_to_float(tensor, expected));
    for (size_t i = 0; i < count; i++) {
        const float e = expected[(size_t)step * count + i];
        if (fabsf(values[i] - e) > 2e-7F * fmaxf(1.0F, fabsf(e))) {
            print_error("%s, step %d, element %zu: %.9g, Keras has %.9g\n", tensor_name, step, i,
                        (double)values[i], (double)e);
            fail();
        }
    }
}

struct golden_case {
    const char *name;
    struct gn_optimizer_options options;
    double lr;
    float gradient;
};

static const struct golden_case cases[] = {
    { "sgd", { .kind = GN_SGD }, 0.05, 1 },
    { "sgd_momentum", { .kind = GN_SGD, .momentum = 0.9 }, 0.05, 1 },
    { "sgd_nesterov", { .kind = GN_SGD, .momentum = 0.9, .nesterov = true }, 0.05, 1 },
    { "sgd_decay", { .kind = GN_SGD, .weight_decay = 0.004 }, 0.05, 1 },
    { "sgd_nesterov_decay",
      { .kind = GN_SGD, .momentum = 0.9, .nesterov = true, .weight_decay = 0.0005 },
      0.05,
      1 },
    { "sgd_decay_all",
      { .kind = GN_SGD, .momentum = 0.9, .weight_decay = 0.004, .decay_all = true },
      0.05,
      1 },
    { "adamw", { .kind = GN_ADAMW, .weight_decay = 0.004, .adam_eps = 1e-7 }, 0.001, 1 },
    { "adamw_decay_all",
      { .kind = GN_ADAMW, .weight_decay = 0.004, .adam_eps = 1e-7, .decay_all = true },
      0.001,
      1 },
    { "adamw_small_gradients",
      { .kind = GN_ADAMW, .weight_decay = 0.004, .adam_eps = 1e-7 },
      0.001,
      0x1p-23F },
    { "adamw_epsilon",
      { .kind = GN_ADAMW, .weight_decay = 0.01, .adam_eps = 0.001 },
      0.01,
      0x1p-9F },
};

static void agrees_with_keras_step_by_step(void **state)
{
    (void)state;
    struct gn_st_file *file = gn_st_open(golden);
    assert_non_null(file);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct gn_optimizer_options options = cases[c].options;
        options.threads = 1;
        struct gn_updater *updater = gn_updater_create(&small_graph, &options);
        assert_non_null(updater);
        float params[FLOATS] = { 0 }, grads[FLOATS] = { 0 };
        draw_both(params, 5200, 5201, 1);
        for (int step = 0; step < STEPS; step++) {
            draw_both(grads, 5000 + (uint64_t)step, 5100 + (uint64_t)step, cases[c].gradient);
            const struct gn_update update = { (uint64_t)step + 1, cases[c].lr, 1 };
            gn_updater_step(updater, params, grads, &update);
            compare(file, cases[c].name, "kernel", params, step, KERNEL);
            compare(file, cases[c].name, "bias", params + BIAS_OFFSET, step, BIAS);
        }
        gn_updater_free(updater);
    }
    gn_st_close(file);
}

/* A tensor of several blocks, so that threads really share the work. */
enum { LARGE = 100003 };
static struct gn_tensor large_tensor = {
    .name = "w", .rank = 1, .count = LARGE, .is_kernel = true, .trainable = true
};
static const struct gn_graph large_graph = { .n_tensors = 1,
                                             .tensors = &large_tensor,
                                             .n_floats = LARGE };

static void fill_large(float *values, uint64_t stream)
{
    for (uint64_t i = 0; i < LARGE; i++)
        values[i] = draw(stream, i, 1);
}

static void gives_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    float *first = gn_alloc(LARGE * sizeof(float), "test"), *params = gn_alloc(LARGE * 4, "test");
    float *grads = gn_alloc(LARGE * sizeof(float), "test");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
        for (int threads = 1; threads <= 4; threads++) {
            struct gn_optimizer_options options = cases[c].options;
            options.threads = threads;
            struct gn_updater *updater = gn_updater_create(&large_graph, &options);
            assert_non_null(updater);
            fill_large(params, 1);
            for (uint64_t step = 1; step <= 3; step++) {
                fill_large(grads, 10 + step);
                const struct gn_update update = { step, cases[c].lr, 1 };
                gn_updater_step(updater, params, grads, &update);
            }
            gn_updater_free(updater);
            if (threads == 1)
                memcpy(first, params, LARGE * sizeof(float));
            assert_memory_equal(first, params, LARGE * sizeof(float));
        }
    gn_free(first);
    gn_free(params);
    gn_free(grads);
}

static void a_rate_of_zero_changes_no_bit(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct gn_optimizer_options options = cases[c].options;
        options.threads = 1;
        struct gn_updater *updater = gn_updater_create(&small_graph, &options);
        assert_non_null(updater);
        float params[FLOATS] = { 0 }, before[FLOATS], grads[FLOATS];
        draw_both(params, 5200, 5201, 1);
        params[3] = -0.0F;
        memcpy(before, params, sizeof before);
        draw_both(grads, 5000, 5100, 1);
        gn_updater_step(updater, params, grads, &(struct gn_update){ 1, 0, 1 });
        assert_memory_equal(params, before, sizeof before);
        gn_updater_free(updater);
    }
}

static void finds_every_value_that_is_not_finite(void **state)
{
    (void)state;
    const struct gn_optimizer_options options = { .threads = 2 };
    struct gn_updater *updater = gn_updater_create(&small_graph, &options);
    assert_non_null(updater);
    float values[FLOATS] = { 0 };
    draw_both(values, 1, 2, 3e38F);
    assert_true(gn_updater_finite(updater, values));
    const float bad[] = { NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < FLOATS; i++)
        for (size_t k = 0; k < 3; k++) {
            const float good = values[i];
            const bool is_gap = (i >= KERNEL && i < BIAS_OFFSET) || i >= BIAS_OFFSET + BIAS;
            values[i] = bad[k];
            assert_int_equal(gn_updater_finite(updater, values), is_gap);
            values[i] = good;
        }
    gn_updater_free(updater);
}

static void reports_a_lack_of_memory(void **state)
{
    (void)state;
    const struct gn_optimizer_options options = { .kind = GN_ADAMW, .threads = 1 };
    for (uint64_t k = 1;; k++) {
        gn_alloc_fail_after(k, false);
        struct gn_updater *updater = gn_updater_create(&small_graph, &options);
        gn_alloc_fail_after(0, false);
        if (updater != NULL) {
            gn_updater_free(updater);
            assert_true(k > 3);
            return;
        }
        check_error(GN_STATUS_NO_MEMORY, "optimiser");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_keras_step_by_step),
        cmocka_unit_test(gives_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(a_rate_of_zero_changes_no_bit),
        cmocka_unit_test(finds_every_value_that_is_not_finite),
        cmocka_unit_test(reports_a_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
