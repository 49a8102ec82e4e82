/*
 * googlenet train: how pictures become numbers, as --short-side and --normalize say.
 */
#include "base/number.h"
#include "cli/report.h"
#include "cli/train.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CHANNELS = 3 };

/* Reads up to three numbers separated by commas, up to `end`; one is for all. False: no. */
static bool read_numbers(const char *text, char end, double values[MOST_CHANNELS],
                         const char **rest)
{
    int n = 0;
    for (;;) {
        if (n == MOST_CHANNELS)
            return false;
        text = gn_real_scan(text, &values[n++]);
        if (text == NULL)
            return false;
        if (*text != ',')
            break;
        text++;
    }
    for (int i = n; i < MOST_CHANNELS && n == 1; i++)
        values[i] = values[0];
    *rest = text + 1;
    return *text == end && (n == 1 || n == MOST_CHANNELS);
}

static void swap_colours(double values[MOST_CHANNELS])
{
    const double red = values[0];
    values[0] = values[2];
    values[2] = red;
}

/* Replaces whatever a preset or a model file does to the values; the order of channels stays, since
 * weights are made for it, and the numbers given are those of red, green and blue. */
static bool read_normalize(const char *text, struct gn_pixel_options *pixels)
{
    const char *rest;
    pixels->bytes = pixels->affine = false;
    pixels->normalise = strcmp(text, "none") != 0;
    if (!pixels->normalise)
        return true;
    if (strcmp(text, "imagenet") == 0)
        text = "0.485,0.456,0.406/0.229,0.224,0.225";
    if (!read_numbers(text, '/', pixels->mean, &rest) ||
        !read_numbers(rest, '\0', pixels->deviation, &rest))
        return false;
    if (pixels->bgr) {
        swap_colours(pixels->mean);
        swap_colours(pixels->deviation);
    }
    return true;
}

int train_set_pixels(gn_net *net, const struct train *given)
{
    struct gn_pixel_options pixels;
    if (given->short_side == TRAIN_NO_SIDE && !given->normalize)
        return 0;
    if (gn_net_pixels(net, &pixels) != GN_OK)
        return cli_fail_library();
    if (given->short_side != TRAIN_NO_SIDE) {
        pixels.short_side = given->short_side;
        pixels.square = false;
    }
    if (given->normalize && !read_normalize(given->normalize, &pixels))
        return cli_fail(CLI_USAGE,
                        "--normalize: \"%s\" is not means, a slash and deviations, one for all or "
                        "three channels, such as 0.5/0.25; nor imagenet or none",
                        given->normalize);
    return gn_net_set_pixels(net, &pixels) == GN_OK ? 0 : cli_fail_library();
}
