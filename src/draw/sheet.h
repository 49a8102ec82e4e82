/* A sheet of small pictures, drawn pixel by pixel and written as PNG. Empty in a build without cairo. */
#ifndef GN_DRAW_SHEET_H
#define GN_DRAW_SHEET_H

#include "draw/drawing.h"

#if GN_HAVE_CAIRO

struct gn_sheet {
    cairo_surface_t *surface;
    cairo_t *cr;
};

/* A white sheet. NO_MEMORY when it is too large. */
gn_status gn_sheet_begin(struct gn_sheet *sheet, int width, int height);

/* Draws width*height pixels of three floats each, 0 (black) to 1. */
void gn_sheet_pixels(struct gn_sheet *sheet, const float *rgb, int width, int height, double left,
                     double top);

/* Text that is cut off at `width`. */
void gn_sheet_text(struct gn_sheet *sheet, const char *text, double left, double base,
                   double width);

/* Writes the sheet, `kind` is for sentences ("explanation"), and frees it; with `path` NULL only the
 * latter. */
gn_status gn_sheet_end(struct gn_sheet *sheet, const char *path, const char *kind);

/* Brings a map of h*w values, `step` floats apart, to height*width by bilinear interpolation. */
float gn_sheet_sample(const float *map, int step, int h, int w, double y, double x);

#endif

#endif
