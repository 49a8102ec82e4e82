/* Pixels as other programs keep them. */
#ifndef GN_INFER_PIXELS_H
#define GN_INFER_PIXELS_H

#include "base/status.h"

/* Bytes of a picture with `channels` channels (1 or 3), its rows without gaps. */
struct gn_packed_pixels {
    const uint8_t *pixels; /* the caller's or those of `own` */
    size_t stride;
    uint8_t *own;
    size_t room;
};

/* Points at the image when it has these channels in this order already, otherwise converts it into
 * `own`, which grows as needed and is freed with gn_free. BAD_ARGUMENT, NO_MEMORY. */
gn_status gn_pack_pixels(const struct gn_pixels *image, int channels, struct gn_packed_pixels *to);

#endif
