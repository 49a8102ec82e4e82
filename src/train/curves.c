/*
 * Two panels side by side, loss on the left and accuracy on the right, drawn with cairo into SVG
 * or PNG alike. Everything is in points of a fixed page; the PNG has two pixels a point.
 */
#include "train/curves.h"

#include "base/file.h"
#include "gn_config.h"

#include <string.h>

bool gn_curves_available(void)
{
    return GN_HAVE_CAIRO != 0;
}

#if GN_HAVE_CAIRO

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>

enum { PAGE_W = 960, PAGE_H = 400, PNG_SCALE = 2, MAX_MARKERS = 30 };

struct colour {
    double r, g, b;
};

static const struct colour INK = { 0.20, 0.23, 0.28 }, FAINT = { 0.45, 0.49, 0.55 },
                           GRID = { 0.90, 0.91, 0.93 }, PANEL = { 0.98, 0.985, 0.99 },
                           TRAINING = { 0.26, 0.53, 0.80 }, VALIDATION = { 0.93, 0.55, 0.24 };

/* One of the two panels: its place on the page and what the axes span. */
struct panel {
    double left, top, width, height;
    double first, last; /* epochs */
    double low, high, tick;
    const char *title;
    bool percent;
};

/* Which number of a row a line shows. */
enum curve { LOSS, VAL_LOSS, ACCURACY, VAL_ACCURACY };

static double value_of(const struct gn_epoch *row, enum curve curve)
{
    switch (curve) {
    case LOSS:
        return row->loss;
    case VAL_LOSS:
        return row->val_loss;
    case ACCURACY:
        return row->accuracy;
    case VAL_ACCURACY:
        break;
    }
    return row->val_accuracy;
}

static bool has_value(const struct gn_epoch *row, enum curve curve)
{
    return row->has_validation || curve == LOSS || curve == ACCURACY;
}

static void set_colour(cairo_t *cr, struct colour c)
{
    cairo_set_source_rgb(cr, c.r, c.g, c.b);
}

/* Text on the base line y; x is its left end, its middle or its right end: ax 0, 0.5, 1. */
static void draw_text(cairo_t *cr, const char *text, double x, double y, double ax)
{
    cairo_text_extents_t box;
    cairo_text_extents(cr, text, &box);
    cairo_move_to(cr, x - ax * box.x_advance, y);
    cairo_show_text(cr, text);
    cairo_new_path(cr); /* the end of the text is no point of the next line */
}

static void set_font(cairo_t *cr, double size, bool bold)
{
    /* cairo's built-in face: the same drawing on every machine, whatever fonts it has. */
    cairo_select_font_face(cr, "@cairo:", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

/* The step of 1, 2 or 5 times a power of ten that cuts `span` into about `n` parts. */
static double nice_step(double span, int n)
{
    const double raw = span / n;
    const double unit = pow(10, floor(log10(raw)));
    const double steps[] = { 1, 2, 5, 10 };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (raw <= steps[i] * unit * 1.0001)
            return steps[i] * unit;
    return 10 * unit;
}

static void span_values(struct panel *p, const struct gn_history *history, enum curve a,
                        enum curve b)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < history->n; i++) {
        const enum curve both[] = { a, b };
        for (int k = 0; k < 2; k++)
            if (has_value(&history->rows[i], both[k])) {
                low = fmin(low, value_of(&history->rows[i], both[k]));
                high = fmax(high, value_of(&history->rows[i], both[k]));
            }
    }
    if (!(low < high)) {
        low -= 0.05;
        high = low + 0.1;
    }
    p->tick = nice_step(high - low, 5);
    p->low = floor(low / p->tick) * p->tick;
    p->high = ceil(high / p->tick) * p->tick;
}

static double place_x(const struct panel *p, double epoch)
{
    return p->left + p->width * (epoch - p->first) / (p->last - p->first);
}

static double place_y(const struct panel *p, double value)
{
    return p->top + p->height * (1 - (value - p->low) / (p->high - p->low));
}

static void draw_line(cairo_t *cr, double x1, double y1, double x2, double y2)
{
    cairo_move_to(cr, x1, y1);
    cairo_line_to(cr, x2, y2);
    cairo_stroke(cr);
}

static void draw_axes(cairo_t *cr, const struct panel *p)
{
    set_colour(cr, PANEL);
    cairo_rectangle(cr, p->left, p->top, p->width, p->height);
    cairo_fill(cr);
    cairo_set_line_width(cr, 1);
    set_font(cr, 12, false);
    char text[32];
    const int n_ticks = (int)lround((p->high - p->low) / p->tick);
    const double shown_tick = p->percent ? p->tick * 100 : p->tick;
    const int digits = shown_tick >= 1 ? 0 : (int)ceil(-log10(shown_tick) - 1e-9);
    for (int i = 0; i <= n_ticks; i++) {
        const double value = p->low + i * p->tick;
        set_colour(cr, GRID);
        draw_line(cr, p->left, place_y(p, value), p->left + p->width, place_y(p, value));
        (void)snprintf(text, sizeof text, p->percent ? "%.*f %%" : "%.*f", digits,
                       p->percent ? value * 100 : value);
        set_colour(cr, FAINT);
        draw_text(cr, text, p->left - 8, place_y(p, value) + 4, 1);
    }
    const double step = fmax(1, nice_step(p->last - p->first, 8));
    for (double epoch = ceil(p->first / step) * step; epoch <= p->last; epoch += step) {
        set_colour(cr, FAINT);
        draw_line(cr, place_x(p, epoch), p->top + p->height, place_x(p, epoch),
                  p->top + p->height + 4);
        (void)snprintf(text, sizeof text, "%.0f", epoch);
        draw_text(cr, text, place_x(p, epoch), p->top + p->height + 19, 0.5);
    }
    set_colour(cr, FAINT);
    draw_line(cr, p->left, p->top + p->height, p->left + p->width, p->top + p->height);
    draw_text(cr, "epoch", p->left + p->width / 2, p->top + p->height + 38, 0.5);
    set_colour(cr, INK);
    set_font(cr, 14, true);
    draw_text(cr, p->title, p->left, p->top - 12, 0);
}

static void draw_curve(cairo_t *cr, const struct panel *p, const struct gn_history *history,
                       enum curve curve, struct colour colour)
{
    set_colour(cr, colour);
    cairo_set_line_width(cr, 2.25);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    for (int i = 0; i < history->n; i++) {
        const struct gn_epoch *row = &history->rows[i];
        if (has_value(row, curve))
            cairo_line_to(cr, place_x(p, row->epoch), place_y(p, value_of(row, curve)));
    }
    cairo_stroke(cr);
    for (int i = 0; history->n <= MAX_MARKERS && i < history->n; i++) {
        const struct gn_epoch *row = &history->rows[i];
        if (!has_value(row, curve))
            continue;
        cairo_arc(cr, place_x(p, row->epoch), place_y(p, value_of(row, curve)), 3.25, 0, 6.2832);
        cairo_fill(cr);
    }
}

static void draw_legend(cairo_t *cr, const struct panel *p, bool validation)
{
    const char *const names[] = { "training", "validation" };
    const struct colour colours[] = { TRAINING, VALIDATION };
    double x = p->left + p->width - (validation ? 190 : 85);
    set_font(cr, 12, false);
    for (int i = 0; i < (validation ? 2 : 1); i++) {
        set_colour(cr, colours[i]);
        cairo_set_line_width(cr, 2.25);
        draw_line(cr, x, p->top - 16, x + 18, p->top - 16);
        cairo_arc(cr, x + 9, p->top - 16, 3.25, 0, 6.2832);
        cairo_fill(cr);
        set_colour(cr, INK);
        draw_text(cr, names[i], x + 24, p->top - 12, 0);
        x += 97;
    }
}

static void draw_page(cairo_t *cr, const struct gn_history *history, const char *title)
{
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    set_colour(cr, INK);
    set_font(cr, 16, true);
    draw_text(cr, title, PAGE_W / 2.0, 30, 0.5);
    struct panel panels[2] = {
        { .left = 62, .top = 84, .width = 386, .height = 252, .title = "Loss" },
        { .left = 546,
          .top = 84,
          .width = 386,
          .height = 252,
          .title = "Accuracy",
          .percent = true },
    };
    bool validation = false;
    for (int i = 0; i < history->n; i++)
        validation = validation || history->rows[i].has_validation;
    for (int i = 0; i < 2; i++) {
        struct panel *p = &panels[i];
        const enum curve own = i == 0 ? LOSS : ACCURACY, other = i == 0 ? VAL_LOSS : VAL_ACCURACY;
        p->first = history->rows[0].epoch;
        p->last = history->rows[history->n - 1].epoch;
        if (p->first >= p->last) {
            p->first -= 1;
            p->last += 1;
        }
        span_values(p, history, own, other);
        draw_axes(cr, p);
        draw_curve(cr, p, history, own, TRAINING);
        if (validation)
            draw_curve(cr, p, history, other, VALIDATION);
        draw_legend(cr, p, validation);
    }
}

/* cairo's way to the file writer, which keeps its first error itself. */
static cairo_status_t append(void *writer, const unsigned char *data, unsigned n)
{
    (void)gn_file_append(writer, data, n);
    return CAIRO_STATUS_SUCCESS;
}

static gn_status draw(const struct gn_history *history, const char *title, bool png,
                      struct gn_file_writer *writer)
{
    cairo_surface_t *surface =
        png ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, PAGE_W * PNG_SCALE, PAGE_H * PNG_SCALE)
            : cairo_svg_surface_create_for_stream(append, writer, PAGE_W, PAGE_H);
    cairo_t *cr = cairo_create(surface);
    if (png)
        cairo_scale(cr, PNG_SCALE, PNG_SCALE);
    draw_page(cr, history, title);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    if (png && status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_write_to_png_stream(surface, append, writer);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        GN_FAIL(GN_STATUS_IO, "curves: cannot be drawn: %s", cairo_status_to_string(status));
    return GN_OK;
}

gn_status gn_curves_write(const struct gn_history *history, const char *title, const char *path)
{
    if (history->n == 0)
        return GN_OK;
    struct gn_file_writer *writer = gn_file_begin(path, "curves", 0);
    if (writer == NULL)
        return gn_last_status();
    const size_t length = strlen(path);
    const bool png = length > 4 && strcmp(path + length - 4, ".png") == 0;
    const gn_status status = draw(history, title, png, writer);
    if (status != GN_OK) {
        gn_file_abort(writer);
        return status;
    }
    return gn_file_commit(writer, NULL);
}

#else

gn_status gn_curves_write(const struct gn_history *history, const char *title, const char *path)
{
    (void)history;
    (void)title;
    GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: curves: not drawn, this build is without cairo", path);
}

#endif
