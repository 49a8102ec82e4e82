/* The preprocessing rule of a network: how a picture becomes its numbers. */
#include "net/net.h"

#include <math.h>

enum { COLOURS = 3, LONGEST_SIDE = 16384 };

static int longer_side(const gn_net *net)
{
    return net->input.h > net->input.w ? net->input.h : net->input.w;
}

/* Finite, and a deviation that divides. */
static bool is_normal(const struct gn_pixel_options *o, int channels)
{
    for (int i = 0; i < channels && i < COLOURS; i++)
        if (!isfinite(o->mean[i]) || !isfinite(o->deviation[i]) || !(o->deviation[i] > 0))
            return false;
    return channels <= COLOURS;
}

static bool is_affine(const struct gn_pixel_options *o, int channels)
{
    for (int i = 0; i < channels && i < COLOURS; i++)
        if (!isfinite(o->factor[i]) || !isfinite(o->summand[i]))
            return false;
    return channels <= COLOURS;
}

static gn_status check_pixels(const gn_net *net, const struct gn_pixel_options *o)
{
    const int size = longer_side(net), channels = net->input.c;
    if (o->short_side != 0 && (o->short_side < size || o->short_side > LONGEST_SIDE))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "short side of %d pixels: it must be at least the network's %d, and at most %d",
                o->short_side, size, LONGEST_SIDE);
    if (o->square && o->short_side == 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "square pictures need a short side, it is 0");
    if (o->bgr && channels != COLOURS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "blue, green, red is an order of 3 channels, the network has %d", channels);
    if (o->normalise && !is_normal(o, channels))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "normalisation: means must be finite and deviations above 0, for each of at most 3 "
                "channels");
    if (o->affine && !is_affine(o, channels))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "factors and summands must be finite, for each of at most 3 channels");
    return GN_OK;
}

/* A square of the network's size is nothing but the resize that takes place without it. */
static void store_pixels(gn_net *net, const struct gn_pixel_rule *rule)
{
    net->pixels = *rule;
    if (rule->square && rule->short_side == net->input.h && rule->short_side == net->input.w) {
        net->pixels.short_side = 0;
        net->pixels.square = false;
    }
}

void gn_net_take_pixels(struct gn_net *net, const struct gn_pixel_rule *rule, struct gn_shape input)
{
    if (net->input.c != input.c)
        return;
    struct gn_pixel_rule scaled = *rule;
    /* An input that grew more in one direction decides: the middle of the input's size must fit. */
    const int64_t by_height = (int64_t)rule->short_side * net->input.h / input.h;
    const int64_t by_width = (int64_t)rule->short_side * net->input.w / input.w;
    const int64_t side = by_height > by_width ? by_height : by_width;
    scaled.short_side = side > LONGEST_SIDE ? LONGEST_SIDE : (int)side;
    store_pixels(net, &scaled);
}

gn_status gn_net_set_pixels(gn_net *net, const struct gn_pixel_options *options)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(options, "the pixel options");
    GN_TRY(check_pixels(net, options));
    struct gn_pixel_rule rule = { .short_side = options->short_side,
                                  .square = options->square,
                                  .bgr = options->bgr,
                                  .bytes = options->bytes,
                                  .normalise = options->normalise,
                                  .affine = options->affine };
    for (int i = 0; i < COLOURS && options->normalise; i++) {
        rule.mean[i] = (float)options->mean[i];
        rule.deviation[i] = (float)options->deviation[i];
    }
    for (int i = 0; i < COLOURS && options->affine; i++) {
        rule.factor[i] = (float)options->factor[i];
        rule.summand[i] = (float)options->summand[i];
    }
    store_pixels(net, &rule);
    return GN_OK;
}

gn_status gn_net_pixels(const gn_net *net, struct gn_pixel_options *options)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(options, "the pixel options");
    const struct gn_pixel_rule *rule = &net->pixels;
    *options = (struct gn_pixel_options){ .short_side = rule->short_side,
                                          .square = rule->square,
                                          .bgr = rule->bgr,
                                          .bytes = rule->bytes,
                                          .normalise = rule->normalise,
                                          .affine = rule->affine };
    for (int i = 0; i < COLOURS; i++) {
        options->mean[i] = (double)rule->mean[i];
        options->deviation[i] = (double)rule->deviation[i];
        options->factor[i] = (double)rule->factor[i];
        options->summand[i] = (double)rule->summand[i];
    }
    return GN_OK;
}
