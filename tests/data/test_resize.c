/*
 * Resizing against TensorFlow's and Pillow's results (tests/golden/README.md), the formula written
 * down plainly, and a few properties.
 *
 * labels: quick
 */
#include "base/random.h"
#include "data/dataset.h"
#include "formats/safetensors.h"
#include "support/resize.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { MOST_PIXELS = 224 * 224 };

static const char *const rule_names[] = { "default", "tf1-legacy", "half-pixel", "pil-bilinear" };

static struct gn_st_file *golden;
static uint8_t source[3 * 64 * 64];
static float result[MOST_PIXELS];

static int setup(void **state)
{
    (void)state;
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/resize.safetensors");
    if (golden == NULL)
        print_error("%s\n", gn_error_message());
    return golden == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    gn_st_close(golden);
    return 0;
}

static void fill_source(uint64_t stream, int n)
{
    for (int i = 0; i < n; i++)
        source[i] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, stream, (uint64_t)i);
}

static void resize(float *out, int oh, int ow, int h, int w, int c, gn_resize rule)
{
    resize_image(out, oh, ow, source, h, w, c, rule);
}

static const struct gn_st_tensor *find(gn_resize rule, const char *name, const char *part)
{
    char full[128];
    (void)snprintf(full, sizeof full, "%s.%s%s", rule_names[rule], name, part);
    const struct gn_st_tensor *tensor = gn_st_find(golden, full);
    if (tensor == NULL)
        fail_msg("%s: not in the golden file", full);
    return tensor;
}

static void compare_with_tensorflow(gn_resize rule, const char *name, int h, int w, int oh, int ow)
{
    fill_source(h == 28 ? 4000 : 4002, h * w);
    resize(result, oh, ow, h, w, 1, rule);
    const struct gn_st_tensor *rows = find(rule, name, ".rows");
    const float *numbers = find(rule, name, ".row_numbers")->data, *expected = rows->data;
    assert_int_equal(rows->shape[1], ow);
    for (uint64_t r = 0; r < rows->shape[0]; r++)
        assert_memory_equal(result + (size_t)numbers[r] * (size_t)ow, expected + r * (size_t)ow,
                            (size_t)ow * sizeof(float));
    uint64_t sum = 0;
    for (int i = 0; i < oh * ow; i++) {
        uint32_t bits;
        memcpy(&bits, &result[i], sizeof bits);
        sum += bits;
    }
    const float *bits = find(rule, name, ".bits")->data;
    assert_true((float)((sum >> 24) & 0xFFFFFF) == bits[0]);
    assert_true((float)(sum & 0xFFFFFF) == bits[1]);
}

static void tensorflow_gives_the_same_bits(void **state)
{
    (void)state;
    for (int rule = GN_RESIZE_TF1_LEGACY; rule <= GN_RESIZE_HALF_PIXEL; rule++) {
        compare_with_tensorflow((gn_resize)rule, "28_to_96", 28, 28, 96, 96);
        compare_with_tensorflow((gn_resize)rule, "28_to_224", 28, 28, 224, 224);
        compare_with_tensorflow((gn_resize)rule, "40x28_to_17x96", 40, 28, 17, 96);
    }
}

static void compare_with_pillow(const char *name, uint64_t stream, int h, int w, int oh, int ow)
{
    fill_source(stream, h * w);
    resize(result, oh, ow, h, w, 1, GN_RESIZE_PIL_BILINEAR);
    const struct gn_st_tensor *tensor = find(GN_RESIZE_PIL_BILINEAR, name, "");
    assert_int_equal(tensor->count, oh * ow);
    const float *expected = tensor->data;
    for (int i = 0; i < oh * ow; i++)
        if (result[i] != expected[i] / 255.0F)
            fail_msg("%s: element %d is %g, Pillow has %g", name, i, (double)result[i] * 255,
                     (double)expected[i]);
}

static void pillow_gives_the_same_bytes(void **state)
{
    (void)state;
    compare_with_pillow("28_to_96", 4000, 28, 28, 96, 96);
    compare_with_pillow("28_to_20", 4000, 28, 28, 20, 20);
    compare_with_pillow("40_to_17", 4001, 40, 40, 17, 17);
    compare_with_pillow("40x28_to_17x96", 4002, 40, 28, 17, 96);
}

/* The row 0, 1, ... 27 (times 9/255, to be bytes) at 96 pixels: known places of the legacy rule. */
static void the_legacy_rule_reaches_known_places(void **state)
{
    (void)state;
    for (int i = 0; i < 28 * 28; i++)
        source[i] = (uint8_t)(9 * (i % 28));
    resize(result, 96, 96, 28, 28, 1, GN_RESIZE_TF1_LEGACY);
    const struct {
        int at;
        float value;
    } known[] = {
        { 0, 0 }, { 1, 0.29166666F }, { 3, 0.875F }, { 23, 6.708333F }, { 92, 26.833332F }
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_true(fabsf(result[known[i].at] * 255.0F / 9.0F - known[i].value) < 4e-6F);
    for (int i = 24; i <= 72; i += 24) /* exact hits of a pixel */
        assert_true(result[i] == (float)(9 * i * 28 / 96) / 255.0F);
    for (int i = 93; i < 96; i++) /* replication of the last one */
        assert_true(result[i] == 243.0F / 255.0F);
}

static void every_byte_becomes_its_quotient(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++)
        source[i] = (uint8_t)i;
    for (int rule = GN_RESIZE_TF1_LEGACY; rule <= GN_RESIZE_PIL_BILINEAR; rule++) {
        resize(result, 16, 16, 16, 16, 1, (gn_resize)rule);
        for (int i = 0; i < 256; i++)
            assert_true(result[i] == (float)i / 255.0F);
    }
}

/* One output of TensorFlow's rules, as the formula says. */
static float formula(int y, int x, int oh, int ow, int h, int w, gn_resize rule)
{
    const float half = rule == GN_RESIZE_HALF_PIXEL ? 0.5F : 0.0F;
    const float sy = ((float)y + half) * ((float)h / (float)oh) - half;
    const float sx = ((float)x + half) * ((float)w / (float)ow) - half;
    const int y0 = (int)fmaxf(floorf(sy), 0), x0 = (int)fmaxf(floorf(sx), 0);
    const int y1 = (int)fminf(ceilf(sy), (float)(h - 1)),
              x1 = (int)fminf(ceilf(sx), (float)(w - 1));
    const float ly = sy - floorf(sy), lx = sx - floorf(sx);
    const float a = (float)source[y0 * w + x0] / 255.0F, b = (float)source[y0 * w + x1] / 255.0F;
    const float c = (float)source[y1 * w + x0] / 255.0F, d = (float)source[y1 * w + x1] / 255.0F;
    const float top = a + (b - a) * lx, bottom = c + (d - c) * lx;
    return top + (bottom - top) * ly;
}

static void odd_sizes_follow_the_formula(void **state)
{
    (void)state;
    static const int sizes[] = { 1, 2, 3, 7, 13, 28, 33, 64 };
    enum { N = sizeof sizes / sizeof sizes[0] };
    fill_source(1, 64 * 64);
    for (int k = 0; k < N * N * N; k++) {
        const int h = sizes[k % N], w = sizes[k / N % N], oh = sizes[k / N / N];
        const int ow = sizes[(k + 3) % N];
        for (int rule = GN_RESIZE_TF1_LEGACY; rule <= GN_RESIZE_HALF_PIXEL; rule++) {
            resize(result, oh, ow, h, w, 1, (gn_resize)rule);
            for (int i = 0; i < oh * ow; i++)
                if (result[i] != formula(i / ow, i % ow, oh, ow, h, w, (gn_resize)rule))
                    fail_msg("%s %dx%d to %dx%d: element %d", rule_names[rule], h, w, oh, ow, i);
        }
    }
}

static void channels_are_resized_one_by_one(void **state)
{
    (void)state;
    static float gray[33 * 40];
    for (int rule = GN_RESIZE_TF1_LEGACY; rule <= GN_RESIZE_PIL_BILINEAR; rule++)
        for (int shrink = 0; shrink < 2; shrink++) {
            const int h = 20, w = 15, oh = shrink ? 9 : 33, ow = shrink ? 11 : 40;
            fill_source(7, 3 * h * w);
            resize(result, oh, ow, h, w, 3, (gn_resize)rule);
            for (int c = 0; c < 3; c++) {
                fill_source(7, 3 * h * w);
                for (int i = 0; i < h * w; i++)
                    source[i] = source[3 * i + c];
                resize(gray, oh, ow, h, w, 1, (gn_resize)rule);
                for (int i = 0; i < oh * ow; i++)
                    assert_true(gray[i] == result[3 * i + c]);
            }
        }
}

static void a_plain_image_stays_plain(void **state)
{
    (void)state;
    static const int values[] = { 0, 1, 127, 254, 255 };
    for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
        memset(source, values[v], 40 * 40);
        for (int rule = GN_RESIZE_TF1_LEGACY; rule <= GN_RESIZE_PIL_BILINEAR; rule++) {
            resize(result, 57, 13, 40, 40, 1, (gn_resize)rule);
            for (int i = 0; i < 57 * 13; i++)
                assert_true(result[i] == (float)values[v] / 255.0F);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensorflow_gives_the_same_bits),
        cmocka_unit_test(pillow_gives_the_same_bytes),
        cmocka_unit_test(the_legacy_rule_reaches_known_places),
        cmocka_unit_test(every_byte_becomes_its_quotient),
        cmocka_unit_test(odd_sizes_follow_the_formula),
        cmocka_unit_test(channels_are_resized_one_by_one),
        cmocka_unit_test(a_plain_image_stays_plain),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
