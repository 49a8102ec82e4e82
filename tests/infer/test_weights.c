/* labels: quick isa
 *
 * Predictors whose packed weights have 16 bits: near the answers of 32 bits, with bits of their own that no
 * number of threads changes, in half the memory; equal where the weights are halves already; refused where
 * 16 bits cannot hold a weight. */
#include "base/half.h"
#include "base/random.h"
#include "infer/pictures.h"
#include "infer/predictor.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { SIZE = 48, N = 6, CLASSES = 10, PIXELS = SIZE * SIZE * 3 };

static uint8_t pixels[N * PIXELS];
static const struct gn_predict_options images = {
    .pixels = pixels, .n = N, .height = SIZE, .width = SIZE, .channels = 3
};

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 1, i);
    return 0;
}

/* Under an emulator the large one takes minutes. */
static bool is_emulated(void)
{
    const char *emulator = getenv("GN_EMULATOR");
    return emulator != NULL && emulator[0] != '\0';
}

static const char *usual(void)
{
    return is_emulated() ? "googlenet-small" : "googlenet";
}

static gn_net *make_net(const char *preset)
{
    gn_net *net = gn_preset(preset, .size = SIZE, .channels = 3, .classes = CLASSES, .seed = 7);
    assert_non_null(net);
    return net;
}

struct logits {
    float of[N][CLASSES];
};

static struct logits answer(gn_net *net, const struct gn_predictor_options *options)
{
    struct logits logits = { 0 };
    gn_predictor *p = gn_predictor_create_with(net, options);
    if (p == NULL || gn_predictor_run(p, logits.of[0], &images) != GN_OK)
        fail_msg("%s", gn_error_message());
    gn_predictor_free(p);
    return logits;
}

static double difference(const struct logits *a, const struct logits *b)
{
    double off = 0, all = 0;
    for (int i = 0; i < N * CLASSES; i++) {
        const double x = (double)a->of[i / CLASSES][i % CLASSES];
        const double y = (double)b->of[i / CLASSES][i % CLASSES];
        off += (x - y) * (x - y);
        all += x * x;
    }
    return sqrt(off / all);
}

/* What docs/performance.md says of the error, for a batch and for one image. */
static void answers_differ_by_a_thousandth(void **state)
{
    (void)state;
    static const char *const presets[] = { "googlenet-small", "googlenet", "googlenet-bn" };
    for (int k = 0; k < (is_emulated() ? 1 : 3); k++)
        for (int batch = 1; batch <= 6; batch += 5) {
            gn_net *net = make_net(presets[k]);
            const struct logits whole =
                answer(net, &(struct gn_predictor_options){ .batch = batch });
            const struct logits half = answer(
                net, &(struct gn_predictor_options){ .batch = batch, .weights = GN_WEIGHTS_F16 });
            const double off = difference(&half, &whole);
            print_message("%s, batch %d: %.2e\n", presets[k], batch, off);
            assert_true(off > 1e-7 && off < 1.5e-3);
            gn_free_net(net);
        }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    gn_net *net = make_net(usual());
    for (int batch = 1; batch <= 6; batch += 5) {
        struct gn_predictor_options o = { .batch = batch, .threads = 1, .weights = GN_WEIGHTS_F16 };
        const struct logits one = answer(net, &o);
        o.threads = 3;
        const struct logits three = answer(net, &o);
        assert_memory_equal(&one, &three, sizeof one);
    }
    gn_free_net(net);
}

/* A half that becomes a float again is itself, so direct kernels then compute the same. */
static float round_to_half(float value)
{
    const uint16_t h = gn_half_from_float(value);
    const double size = (h >> 10 & 31) == 0 ? (h & 0x3ff) * 0x1p-24
                                            : (1024 + (h & 0x3ff)) * ldexp(1, (h >> 10 & 31) - 25);
    return (float)(h & 0x8000 ? -size : size);
}

static void weights_that_are_halves_give_the_bits_of_floats(void **state)
{
    (void)state;
    if (is_emulated())
        skip(); /* the small one folds normalisations, whose products are no halves */
    gn_net *net = make_net("googlenet");
    struct gn_tensor_info tensor;
    for (int i = 0; gn_net_tensor(net, i, &tensor) == GN_OK; i++)
        for (size_t k = 0; tensor.rank > 1 && k < tensor.count; k++)
            tensor.values[k] = round_to_half(tensor.values[k]);
    gn_clear_error(); /* of the number after the last tensor */
    struct gn_predictor_options o = { .batch = 2, .algorithm = GN_ALGORITHM_DIRECT };
    const struct logits whole = answer(net, &o);
    o.weights = GN_WEIGHTS_F16;
    const struct logits half = answer(net, &o);
    assert_memory_equal(&whole, &half, sizeof whole);
    gn_free_net(net);
}

/* One pack holds both, and neither takes the other's. */
static void a_pack_holds_both_kinds(void **state)
{
    (void)state;
    gn_net *net = make_net(usual());
    const struct logits alone = answer(net, &(struct gn_predictor_options){ .batch = 1 });
    gn_pack *pack = gn_pack_create(net);
    struct gn_predictor_options o = { .batch = 1, .weights = GN_WEIGHTS_F16, .pack = pack };
    const struct logits half = answer(net, &o);
    const uint64_t bytes = gn_pack_bytes(pack);
    o.weights = GN_WEIGHTS_F32;
    const struct logits whole = answer(net, &o);
    assert_memory_equal(&alone, &whole, sizeof whole);
    assert_memory_not_equal(&half, &whole, sizeof whole);
    print_message("%llu and %llu bytes\n", (unsigned long long)bytes,
                  (unsigned long long)(gn_pack_bytes(pack) - bytes));
    assert_true(10 * bytes < 7 * (gn_pack_bytes(pack) - bytes));
    gn_pack_free(pack);
    gn_free_net(net);
}

static void weights_too_large_are_refused(void **state)
{
    (void)state;
    gn_net *net = make_net(usual());
    struct gn_tensor_info tensor;
    for (int i = 0; gn_net_tensor(net, i, &tensor) == GN_OK; i++)
        if (strcmp(tensor.name, "b5.inception5b.p2_2.weight") == 0)
            tensor.values[17] = 70000;
    gn_clear_error();
    gn_pack *pack = gn_pack_create(net);
    for (int twice = 0; twice < 2; twice++) {
        assert_null(gn_predictor_create(net, 1, .weights = GN_WEIGHTS_F16, .pack = pack));
        assert_int_equal(gn_last_status(), GN_STATUS_UNSUPPORTED);
        assert_non_null(strstr(gn_error_message(), "b5.inception5b.p2_2"));
        assert_int_equal(gn_pack_bytes(pack), 0);
    }
    (void)answer(net, &(struct gn_predictor_options){ .batch = 1, .pack = pack });
    gn_pack_free(pack);
    assert_null(gn_predictor_create(net, 1, .weights = (gn_weights)2));
    assert_int_equal(gn_last_status(), GN_STATUS_BAD_ARGUMENT);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_differ_by_a_thousandth),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(weights_that_are_halves_give_the_bits_of_floats),
        cmocka_unit_test(a_pack_holds_both_kinds),
        cmocka_unit_test(weights_too_large_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
