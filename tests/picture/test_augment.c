/* labels: quick
 *
 * Augmentation against Pillow's pixels and torchvision's rules, with the same draws (the file is made by
 * tools/golden/make_augment.py): every operation on noise in grey and in colour, all fourteen of TrivialAugment, the boxes of cropping
 * and of CutMix, the middle of a picture. */
#include "base/random.h"
#include "formats/safetensors.h"
#include "picture/augment.h"
#include "picture/input.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { H = 21, W = 18, MOST = H * W * 3, SEED = 11, EPOCH = 2 };

static struct gn_st_file *golden;

static int setup(void **state)
{
    (void)state;
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/augment.safetensors");
    return golden == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    gn_st_close(golden);
    return 0;
}

static const struct gn_st_tensor *find(const char *name)
{
    const struct gn_st_tensor *t = gn_st_find(golden, name);
    if (t == NULL)
        fail_msg("the golden file lacks %s", name);
    return t;
}

/* Values of a float tensor of at most `most`. */
static size_t floats_of(const char *name, float *values, size_t most)
{
    const struct gn_st_tensor *t = find(name);
    assert_true(t->count <= most && gn_st_to_float(t, values));
    return (size_t)t->count;
}

static void fill(uint8_t *pixels, int channels)
{
    for (uint64_t i = 0; i < (uint64_t)(H * W * channels); i++)
        pixels[i] =
            (uint8_t)(30 + gn_random_bits(0, GN_RANDOM_TEST, 7000 + (uint64_t)channels, i) % 190);
}

/* Bytes may be `most` apart; no more than `share` of them may differ at all. */
static void compare(const char *name, int number, const uint8_t *ours, const uint8_t *theirs,
                    size_t n, int most, double share)
{
    size_t differ = 0;
    for (size_t i = 0; i < n; i++) {
        const int apart = abs(ours[i] - theirs[i]);
        differ += apart > 0;
        if (apart > most)
            fail_msg("%s, sample %d: byte %zu is %d instead of %d", name, number, i, ours[i],
                     theirs[i]);
    }
    if ((double)differ > share * (double)n)
        fail_msg("%s, sample %d: %zu of %zu bytes differ", name, number, differ, n);
}

/* Pillow cuts off what is behind the point where we round, so that about half of the bytes that lie between
 * two others are one higher. */
static void check(const char *name, const char *list, int most, double share)
{
    struct gn_augment augment;
    char tensor[64];
    float samples[64];
    uint8_t pixels[MOST], spare[MOST];
    assert_int_equal(gn_augment_parse(&augment, list), GN_OK);
    (void)snprintf(tensor, sizeof tensor, "%s.samples", name);
    const size_t n = floats_of(tensor, samples, 64);
    for (int channels = 1; channels <= 3; channels += 2) {
        (void)snprintf(tensor, sizeof tensor, "%s.%d", name, channels);
        if (gn_st_find(golden, tensor) == NULL)
            continue;
        const struct gn_st_tensor *t = find(tensor);
        const size_t bytes = (size_t)(H * W * channels);
        assert_int_equal(t->count, n * bytes);
        for (size_t i = 0; i < n; i++) {
            const struct gn_draws draws = gn_draws_of(SEED, EPOCH, (uint32_t)samples[i]);
            fill(pixels, channels);
            gn_augment_bytes(&augment, &draws, pixels, spare, H, W, channels);
            compare(tensor, (int)samples[i], pixels, (const uint8_t *)t->data + i * bytes, bytes,
                    most, share);
        }
    }
}

static void geometry_is_pillows(void **state)
{
    (void)state;
    check("mirror", "mirror", 0, 0);
    check("shift", "shift:4", 0, 0);
    check("rotate", "rotate:30", 1, 0.6);
}

static void colours_are_pillows(void **state)
{
    (void)state;
    check("brightness", "brightness:0.4", 1, 0.6);
    check("contrast", "contrast:1.5", 1, 0.6);
    check("saturation", "saturation:0.9", 1, 0.6);
}

static void erasing_follows_torchvision(void **state)
{
    (void)state;
    check("erase", "erase:0.75", 0, 0);
}

static void trivial_augment_follows_torchvision(void **state)
{
    (void)state;
    check("trivial", "trivial-augment", 1, 0.6);
}

static void crops_follow_torchvision(void **state)
{
    (void)state;
    enum { EACH = 20, ROWS = 3 * EACH, COLUMNS = 4 };
    static const int shapes[][2] = { { 40, 71 }, { 20, 300 }, { 301, 19 } };
    float rows[ROWS * COLUMNS];
    assert_int_equal(floats_of("crop.boxes", rows, ROWS * COLUMNS), ROWS * COLUMNS);
    for (int i = 0; i < ROWS; i++) {
        const struct gn_augment augment = { .crop = i < EACH ? 0.08 : 0.9 };
        const struct gn_draws draws = gn_draws_of(SEED, EPOCH, (uint32_t)(i % EACH));
        const struct gn_box box =
            gn_augment_crop(&augment, &draws, shapes[i / EACH][0], shapes[i / EACH][1]);
        const int ours[COLUMNS] = { box.y, box.x, box.h, box.w };
        for (int k = 0; k < COLUMNS; k++)
            assert_int_equal(ours[k], (int)rows[i * COLUMNS + k]);
    }
}

/* What of an image of zeros becomes one is the box. */
static void cutmix_follows_torchvision(void **state)
{
    (void)state;
    enum { ROWS = 40, COLUMNS = 5, HEIGHT = 32, WIDTH = 20 };
    float rows[ROWS * COLUMNS], images[2 * HEIGHT * WIDTH], first[HEIGHT * WIDTH], shares[2];
    const struct gn_augment augment = { .cutmix = 0.7 };
    const int32_t labels[2] = { 0, 1 };
    int32_t others[2];
    assert_int_equal(floats_of("cutmix.boxes", rows, ROWS * COLUMNS), ROWS * COLUMNS);
    for (int i = 0; i < ROWS; i++) {
        const float *row = rows + i * COLUMNS;
        const struct gn_draws draws[2] = { gn_draws_of(SEED, EPOCH, (uint32_t)i),
                                           gn_draws_of(SEED, EPOCH, 9999) };
        for (int k = 0; k < 2 * HEIGHT * WIDTH; k++)
            images[k] = k < HEIGHT * WIDTH ? 0 : 1;
        memcpy(first, images, sizeof first);
        gn_augment_mix(&augment, draws, images, 2, HEIGHT, WIDTH, 1, first, labels[0], labels,
                       others, shares);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                const bool inside =
                    y >= (int)row[0] && x >= (int)row[1] && y < (int)row[2] && x < (int)row[3];
                assert_true(images[y * WIDTH + x] > 0.5F ? inside : !inside);
            }
        assert_true(fabsf(shares[0] - row[4]) < 1e-5F);
        assert_int_equal(others[0], 1);
    }
}

/* ---- The middle of a picture ---- */

static const struct {
    int h, w, short_side, out;
} middles[] = { { 37, 50, 20, 15 }, { 50, 37, 21, 16 }, { 33, 33, 20, 13 },
                { 41, 26, 25, 18 }, { 64, 95, 31, 30 }, { 20, 29, 24, 17 } };

static void the_middle_follows_torchvision(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof middles / sizeof middles[0]; i++) {
        const int h = middles[i].h, w = middles[i].w, out = middles[i].out;
        const size_t n = (size_t)(h * w * 3), wanted = (size_t)(out * out * 3);
        char name[64];
        uint8_t *pixels = malloc(n);
        assert_non_null(pixels);
        for (size_t k = 0; k < n; k++)
            pixels[k] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 7100 + i, k);
        const struct gn_input_rule rule = { .height = out,
                                            .width = out,
                                            .channels = 3,
                                            .resize = GN_RESIZE_PIL_BILINEAR,
                                            .pixels = { .short_side = middles[i].short_side } };
        struct gn_input *input = gn_input_create(&rule);
        const struct gn_source source = {
            .pixels = pixels, .stride = (size_t)w * 3, .h = h, .w = w
        };
        (void)snprintf(name, sizeof name, "middle.%dx%d_%d_%d", h, w, middles[i].short_side, out);
        const struct gn_st_tensor *t = find(name);
        assert_int_equal(t->count, wanted);
        assert_non_null(input);
        assert_int_equal(gn_input_prepare(input, h, w, false), GN_OK);
        compare(name, 0, gn_input_bytes(input, &source), t->data, wanted, 0, 0);
        gn_input_free(input);
        free(pixels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(geometry_is_pillows),
        cmocka_unit_test(colours_are_pillows),
        cmocka_unit_test(erasing_follows_torchvision),
        cmocka_unit_test(trivial_augment_follows_torchvision),
        cmocka_unit_test(crops_follow_torchvision),
        cmocka_unit_test(cutmix_follows_torchvision),
        cmocka_unit_test(the_middle_follows_torchvision),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
