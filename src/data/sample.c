/*
 * One sample, from what the data set holds to what the network takes. Images in memory are augmented
 * at their stored size, so that "shift:2" means two of its pixels; pictures, which may be of any
 * size, after they have been brought to the network's.
 */
#include "data/dataset.h"

#include "base/file.h"
#include "base/memory.h"
#include "picture/picture.h"

#include <math.h>
#include <string.h>

enum { CHANNELS = 3 }; /* most of a picture */

struct gn_sampler {
    const struct gn_loader_options *options;
    struct gn_picture picture;
    uint8_t *bytes; /* an image in memory at its stored size, augmented; NULL for picture files */
    uint8_t *sized; /* an image at the network's size */
    uint8_t *spare; /* room for either, while it is augmented */
    void *scratch;  /* of the resize */
    size_t scratch_room;
    struct gn_resize_shape prepared; /* what the tables in it are for; zeros: nothing */
    float value[CHANNELS][256];      /* what a byte becomes as channel k of the network */
};

/* Pixels that lie somewhere, rows `stride` bytes apart. */
struct source {
    const uint8_t *pixels;
    size_t stride;
    int h, w;
};

static gn_status decode(struct gn_sampler *s, uint32_t i, struct source *source)
{
    char path[GN_PATH_BYTES], name[GN_PATH_TEXT];
    const struct gn_dataset *data = s->options->data;
    if (!gn_dataset_path(data, i, path))
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: picture: the path is too long",
                gn_printable(name, sizeof name, data->files.text[i]));
    GN_TRY(gn_picture_read(&s->picture, path, s->options->channels));
    *source = (struct source){ .pixels = s->picture.pixels,
                               .stride = (size_t)s->picture.width * (size_t)s->picture.channels,
                               .h = s->picture.height,
                               .w = s->picture.width };
    return GN_OK;
}

/* An image in memory with the network's channels, augmented. */
static void copy_out(struct gn_sampler *s, uint32_t i, const struct gn_draws *draws,
                     struct source *source)
{
    const struct gn_loader_options *o = s->options;
    const struct gn_dataset *data = o->data;
    const size_t n = (size_t)data->height * (size_t)data->width;
    const uint8_t *stored = data->pixels + (size_t)i * n * (size_t)data->channels;
    const bool touches = gn_augment_touches(&o->augment);
    *source = (struct source){ .pixels = stored,
                               .stride = (size_t)data->width * (size_t)o->channels,
                               .h = data->height,
                               .w = data->width };
    if (data->channels == o->channels && !touches)
        return;
    gn_convert_channels(s->bytes, o->channels, stored, data->channels, n);
    source->pixels = s->bytes;
    if (touches)
        gn_augment_bytes(&o->augment, draws, s->bytes, s->spare, data->height, data->width,
                         o->channels);
}

/* The longer side in proportion, rounded down, unless the picture becomes a square; the window in
 * the middle, halves to even, as torchvision does. */
static void cut_middle(struct gn_resize_shape *shape, const struct gn_pixel_rule *rule)
{
    const int shorter = shape->h < shape->w ? shape->h : shape->w;
    const int h = rule->square ? shorter : shape->h, w = rule->square ? shorter : shape->w;
    shape->whole_h = (int)((int64_t)rule->short_side * h / shorter);
    shape->whole_w = (int)((int64_t)rule->short_side * w / shorter);
    shape->top = (int)lrint((shape->whole_h - shape->oh) / 2.0);
    shape->left = (int)lrint((shape->whole_w - shape->ow) / 2.0);
}

/* Makes the tables that bring the source to the network's size, unless they are there. */
static gn_status prepare(struct gn_sampler *s, const struct source *source, bool cropped)
{
    const struct gn_loader_options *o = s->options;
    struct gn_resize_shape shape = { .oh = o->height,
                                     .ow = o->width,
                                     .h = source->h,
                                     .w = source->w,
                                     .c = o->channels,
                                     .rule = o->rule,
                                     .whole_h = o->height,
                                     .whole_w = o->width };
    if (o->pixels.short_side > 0 && !cropped)
        cut_middle(&shape, &o->pixels);
    if (memcmp(&shape, &s->prepared, sizeof shape) == 0)
        return GN_OK;
    const size_t bytes = gn_resize_scratch_bytes(&shape);
    if (bytes > s->scratch_room) {
        gn_free(s->scratch);
        s->scratch = gn_alloc(bytes, "tables of the resize");
        s->scratch_room = s->scratch == NULL ? 0 : bytes;
        if (s->scratch == NULL)
            return gn_last_status();
    }
    gn_resize_prepare(s->scratch, &shape);
    s->prepared = shape;
    return GN_OK;
}

/* What is done to each value, behind all that is done to pictures. */
static void finish(const struct gn_pixel_rule *rule, float *out, size_t pixels, size_t c)
{
    for (size_t i = 0; i < pixels && rule->bgr; i++) {
        const float red = out[3 * i];
        out[3 * i] = out[3 * i + 2];
        out[3 * i + 2] = red;
    }
    for (size_t i = 0; i < pixels && rule->normalise; i++)
        for (size_t k = 0; k < c; k++)
            out[i * c + k] = (out[i * c + k] - rule->mean[k]) / rule->deviation[k];
    for (size_t i = 0; i < pixels && rule->affine; i++)
        for (size_t k = 0; k < c; k++)
            out[i * c + k] = out[i * c + k] * rule->factor[k] + rule->summand[k];
}

/* What the network takes for each byte, so that no picture has to be divided. Where there are more
 * than three channels, all are taken alike. */
static void fill_values(struct gn_sampler *s)
{
    const struct gn_pixel_rule *rule = &s->options->pixels;
    const size_t c = s->options->channels < CHANNELS ? (size_t)s->options->channels : CHANNELS;
    for (int v = 0; v < 256; v++) {
        float pixel[CHANNELS];
        for (size_t k = 0; k < c; k++)
            pixel[k] = (float)v / (rule->bytes ? 1.0F : 255.0F);
        finish(rule, pixel, 1, c);
        for (size_t k = 0; k < c; k++)
            s->value[k][v] = pixel[k];
    }
}

/* Bytes at the network's size as it takes them. */
static void look_up(const struct gn_sampler *s, float *restrict out, const uint8_t *bytes)
{
    const struct gn_loader_options *o = s->options;
    const size_t pixels = (size_t)o->height * (size_t)o->width;
    const size_t first = o->pixels.bgr ? 2 : 0, last = 2 - first;
    if (o->channels == 1)
        for (size_t i = 0; i < pixels; i++)
            out[i] = s->value[0][bytes[i]];
    else if (o->channels != CHANNELS)
        for (size_t i = 0, c = (size_t)o->channels; i < c * pixels; i++)
            out[i] = s->value[i % c < CHANNELS ? i % c : 0][bytes[i]];
    else
        for (size_t i = 0; i < CHANNELS * pixels; i += CHANNELS) {
            out[i] = s->value[0][bytes[i + first]];
            out[i + 1] = s->value[1][bytes[i + 1]];
            out[i + 2] = s->value[2][bytes[i + last]];
        }
}

/* Twice what the resize makes of a picture: enough for its filter, and for crops of half a side. */
static int least_side(const struct gn_loader_options *o)
{
    const int longer = o->height > o->width ? o->height : o->width;
    return 2 * (longer > o->pixels.short_side ? longer : o->pixels.short_side);
}

struct gn_sampler *gn_sampler_create(const struct gn_loader_options *options)
{
    const struct gn_dataset *data = options->data;
    if (gn_dataset_ready(data) != GN_OK)
        return NULL;
    struct gn_sampler *s = gn_calloc(1, sizeof *s, "a sampler");
    if (s == NULL)
        return NULL;
    s->options = options;
    s->picture.least = data->options.scaled_decode ? least_side(options) : 0;
    fill_values(s);
    const bool files = data->pixels == NULL;
    const size_t c = (size_t)options->channels;
    const size_t sized = (size_t)options->height * (size_t)options->width * c;
    const size_t stored = files ? 0 : (size_t)data->height * (size_t)data->width * c;
    s->bytes = files ? NULL : gn_alloc(stored, "an image");
    s->sized = gn_alloc(sized, "an image");
    s->spare = gn_alloc(stored > sized ? stored : sized, "an image");
    /* Images in memory have one size, so that their tables are made here, for good. */
    const struct source whole = { .h = data->height, .w = data->width };
    if ((s->bytes == NULL && !files) || s->sized == NULL || s->spare == NULL ||
        (!files && prepare(s, &whole, false) != GN_OK)) {
        gn_sampler_free(s);
        return NULL;
    }
    return s;
}

void gn_sampler_free(struct gn_sampler *s)
{
    if (s == NULL)
        return;
    gn_picture_free(&s->picture);
    gn_free(s->bytes);
    gn_free(s->sized);
    gn_free(s->spare);
    gn_free(s->scratch);
    gn_free(s);
}

gn_status gn_sampler_make(struct gn_sampler *s, uint64_t epoch, uint32_t i, float *out)
{
    const struct gn_loader_options *o = s->options;
    const struct gn_augment *a = &o->augment;
    const bool files = o->data->pixels == NULL, crops = a->crop > 0;
    const struct gn_draws draws = gn_draws_of(o->seed, epoch, i);
    struct source source;
    if (files)
        GN_TRY(decode(s, i, &source));
    else
        copy_out(s, i, &draws, &source);
    if (crops) {
        const struct gn_box box = gn_augment_crop(a, &draws, source.h, source.w);
        source.pixels += (size_t)box.y * source.stride + (size_t)box.x * (size_t)o->channels;
        source.h = box.h;
        source.w = box.w;
    }
    GN_TRY(prepare(s, &source, crops));
    const bool late = files && gn_augment_touches(a);
    if (late || o->pixels.bytes || o->rule == GN_RESIZE_PIL_BILINEAR) {
        gn_resize_to_bytes(s->sized, source.pixels, source.stride, s->scratch);
        if (late)
            gn_augment_bytes(a, &draws, s->sized, s->spare, o->height, o->width, o->channels);
        look_up(s, out, s->sized);
    } else {
        gn_resize_to_floats(out, source.pixels, source.stride, s->scratch);
        finish(&o->pixels, out, (size_t)o->height * (size_t)o->width, (size_t)o->channels);
    }
    return GN_OK;
}
