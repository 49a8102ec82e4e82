/* labels: quick
 *
 * Pixels of other programs: every format, as bytes and as floats, with gaps between rows and as a part
 * of a larger picture, gives the answers of the same picture as dense RGB; what is wrong is named. */
#include "base/random.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { H = 18, W = 26, GAP = 12, INPUT = 16 * 16 * 3, CLASSES = 4 };

static uint8_t rgb[H][W][3];
static gn_net *net;
static gn_preprocessor *preprocessor;
static float wanted[INPUT], got[INPUT];

static const struct gn_pixels dense = {
    .pixels = rgb, .height = H, .width = W, .format = GN_PIXELS_RGB
};

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rgb; i++)
        (&rgb[0][0][0])[i] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 1, i);
    net = gn_preset("googlenet-small", .size = 16, .channels = 3, .classes = CLASSES, .seed = 3);
    preprocessor = gn_preprocessor_create_with(net, NULL);
    return preprocessor == NULL;
}

static int teardown(void **state)
{
    (void)state;
    gn_preprocessor_free(preprocessor);
    gn_free_net(net);
    return 0;
}

static void make(const struct gn_pixels *image, float *input)
{
    for (int i = 0; i < INPUT; i++)
        input[i] = NAN;
    if (gn_preprocess_pixels(preprocessor, image, input) != GN_OK)
        fail_msg("%s", gn_error_message());
}

static void check_same(const struct gn_pixels *image)
{
    make(&dense, wanted);
    make(image, got);
    assert_memory_equal(got, wanted, sizeof got);
}

/* Where red, green and blue lie, and how many values a pixel has. */
static const struct {
    gn_pixel_format format;
    int values, place[3];
} orders[] = {
    { GN_PIXELS_RGB, 3, { 0, 1, 2 } },
    { GN_PIXELS_BGR, 3, { 2, 1, 0 } },
    { GN_PIXELS_RGBA, 4, { 0, 1, 2 } },
    { GN_PIXELS_BGRA, 4, { 2, 1, 0 } },
};
enum { ORDERS = sizeof orders / sizeof orders[0] };

static void every_order_of_channels_is_the_same_picture(void **state)
{
    (void)state;
    for (int k = 0; k < ORDERS; k++) {
        const size_t values = (size_t)orders[k].values, stride = W * values + GAP;
        uint8_t *bytes = malloc(H * stride);
        float *floats = malloc(H * stride * sizeof *floats);
        assert_non_null(bytes);
        assert_non_null(floats);
        memset(bytes, 77, H * stride);
        for (size_t i = 0; i < H * stride; i++)
            floats[i] = 0.3F;
        for (size_t y = 0; y < H; y++)
            for (size_t x = 0; x < W; x++)
                for (size_t c = 0; c < 3; c++) {
                    const size_t at = y * stride + x * values + (size_t)orders[k].place[c];
                    bytes[at] = rgb[y][x][c];
                    floats[at] = (float)rgb[y][x][c] / 255.0F;
                }
        struct gn_pixels image = {
            .pixels = bytes, .height = H, .width = W, .format = orders[k].format, .stride = stride
        };
        check_same(&image);
        image.pixels = floats;
        image.floats = true;
        image.stride = stride * sizeof *floats;
        check_same(&image);
        free(bytes);
        free(floats);
    }
}

/* A part of a larger picture, without a copy by the caller. */
static void a_region_is_the_picture_cut_out(void **state)
{
    (void)state;
    enum { TOP = 3, LEFT = 5, RH = 10, RW = 14 };
    static uint8_t cut[RH][RW][3];
    for (int y = 0; y < RH; y++)
        memcpy(cut[y], rgb[TOP + y][LEFT], sizeof cut[y]);
    const struct gn_pixels alone = {
        .pixels = cut, .height = RH, .width = RW, .format = GN_PIXELS_RGB
    };
    const struct gn_pixels region = { .pixels = rgb[TOP][LEFT],
                                      .height = RH,
                                      .width = RW,
                                      .format = GN_PIXELS_RGB,
                                      .stride = sizeof rgb[0] };
    make(&alone, wanted);
    make(&region, got);
    assert_memory_equal(got, wanted, sizeof got);
}

static void grey_becomes_colour(void **state)
{
    (void)state;
    static uint8_t grey[H][W], colour[H][W][3];
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            grey[y][x] = colour[y][x][0] = colour[y][x][1] = colour[y][x][2] = rgb[y][x][1];
    const struct gn_pixels a = { .pixels = grey, .height = H, .width = W };
    const struct gn_pixels b = {
        .pixels = colour, .height = H, .width = W, .format = GN_PIXELS_RGB
    };
    make(&a, got);
    make(&b, wanted);
    assert_memory_equal(got, wanted, sizeof got);
}

/* Values of ITU-R BT.601 with 16 to 235, as tables of its colour bars give them: 75% bars of SMPTE
 * RP 219 have red, green, blue of 0 or 191. */
static void nv12_is_bt601(void **state)
{
    (void)state;
    static const struct {
        uint8_t y, u, v, rgb[3];
    } bars[] = {
        { 16, 128, 128, { 0, 0, 0 } },        { 235, 128, 128, { 255, 255, 255 } },
        { 180, 128, 128, { 191, 191, 191 } }, { 162, 44, 142, { 191, 191, 0 } },
        { 131, 156, 44, { 0, 191, 191 } },    { 112, 72, 58, { 0, 191, 0 } },
        { 84, 184, 198, { 191, 0, 191 } },    { 65, 100, 212, { 191, 0, 0 } },
        { 35, 212, 114, { 0, 0, 191 } },
    };
    for (size_t k = 0; k < sizeof bars / sizeof bars[0]; k++) {
        enum { ROW = W + 4 };
        static uint8_t luma[H][ROW], chroma[H / 2][ROW], colour[H][W][3];
        memset(luma, 1, sizeof luma);
        memset(chroma, 1, sizeof chroma);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                luma[y][x] = bars[k].y;
                chroma[y / 2][x] = x % 2 == 0 ? bars[k].u : bars[k].v;
                memcpy(colour[y][x], bars[k].rgb, 3);
            }
        const struct gn_pixels a = { .pixels = luma,
                                     .height = H,
                                     .width = W,
                                     .format = GN_PIXELS_NV12,
                                     .stride = ROW,
                                     .chroma = chroma,
                                     .chroma_stride = ROW };
        const struct gn_pixels b = {
            .pixels = colour, .height = H, .width = W, .format = GN_PIXELS_RGB
        };
        make(&a, got);
        make(&b, wanted);
        for (int i = 0; i < INPUT; i++)
            if (fabsf(got[i] - wanted[i]) > 1.01F / 255) /* the bars are rounded to bytes */
                fail_msg("bar %zu: %g instead of %g", k, (double)got[i], (double)wanted[i]);
    }
}

/* Chroma belongs to its own 2x2 pixels. */
static void nv12_has_a_colour_for_two_by_two(void **state)
{
    (void)state;
    static uint8_t luma[H][W], chroma[H / 2][W];
    memset(luma, 120, sizeof luma);
    memset(chroma, 128, sizeof chroma);
    chroma[0][W - 1] = 240; /* red at the top right */
    const struct gn_pixels corner = { .pixels = &luma[0][W - 2],
                                      .height = 2,
                                      .width = 2,
                                      .format = GN_PIXELS_NV12,
                                      .stride = W,
                                      .chroma = &chroma[0][W - 2],
                                      .chroma_stride = W };
    make(&corner, got);
    for (int i = 0; i < INPUT; i += 3)
        assert_true(got[i] > got[i + 1] + 0.5F);
    struct gn_pixels beside = corner;
    beside.pixels = &luma[0][W - 4];
    beside.chroma = &chroma[0][W - 4];
    make(&beside, got);
    for (int i = 0; i < INPUT; i += 3)
        assert_true(got[i] == got[i + 1]);
}

static void pictures_of_several_kinds_answer_in_one_call(void **state)
{
    (void)state;
    static uint8_t bgr[H][W][3];
    float alone[CLASSES], part[CLASSES], both[3][CLASSES];
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++)
                bgr[y][x][c] = rgb[y][x][2 - c];
    const struct gn_pixels images[] = {
        dense,
        { .pixels = bgr, .height = H, .width = W, .format = GN_PIXELS_BGR },
        { .pixels = rgb, .height = H / 2, .width = W, .format = GN_PIXELS_RGB },
    };
    assert_int_equal(
        gn_predict(net, alone, &rgb[0][0][0], .n = 1, .height = H, .width = W, .channels = 3),
        GN_OK);
    assert_int_equal(
        gn_predict(net, part, &rgb[0][0][0], .n = 1, .height = H / 2, .width = W, .channels = 3),
        GN_OK);
    assert_int_equal(gn_predict(net, both[0], NULL, .images = images, .n = 3), GN_OK);
    assert_true(memcmp(alone, part, sizeof alone) != 0);
    for (int c = 0; c < CLASSES; c++) { /* batches differ in the order of sums */
        assert_float_equal(both[0][c], alone[c], 1e-5);
        assert_float_equal(both[1][c], alone[c], 1e-5);
        assert_float_equal(both[2][c], part[c], 1e-5);
    }
}

static void check_refused(struct gn_pixels image, const char *sentence)
{
    assert_int_equal(gn_preprocess_pixels(preprocessor, &image, got), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, sentence);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    struct gn_pixels image = dense;
    image.stride = 3 * W - 1;
    check_refused(image, "rows are 77 bytes apart and have 78 bytes");
    image = dense;
    image.height = -1;
    check_refused(image, "an image of -1x26");
    image = dense;
    image.format = (gn_pixel_format)17;
    check_refused(image, "no format has the number 17");
    image = dense;
    image.pixels = NULL;
    check_refused(image, "the image");
    image = dense;
    image.floats = true;
    image.stride = 12 * W + 2;
    check_refused(image, "multiple of 4 bytes");
    image = dense;
    image.format = GN_PIXELS_NV12;
    check_refused(image, "the second plane of NV12");
    image.chroma = rgb;
    image.width = 25;
    check_refused(image, "NV12 of 18x25");
    image.width = W;
    image.chroma_stride = W - 2;
    check_refused(image, "rows of the second plane");
}

/* To the nearest byte; values outside 0 to 1 and NaN become bytes, too. */
static void floats_are_rounded_and_held(void **state)
{
    (void)state;
    static const float odd[] = { -1, 2, NAN, 0.999F, 0.5F, 0.709F };
    static const uint8_t held[] = { 0, 255, 0, 255, 128, 181 };
    const struct gn_pixels a = {
        .pixels = odd, .height = 1, .width = 2, .format = GN_PIXELS_RGB, .floats = true
    };
    const struct gn_pixels b = { .pixels = held, .height = 1, .width = 2, .format = GN_PIXELS_RGB };
    make(&a, got);
    make(&b, wanted);
    assert_memory_equal(got, wanted, sizeof got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_channels_is_the_same_picture),
        cmocka_unit_test(a_region_is_the_picture_cut_out),
        cmocka_unit_test(grey_becomes_colour),
        cmocka_unit_test(nv12_is_bt601),
        cmocka_unit_test(nv12_has_a_colour_for_two_by_two),
        cmocka_unit_test(pictures_of_several_kinds_answer_in_one_call),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(floats_are_rounded_and_held),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
