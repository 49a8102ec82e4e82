/*
 * Two panels side by side, loss on the left and accuracy on the right.
 */
#include "draw/curves.h"

#include "draw/drawing.h"

bool gn_curves_available(void)
{
    return GN_HAVE_CAIRO != 0;
}

#if GN_HAVE_CAIRO

#include <math.h>

enum { MAX_MARKERS = 30 };

/* One of the two panels: its place on the page and what the axes span. */
struct panel {
    double left, top, width, height;
    double first, last; /* epochs */
    double low, high, tick;
    const char *title;
    bool percent;
};

/* Lines of a panel, in the order of the legend. */
enum curve { TRAINING, VALIDATION, AVERAGED, CURVES };

static const struct {
    const char *name;
    double width; /* in the legend */
    const struct gn_colour *colour;
} looks[CURVES] = { [TRAINING] = { "training", 85, &gn_blue },
                    [VALIDATION] = { "validation", 93, &gn_orange },
                    [AVERAGED] = { "averaged", 85, &gn_green } };

static double value_of(const struct panel *p, const struct gn_epoch *row, enum curve curve)
{
    const double losses[CURVES] = { row->loss, row->val_loss, row->val_ema_loss };
    const double accuracies[CURVES] = { row->accuracy, row->val_accuracy, row->val_ema_accuracy };
    return (p->percent ? accuracies : losses)[curve];
}

static bool has_value(const struct gn_epoch *row, enum curve curve)
{
    return curve == TRAINING || (curve == VALIDATION ? row->has_validation : row->has_ema);
}

static bool has_curve(const struct gn_history *history, enum curve curve)
{
    bool found = false;
    for (int i = 0; i < history->n; i++)
        found |= has_value(&history->rows[i], curve);
    return found;
}

static void span_values(struct panel *p, const struct gn_history *history)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < history->n; i++)
        for (enum curve k = TRAINING; k < CURVES; k++)
            if (has_value(&history->rows[i], k)) {
                low = fmin(low, value_of(p, &history->rows[i], k));
                high = fmax(high, value_of(p, &history->rows[i], k));
            }
    if (!(low < high)) {
        low -= 0.05;
        high = low + 0.1;
    }
    p->tick = gn_nice_step(high - low, 5);
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

static void draw_axes(cairo_t *cr, const struct panel *p)
{
    gn_draw_colour(cr, gn_panel);
    cairo_rectangle(cr, p->left, p->top, p->width, p->height);
    cairo_fill(cr);
    cairo_set_line_width(cr, 1);
    gn_draw_font(cr, 12, false);
    char text[32];
    const int n_ticks = (int)lround((p->high - p->low) / p->tick);
    const double shown_tick = p->percent ? p->tick * 100 : p->tick;
    const int digits = shown_tick >= 1 ? 0 : (int)ceil(-log10(shown_tick) - 1e-9);
    for (int i = 0; i <= n_ticks; i++) {
        const double value = p->low + i * p->tick;
        gn_draw_colour(cr, gn_grid);
        gn_draw_line(cr, p->left, place_y(p, value), p->left + p->width, place_y(p, value));
        (void)snprintf(text, sizeof text, p->percent ? "%.*f %%" : "%.*f", digits,
                       p->percent ? value * 100 : value);
        gn_draw_colour(cr, gn_faint);
        gn_draw_text(cr, text, p->left - 8, place_y(p, value) + 4, 1);
    }
    const double step = fmax(1, gn_nice_step(p->last - p->first, 8));
    for (double epoch = ceil(p->first / step) * step; epoch <= p->last; epoch += step) {
        gn_draw_colour(cr, gn_faint);
        gn_draw_line(cr, place_x(p, epoch), p->top + p->height, place_x(p, epoch),
                     p->top + p->height + 4);
        (void)snprintf(text, sizeof text, "%.0f", epoch);
        gn_draw_text(cr, text, place_x(p, epoch), p->top + p->height + 19, 0.5);
    }
    gn_draw_colour(cr, gn_faint);
    gn_draw_line(cr, p->left, p->top + p->height, p->left + p->width, p->top + p->height);
    gn_draw_text(cr, "epoch", p->left + p->width / 2, p->top + p->height + 38, 0.5);
    gn_draw_colour(cr, gn_ink);
    gn_draw_font(cr, 14, true);
    gn_draw_text(cr, p->title, p->left, p->top - 12, 0);
}

static void draw_curve(cairo_t *cr, const struct panel *p, const struct gn_history *history,
                       enum curve curve)
{
    gn_draw_colour(cr, *looks[curve].colour);
    cairo_set_line_width(cr, 2.25);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    for (int i = 0; i < history->n; i++) {
        const struct gn_epoch *row = &history->rows[i];
        if (has_value(row, curve))
            cairo_line_to(cr, place_x(p, row->epoch), place_y(p, value_of(p, row, curve)));
    }
    cairo_stroke(cr);
    for (int i = 0; history->n <= MAX_MARKERS && i < history->n; i++) {
        const struct gn_epoch *row = &history->rows[i];
        if (!has_value(row, curve))
            continue;
        cairo_arc(cr, place_x(p, row->epoch), place_y(p, value_of(p, row, curve)), 3.25, 0, 6.2832);
        cairo_fill(cr);
    }
}

static void draw_legend(cairo_t *cr, const struct panel *p, const struct gn_history *history)
{
    double x = p->left + p->width;
    for (enum curve k = TRAINING; k < CURVES; k++)
        x -= has_curve(history, k) ? looks[k].width : 0;
    gn_draw_font(cr, 12, false);
    for (enum curve k = TRAINING; k < CURVES; k++) {
        if (!has_curve(history, k))
            continue;
        gn_draw_colour(cr, *looks[k].colour);
        cairo_set_line_width(cr, 2.25);
        gn_draw_line(cr, x, p->top - 16, x + 18, p->top - 16);
        cairo_arc(cr, x + 9, p->top - 16, 3.25, 0, 6.2832);
        cairo_fill(cr);
        gn_draw_colour(cr, gn_ink);
        gn_draw_text(cr, looks[k].name, x + 24, p->top - 12, 0);
        x += looks[k].width;
    }
}

static void draw_page(cairo_t *cr, const void *subject)
{
    const struct gn_history *history = subject;
    struct panel panels[2] = {
        { .left = 62, .top = 84, .width = 386, .height = 252, .title = "Loss" },
        { .left = 546,
          .top = 84,
          .width = 386,
          .height = 252,
          .title = "Accuracy",
          .percent = true },
    };
    for (int i = 0; i < 2; i++) {
        struct panel *p = &panels[i];
        p->first = history->rows[0].epoch;
        p->last = history->rows[history->n - 1].epoch;
        if (p->first >= p->last) {
            p->first -= 1;
            p->last += 1;
        }
        span_values(p, history);
        draw_axes(cr, p);
        for (enum curve k = TRAINING; k < CURVES; k++)
            draw_curve(cr, p, history, k);
        draw_legend(cr, p, history);
    }
}

gn_status gn_curves_write(const struct gn_history *history, const char *title, const char *path)
{
    if (history->n == 0)
        return GN_OK;
    return gn_draw_file(path, title, draw_page, history);
}

#else

gn_status gn_curves_write(const struct gn_history *history, const char *title, const char *path)
{
    (void)history;
    (void)title;
    GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: curves: not drawn, this build is without cairo", path);
}

#endif
