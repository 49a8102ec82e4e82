/* labels: quick
 *
 * What augmentation does, measured on many samples, against the ranges that its words promise: how
 * often, the mean, both ends. Images are so simple that the number that was drawn can be read from the
 * result. */
#include "picture/augment.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 4000, MOST = 41 * 41 * 3 };

static void augment(const char *list, uint32_t sample, uint8_t *pixels, int h, int w, int c)
{
    uint8_t spare[MOST];
    struct gn_augment a;
    const struct gn_draws draws = gn_draws_of(3, sample % 7, sample);
    assert_true(h * w * c <= MOST);
    assert_int_equal(gn_augment_parse(&a, list), GN_OK);
    gn_augment_bytes(&a, &draws, pixels, spare, h, w, c);
}

/* ---- Statistics ---- */

struct spread {
    int n;
    double low, high, sum, squares;
};

static void add(struct spread *s, double x)
{
    s->low = s->n == 0 || x < s->low ? x : s->low;
    s->high = s->n == 0 || x > s->high ? x : s->high;
    s->n++;
    s->sum += x;
    s->squares += x * x;
}

/* Uniform from low to high: the ends are reached and not passed by more than `slack`, mean and variance
 * are within five standard errors and the slack. */
static void is_uniform(const struct spread *s, double low, double high, double slack)
{
    const double wide = high - low, n = s->n, mean = s->sum / n;
    const double variance = s->squares / n - mean * mean, wanted = wide * wide / 12;
    if (s->low < low - slack || s->high > high + slack || s->low > low + 0.01 * wide + slack ||
        s->high < high - 0.01 * wide - slack)
        fail_msg("from %g to %g instead of %g to %g", s->low, s->high, low, high);
    if (fabs(mean - (low + high) / 2) > 5 * sqrt(wanted / n) + slack)
        fail_msg("mean %g of %g to %g", mean, low, high);
    if (fabs(variance / wanted - 1) > 5 * sqrt(0.8 / n) + 4 * slack / wide)
        fail_msg("variance %g instead of %g", variance, wanted);
}

/* A share of n draws that should be p, within five standard errors. */
static void is_share(int count, int n, double p)
{
    const double share = (double)count / n;
    if (fabs(share - p) > 5 * sqrt(p * (1 - p) / n))
        fail_msg("%d of %d, it should be %g of them", count, n, p);
}

/* ---- Geometry ---- */

static void every_other_image_is_mirrored(void **state)
{
    (void)state;
    int mirrored = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint8_t pixels[2] = { 1, 2 };
        augment("mirror", i, pixels, 1, 2, 1);
        assert_true(pixels[0] + pixels[1] == 3);
        mirrored += pixels[0] == 2;
    }
    is_share(mirrored, SAMPLES, 0.5);
}

/* Whether that image was mirrored in that epoch. */
static bool is_mirrored(uint32_t sample, uint64_t epoch)
{
    uint8_t pixels[2] = { 1, 2 }, spare[2];
    struct gn_augment a;
    const struct gn_draws draws = gn_draws_of(3, epoch, sample);
    assert_int_equal(gn_augment_parse(&a, "alternate-mirror"), GN_OK);
    assert_true(gn_augment_touches(&a));
    gn_augment_bytes(&a, &draws, pixels, spare, 1, 2, 1);
    assert_int_equal(pixels[0] + pixels[1], 3);
    return pixels[0] == 2;
}

static void each_image_is_mirrored_in_every_other_epoch(void **state)
{
    (void)state;
    int mirrored = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const bool at_first = is_mirrored(i, 0);
        mirrored += at_first;
        for (uint64_t epoch = 1; epoch < 6; epoch++)
            if (is_mirrored(i, epoch) != (at_first == (epoch % 2 == 0)))
                fail_msg("sample %u, epoch %u", (unsigned)i, (unsigned)epoch);
    }
    is_share(mirrored, SAMPLES, 0.5);
}

static void shifts_go_as_far_as_said_each_way(void **state)
{
    (void)state;
    enum { FAR = 3, SIDE = 4 * FAR + 1, WAYS = 2 * FAR + 1 };
    int counts[WAYS][WAYS] = { { 0 } };
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint8_t pixels[SIDE * SIDE] = { 0 };
        pixels[2 * FAR * SIDE + 2 * FAR] = 200;
        augment("shift:3", i, pixels, SIDE, SIDE, 1);
        int at = 0;
        while (at < SIDE * SIDE - 1 && pixels[at] != 200)
            at++;
        const int down = at / SIDE - FAR, right = at % SIDE - FAR;
        assert_true(down >= 0 && down < WAYS && right >= 0 && right < WAYS);
        counts[down][right]++;
    }
    for (int k = 0; k < WAYS * WAYS; k++)
        is_share(counts[k / WAYS][k % WAYS], SAMPLES, 1.0 / (WAYS * WAYS));
}

/* A blot right of the middle is found again at an angle of it. */
static void rotations_turn_as_far_as_said_each_way(void **state)
{
    (void)state;
    enum { SIDE = 41, MIDDLE = SIDE / 2 };
    struct spread s = { 0 };
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint8_t pixels[SIDE * SIDE] = { 0 };
        double down = 0, right = 0;
        for (int y = MIDDLE - 2; y <= MIDDLE + 2; y++)
            for (int x = MIDDLE + 12; x <= MIDDLE + 16; x++)
                pixels[y * SIDE + x] = 200;
        augment("rotate:25", i, pixels, SIDE, SIDE, 1);
        for (int k = 0; k < SIDE * SIDE; k++) {
            down += pixels[k] * (k / SIDE - MIDDLE);
            right += pixels[k] * (k % SIDE - MIDDLE);
        }
        add(&s, atan2(down, right) * 57.29577951308232);
    }
    is_uniform(&s, -25, 25, 0.2);
}

/* ---- Colours ---- */

static void factors_of_colours_are_around_one(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        double range, low, high;
    } cases[] = { { "brightness", 0.4, 0.6, 1.4 }, { "brightness", 1.5, 0, 2.5 },
                  { "contrast", 0.3, 0.7, 1.3 },   { "contrast", 1.2, 0, 2.2 },
                  { "saturation", 0.5, 0.5, 1.5 }, { "saturation", 1, 0, 2 } };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct spread s = { 0 };
        char list[32];
        (void)snprintf(list, sizeof list, "%s:%g", cases[c].word, cases[c].range);
        for (uint32_t i = 0; i < SAMPLES; i++) {
            uint8_t pixels[6] = { 80, 80, 80, 80, 80, 80 };
            double base = 0; /* what a factor of zero gives */
            if (cases[c].word[0] == 'c') {
                pixels[3] = pixels[4] = pixels[5] = 120;
                base = 100;
            } else if (cases[c].word[0] == 's') {
                pixels[0] = pixels[3] = 160;
                base = 104; /* 0.299 * 160 + 0.701 * 80 */
            }
            const double before = pixels[0] - base;
            augment(list, i, pixels, 1, 2, 3);
            add(&s, (pixels[0] - base) / before);
        }
        is_uniform(&s, cases[c].low, cases[c].high, 0.03);
    }
}

/* ---- Erasing ---- */

struct hole {
    int y, x, h, w;
};

/* The rectangle of changed pixels; false: none. Noise that happens to equal the image is rare at the edge
 * of a hole, since the image's byte is one of 256. */
static bool find_hole(const uint8_t *pixels, int h, int w, int c, uint8_t before, struct hole *hole)
{
    int top = h, bottom = -1, left = w, right = -1;
    for (int i = 0; i < h * w * c; i++) {
        const int y = i / c / w, x = i / c % w;
        if (pixels[i] == before)
            continue;
        top = y < top ? y : top;
        bottom = y > bottom ? y : bottom;
        left = x < left ? x : left;
        right = x > right ? x : right;
    }
    *hole = (struct hole){ top, left, bottom - top + 1, right - left + 1 };
    return bottom >= 0;
}

static void holes_are_as_often_large_and_long_as_said(void **state)
{
    (void)state;
    enum { SIDE = 41, CHANNELS = 3, BYTES = SIDE * SIDE * CHANNELS };
    int erased = 0, at_edge[4] = { 0 };
    struct spread area = { 0 }, noise = { 0 }, sides = { 0 };
    for (uint32_t i = 0; i < SAMPLES; i++) {
        uint8_t pixels[BYTES];
        struct hole hole;
        memset(pixels, 77, sizeof pixels);
        augment("erase:0.4", i, pixels, SIDE, SIDE, CHANNELS);
        if (!find_hole(pixels, SIDE, SIDE, CHANNELS, 77, &hole))
            continue;
        erased++;
        add(&area, (double)(hole.h * hole.w) / (SIDE * SIDE));
        add(&sides, log((double)hole.h / hole.w));
        at_edge[0] += hole.y == 0;
        at_edge[1] += hole.x == 0;
        at_edge[2] += hole.y + hole.h == SIDE;
        at_edge[3] += hole.x + hole.w == SIDE;
        for (int k = 0; k < hole.h * hole.w * CHANNELS; k += 17) {
            const int y = hole.y + k / (hole.w * CHANNELS), rest = k % (hole.w * CHANNELS);
            add(&noise, pixels[(y * SIDE + hole.x) * CHANNELS + rest]);
        }
    }
    is_share(erased, SAMPLES, 0.4);
    /* Sides are rounded to pixels; the largest and longest holes that do not fit are drawn again. */
    assert_true(area.low < 0.025 && area.low > 0.015 && area.high > 0.32 && area.high < 0.34);
    assert_true(fabs(area.sum / area.n - 0.175) < 0.015);
    assert_true(sides.low < -1.1 && sides.low > -1.45 && sides.high > 1.1 && sides.high < 1.45);
    assert_true(fabs(sides.sum / sides.n) < 0.1);
    /* Each of the four edges as often as its opposite. */
    for (int k = 0; k < 4; k++)
        assert_true(at_edge[k] > erased / 50);
    for (int k = 0; k < 2; k++)
        assert_true(abs(at_edge[k] - at_edge[k + 2]) < 5 * sqrt(2.0 * at_edge[k]));
    is_uniform(&noise, 0, 255, 0.5);
}

/* ---- Cropping ---- */

static void crops_have_the_area_and_the_sides_that_are_said(void **state)
{
    (void)state;
    enum { H = 250, W = 250 };
    struct spread area = { 0 }, sides = { 0 }, down = { 0 }, right = { 0 };
    const struct gn_augment a = { .crop = 0.2 };
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const struct gn_draws draws = gn_draws_of(9, 0, i);
        const struct gn_box box = gn_augment_crop(&a, &draws, H, W);
        add(&area, (double)(box.h * box.w) / (H * W));
        add(&sides, log((double)box.w / box.h));
        if (H - box.h > 50)
            add(&down, (double)box.y / (H - box.h));
        if (W - box.w > 50)
            add(&right, (double)box.x / (W - box.w));
    }
    is_uniform(&down, 0, 1, 0.02);
    is_uniform(&right, 0, 1, 0.02);
    /* The largest fit only when they are nearly square; others are drawn again. */
    const double wide = log(4.0 / 3);
    assert_true(fabs(sides.low + wide) < 0.02 && fabs(sides.high - wide) < 0.02);
    assert_true(fabs(sides.sum / sides.n) < 0.01);
    assert_true(area.low > 0.19 && area.low < 0.21 && area.high > 0.97 && area.high <= 1);
    assert_true(fabs(area.sum / area.n - 0.5385) < 0.016);
}

/* ---- Mixing ---- */

/* Beta(a, a) has the mean 1/2 and the variance 1 / (8a + 4). */
static void shares_are_those_of_a_beta_distribution(void **state)
{
    (void)state;
    static const double parameters[] = { 0.2, 0.9, 1, 1.1, 4, 40 };
    for (size_t k = 0; k < sizeof parameters / sizeof parameters[0]; k++) {
        const struct gn_augment a = { .mixup = parameters[k] };
        struct spread s = { 0 };
        for (uint32_t i = 0; i < SAMPLES; i++) {
            const struct gn_draws draws[2] = { gn_draws_of(1, 0, i), gn_draws_of(1, 0, i + 1) };
            const int32_t labels[2] = { 0, 1 };
            float images[2] = { 0, 1 }, first[1] = { 0 }, shares[2];
            int32_t others[2];
            gn_augment_mix(&a, draws, images, 2, 1, 1, 1, first, labels[0], labels, others, shares);
            assert_true(fabsf(images[0] - shares[0]) < 1e-6F);
            add(&s, (double)shares[0]);
        }
        const double mean = s.sum / s.n, variance = s.squares / s.n - mean * mean;
        const double wanted = 1 / (8 * parameters[k] + 4);
        assert_true(fabs(mean - 0.5) < 5 * sqrt(wanted / s.n));
        assert_true(fabs(variance / wanted - 1) < 0.12);
    }
}

/* With both asked for, an image is mixed in one way or the other, each as often. */
static void mixup_and_cutmix_take_turns(void **state)
{
    (void)state;
    enum { SIDE = 8, FLOATS = SIDE * SIDE };
    const struct gn_augment a = { .mixup = 1, .cutmix = 1 };
    int cut = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const struct gn_draws draws[2] = { gn_draws_of(1, 0, i), gn_draws_of(1, 0, i + 1) };
        const int32_t labels[2] = { 0, 1 };
        float images[2 * FLOATS], first[FLOATS] = { 0 }, shares[2];
        int32_t others[2];
        for (int k = 0; k < 2 * FLOATS; k++)
            images[k] = k < FLOATS ? 0 : 1;
        gn_augment_mix(&a, draws, images, 2, SIDE, SIDE, 1, first, labels[0], labels, others,
                       shares);
        bool whole = true;
        for (int k = 0; k < FLOATS; k++)
            whole = whole && (images[k] <= 0 || images[k] >= 1);
        cut += whole;
    }
    is_share(cut, SAMPLES, 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_other_image_is_mirrored),
        cmocka_unit_test(each_image_is_mirrored_in_every_other_epoch),
        cmocka_unit_test(shifts_go_as_far_as_said_each_way),
        cmocka_unit_test(rotations_turn_as_far_as_said_each_way),
        cmocka_unit_test(factors_of_colours_are_around_one),
        cmocka_unit_test(holes_are_as_often_large_and_long_as_said),
        cmocka_unit_test(crops_have_the_area_and_the_sides_that_are_said),
        cmocka_unit_test(shares_are_those_of_a_beta_distribution),
        cmocka_unit_test(mixup_and_cutmix_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
