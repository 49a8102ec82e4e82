/* The training curves as a picture: loss and accuracy over epochs, training and validation. */
#ifndef GN_DRAW_CURVES_H
#define GN_DRAW_CURVES_H

#include "run/history.h"

/* Whether this build can draw (cairo). */
bool gn_curves_available(void);

/* Replaces `path` by the drawing: PNG when the name ends in ".png", otherwise SVG. UNSUPPORTED without
 * cairo, IO when it cannot be written. */
gn_status gn_curves_write(const struct gn_history *history, const char *title, const char *path);

#endif
