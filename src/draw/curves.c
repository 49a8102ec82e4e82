/*
 * Two panels side by side, loss on the left and accuracy on the right.
 */
#include "draw/curves.h"

#include "base/number.h"
#include "draw/drawing.h"

bool gn_curves_available(void)
{
    return GN_HAVE_CAIRO != 0;
}

#if GN_HAVE_CAIRO

#include <math.h>
#include <string.h>

enum { MAX_MARKERS = 30, SYMBOL = 24, SPACE = 14, COLOURS = 6 };

static const struct gn_colour colours[COLOURS] = {
    { 0.26, 0.53, 0.80 }, { 0.93, 0.55, 0.24 }, { 0.30, 0.62, 0.36 },
    { 0.62, 0.42, 0.70 }, { 0.78, 0.33, 0.36 }, { 0.45, 0.49, 0.55 },
};

/* One of the two panels. Its curves are the metrics of that name, or with that name at their end: "loss",
 * "val_loss", "aux1_loss". */
struct panel {
    struct gn_axes axes;
    const char *title, *metric;
    bool percent;
    const char *names[GN_MOST_METRICS];
    int n_curves;
};

/* What stands before the panel's metric in a name, as the legend shows it. */
static void name_curve(const struct panel *p, int curve, char text[GN_METRIC_NAME])
{
    const char *name = p->names[curve];
    const size_t n = strlen(name) - strlen(p->metric);
    if (n == 0)
        (void)snprintf(text, GN_METRIC_NAME, "training");
    else if (strncmp(name, "val_ema_", n) == 0 && n == strlen("val_ema_"))
        (void)snprintf(text, GN_METRIC_NAME, "averaged");
    else if (strncmp(name, "val_", n) == 0 && n == strlen("val_"))
        (void)snprintf(text, GN_METRIC_NAME, "validation");
    else
        (void)snprintf(text, GN_METRIC_NAME, "%.*s", (int)n - 1, name);
}

static bool belongs(const struct panel *p, const char *name)
{
    const size_t n = strlen(name), end = strlen(p->metric);
    return n >= end && strcmp(name + n - end, p->metric) == 0 &&
           (n == end || name[n - end - 1] == '_');
}

static void find_curves(struct panel *p, const struct gn_history *history)
{
    const char *names[GN_MOST_METRICS];
    const int n = gn_history_names(history, history->n, names);
    for (int i = 0; i < n; i++)
        if (belongs(p, names[i]))
            p->names[p->n_curves++] = names[i];
}

static double value_of(const struct panel *p, const struct gn_epoch *row, int curve)
{
    return gn_metric_value(&row->metrics, p->names[curve]);
}

static void span_values(struct panel *p, const struct gn_history *history)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < history->n; i++)
        for (int k = 0; k < p->n_curves; k++) {
            const double value = value_of(p, &history->rows[i], k);
            if (!isfinite(value))
                continue; /* a run that diverged still has the curve before */
            low = fmin(low, value);
            high = fmax(high, value);
        }
    if (low > high)
        low = high = 0.5;
    gn_axes_span(&p->axes, low, high);
}

static void draw_epochs(cairo_t *cr, const struct panel *p)
{
    const struct gn_axes *a = &p->axes;
    const double step = fmax(1, gn_nice_step(a->last - a->first, 8)), bottom = a->top + a->height;
    char text[GN_NUMBER_TEXT];
    for (double epoch = ceil(a->first / step) * step; epoch <= a->last; epoch += step) {
        gn_draw_line(cr, gn_axes_x(a, epoch), bottom, gn_axes_x(a, epoch), bottom + 4);
        gn_draw_text(cr, gn_fixed_text(epoch, 0, text), gn_axes_x(a, epoch), bottom + 19, 0.5);
    }
    gn_draw_colour(cr, gn_ink);
    gn_draw_font(cr, 14, true);
    gn_draw_text(cr, p->title, a->left, a->top - 20, 0);
}

static void draw_curve(cairo_t *cr, const struct panel *p, const struct gn_history *history, int k)
{
    gn_draw_colour(cr, colours[k % COLOURS]);
    cairo_set_line_width(cr, 2.25);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    for (int i = 0; i < history->n; i++) {
        const struct gn_epoch *row = &history->rows[i];
        if (isfinite(value_of(p, row, k)))
            cairo_line_to(cr, gn_axes_x(&p->axes, row->epoch),
                          gn_axes_y(&p->axes, value_of(p, row, k)));
        else
            cairo_new_sub_path(cr); /* a gap */
    }
    cairo_stroke(cr);
    for (int i = 0; history->n <= MAX_MARKERS && i < history->n; i++) {
        const struct gn_epoch *row = &history->rows[i];
        if (!isfinite(value_of(p, row, k)))
            continue;
        cairo_arc(cr, gn_axes_x(&p->axes, row->epoch), gn_axes_y(&p->axes, value_of(p, row, k)),
                  3.25, 0, 6.2832);
        cairo_fill(cr);
    }
}

/* A dashed line at the epoch whose weights are the best ones, named below the panel's edge where no curve
 * is. */
static void draw_best(cairo_t *cr, const struct panel *p, const struct gn_history *history)
{
    static const double dashes[2] = { 4, 4 };
    const struct gn_axes *a = &p->axes;
    char text[32];
    if (history->best < 0 || history->best >= history->n)
        return;
    const int epoch = history->rows[history->best].epoch;
    const double x = gn_axes_x(a, epoch), share = (x - a->left) / a->width;
    gn_draw_colour(cr, gn_faint);
    cairo_set_line_width(cr, 1.25);
    cairo_set_dash(cr, dashes, 2, 0);
    gn_draw_line(cr, x, a->top, x, a->top + a->height);
    cairo_set_dash(cr, NULL, 0, 0);
    gn_draw_font(cr, 11, false);
    (void)snprintf(text, sizeof text, "best: epoch %d", epoch);
    gn_draw_text(cr, text, x, a->top - 2, share < 0.1 ? 0 : share > 0.9 ? 1 : 0.5);
}

static double text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t box;
    cairo_text_extents(cr, text, &box);
    return box.x_advance;
}

/* From the right end of the panel to the left. */
static void draw_legend(cairo_t *cr, const struct panel *p)
{
    double x = p->axes.left + p->axes.width;
    const double y = p->axes.top - 24;
    gn_draw_font(cr, 12, false);
    for (int k = p->n_curves - 1; k >= 0; k--) {
        char text[GN_METRIC_NAME];
        name_curve(p, k, text);
        x -= SYMBOL + text_width(cr, text);
        gn_draw_colour(cr, colours[k % COLOURS]);
        cairo_set_line_width(cr, 2.25);
        gn_draw_line(cr, x, y, x + 18, y);
        cairo_arc(cr, x + 9, y, 3.25, 0, 6.2832);
        cairo_fill(cr);
        gn_draw_colour(cr, gn_ink);
        gn_draw_text(cr, text, x + SYMBOL, y + 4, 0);
        x -= SPACE;
    }
}

static void draw_page(cairo_t *cr, const void *subject)
{
    const struct gn_history *history = subject;
    struct panel panels[2] = {
        { .axes = { .left = 62 }, .title = "Loss", .metric = "loss" },
        { .axes = { .left = 546 }, .title = "Accuracy", .metric = "accuracy", .percent = true },
    };
    for (int i = 0; i < 2; i++) {
        struct panel *p = &panels[i];
        p->axes.top = 84;
        p->axes.width = 386;
        p->axes.height = 252;
        p->axes.first = history->rows[0].epoch;
        p->axes.last = history->rows[history->n - 1].epoch;
        if (p->axes.first >= p->axes.last) {
            p->axes.first -= 1;
            p->axes.last += 1;
        }
        find_curves(p, history);
        span_values(p, history);
        gn_axes_draw(cr, &p->axes, p->percent, "epoch");
        draw_epochs(cr, p);
        draw_best(cr, p, history);
        for (int k = 0; k < p->n_curves; k++)
            draw_curve(cr, p, history, k);
        draw_legend(cr, p);
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
