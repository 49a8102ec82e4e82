/*
 * The one way from a picture's pixels to the numbers that a network takes: cut, resized, then each
 * value scaled, as the model says. Data sets (with augmentation in between) and prediction share it.
 */
#ifndef GN_PICTURE_INPUT_H
#define GN_PICTURE_INPUT_H

#include "picture/pixels.h"
#include "picture/resize.h"

/* What the network takes. */
struct gn_input_rule {
    int height, width, channels;
    gn_resize resize;            /* not DEFAULT */
    struct gn_pixel_rule pixels; /* crop and normalisation */
};

/* Pixels with the network's channels that lie somewhere, rows `stride` bytes apart. */
struct gn_source {
    const uint8_t *pixels;
    size_t stride;
    int h, w;
};

/* What a thread needs to make inputs. Begin with gn_input_create. */
struct gn_input;
struct gn_input *gn_input_create(const struct gn_input_rule *rule);
void gn_input_free(struct gn_input *input);

/* height*width*channels floats of a source. NO_MEMORY. */
gn_status gn_input_make(struct gn_input *input, const struct gn_source *source, float *out);

/* Twice what the resize makes of a picture: enough for its filter, and for crops of half a side. */
int gn_input_least_side(const struct gn_input_rule *rule);

/* ---- The steps of gn_input_make, for callers that change the bytes in between ---- */

/* Makes the tables for sources of this size, unless they are there. `whole`: all of the source becomes
 * the input, whatever the rule cuts out. NO_MEMORY. */
gn_status gn_input_prepare(struct gn_input *input, int h, int w, bool whole);

/* Whether the rule goes over bytes at the network's size. */
bool gn_input_by_bytes(const struct gn_input *input);

/* Bytes at the network's size, which stay the input's and may be changed; those as the network takes
 * them; both at once without the rounding to bytes. */
uint8_t *gn_input_bytes(struct gn_input *input, const struct gn_source *source);
void gn_input_look_up(const struct gn_input *input, float *out);
void gn_input_floats(struct gn_input *input, const struct gn_source *source, float *out);

#endif
