/* labels: push isa no-sanitize
 * timeout: 600
 *
 * The network against Keras: outputs of all stages and logits, gradients of all parameters on a
 * batch without ties, the losses of 20 SGD steps. Weights, images and labels come from the formula
 * of tests/golden/README.md. One test repeats the forward pass and the gradients with the
 * plain-C reference. Not under sanitizers: a quarter of an hour for kernels that tests/kernels and
 * tests/plan run there, too. */
#include "base/memory.h"
#include "base/random.h"
#include "formats/safetensors.h"
#include "plan/plan.h"
#include "support/check.h"
#include "optimizer/optimizer.h"

#include <math.h>
#include <stdlib.h>

#define GOLDEN GN_SOURCE_DIR "/tests/golden/"

/* ---- The formula ---- */

static uint64_t bits(uint64_t a, uint64_t b)
{
    return gn_random_bits(0, GN_RANDOM_TEST, a, b);
}

static float unit(uint64_t a, uint64_t b)
{
    return gn_random_unit(0, GN_RANDOM_TEST, a, b);
}

static float draw(uint64_t a, uint64_t b, float limit)
{
    return limit * (2 * unit(a, b) - 1);
}

static float *images(int first, int n, int size)
{
    const size_t pixels = (size_t)size * (size_t)size;
    float *values = gn_alloc((size_t)n * pixels * sizeof *values, "images");
    assert_non_null(values);
    for (size_t i = 0; i < (size_t)n * pixels; i++)
        values[i] = unit(1000 + (uint64_t)first + i / pixels, i % pixels);
    return values;
}

static int32_t label(int image)
{
    return (int32_t)(bits(2000, (uint64_t)image) % 10);
}

static float limit_of(const struct gn_tensor *t)
{
    return (float)sqrt(6.0 / (t->fan_in + t->fan_out));
}

/* All parameters; biases of the formula or zero. */
static void draw_parameters(gn_net *net, bool biases)
{
    for (int i = 0; i < net->graph->n_tensors; i++) {
        const struct gn_tensor *t = &net->graph->tensors[i];
        for (size_t k = 0; k < t->count; k++)
            net->params[t->offset + k] = t->is_kernel ? draw((uint64_t)i, k, limit_of(t))
                                         : biases     ? draw((uint64_t)i, k, 0.1F)
                                                      : 0;
    }
}

static void formula_gives_the_values_of_the_readme(void **state)
{
    (void)state;
    assert_true(bits(0, 0) == UINT64_C(0xd8489a7482a21a4b));
    assert_true(bits(0, 1) == UINT64_C(0x68ac005dc9fb8847));
    gn_net *net = gn_googlenet();
    draw_parameters(net, true);
    struct gn_tensor_info t;
    assert_int_equal(gn_net_tensor(net, 0, &t), GN_OK);
    assert_true(limit_of(&net->graph->tensors[0]) == 0x1.638eeep-5F);
    assert_true(t.values[0] == 0x1.ea77e0p-6F && t.values[1] == -0x1.033412p-7F);
    assert_int_equal(gn_net_tensor(net, 114, &t), GN_OK);
    assert_true(t.values[t.count - 1] == 0x1.d7cb66p-5F);
    assert_int_equal(gn_net_tensor(net, 1, &t), GN_OK);
    assert_true(t.values[0] == -0x1.6cabdap-6F && t.values[1] == 0x1.733caap-4F);
    static const int32_t labels[] = { 8, 9, 3, 9, 6, 0, 9, 0, 4, 5, 8, 9, 4, 1, 4, 4 };
    for (int i = 0; i < 16; i++)
        assert_int_equal(label(i), labels[i]);
    gn_free_net(net);
}

/* ---- The files ---- */

static const struct gn_st_tensor *tensor(const struct gn_st_file *file, const char *name)
{
    const struct gn_st_tensor *t = gn_st_find(file, name);
    if (t == NULL)
        fail_msg("the golden file has no tensor %s", name);
    return t;
}

/* The tensor as floats; free with gn_free. */
static float *floats(const struct gn_st_file *file, const char *name, uint64_t *count)
{
    const struct gn_st_tensor *t = tensor(file, name);
    float *values = gn_alloc((size_t)t->count * sizeof *values, "golden values");
    assert_non_null(values);
    assert_true(gn_st_to_float(t, values));
    *count = t->count;
    return values;
}

static double number(const struct gn_st_file *file, const char *name)
{
    const struct gn_st_tensor *t = tensor(file, name);
    assert_true(t->dtype == GN_F64 && t->count == 1);
    double value;
    memcpy(&value, t->data, sizeof value);
    return value;
}

static double norm(const float *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

/* Relative L2 distance of `values` at the positions of a stream from the golden sample; the whole
 * tensor in order when the sample is as long as the tensor. */
static double sample_error(const float *values, size_t count, uint64_t stream, bool whole,
                           const float *golden, uint64_t n)
{
    double difference = 0, size = 0;
    for (uint64_t j = 0; j < n; j++) {
        const double x = (double)values[whole ? j : bits(stream, j) % count];
        const double g = (double)golden[j];
        difference += (x - g) * (x - g);
        size += g * g;
    }
    return sqrt(difference / size);
}

/* ---- Forward ---- */

/* Index of the layer that ends stage `i`: the last one of it. */
static int end_of_stage(const gn_net *net, int i)
{
    int last = -1;
    for (int k = 0; k < net->graph->n_layers; k++)
        last = net->graph->layers[k].stage == i ? k : last;
    return last;
}

static void check_stage(const struct gn_plan *plan, const gn_net *net, int stage, int n,
                        const struct gn_st_file *file)
{
    const int layer = stage < 5 ? end_of_stage(net, stage) : net->output;
    const struct gn_shape s = net->graph->layers[layer].out;
    const size_t count = (size_t)n * (size_t)s.h * (size_t)s.w * (size_t)s.c;
    float *values = gn_alloc(count * sizeof *values, "a stage's output");
    assert_non_null(values);
    assert_int_equal(gn_plan_copy_output(plan, layer, n, values), GN_OK);
    static const char *const names[] = { "b1", "b2", "b3", "b4", "b5", "logits" };
    char name[32];
    uint64_t length;
    (void)snprintf(name, sizeof name, "%s%s", names[stage], stage < 4 ? ".sample" : "");
    float *golden = floats(file, name, &length);
    assert_true(stage < 4 ? length == 1000 : length == count);
    const double error =
        sample_error(values, count, 3000 + (uint64_t)stage, stage >= 4, golden, length);
    (void)snprintf(name, sizeof name, "%s.l2", names[stage]);
    const double size = number(file, name);
    const double size_error = fabs(norm(values, count) - size) / size;
    print_message("%-6s relative error %.1e, of the norm %.1e\n", names[stage], error, size_error);
    assert_true(error <= 1e-5 && size_error <= 1e-5);
    for (size_t k = 0; stage == 5 && k < count; k++)
        assert_true(fabs((double)values[k] - (double)golden[k]) <= 1e-4);
    gn_free(golden);
    gn_free(values);
}

static void check_forward(int size, int n, const char *path, bool reference)
{
    struct gn_st_file *file = gn_st_open(path);
    assert_non_null(file);
    gn_net *net = gn_googlenet(.size = size);
    draw_parameters(net, true);
    float *pixels = images(0, n, size), logits[40];
    /* A plan for training keeps the output of every layer. */
    struct gn_plan *plan = gn_plan_create(
        net, &(struct gn_plan_options){
                 .train = true, .batch = n, .slice = n, .threads = 2, .reference = reference });
    assert_non_null(plan);
    assert_int_equal(gn_plan_forward(plan, pixels, n, logits), GN_OK);
    for (int stage = 0; stage < 6; stage++)
        check_stage(plan, net, stage, n, file);
    gn_plan_free(plan);
    /* A plan for inference reuses memory and gives the same answer. */
    float again[40];
    plan = gn_plan_create(
        net, &(struct gn_plan_options){ .batch = n, .threads = 1, .reference = reference });
    assert_non_null(plan);
    assert_int_equal(gn_plan_forward(plan, pixels, n, again), GN_OK);
    assert_memory_equal(again, logits, (size_t)n * 10 * sizeof *logits);
    gn_plan_free(plan);
    gn_free(pixels);
    gn_free_net(net);
    gn_st_close(file);
}

static void stages_and_logits_at_96(void **state)
{
    (void)state;
    check_forward(96, 4, GOLDEN "forward_96.safetensors", false);
}

static void stages_and_logits_at_224(void **state)
{
    (void)state;
    check_forward(224, 1, GOLDEN "forward_224.safetensors", false);
}

/* ---- Gradients ---- */

/* The parameters of the golden gradients: the file's biases, kernels with their variants. */
static void draw_tie_free_parameters(gn_net *net, const struct gn_st_file *file)
{
    draw_parameters(net, true);
    for (int i = 0; i < net->graph->n_tensors; i++) {
        const struct gn_tensor *t = &net->graph->tensors[i];
        float *values = net->params + t->offset;
        uint64_t count;
        if (!t->is_kernel) {
            float *biases = floats(file, t->name, &count);
            assert_int_equal(count, t->count);
            memcpy(values, biases, t->count * sizeof *values);
            gn_free(biases);
            continue;
        }
        char name[96];
        (void)snprintf(name, sizeof name, "%.*s.variant",
                       (int)(strlen(t->name) - strlen(".weight")), t->name);
        const struct gn_st_tensor *stored = gn_st_find(file, name);
        if (stored == NULL)
            continue;
        float *variants = floats(file, name, &count);
        for (size_t k = 0; k < t->count; k++) {
            const uint64_t v = (uint64_t)variants[k % count];
            values[k] = draw((uint64_t)i + 10000 * v, k, limit_of(t));
        }
        gn_free(variants);
    }
}

/* The worst relative errors over all tensors of `grads` against the file. */
static void check_gradients(const gn_net *net, const float *grads, const struct gn_st_file *file)
{
    double worst = 0;
    for (int i = 0; i < net->graph->n_tensors; i++) {
        const struct gn_tensor *t = &net->graph->tensors[i];
        char name[96];
        uint64_t length;
        (void)snprintf(name, sizeof name, "grad.%s.l2", t->name);
        const double size = number(file, name);
        const double size_error = fabs(norm(grads + t->offset, t->count) - size) / size;
        (void)snprintf(name, sizeof name, "grad.%s.sample", t->name);
        float *golden = floats(file, name, &length);
        assert_int_equal(length, t->count <= 64 ? t->count : 64);
        const double error = sample_error(grads + t->offset, t->count, 3100 + (uint64_t)i,
                                          t->count <= 64, golden, length);
        gn_free(golden);
        worst = fmax(worst, fmax(error, size_error));
        if (!(error <= 1e-4 && size_error <= 1e-4))
            fail_msg("%s: relative error of the gradient %.2e, of its norm %.2e", t->name, error,
                     size_error);
    }
    print_message("worst relative error of 116 gradients %.1e\n", worst);
}

static void check_step(bool reference, int slice)
{
    struct gn_st_file *file = gn_st_open(GOLDEN "gradients_96.safetensors");
    assert_non_null(file);
    gn_net *net = gn_googlenet(.size = 96);
    draw_tie_free_parameters(net, file);
    float *pixels = images(0, 4, 96);
    int32_t labels[4];
    for (int i = 0; i < 4; i++)
        labels[i] = label(i);
    float *grads = gn_calloc(net->graph->n_floats, sizeof *grads, "gradients");
    struct gn_plan *plan = gn_plan_create(
        net, &(struct gn_plan_options){
                 .train = true, .batch = 4, .slice = slice, .threads = 2, .reference = reference });
    assert_true(grads != NULL && plan != NULL);
    struct gn_plan_sums sums;
    assert_int_equal(
        gn_plan_gradients(plan,
                          &(struct gn_plan_batch){ .images = pixels, .labels = labels, .n = 4 },
                          grads, &sums),
        GN_OK);
    assert_true(fabs(sums.loss / 4 - number(file, "loss")) <= 1e-5);
    check_gradients(net, grads, file);
    gn_plan_free(plan);
    gn_free(grads);
    gn_free(pixels);
    gn_free_net(net);
    gn_st_close(file);
}

static void gradients_of_all_parameters(void **state)
{
    (void)state;
    check_step(false, 4);
    check_step(false, 3);
}

static void reference_agrees_as_well(void **state)
{
    (void)state;
    /* Half a minute that no instruction set changes, and minutes under sanitizers. */
    const char *sanitizers = getenv("GN_SANITIZE");
    if (getenv("GOOGLENET_ISA") != NULL || (sanitizers != NULL && sanitizers[0] != '\0')) {
        print_message("skipped: the reference runs once, without GOOGLENET_ISA or sanitizers\n");
        skip();
    }
    check_forward(96, 4, GOLDEN "forward_96.safetensors", true);
    check_step(true, 4);
}

/* ---- Twenty steps ---- */

enum { STEPS = 20, BATCH = 16, SIZE = 96 };

/* Step k of a run: its images and labels. */
static float *batch_of(int step, bool falling, int32_t *labels)
{
    float *pixels = images(step * BATCH, BATCH, SIZE);
    for (int i = 0; i < BATCH; i++) {
        labels[i] = label(step * BATCH + i);
        if (!falling)
            continue;
        labels[i] %= 3;
        for (int p = 0; p < SIZE * SIZE; p++)
            pixels[i * SIZE * SIZE + p] *= 0.25F * (float)(labels[i] + 1);
    }
    return pixels;
}

/* How far each tensor went, against the file: 0.2% is usual, 2% the most between precisions. */
static void check_moves(const gn_net *net, const float *before, const struct gn_st_file *file)
{
    uint64_t count;
    float *moves = floats(file, "falling.moves.float64", &count);
    assert_int_equal(count, 116);
    for (int i = 0; i < 116; i++) {
        const struct gn_tensor *t = &net->graph->tensors[i];
        double sum = 0;
        for (size_t k = t->offset; k < t->offset + t->count; k++)
            sum += pow((double)net->params[k] - (double)before[k], 2);
        if (!(fabs(sqrt(sum) / (double)moves[i] - 1) <= 0.05))
            fail_msg("%s: moved by %.6g in 20 steps, Keras by %.6g", t->name, sqrt(sum),
                     (double)moves[i]);
    }
    gn_free(moves);
}

static void check_run(const char *run, bool falling)
{
    struct gn_st_file *file = gn_st_open(GOLDEN "sgd_20_steps.safetensors");
    assert_non_null(file);
    gn_net *net = gn_googlenet(.size = SIZE);
    draw_parameters(net, false);
    const size_t n = net->graph->n_floats;
    float *grads = gn_calloc(n, sizeof *grads, "gradients");
    float *before = gn_calloc(n, sizeof *before, "parameters");
    struct gn_plan *plan = gn_plan_create(
        net, &(struct gn_plan_options){ .train = true, .batch = BATCH, .threads = 2 });
    const struct gn_optimizer_options sgd = { .kind = GN_SGD, .threads = 2 };
    struct gn_updater *updater = gn_updater_create(net->graph, &sgd);
    assert_true(plan != NULL && grads != NULL && before != NULL && updater != NULL);
    memcpy(before, net->params, n * sizeof *before);
    char name[32];
    uint64_t count;
    (void)snprintf(name, sizeof name, "%s.losses", run);
    float *losses = floats(file, name, &count);
    assert_int_equal(count, STEPS);
    double worst = 0;
    for (int step = 0; step < STEPS; step++) {
        int32_t labels[BATCH];
        float *pixels = batch_of(step, falling, labels);
        struct gn_plan_sums sums;
        assert_int_equal(
            gn_plan_gradients(
                plan, &(struct gn_plan_batch){ .images = pixels, .labels = labels, .n = BATCH },
                grads, &sums),
            GN_OK);
        gn_free(pixels);
        gn_updater_step(updater, net->params, grads,
                        &(struct gn_update){ (uint64_t)step + 1, 0.05, 1 });
        gn_plan_params_changed(plan);
        const double error = fabs(sums.loss / BATCH - (double)losses[step]);
        worst = fmax(worst, error);
        if (!(error <= (step < 5 ? 1e-3 : 1e-2)))
            fail_msg("%s, step %d: loss %.6f, Keras has %.6f", run, step, sums.loss / BATCH,
                     (double)losses[step]);
    }
    print_message("%s: losses of 20 steps within %.1e\n", run, worst);
    if (falling)
        check_moves(net, before, file);
    gn_free(losses);
    gn_updater_free(updater);
    gn_plan_free(plan);
    gn_free(before);
    gn_free(grads);
    gn_free_net(net);
    gn_st_close(file);
}

static void losses_of_20_steps(void **state)
{
    (void)state;
    check_run("noise", false);
    check_run("falling", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formula_gives_the_values_of_the_readme),
        cmocka_unit_test(stages_and_logits_at_96),
        cmocka_unit_test(stages_and_logits_at_224),
        cmocka_unit_test(gradients_of_all_parameters),
        cmocka_unit_test(losses_of_20_steps),
        cmocka_unit_test(reference_agrees_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
