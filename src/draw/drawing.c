/* The page with cairo, its colours, text and lines. */
#include "draw/drawing.h"

#if GN_HAVE_CAIRO

#include "file/file.h"
#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <string.h>

enum { PNG_SCALE = 2 };

const struct gn_colour gn_ink = { 0.20, 0.23, 0.28 }, gn_faint = { 0.45, 0.49, 0.55 },
                       gn_grid = { 0.90, 0.91, 0.93 }, gn_panel = { 0.98, 0.985, 0.99 },
                       gn_blue = { 0.26, 0.53, 0.80 }, gn_orange = { 0.93, 0.55, 0.24 },
                       gn_green = { 0.30, 0.62, 0.36 };

void gn_draw_colour(cairo_t *cr, struct gn_colour c)
{
    cairo_set_source_rgb(cr, c.r, c.g, c.b);
}

void gn_draw_text(cairo_t *cr, const char *text, double x, double y, double ax)
{
    cairo_text_extents_t box;
    cairo_text_extents(cr, text, &box);
    cairo_move_to(cr, x - ax * box.x_advance, y);
    cairo_show_text(cr, text);
    cairo_new_path(cr); /* the next line does not begin at the end of the text */
}

void gn_draw_font(cairo_t *cr, double size, bool bold)
{
    /* cairo's built-in face: the same drawing on every machine, whatever fonts it has. */
    cairo_select_font_face(cr, "@cairo:", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

double gn_nice_step(double span, int n)
{
    const double raw = span / n;
    const double unit = pow(10, floor(log10(raw)));
    const double steps[] = { 1, 2, 5, 10 };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (raw <= steps[i] * unit * 1.0001)
            return steps[i] * unit;
    return 10 * unit;
}

void gn_draw_line(cairo_t *cr, double x1, double y1, double x2, double y2)
{
    cairo_move_to(cr, x1, y1);
    cairo_line_to(cr, x2, y2);
    cairo_stroke(cr);
}

void gn_axes_span(struct gn_axes *axes, double low, double high)
{
    if (!(low < high)) {
        low -= 0.05;
        high = low + 0.1;
    }
    axes->tick = gn_nice_step(high - low, 5);
    axes->low = floor(low / axes->tick) * axes->tick;
    axes->high = ceil(high / axes->tick) * axes->tick;
}

double gn_axes_x(const struct gn_axes *axes, double value)
{
    return axes->left + axes->width * (value - axes->first) / (axes->last - axes->first);
}

double gn_axes_y(const struct gn_axes *axes, double value)
{
    return axes->top + axes->height * (1 - (value - axes->low) / (axes->high - axes->low));
}

void gn_axes_draw(cairo_t *cr, const struct gn_axes *axes, bool percent, const char *name)
{
    const double right = axes->left + axes->width, bottom = axes->top + axes->height;
    const double shown_tick = percent ? axes->tick * 100 : axes->tick;
    const int digits = shown_tick >= 1 ? 0 : (int)ceil(-log10(shown_tick) - 1e-9);
    char number[GN_NUMBER_TEXT], text[GN_NUMBER_TEXT + 4];
    gn_draw_colour(cr, gn_panel);
    cairo_rectangle(cr, axes->left, axes->top, axes->width, axes->height);
    cairo_fill(cr);
    cairo_set_line_width(cr, 1);
    gn_draw_font(cr, 12, false);
    for (int i = 0; i <= (int)lround((axes->high - axes->low) / axes->tick); i++) {
        const double value = axes->low + i * axes->tick, y = gn_axes_y(axes, value);
        gn_draw_colour(cr, gn_grid);
        gn_draw_line(cr, axes->left, y, right, y);
        (void)snprintf(text, sizeof text, "%s%s",
                       gn_fixed_text(percent ? value * 100 : value, digits, number),
                       percent ? " %" : "");
        gn_draw_colour(cr, gn_faint);
        gn_draw_text(cr, text, axes->left - 8, y + 4, 1);
    }
    gn_draw_line(cr, axes->left, bottom, right, bottom);
    gn_draw_text(cr, name, axes->left + axes->width / 2, bottom + 38, 0.5);
}

/* cairo's way to the file writer, which keeps its first error itself. */
static cairo_status_t append(void *writer, const unsigned char *data, unsigned n)
{
    (void)gn_file_append(writer, data, n);
    return CAIRO_STATUS_SUCCESS;
}

static void draw_title(cairo_t *cr, const char *title)
{
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    gn_draw_colour(cr, gn_ink);
    gn_draw_font(cr, 16, true);
    gn_draw_text(cr, title, GN_PAGE_W / 2.0, 30, 0.5);
}

gn_status gn_draw_file(const char *path, const char *title,
                       void (*draw)(cairo_t *cr, const void *subject), const void *subject)
{
    struct gn_file_writer *writer = gn_file_begin(path, "curves", 0);
    if (writer == NULL)
        return gn_last_status();
    const size_t length = strlen(path);
    const bool png = length > 4 && strcmp(path + length - 4, ".png") == 0;
    cairo_surface_t *surface =
        png ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, GN_PAGE_W * PNG_SCALE,
                                         GN_PAGE_H * PNG_SCALE)
            : cairo_svg_surface_create_for_stream(append, writer, GN_PAGE_W, GN_PAGE_H);
    cairo_t *cr = cairo_create(surface);
    if (png)
        cairo_scale(cr, PNG_SCALE, PNG_SCALE);
    draw_title(cr, title);
    draw(cr, subject);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    if (png && status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(surface, append, writer);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        return gn_file_commit(writer, NULL);
    gn_file_abort(writer);
    GN_FAIL(GN_STATUS_IO, "curves: cannot be drawn: %s", cairo_status_to_string(status));
}

/* cairo's way to bytes in memory. */
static cairo_status_t collect(void *target, const unsigned char *data, unsigned n)
{
    struct gn_bytes *bytes = target;
    uint8_t *grown = gn_realloc(bytes->data, bytes->size + n, "a picture");
    if (grown == NULL)
        return CAIRO_STATUS_NO_MEMORY;
    memcpy(grown + bytes->size, data, n);
    *bytes = (struct gn_bytes){ grown, bytes->size + n };
    return CAIRO_STATUS_SUCCESS;
}

gn_status gn_draw_png(int width, int height, void (*draw)(cairo_t *cr, const void *subject),
                      const void *subject, struct gn_bytes *png)
{
    *png = (struct gn_bytes){ NULL, 0 };
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    cairo_t *cr = cairo_create(surface);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    draw(cr, subject);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(surface, collect, png);
    cairo_surface_destroy(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        return GN_OK;
    gn_free(png->data);
    *png = (struct gn_bytes){ NULL, 0 };
    GN_FAIL(status == CAIRO_STATUS_NO_MEMORY ? GN_STATUS_NO_MEMORY : GN_STATUS_IO,
            "picture: cannot be drawn: %s", cairo_status_to_string(status));
}

#endif
