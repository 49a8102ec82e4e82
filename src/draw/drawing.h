/*
 * What the pictures of a run share: a page that becomes SVG or PNG alike, its colours, text and
 * lines. Everything is in points of a fixed page. Empty in a build without cairo.
 */
#ifndef GN_DRAW_DRAWING_H
#define GN_DRAW_DRAWING_H

#include "file/file.h"
#include "gn_config.h"

#if GN_HAVE_CAIRO

#include <cairo-svg.h>

enum { GN_PAGE_W = 960, GN_PAGE_H = 400 };

struct gn_colour {
    double r, g, b;
};
extern const struct gn_colour gn_ink, gn_faint, gn_grid, gn_panel, gn_blue, gn_orange, gn_green;

void gn_draw_colour(cairo_t *cr, struct gn_colour colour);
void gn_draw_font(cairo_t *cr, double size, bool bold);
void gn_draw_line(cairo_t *cr, double x1, double y1, double x2, double y2);

/* Text on the base line y; x is its left end, its middle or its right end: ax 0, 0.5, 1. */
void gn_draw_text(cairo_t *cr, const char *text, double x, double y, double ax);

/* The step of 1, 2 or 5 times a power of ten that cuts `span` into about `n` parts. */
double gn_nice_step(double span, int n);

/* A panel: its place on the page and what its axes span. */
struct gn_axes {
    double left, top, width, height;
    double first, last; /* of the horizontal one */
    double low, high, tick;
};

/* Spans the vertical axis over the values from `low` to `high`, to whole ticks. */
void gn_axes_span(struct gn_axes *axes, double low, double high);

double gn_axes_x(const struct gn_axes *axes, double value);
double gn_axes_y(const struct gn_axes *axes, double value);

/* The panel with horizontal grid lines and their numbers, in percent or not; the name of the
 * horizontal axis below it. */
void gn_axes_draw(cairo_t *cr, const struct gn_axes *axes, bool percent, const char *name);

/* Replaces `path` by a page with a title on which `draw` draws: PNG (two pixels a point) when the
 * name ends in ".png", otherwise SVG. IO. */
gn_status gn_draw_file(const char *path, const char *title,
                       void (*draw)(cairo_t *cr, const void *subject), const void *subject);

/* A picture of width x height pixels as the bytes of a PNG file; free png->data with gn_free. */
gn_status gn_draw_png(int width, int height, void (*draw)(cairo_t *cr, const void *subject),
                      const void *subject, struct gn_bytes *png);

#endif

#endif
