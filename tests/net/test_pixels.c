/* labels: quick
 *
 * How pictures become numbers. The presets with published weights begin with what those expect; one
 * picture goes through prediction and training exactly as the formula says, and model files keep it.
 */
#include "base/memory.h"
#include "base/random.h"
#include "data/loader.h"
#include "plan/plan.h"
#include "support/check.h"
#include "support/resize.h"
#include "infer/match.h"

#include <math.h>

enum { H = 90, W = 123, SIZE = 64, SIDE = 73, CLASSES = 5, VALUES = SIZE * SIZE * 3 };

static const char *const published[] = { "googlenet-paper", "googlenet-torchvision" };
enum { PAPER, TORCHVISION, PRESETS };

static uint8_t picture[H * W * 3];
static float expected[PRESETS][VALUES];

static gn_net *small(int preset)
{
    gn_net *net = gn_preset(published[preset], .size = SIZE, .classes = CLASSES);
    assert_non_null(net);
    return net;
}

/* The whole picture at h x w. */
static float *resized(int h, int w, gn_resize rule)
{
    float *out = gn_alloc((size_t)h * (size_t)w * 3 * sizeof *out, "a picture");
    assert_non_null(out);
    resize_image(out, h, w, picture, H, W, 3, rule);
    return out;
}

/* bvlc_googlenet: a square of bytes, its middle (4.5 pixels off, halves to even), blue first, minus
 * the means. */
static void expect_paper(void)
{
    static const float mean[3] = { 104, 117, 123 };
    float *whole = resized(SIDE, SIDE, GN_RESIZE_HALF_PIXEL), *out = expected[PAPER];
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            for (int k = 0; k < 3; k++, out++) {
                const float v = whole[((y + 4) * SIDE + x + 4) * 3 + 2 - k];
                *out = floorf(v * 255 + 0.5F) - mean[k];
            }
    gn_free(whole);
}

/* torchvision: the shorter side, the middle, /255, mean and deviation, transform_input; which
 * together are (x - 0.5) / 0.5 but for rounding. */
static void expect_torchvision(void)
{
    static const double mean[3] = { 0.485, 0.456, 0.406 }, deviation[3] = { 0.229, 0.224, 0.225 };
    const int w = SIDE * W / H, left = (int)lrint((w - SIZE) / 2.0);
    float *whole = resized(SIDE, w, GN_RESIZE_PIL_BILINEAR), *out = expected[TORCHVISION];
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            for (int k = 0; k < 3; k++, out++) {
                const float byte = whole[((y + 4) * w + x + left) * 3 + k];
                *out = (byte - (float)mean[k]) / (float)deviation[k];
                *out = *out * (float)(deviation[k] / 0.5) + (float)((mean[k] - 0.5) / 0.5);
                assert_true(fabsf(*out - (byte - 0.5F) / 0.5F) < 1e-6F);
            }
    gn_free(whole);
}

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof picture; i++)
        picture[i] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 1, i);
    expect_paper();
    expect_torchvision();
    return 0;
}

static void check_steps(const char *preset, int size, int channels, const char *steps)
{
    char text[1024];
    gn_net *net = gn_preset(preset, .size = size, .channels = channels);
    assert_int_equal(gn_net_preprocess(net, text, sizeof text), GN_OK);
    assert_string_equal(text, steps);
    assert_int_equal(gn_net_preprocess(net, text, strlen(steps)), GN_STATUS_BAD_ARGUMENT);
    gn_free_net(net);
}

#define STEP(name)       "{\"step\":\"" name "\","
#define DECODE(channels) STEP("decode") "\"channels\":\"" channels "\"}"
#define CROP(n)          STEP("crop") "\"mode\":\"center\",\"h\":" n ",\"w\":" n ",\"rounding\":\"round\"}"
#define DIV              STEP("div") "\"by\":255}"
#define TO(n, rule, antialias)                                                                     \
    STEP("resize") "\"h\":" n ",\"w\":" n ",\"rule\":\"" rule "\",\"antialias\":" antialias "}"

static void presets_begin_with_what_their_weights_expect(void **state)
{
    (void)state;
    check_steps("googlenet", 0, 0,
                "[" DECODE("gray") "," DIV "," TO("96", "tf1-legacy", "false") "]");
    check_steps("googlenet-bn", 0, 3,
                "[" DECODE("rgb") "," DIV "," TO("96", "tf1-legacy", "false") "]");
    check_steps("googlenet-paper", 0, 0,
                "[" DECODE("bgr") "," TO("256", "half-pixel", "false") "," CROP("224") "," STEP(
                    "sub") "\"by\":[104,117,123]}]");
    check_steps(
        "googlenet-torchvision", 0, 0,
        "[" DECODE("rgb") "," STEP(
            "resize") "\"short\":256,\"rule\":\"pil-bilinear\","
                      "\"antialias\":true}," CROP("224") "," DIV "," STEP(
                          "sub") "\"by\":[\"0x1.f0a3d8p-2\","
                                 "\"0x1.d2f1aap-2\",\"0x1.9fbe76p-2\"]}," STEP(
                                     "divc") "\"by\":[\"0x1.d4fdf4p-3\","
                                             "\"0x1.cac084p-3\",\"0x1.ccccccp-3\"]}," STEP(
                                                 "affine") "\"mul\":[\"0x1.d4fdf4p-2\","
                                                           "\"0x1.cac084p-2\",\"0x1.ccccccp-2\"],"
                                                           "\"add\":[\"-0x1.eb851ep-6\","
                                                           "\"-0x1.6872bp-4\",\"-0x1.810624p-3\"]}"
                                                           "]");
}

/* Means and the order of channels belong to colours, and a margin that is cut off to photographs. */
static void grey_pictures_are_taken_plainly(void **state)
{
    (void)state;
    check_steps("googlenet-paper", 96, 1,
                "[" DECODE("gray") "," DIV "," TO("96", "half-pixel", "false") "]");
    check_steps("googlenet-torchvision", 0, 1,
                "[" DECODE("gray") "," TO("224", "pil-bilinear", "true") "," DIV "]");
}

static void training_gets_what_the_formula_says(void **state)
{
    (void)state;
    int32_t label = 0;
    struct gn_dataset data = { .samples = 1,
                               .height = H,
                               .width = W,
                               .channels = 3,
                               .classes = CLASSES,
                               .pixels = picture,
                               .labels = &label };
    for (int p = 0; p < PRESETS; p++) {
        gn_net *net = small(p);
        const struct gn_loader_options options = gn_loader_for(net, &data, 0, 1, net->resize);
        struct gn_loader *loader = gn_loader_create(&options);
        struct gn_batch batch;
        assert_int_equal(gn_loader_start(loader, 0, 0), GN_OK);
        assert_int_equal(gn_loader_next(loader, &batch), GN_OK);
        assert_int_equal(batch.n, 1);
        assert_memory_equal(batch.images, expected[p], sizeof expected[p]);
        gn_loader_free(loader);
        gn_free_net(net);
    }
}

/* Logits of the picture by gn_predict, and of the numbers that the formula gives. */
static void check_prediction(gn_net *net, int p)
{
    float logits[CLASSES], wanted[CLASSES];
    struct gn_plan *plan = gn_plan_create(net, &(struct gn_plan_options){ .batch = 1 });
    assert_non_null(plan);
    assert_int_equal(gn_plan_forward(plan, expected[p], 1, wanted), GN_OK);
    assert_int_equal(
        gn_predict(net, logits, picture, .n = 1, .height = H, .width = W, .channels = 3), GN_OK);
    assert_memory_equal(logits, wanted, sizeof wanted);
    gn_plan_free(plan);
}

static void prediction_gets_it_too_and_files_keep_it(void **state)
{
    (void)state;
    for (int p = 0; p < PRESETS; p++) {
        gn_net *net = small(p);
        check_prediction(net, p);
        assert_int_equal(gn_save(net, "ours"), GN_OK);
        gn_net *ours = gn_load("ours");
        assert_non_null(ours);
        check_prediction(ours, p);
        gn_free_net(ours);
        gn_free_net(net);
    }
}

/* A file at another size keeps the share of the picture that is cut out. */
static void another_size_keeps_the_crop(void **state)
{
    (void)state;
    struct gn_pixel_options pixels;
    gn_net *net = small(PAPER);
    assert_int_equal(gn_save(net, "small"), GN_OK);
    gn_net *large = gn_load("small", .size = 2 * SIZE);
    assert_int_equal(gn_net_pixels(large, &pixels), GN_OK);
    assert_int_equal(pixels.short_side, 2 * SIDE);
    assert_true(pixels.square && pixels.bgr && pixels.bytes && pixels.mean[0] > 103);
    gn_free_net(large);
    gn_free_net(net);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    gn_net *grey = gn_preset("googlenet", .size = 32), *net = small(TORCHVISION);
    assert_int_equal(gn_net_set_pixels(grey, &(struct gn_pixel_options){ .bgr = true }),
                     GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "an order of 3 channels, the network has 1");
    assert_int_equal(gn_net_set_pixels(grey, &(struct gn_pixel_options){ .square = true }),
                     GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(
        gn_net_set_pixels(
            net, &(struct gn_pixel_options){ .affine = true, .factor = { 1, (double)NAN, 1 } }),
        GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "must be finite");
    /* A square of the input's size is the plain resize. */
    struct gn_pixel_options pixels = { .square = true, .short_side = SIZE };
    assert_int_equal(gn_net_set_pixels(net, &pixels), GN_OK);
    assert_int_equal(gn_net_pixels(net, &pixels), GN_OK);
    assert_true(!pixels.square && pixels.short_side == 0);
    gn_free_net(grey);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_begin_with_what_their_weights_expect),
        cmocka_unit_test(grey_pictures_are_taken_plainly),
        cmocka_unit_test(training_gets_what_the_formula_says),
        cmocka_unit_test(prediction_gets_it_too_and_files_keep_it),
        cmocka_unit_test(another_size_keeps_the_crop),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
