/* labels: quick isa
 *
 * Quantised networks: the bits are the same for any number of threads, any batch and both AVX sets; they are
 * close to the formula in floats and to the network that they were made from; their files return them, and
 * are refused when they are damaged. */
#include "base/memory.h"
#include "cpu/isa.h"
#include "formats/safetensors.h"
#include "plan/plan.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <math.h>
#include <stdlib.h>

enum { SIZE = 28, N = 7, FLOATS = SIZE * SIZE, MOST_TENSORS = 256 };

static gn_net *whole, *small; /* a network, and the quantised one made from it */
static float images[N * FLOATS];

static int setup(void **state)
{
    struct gn_quantize_info info = { 0 };
    (void)tiny_open(state);
    whole = gn_preset("googlenet-small", .size = SIZE, .classes = TINY_CLASSES, .seed = 3);
    assert_non_null(whole);
    small = gn_quantize(whole, tiny.train, .images = 64, .info = &info);
    if (small == NULL)
        fail_msg("%s", gn_error_message());
    assert_int_equal(info.int8, info.convolutions - 1); /* all but the one that reads the picture */
    for (int i = 0; i < N * FLOATS; i++)
        images[i] = (float)((i * 37 + i / 91 * 11) % 256) / 255;
    return 0;
}

static int teardown(void **state)
{
    gn_free_net(whole);
    gn_free_net(small);
    return tiny_close(state);
}

/* The logits of the first n images. */
static void run(gn_net *net, const struct gn_plan_options *options, int n, float *logits)
{
    struct gn_plan *plan = gn_plan_create(net, options);
    if (plan == NULL)
        fail_msg("%s", gn_error_message());
    for (int first = 0; first < n; first += options->batch) {
        const int m = n - first < options->batch ? n - first : options->batch;
        assert_int_equal(gn_plan_forward(plan, images + (size_t)first * FLOATS, m,
                                         logits + (size_t)first * TINY_CLASSES),
                         GN_OK);
    }
    gn_plan_free(plan);
}

static double distance(const float *a, const float *b, int n)
{
    double difference = 0, norm = 0;
    for (int i = 0; i < n; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return sqrt(difference / norm);
}

static void bits_depend_on_neither_threads_nor_batch_nor_avx(void **state)
{
    static const char *const sets[] = { "avx512", "avx2" };
    float want[N * TINY_CLASSES], got[N * TINY_CLASSES];
    const char *given = getenv("GOOGLENET_ISA");
    char *before = given == NULL ? NULL : strdup(given);
    (void)state;
    run(small, &(struct gn_plan_options){ .batch = N, .threads = 1 }, N, want);
    for (int threads = 1; threads <= 3; threads++)
        for (int batch = 1; batch <= N; batch += 2)
            for (int portion = 0; portion < 3; portion++) {
                const struct gn_plan_options o = { .batch = batch,
                                                   .threads = threads,
                                                   .portion = portion };
                run(small, &o, N, got);
                assert_memory_equal(got, want, sizeof want);
            }
    if (before == NULL || strncmp(before, "avx", 3) == 0)
        for (int i = 0; i < 2; i++) {
            if (gn_isa_can_run(GN_ISA_SET_AVX512) == false && i == 0)
                continue;
            if (!gn_isa_can_run(GN_ISA_SET_AVX2))
                break;
            assert_int_equal(setenv("GOOGLENET_ISA", sets[i], 1), 0);
            run(small, &(struct gn_plan_options){ .batch = 4, .threads = 2 }, N, got);
            assert_memory_equal(got, want, sizeof want);
        }
    if (before == NULL)
        (void)unsetenv("GOOGLENET_ISA");
    else
        (void)setenv("GOOGLENET_ISA", before, 1);
    free(before);
}

/* The reference computes the same network in floats: rounded values, the weights of the file. */
static void answers_are_close_to_the_formula_and_to_the_original(void **state)
{
    float bytes[N * TINY_CLASSES], formula[N * TINY_CLASSES], original[N * TINY_CLASSES];
    (void)state;
    run(small, &(struct gn_plan_options){ .batch = N }, N, bytes);
    run(small, &(struct gn_plan_options){ .batch = N, .reference = true }, N, formula);
    run(whole, &(struct gn_plan_options){ .batch = N }, N, original);
    const double rounding = distance(bytes, formula, N * TINY_CLASSES);
    const double loss = distance(bytes, original, N * TINY_CLASSES);
    print_message("%g from the formula, %g from the original\n", rounding, loss);
    assert_true(rounding < 0.01);
    assert_true(loss < 0.1);
}

static void convolutions_compute_in_bytes(void **state)
{
    const struct gn_plan_options o = { .batch = 2 };
    struct gn_plan *plan = gn_plan_create(small, &o);
    int int8 = 0, floats = 0;
    (void)state;
    assert_non_null(plan);
    for (int i = 0; i < gn_plan_n_steps(plan); i++) {
        const struct gn_plan_timing step = gn_plan_step_name(plan, i);
        int8 += strncmp(step.kernel, "direct int8", 11) == 0;
        floats += strcmp(step.pass, "forward") == 0 && strcmp(step.kernel, "direct") == 0;
    }
    assert_true(int8 > 10);
    assert_int_equal(floats, 2); /* the first convolution and the dense layer */
    gn_plan_free(plan);
}

static void a_file_returns_the_network(void **state)
{
    float want[N * TINY_CLASSES], got[N * TINY_CLASSES];
    size_t n, m;
    (void)state;
    assert_int_equal(gn_save(small, "q.safetensors"), GN_OK);
    gn_net *net = gn_load("q.safetensors");
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    run(small, &(struct gn_plan_options){ .batch = N }, N, want);
    run(net, &(struct gn_plan_options){ .batch = N }, N, got);
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(gn_save(net, "again.safetensors"), GN_OK);
    gn_free_net(net);
    uint8_t *a = test_read_file("q.safetensors", &n), *b = test_read_file("again.safetensors", &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

/* Drawn weights are ones that a file can say, too, also where a channel has none but zeros. */
static void drawn_weights_are_saved(void **state)
{
    char before[GN_FINGERPRINT_BYTES], after[GN_FINGERPRINT_BYTES];
    (void)state;
    for (int zeros = 0; zeros < 2; zeros++) {
        gn_graph *g = gn_graph_create();
        if (zeros)
            gn_initialize(g, GN_INITIAL_NORMAL, 0, 0);
        gn_node x = gn_conv(g, gn_input(g, 5, 4, 3), 8, .kernel = 3, .int8 = true);
        gn_net *net = gn_compile(g, gn_global_avg_pool(g, x), 1);
        assert_non_null(net);
        assert_int_equal(gn_save(net, "drawn.safetensors"), GN_OK);
        gn_net *back = gn_load("drawn.safetensors");
        assert_non_null(back);
        assert_int_equal(gn_net_fingerprint(net, before), GN_OK);
        assert_int_equal(gn_net_fingerprint(back, after), GN_OK);
        assert_string_equal(before, after);
        assert_int_equal(gn_net_hash(net), gn_net_hash(back));
        gn_free_net(back);
        gn_free_net(net);
    }
}

/* Weights that a program has changed are not rounded on the way to a file. */
static void changed_weights_are_not_saved(void **state)
{
    struct gn_tensor_info t = { 0 };
    (void)state;
    for (int i = 0; t.name == NULL || strcmp(t.name, "b3.inception3b.p2_1.weight") != 0; i++)
        assert_int_equal(gn_net_tensor(small, i, &t), GN_OK);
    for (int i = 0; i < 2; i++) {
        const float was = t.values[7];
        t.values[7] = i == 0 ? was * 1.01F + 1e-3F : 1e6F;
        assert_int_equal(gn_save(small, "changed.safetensors"), GN_STATUS_BAD_ARGUMENT);
        check_error(GN_STATUS_BAD_ARGUMENT, "element 7 of \"b3.inception3b.p2_1.weight\"");
        t.values[7] = was;
    }
    assert_int_equal(gn_save(small, "changed.safetensors"), GN_OK);
}

/* The values of layers that the answer does not show, as features ask for them. */
static void inner_layers_are_floats(void **state)
{
    static const char *const layers[] = { "b3.inception3b.p2_2", "b3.inception3b" };
    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        struct gn_layer_info info;
        size_t values;
        if (gn_find_layer(small, layers[i], &info, &values) != GN_OK) {
            gn_clear_error();
            continue;
        }
        float *a = gn_calloc(2 * values, sizeof *a, "values");
        assert_non_null(a);
        gn_net *nets[] = { small, whole };
        for (int k = 0; k < 2; k++) {
            gn_predictor *p = gn_predictor_create(nets[k], 1, .layer = layers[i]);
            assert_non_null(p);
            const struct gn_predict_options o = { .inputs = images, .n = 1 };
            assert_int_equal(gn_predictor_run(p, a + (size_t)k * values, &o), GN_OK);
            gn_predictor_free(p);
        }
        assert_true(distance(a, a + values, (int)values) < 0.1);
        gn_free(a);
    }
}

/* ---- What is refused ---- */

static void what_cannot_be_quantised_is_refused(void **state)
{
    (void)state;
    assert_null(gn_quantize(small, tiny.train));
    check_error(GN_STATUS_UNSUPPORTED, "is quantised already");
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv(g, gn_input(g, 12, 12, 1), 8, .kernel = 3);
    x = gn_conv(g, x, 8, .kernel = 3);
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), TINY_CLASSES, "dense"), 1);
    assert_non_null(net);
    assert_null(gn_quantize(net, tiny.train));
    check_error(GN_STATUS_UNSUPPORTED, "none of the 2 convolutions");
    gn_free_net(net);
    assert_null(gn_quantize(NULL, tiny.train));
    check_error(GN_STATUS_BAD_ARGUMENT, "no network");
    assert_null(gn_quantize(whole, NULL));
    check_error(GN_STATUS_BAD_ARGUMENT, "no data set");
}

static void it_is_not_trained(void **state)
{
    const struct gn_plan_options o = { .batch = 2, .train = true };
    (void)state;
    assert_null(gn_plan_create(small, &o));
    check_error(GN_STATUS_UNSUPPORTED, "is for prediction alone");
}

/* The file with one tensor changed, and the sentence by which it is refused. */
static void check_changed(const char *tensor, void (*change)(struct gn_st_tensor *t, void *data),
                          const char *part)
{
    struct gn_st_file *file = gn_st_open("q.safetensors");
    static struct gn_st_tensor tensors[MOST_TENSORS];
    assert_non_null(file);
    const int n = gn_st_count(file);
    void *copy = NULL;
    assert_true(n <= MOST_TENSORS);
    for (int i = 0; i < n; i++) {
        tensors[i] = *gn_st_tensor(file, i);
        if (strcmp(tensors[i].name, tensor) != 0)
            continue;
        copy = calloc(tensors[i].count, 4);
        assert_non_null(copy);
        memcpy(copy, tensors[i].data, tensors[i].count * (tensors[i].dtype == GN_I8 ? 1 : 4));
        tensors[i].data = copy;
        change(&tensors[i], copy);
    }
    assert_non_null(copy);
    const struct gn_st_text texts[] = { { "gn.model", gn_st_metadata(file, "gn.model") },
                                        { "gn.graph", gn_st_metadata(file, "gn.graph") } };
    assert_int_equal(gn_st_write("bad.safetensors", tensors, n, texts, 2, NULL), GN_OK);
    gn_st_close(file);
    free(copy);
    assert_null(gn_load("bad.safetensors"));
    check_error(GN_STATUS_BAD_MODEL, part);
}

static void enlarge(struct gn_st_tensor *t, void *data)
{
    (void)t;
    ((int8_t *)data)[5] = 64;
}

static void lessen(struct gn_st_tensor *t, void *data)
{
    (void)t;
    ((int8_t *)data)[t->count - 1] = -128;
}

static void spoil(struct gn_st_tensor *t, void *data)
{
    (void)t;
    ((float *)data)[1] = NAN;
}

static void shorten(struct gn_st_tensor *t, void *data)
{
    (void)data;
    t->dtype = GN_I8;
}

static void lose(struct gn_st_tensor *t, void *data)
{
    (void)data;
    t->name = "b3.inception3b.p2_1.weight_scales";
}

static void use_floats(struct gn_st_tensor *t, void *data)
{
    memset(data, 0, t->count * sizeof(float));
    t->dtype = GN_F32;
}

static void make_zero(struct gn_st_tensor *t, void *data)
{
    ((float *)data)[t->count - 1] = 0;
}

static void make_negative(struct gn_st_tensor *t, void *data)
{
    (void)t;
    ((float *)data)[3] = -1;
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    assert_int_equal(gn_save(small, "q.safetensors"), GN_OK);
    check_changed("b3.inception3b.p2_1.weight", enlarge,
                  "is 64 at element 5, weights of 8 bits are from -63");
    check_changed("b3.inception3b.p2_1.weight", lessen, "is -128 at element");
    check_changed("b3.inception3b.p2_1.weight_scale", spoil, "NaN or infinite at element 1");
    check_changed("b3.inception3b.p2_1.weight_scale", shorten, "has dtype I8");
    check_changed("b3.inception3b.p2_1.weight_scale", lose,
                  "\"b3.inception3b.p2_1.weight_scale\" of shape");
    check_changed("b3.inception3b.p2_1.weight_scale", make_zero,
                  "is 0 at element 63, scales are above 0");
    check_changed("b3.inception3b.p2_1.weight_scale", make_negative, "is -1 at element 3");
    check_changed("b3.inception3b.p2_1.weight", use_floats,
                  "has dtype F32, the network is quantised");
    check_changed("b3.inception3b.p2_1.bias", shorten, "has dtype I8");
    check_changed("b1.conv.weight", shorten, "has dtype I8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_depend_on_neither_threads_nor_batch_nor_avx),
        cmocka_unit_test(answers_are_close_to_the_formula_and_to_the_original),
        cmocka_unit_test(convolutions_compute_in_bytes),
        cmocka_unit_test(a_file_returns_the_network),
        cmocka_unit_test(drawn_weights_are_saved),
        cmocka_unit_test(changed_weights_are_not_saved),
        cmocka_unit_test(inner_layers_are_floats),
        cmocka_unit_test(what_cannot_be_quantised_is_refused),
        cmocka_unit_test(it_is_not_trained),
        cmocka_unit_test(damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
