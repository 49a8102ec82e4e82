/* From a picture's pixels to a network's input. */
#include "picture/input.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { CHANNELS = 3 }; /* most of a picture */

struct gn_input {
    struct gn_input_rule rule;
    uint8_t *sized; /* an image at the network's size */
    void *scratch;  /* of the resize */
    size_t scratch_room;
    struct gn_resize_shape prepared; /* what the tables in it are for; zeros: nothing */
    float value[CHANNELS][256];      /* what a byte becomes as channel k of the network */
};

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

gn_status gn_input_prepare(struct gn_input *input, int h, int w, bool whole)
{
    const struct gn_input_rule *rule = &input->rule;
    struct gn_resize_shape shape = { .oh = rule->height,
                                     .ow = rule->width,
                                     .h = h,
                                     .w = w,
                                     .c = rule->channels,
                                     .rule = rule->resize,
                                     .whole_h = rule->height,
                                     .whole_w = rule->width };
    if (rule->pixels.short_side > 0 && !whole)
        cut_middle(&shape, &rule->pixels);
    if (memcmp(&shape, &input->prepared, sizeof shape) == 0)
        return GN_OK;
    const size_t bytes = gn_resize_scratch_bytes(&shape);
    if (bytes > input->scratch_room) {
        gn_free(input->scratch);
        input->prepared = (struct gn_resize_shape){ 0 };
        input->scratch = gn_alloc(bytes, "tables of the resize");
        input->scratch_room = input->scratch == NULL ? 0 : bytes;
        if (input->scratch == NULL)
            return gn_last_status();
    }
    gn_resize_prepare(input->scratch, &shape);
    input->prepared = shape;
    return GN_OK;
}

/* What is done to each value, after all that is done to pictures. */
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
static void fill_values(struct gn_input *input)
{
    const struct gn_pixel_rule *rule = &input->rule.pixels;
    const int channels = input->rule.channels;
    const size_t c = channels < CHANNELS ? (size_t)channels : CHANNELS;
    for (int v = 0; v < 256; v++) {
        float pixel[CHANNELS];
        for (size_t k = 0; k < c; k++)
            pixel[k] = (float)v / (rule->bytes ? 1.0F : 255.0F);
        finish(rule, pixel, 1, c);
        for (size_t k = 0; k < c; k++)
            input->value[k][v] = pixel[k];
    }
}

void gn_input_look_up(const struct gn_input *input, float *restrict out)
{
    const uint8_t *bytes = input->sized;
    const size_t pixels = (size_t)input->rule.height * (size_t)input->rule.width;
    const size_t first = input->rule.pixels.bgr ? 2 : 0, last = 2 - first;
    if (input->rule.channels == 1)
        for (size_t i = 0; i < pixels; i++)
            out[i] = input->value[0][bytes[i]];
    else if (input->rule.channels != CHANNELS)
        for (size_t i = 0, c = (size_t)input->rule.channels; i < c * pixels; i++)
            out[i] = input->value[i % c < CHANNELS ? i % c : 0][bytes[i]];
    else
        for (size_t i = 0; i < CHANNELS * pixels; i += CHANNELS) {
            out[i] = input->value[0][bytes[i + first]];
            out[i + 1] = input->value[1][bytes[i + 1]];
            out[i + 2] = input->value[2][bytes[i + last]];
        }
}

bool gn_input_by_bytes(const struct gn_input *input)
{
    return input->rule.pixels.bytes || input->rule.resize == GN_RESIZE_PIL_BILINEAR;
}

uint8_t *gn_input_bytes(struct gn_input *input, const struct gn_source *source)
{
    gn_resize_to_bytes(input->sized, source->pixels, source->stride, input->scratch);
    return input->sized;
}

void gn_input_floats(struct gn_input *input, const struct gn_source *source, float *out)
{
    const struct gn_input_rule *rule = &input->rule;
    gn_resize_to_floats(out, source->pixels, source->stride, input->scratch);
    finish(&rule->pixels, out, (size_t)rule->height * (size_t)rule->width, (size_t)rule->channels);
}

gn_status gn_input_make(struct gn_input *input, const struct gn_source *source, float *out)
{
    GN_TRY(gn_input_prepare(input, source->h, source->w, false));
    if (!gn_input_by_bytes(input)) {
        gn_input_floats(input, source, out);
        return GN_OK;
    }
    (void)gn_input_bytes(input, source);
    gn_input_look_up(input, out);
    return GN_OK;
}

int gn_input_least_side(const struct gn_input_rule *rule)
{
    const int longer = rule->height > rule->width ? rule->height : rule->width;
    return 2 * (longer > rule->pixels.short_side ? longer : rule->pixels.short_side);
}

struct gn_input *gn_input_create(const struct gn_input_rule *rule)
{
    struct gn_input *input = gn_calloc(1, sizeof *input, "an input");
    if (input == NULL)
        return NULL;
    input->rule = *rule;
    fill_values(input);
    input->sized =
        gn_alloc((size_t)rule->height * (size_t)rule->width * (size_t)rule->channels, "an image");
    if (input->sized == NULL) {
        gn_input_free(input);
        return NULL;
    }
    return input;
}

void gn_input_free(struct gn_input *input)
{
    if (input == NULL)
        return;
    gn_free(input->sized);
    gn_free(input->scratch);
    gn_free(input);
}
