/* labels: quick
 *
 * LARS against the numbers of timm (PyTorch) and of TensorFlow's, against its formula in double, its rule for
 * norms of zero, and that its bits do not depend on threads. */
#include "base/memory.h"
#include "base/random.h"
#include "formats/safetensors.h"
#include "support/check.h"
#include "optimizer/optimizer.h"

#include "support/small_layer.h"

#include <math.h>

enum { STEPS = 10 };

static const char *const golden = GN_SOURCE_DIR "/tests/golden/lars.safetensors";

static struct gn_updater *updater_of(const struct gn_graph *graph,
                                     struct gn_optimizer_options options, int threads)
{
    options.kind = GN_LARS;
    options.threads = threads;
    struct gn_updater *updater = gn_updater_create(graph, &options);
    assert_non_null(updater);
    return updater;
}

/* ---- Other programs' numbers ---- */

struct golden_case {
    const char *name;
    struct gn_optimizer_options options;
    float gradient;
    bool falls;
};

static const struct golden_case cases[] = {
    { "timm", { .momentum = 0.9, .weight_decay = 0.0005, .lars_trust = 0.001 }, 1, false },
    { "timm_nesterov",
      { .momentum = 0.9, .weight_decay = 0.0005, .lars_trust = 0.001, .nesterov = true },
      1,
      false },
    { "timm_no_decay", { .momentum = 0.9, .lars_trust = 0.001 }, 1, false },
    { "timm_no_momentum", { .weight_decay = 0.0005, .lars_trust = 0.001 }, 1, false },
    { "timm_large_decay", { .momentum = 0.9, .weight_decay = 0.1, .lars_trust = 0.02 }, 1, false },
    { "timm_small_gradients",
      { .momentum = 0.9, .weight_decay = 0.0005, .lars_trust = 0.001 },
      0x1p-23F,
      false },
    { "tf", { .momentum = 0.9, .lars_trust = 0.001 }, 1, false },
    { "tf_falling", { .momentum = 0.9, .lars_trust = 0.001 }, 1, true },
    { "tf_nesterov_falling", { .momentum = 0.9, .lars_trust = 0.001, .nesterov = true }, 1, true },
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static double rate_of(const struct golden_case *c, int step)
{
    return c->falls ? 2.0 / (step + 1) : 2.0;
}

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
        if (fabsf(values[i] - e) > 4e-7F * fmaxf(1.0F, fabsf(e)))
            fail_msg("%s, step %d, element %zu: %.9g, not %.9g", tensor_name, step, i,
                     (double)values[i], (double)e);
    }
}

static void agrees_with_timm_and_tensorflow_step_by_step(void **state)
{
    (void)state;
    struct gn_st_file *file = gn_st_open(golden);
    assert_non_null(file);
    for (const struct golden_case *c = cases; c < cases + N_CASES; c++) {
        struct gn_updater *updater = updater_of(&small_graph, c->options, 1);
        float params[FLOATS] = { 0 }, grads[FLOATS] = { 0 };
        draw_both(params, 5200, 5201, 1);
        for (int step = 0; step < STEPS; step++) {
            draw_both(grads, 5000 + (uint64_t)step, 5100 + (uint64_t)step, c->gradient);
            gn_updater_step(updater, params, grads,
                            &(struct gn_update){ (uint64_t)step + 1, rate_of(c, step), 1 });
            compare(file, c->name, "kernel", params, step, KERNEL);
            compare(file, c->name, "bias", params + BIAS_OFFSET, step, BIAS);
        }
        gn_updater_free(updater);
    }
    gn_st_close(file);
}

/* ---- The formula ---- */

/* Tensors of the formula: a kernel of several blocks, a bias, one that is frozen. */
enum { LARGE = 70001, LARGE_BIAS = 70016, LARGE_FROZEN = 70048, LARGE_ALL = 70080 };
static struct gn_tensor large_tensors[] = {
    { .name = "w", .rank = 1, .count = LARGE, .is_kernel = true, .trainable = true },
    { .name = "b", .rank = 1, .count = 20, .offset = LARGE_BIAS, .trainable = true },
    { .name = "still",
      .rank = 1,
      .count = 20,
      .offset = LARGE_FROZEN,
      .is_kernel = true,
      .trainable = true },
};
static const struct gn_graph large_graph = { .n_tensors = 3,
                                             .tensors = large_tensors,
                                             .n_floats = LARGE_ALL };

struct large {
    double w[LARGE_ALL], v[LARGE_ALL];
    float params[LARGE_ALL], grads[LARGE_ALL], first[LARGE_ALL];
};

static double norm(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* One tensor by the paper: v = mu v + lr ratio (g + wd w), w -= v; here with Nesterov's form. */
static void by_formula(struct large *l, const struct gn_tensor *t, double scale, double lr,
                       const struct gn_optimizer_options *o)
{
    static double g[LARGE];
    double *w = l->w + t->offset, *v = l->v + t->offset;
    const double wd = t->is_kernel || o->decay_all ? o->weight_decay : 0;
    for (size_t i = 0; i < t->count; i++)
        g[i] = scale * (double)l->grads[t->offset + i];
    double ratio = 1;
    if (t->is_kernel)
        ratio = o->lars_trust * norm(w, t->count) / (norm(g, t->count) + wd * norm(w, t->count));
    for (size_t i = 0; i < t->count; i++) {
        const double step = lr * ratio * (g[i] + wd * w[i]);
        v[i] = o->momentum * v[i] + step;
        w[i] -= o->nesterov ? o->momentum * v[i] + step : v[i];
    }
}

static void is_its_formula(void **state)
{
    static const struct gn_optimizer_options options[] = {
        { .momentum = 0.9, .weight_decay = 0.0005, .lars_trust = 0.001 },
        { .momentum = 0.5, .weight_decay = 0.25, .lars_trust = 0.1, .decay_all = true },
        { .momentum = 0.9, .lars_trust = 0.01, .nesterov = true },
        { .weight_decay = 0.5, .lars_trust = 0.02 },
    };
    struct large *l = gn_calloc(1, sizeof *l, "test");
    (void)state;
    for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
        struct gn_optimizer_options o = options[k];
        o.freeze = "still";
        o.lr_scale = "b=0.5";
        struct gn_updater *updater = updater_of(&large_graph, o, 2);
        memset(l->v, 0, sizeof l->v);
        for (size_t i = 0; i < LARGE_ALL; i++)
            l->w[i] = (double)(l->params[i] = draw(1, i, 1));
        for (uint64_t step = 1; step <= 6; step++) {
            const double lr = 3.0 / (double)step, scale = step % 2 == 0 ? 0.25 : 1;
            for (size_t i = 0; i < LARGE_ALL; i++)
                l->grads[i] = draw(10 + step, i, 0.1F);
            by_formula(l, &large_tensors[0], scale, lr, &o);
            by_formula(l, &large_tensors[1], scale, 0.5 * lr, &o);
            gn_updater_step(updater, l->params, l->grads, &(struct gn_update){ step, lr, scale });
        }
        for (size_t i = 0; i < LARGE_ALL; i++)
            if (fabs((double)l->params[i] - l->w[i]) > 2e-6)
                fail_msg("options %zu, value %zu: %.9g, the formula has %.9g", k, i,
                         (double)l->params[i], l->w[i]);
        for (size_t i = LARGE_FROZEN; i < LARGE_ALL; i++)
            assert_true(l->params[i] == draw(1, i, 1));
        gn_updater_free(updater);
    }
    gn_free(l);
}

/* What has no length has no direction to trust: the step is SGD's. */
static void norms_of_zero_leave_the_rate_alone(void **state)
{
    (void)state;
    const struct gn_optimizer_options o = { .momentum = 0.9,
                                            .weight_decay = 0.5,
                                            .lars_trust = 0.001 };
    struct gn_updater *updater = updater_of(&small_graph, o, 1);
    float params[FLOATS] = { 0 }, grads[FLOATS] = { 0 };
    grads[3] = 2;
    gn_updater_step(updater, params, grads, &(struct gn_update){ 1, 0.25, 1 });
    assert_true(params[3] == -0.5F && params[2] == 0);
    gn_updater_free(updater);
    updater = updater_of(&small_graph, o, 1);
    memset(grads, 0, sizeof grads);
    params[3] = 4;
    gn_updater_step(updater, params, grads, &(struct gn_update){ 1, 0.25, 1 });
    assert_true(params[3] == 4 - 0.25F * 0.5F * 4 && params[2] == 0);
    gn_updater_free(updater);
}

static void gives_the_same_bits_for_any_number_of_threads(void **state)
{
    struct large *l = gn_calloc(1, sizeof *l, "test");
    (void)state;
    for (size_t c = 0; c < N_CASES; c++)
        for (int threads = 1; threads <= 4; threads++) {
            struct gn_updater *updater = updater_of(&large_graph, cases[c].options, threads);
            for (size_t i = 0; i < LARGE_ALL; i++)
                l->params[i] = draw(1, i, 1);
            for (uint64_t step = 1; step <= 3; step++) {
                for (size_t i = 0; i < LARGE_ALL; i++)
                    l->grads[i] = draw(10 + step, i, cases[c].gradient);
                gn_updater_step(updater, l->params, l->grads,
                                &(struct gn_update){ step, 2, step == 2 ? 0.3 : 1 });
            }
            gn_updater_free(updater);
            if (threads == 1)
                memcpy(l->first, l->params, sizeof l->first);
            assert_memory_equal(l->first, l->params, sizeof l->first);
        }
    gn_free(l);
}

static void a_rate_of_zero_changes_no_bit(void **state)
{
    (void)state;
    struct gn_updater *updater = updater_of(&small_graph, cases[0].options, 1);
    float params[FLOATS] = { 0 }, before[FLOATS], grads[FLOATS];
    draw_both(params, 5200, 5201, 1);
    params[3] = -0.0F;
    memcpy(before, params, sizeof before);
    draw_both(grads, 5000, 5100, 1);
    gn_updater_step(updater, params, grads, &(struct gn_update){ 1, 0, 1 });
    assert_memory_equal(params, before, sizeof before);
    gn_updater_free(updater);
}

static void reports_a_lack_of_memory(void **state)
{
    (void)state;
    const struct gn_optimizer_options options = { .kind = GN_LARS, .threads = 1 };
    for (uint64_t k = 1;; k++) {
        gn_alloc_fail_after(k, false);
        struct gn_updater *updater = gn_updater_create(&small_graph, &options);
        gn_alloc_fail_after(0, false);
        if (updater != NULL) {
            gn_updater_free(updater);
            assert_true(k > 4);
            return;
        }
        check_error(GN_STATUS_NO_MEMORY, "optimiser");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_timm_and_tensorflow_step_by_step),
        cmocka_unit_test(is_its_formula),
        cmocka_unit_test(norms_of_zero_leave_the_rate_alone),
        cmocka_unit_test(gives_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(a_rate_of_zero_changes_no_bit),
        cmocka_unit_test(reports_a_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
