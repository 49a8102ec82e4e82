/* labels: quick
 *
 * The middle of a picture under every rule is that of the whole picture resized, and how large a picture
 * must be decoded for a network. */
#include "base/random.h"
#include "picture/input.h"
#include "support/check.h"
#include "support/resize.h"

#include <math.h>
#include <stdlib.h>

enum { H = 61, W = 94, C = 3, SHORT = 40, SIDE = 31 };

static uint8_t pixels[H * W * C];

/* Wide and tall pictures, so that the corner is another one along x than along y. */
static void check_middle(gn_resize rule, int h, int w, bool square)
{
    const int whole_h = square || h < w ? SHORT : SHORT * h / w;
    const int whole_w = square || w < h ? SHORT : SHORT * w / h;
    const int top = (int)lrint((whole_h - SIDE) / 2.0), left = (int)lrint((whole_w - SIDE) / 2.0);
    const struct gn_input_rule input_rule = { .height = SIDE,
                                              .width = SIDE,
                                              .channels = C,
                                              .resize = rule,
                                              .pixels = { .short_side = SHORT, .square = square } };
    const struct gn_source source = { .pixels = pixels, .stride = (size_t)w * C, .h = h, .w = w };
    struct gn_input *input = gn_input_create(&input_rule);
    float *whole = malloc((size_t)(whole_h * whole_w * C) * sizeof *whole);
    float *ours = malloc((size_t)(SIDE * SIDE * C) * sizeof *ours);
    assert_true(input != NULL && whole != NULL && ours != NULL);
    resize_image(whole, whole_h, whole_w, pixels, h, w, C, rule);
    assert_int_equal(gn_input_make(input, &source, ours), GN_OK);
    for (int y = 0; y < SIDE; y++)
        if (memcmp(ours + y * SIDE * C, whole + ((top + y) * whole_w + left) * C,
                   (size_t)(SIDE * C) * sizeof *ours) != 0)
            fail_msg("rule %d, %dx%d, row %d", (int)rule, h, w, y);
    free(whole);
    free(ours);
    gn_input_free(input);
}

static void the_middle_is_that_of_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)gn_random_bits(0, GN_RANDOM_TEST, 7200, i);
    for (int rule = GN_RESIZE_TF1_LEGACY; rule <= GN_RESIZE_PIL_BILINEAR; rule++)
        for (int square = 0; square < 2; square++) {
            check_middle((gn_resize)rule, H, W, square == 1);
            check_middle((gn_resize)rule, W, H, square == 1);
        }
}

/* Pillow's own margin for thumbnails is twice the size; a crop needs what it is cut out of. */
static void a_decoded_picture_is_twice_what_is_needed(void **state)
{
    (void)state;
    struct gn_input_rule rule = { .height = 96, .width = 64 };
    assert_int_equal(gn_input_least_side(&rule), 192);
    rule.width = 120;
    assert_int_equal(gn_input_least_side(&rule), 240);
    rule.pixels.short_side = 150;
    assert_int_equal(gn_input_least_side(&rule), 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_middle_is_that_of_the_whole),
        cmocka_unit_test(a_decoded_picture_is_twice_what_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
