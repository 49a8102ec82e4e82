/*
 * Which augmentation is asked for, and its random numbers: draw number k of a sample is a function
 * of (seed, epoch, sample, k). Each operation has its own numbers, so that switching one on or off
 * leaves the others' as they were.
 */
#include "picture/augment_draws.h"

#include "base/number.h"
#include "base/random.h"
#include "base/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- The list ---- */

struct word {
    const char *name;
    double low, high; /* of its number; low > high: it takes none */
    double standard;  /* without a number; NAN: it needs one */
};

enum {
    MIRROR,
    ALTERNATE,
    SHIFT,
    PAD_CROP,
    CROP,
    ROTATE,
    BRIGHTNESS,
    CONTRAST,
    SATURATION,
    ERASE,
    MIXUP,
    CUTMIX,
    TRIVIAL,
    WORDS
};

static const struct word words[WORDS + 1] = {
    [MIRROR] = { "mirror", 1, 0, 0 },
    [ALTERNATE] = { "alternate-mirror", 1, 0, 0 },
    [SHIFT] = { "shift", 1, 1000, (double)NAN },
    [PAD_CROP] = { "pad-crop", 1, 1000, (double)NAN },
    [CROP] = { "crop", 0.001, 1, 0.08 },
    [ROTATE] = { "rotate", 0, 180, (double)NAN },
    [BRIGHTNESS] = { "brightness", 0, 10, (double)NAN },
    [CONTRAST] = { "contrast", 0, 10, (double)NAN },
    [SATURATION] = { "saturation", 0, 10, (double)NAN },
    [ERASE] = { "erase", 0, 1, 0.5 },
    [MIXUP] = { "mixup", 0.001, 100, 1 },
    [CUTMIX] = { "cutmix", 0.001, 100, 1 },
    [TRIVIAL] = { "trivial-augment", 1, 0, 0 },
    [WORDS] = { NULL, 0, 0, 0 },
};

static gn_status unknown_word(const char *text)
{
    const char *names[WORDS + 1] = { NULL };
    char shown[64];
    for (int i = 0; i < WORDS; i++)
        names[i] = words[i].name;
    (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "augment: \"%s\" is not known",
                  gn_printable(shown, sizeof shown, text));
    const char *nearest = gn_nearest(text, names);
    if (nearest != NULL)
        gn_hint("did you mean %s?", nearest);
    else
        gn_hint(
            "known are mirror, alternate-mirror, shift:N, pad-crop:N, crop:SHARE, rotate:DEGREES, "
            "brightness:X, contrast:X, saturation:X, erase:P, mixup:A, cutmix:A, trivial-augment");
    return GN_STATUS_BAD_ARGUMENT;
}

static gn_status read_number(const struct word *word, const char *text, double *value)
{
    char shown[64];
    const bool takes = word->low <= word->high;
    *value = word->standard;
    if (text == NULL && (!takes || !isnan(word->standard)))
        return GN_OK;
    if (!takes)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "augment: %s takes no number", word->name);
    if (text == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "augment: %s needs a number, as in %s:%g", word->name,
                word->name,
                word->high > 100  ? 2.0
                : word->high > 20 ? 15.0
                                  : 0.4);
    const bool whole = word != &words[SHIFT] && word != &words[PAD_CROP];
    if (!gn_real_parse(text, value) || !(*value >= word->low) || *value > word->high ||
        (!whole && *value != floor(*value)))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "augment: %s:%s is out of range (%s from %g to %g)",
                word->name, gn_printable(shown, sizeof shown, text),
                whole ? "a number" : "whole pixels", word->low, word->high);
    return GN_OK;
}

/* "name" or "name:number" */
static gn_status read_word(struct gn_augment *a, char *text)
{
    char *number = strchr(text, ':');
    double value = 0;
    int i = 0;
    if (number != NULL)
        *number++ = '\0';
    while (i < WORDS && strcmp(words[i].name, text) != 0)
        i++;
    if (i == WORDS)
        return unknown_word(text);
    GN_TRY(read_number(&words[i], number, &value));
    double *const fields[WORDS] = {
        [CROP] = &a->crop,         [ROTATE] = &a->rotate,         [BRIGHTNESS] = &a->brightness,
        [CONTRAST] = &a->contrast, [SATURATION] = &a->saturation, [ERASE] = &a->erase,
        [MIXUP] = &a->mixup,       [CUTMIX] = &a->cutmix
    };
    if (i == MIRROR)
        a->mirror = true;
    else if (i == ALTERNATE)
        a->mirror = a->alternate = true;
    else if (i == TRIVIAL)
        a->trivial = true;
    else if (i == SHIFT || i == PAD_CROP)
        a->shift = (int)value;
    else
        *fields[i] = value;
    return GN_OK;
}

gn_status gn_augment_parse(struct gn_augment *augment, const char *text)
{
    char copy[512];
    *augment = (struct gn_augment){ 0 };
    if (text == NULL || strcmp(text, "none") == 0)
        return GN_OK;
    if (strlen(text) >= sizeof copy)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "augment: the list is longer than %zu bytes",
                sizeof copy - 1);
    memcpy(copy, text, strlen(text) + 1);
    char *rest = copy;
    for (char *word; (word = strtok_r(rest, ", ", &rest)) != NULL;)
        GN_TRY(read_word(augment, word));
    return GN_OK;
}

gn_status gn_check_augment(const char *list)
{
    struct gn_augment augment;
    return gn_augment_parse(&augment, list);
}

bool gn_augment_touches(const struct gn_augment *a)
{
    return a->mirror || a->trivial || a->shift > 0 || a->rotate > 0 || a->brightness > 0 ||
           a->contrast > 0 || a->saturation > 0 || a->erase > 0;
}

bool gn_augment_mixes(const struct gn_augment *a)
{
    return a->mixup > 0 || a->cutmix > 0;
}

/* ---- Draws ---- */

struct gn_draws gn_draws_of(uint64_t seed, uint64_t epoch, uint32_t sample)
{
    return (struct gn_draws){ seed, gn_mix64(epoch) ^ sample, sample, epoch % 2 == 1 };
}

double gn_draw(const struct gn_draws *d, int number)
{
    return (double)gn_random_unit(d->seed, GN_RANDOM_AUGMENT, d->sample, (uint64_t)number);
}

bool gn_draw_alternates(const struct gn_draws *d, int number)
{
    const struct gn_draws first = gn_draws_of(d->seed, 0, d->index);
    return (gn_draw(&first, number) < 0.5) != d->is_odd;
}

double gn_draw_between(const struct gn_draws *d, int number, double low, double high)
{
    return low + (high - low) * gn_draw(d, number);
}

int gn_draw_below(const struct gn_draws *d, int number, int n)
{
    return (int)gn_random_below(d->seed, GN_RANDOM_AUGMENT, d->sample, (uint64_t)number,
                                (uint64_t)n);
}

/* ---- The part that is kept ---- */

struct gn_box gn_augment_crop(const struct gn_augment *a, const struct gn_draws *d, int h, int w)
{
    enum { TRIES = 10 };
    const double area = (double)h * (double)w, wide = log(4.0 / 3.0);
    for (int i = 0; i < TRIES; i++) {
        const int at = GN_DRAWS_CROP + 4 * i;
        const double target = area * gn_draw_between(d, at, a->crop, 1);
        const double ratio = exp(gn_draw_between(d, at + 1, -wide, wide));
        const int bw = (int)lrint(sqrt(target * ratio)), bh = (int)lrint(sqrt(target / ratio));
        if (bw < 1 || bh < 1 || bw > w || bh > h)
            continue;
        return (struct gn_box){ .y = gn_draw_below(d, at + 2, h - bh + 1),
                                .x = gn_draw_below(d, at + 3, w - bw + 1),
                                .h = bh,
                                .w = bw };
    }
    /* The largest part in the middle whose sides are at most 4:3. */
    const int bw = w * 3 > h * 4 ? (int)lrint(h * 4.0 / 3.0) : w;
    const int bh = h * 3 > w * 4 ? (int)lrint(w * 4.0 / 3.0) : h;
    return (struct gn_box){ (h - bh) / 2, (w - bw) / 2, bh, bw };
}

/* ---- Mixing ---- */

/* Numbers 8 and 9 of try i, in (0, 1). */
static double mix_draw(const struct gn_draws *d, int i, int which)
{
    return gn_draw(d, GN_DRAWS_MIX + 8 + 2 * i + which) + 0x1p-25;
}

/* Beta(a, a): up to 1 by Johnk's method, U^(1/a) / (U^(1/a) + V^(1/a)) whenever the sum is at most 1,
 * which of larger parameters is hardly ever so; these by Cheng's algorithm BB (1978). */
static double draw_beta(const struct gn_draws *d, double a)
{
    enum { TRIES = 100 };
    for (int i = 0; i < TRIES && a <= 1; i++) {
        const double u = pow(gn_draw(d, GN_DRAWS_MIX + 8 + 2 * i), 1 / a);
        const double v = pow(gn_draw(d, GN_DRAWS_MIX + 9 + 2 * i), 1 / a);
        if (u + v <= 1 && u + v > 0)
            return u / (u + v);
    }
    for (int i = 0; i < TRIES && a > 1; i++) {
        const double u = mix_draw(d, i, 0), v = log(u / (1 - u)) / sqrt(a), odds = exp(v);
        const double fit = (a + sqrt(a)) * v - log(4) + 2 * a * log(2 / (1 + odds));
        if (fit >= log(u * u * mix_draw(d, i, 1)))
            return odds / (1 + odds);
    }
    return 0.5;
}

/* Returns the share that `other` gets. */
static float mix_up(float *image, const float *other, size_t n, double share)
{
    const float theirs = (float)share, own = 1 - theirs;
    for (size_t i = 0; i < n; i++)
        image[i] = own * image[i] + theirs * other[i];
    return theirs;
}

static float cut_in(const struct gn_draws *d, float *image, const float *other, int h, int w, int c,
                    double share)
{
    const double side = sqrt(share);
    const int bh = (int)(h * side), bw = (int)(w * side);
    const int cy = gn_draw_below(d, GN_DRAWS_MIX + 1, h),
              cx = gn_draw_below(d, GN_DRAWS_MIX + 2, w);
    const int top = cy - bh / 2 > 0 ? cy - bh / 2 : 0, left = cx - bw / 2 > 0 ? cx - bw / 2 : 0;
    const int bottom = cy + bh / 2 < h ? cy + bh / 2 : h, right = cx + bw / 2 < w ? cx + bw / 2 : w;
    for (int y = top; y < bottom; y++) {
        const size_t at = ((size_t)y * (size_t)w + (size_t)left) * (size_t)c;
        memcpy(image + at, other + at, (size_t)(right - left) * (size_t)c * sizeof *image);
    }
    return (float)((double)(bottom - top) * (double)(right - left) / ((double)h * (double)w));
}

void gn_augment_mix(const struct gn_augment *a, const struct gn_draws *draws, float *images, int n,
                    int h, int w, int c, const float *after, int32_t after_label,
                    const int32_t *labels, int32_t *others, float *shares)
{
    const size_t image = (size_t)h * (size_t)w * (size_t)c;
    for (int i = 0; i < n; i++) {
        const struct gn_draws *d = &draws[i];
        float *own = images + (size_t)i * image;
        const float *other = i + 1 < n ? own + image : after;
        const bool cut = a->cutmix > 0 && (a->mixup <= 0 || gn_draw(d, GN_DRAWS_MIX) < 0.5);
        const double share = draw_beta(d, cut ? a->cutmix : a->mixup);
        others[i] = i + 1 < n ? labels[i + 1] : after_label;
        shares[i] = cut ? cut_in(d, own, other, h, w, c, share) : mix_up(own, other, image, share);
    }
}
