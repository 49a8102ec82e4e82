/* Several runs in one picture: the left panel has their losses, the right one their accuracies. */
#include "base/memory.h"
#include "base/number.h"
#include "base/path.h"
#include "draw/drawing.h"
#include "file/file.h"
#include "run/history_read.h"

#include <math.h>
#include <string.h>

#if GN_HAVE_CAIRO

enum { MOST_RUNS = 24, COLOURS = 6, COLUMNS = 3, ROW = 18, PANEL_TOP = 64, PANELS = 2 };

static const struct gn_colour colours[COLOURS] = {
    { 0.26, 0.53, 0.80 }, { 0.93, 0.55, 0.24 }, { 0.30, 0.62, 0.36 },
    { 0.62, 0.42, 0.70 }, { 0.78, 0.33, 0.36 }, { 0.45, 0.49, 0.55 },
};
static const double dashes[][2] = { { 1, 0 }, { 7, 4 }, { 2, 3 }, { 11, 3 } };

struct runs {
    int n;
    struct gn_history *histories[MOST_RUNS];
    const char *const *names;
};

struct panel {
    struct gn_axes axes;
    const char *title, *validated, *trained; /* metrics */
    bool percent;
};

/* The validation's figure, in a run without one the training's. */
static double value_of(const struct panel *p, const struct gn_epoch *row)
{
    return gn_metric_value(&row->metrics, row->has_validation ? p->validated : p->trained);
}

static bool has_validation(const struct gn_history *history)
{
    bool any = false;
    for (int i = 0; i < history->n; i++)
        any = any || history->rows[i].has_validation;
    return any;
}

static void use_pen(cairo_t *cr, int run)
{
    const double *dash = dashes[run / COLOURS % (int)(sizeof dashes / sizeof dashes[0])];
    gn_draw_colour(cr, colours[run % COLOURS]);
    cairo_set_line_width(cr, 2);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(cr, dash, dash[1] > 0 ? 2 : 0, 0);
}

static void draw_curve(cairo_t *cr, const struct panel *p, const struct gn_history *history,
                       int run)
{
    use_pen(cr, run);
    for (int i = 0; i < history->n; i++) {
        const double value = value_of(p, &history->rows[i]);
        if (isfinite(value))
            cairo_line_to(cr, gn_axes_x(&p->axes, history->rows[i].epoch),
                          gn_axes_y(&p->axes, value));
        else
            cairo_new_sub_path(cr); /* a gap */
    }
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
    for (int i = 0; i < history->n; i++) {
        const double value = value_of(p, &history->rows[i]);
        if (!isfinite(value) || (history->n > 20 && i != history->best))
            continue;
        cairo_arc(cr, gn_axes_x(&p->axes, history->rows[i].epoch), gn_axes_y(&p->axes, value),
                  i == history->best ? 4 : 2.5, 0, 6.2832);
        cairo_fill(cr);
    }
}

static void span(struct panel *p, const struct runs *runs)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    p->axes.first = 1;
    p->axes.last = 2;
    for (int r = 0; r < runs->n; r++)
        for (int i = 0; i < runs->histories[r]->n; i++) {
            const struct gn_epoch *row = &runs->histories[r]->rows[i];
            const double value = value_of(p, row);
            p->axes.last = fmax(p->axes.last, row->epoch);
            if (isfinite(value)) {
                low = fmin(low, value);
                high = fmax(high, value);
            }
        }
    gn_axes_span(&p->axes, low <= high ? low : 0, low <= high ? high : 1);
}

static void draw_epochs(cairo_t *cr, const struct panel *p)
{
    const struct gn_axes *a = &p->axes;
    const double step = fmax(1, gn_nice_step(a->last - a->first, 8));
    char text[GN_NUMBER_TEXT];
    for (double epoch = ceil(a->first / step) * step; epoch <= a->last; epoch += step)
        gn_draw_text(cr, gn_fixed_text(epoch, 0, text), gn_axes_x(a, epoch),
                     a->top + a->height + 19, 0.5);
    gn_draw_colour(cr, gn_ink);
    gn_draw_font(cr, 14, true);
    gn_draw_text(cr, p->title, a->left, a->top - 12, 0);
}

/* Below the panels, so that it covers nothing. */
static void draw_legend(cairo_t *cr, const struct runs *runs, double top)
{
    const double width = (GN_PAGE_W - 2 * 62.0) / COLUMNS;
    gn_draw_font(cr, 12, false);
    for (int r = 0; r < runs->n; r++) {
        char name[128];
        const bool validates = has_validation(runs->histories[r]);
        const double x = 62 + r % COLUMNS * width, y = top + r / COLUMNS * (double)ROW;
        use_pen(cr, r);
        gn_draw_line(cr, x, y, x + 26, y);
        cairo_set_dash(cr, NULL, 0, 0);
        cairo_save(cr);
        cairo_rectangle(cr, x, y - ROW, width - 8, 2 * ROW);
        cairo_clip(cr);
        gn_draw_colour(cr, gn_ink);
        (void)gn_printable(name, sizeof name - 16, runs->names[r]);
        (void)snprintf(name + strlen(name), 16, "%s", validates ? "" : " (training)");
        gn_draw_text(cr, name, x + 34, y + 4, 0);
        cairo_restore(cr);
    }
}

static void draw_page(cairo_t *cr, const void *subject)
{
    const struct runs *runs = subject;
    struct panel panels[PANELS] = {
        { .axes = { .left = 62 }, .title = "Loss", .validated = "val_loss", .trained = "loss" },
        { .axes = { .left = 546 },
          .title = "Accuracy",
          .validated = "val_accuracy",
          .trained = "accuracy",
          .percent = true },
    };
    const int rows = (runs->n + COLUMNS - 1) / COLUMNS;
    const double legend = GN_PAGE_H - 8 - (rows - 1) * (double)ROW - 6;
    for (int i = 0; i < PANELS; i++) {
        struct panel *p = &panels[i];
        p->axes.top = PANEL_TOP;
        p->axes.width = 386;
        p->axes.height = legend - 58 - PANEL_TOP;
        span(p, runs);
        gn_axes_draw(cr, &p->axes, p->percent, "epoch");
        draw_epochs(cr, p);
        for (int r = 0; r < runs->n; r++)
            draw_curve(cr, p, runs->histories[r], r);
    }
    draw_legend(cr, runs, legend);
}

static gn_status draw(struct runs *runs, const char *path)
{
    bool any = false;
    for (int i = 0; i < runs->n; i++)
        any = any || runs->histories[i]->n > 0;
    if (!any)
        GN_FAIL(GN_STATUS_BAD_DATA, "runs: none of the %d has finished an epoch", runs->n);
    return gn_draw_file(path, "Validation; a large dot is a run's best epoch", draw_page, runs);
}

gn_status gn_draw_runs(const char *const *names, int n, const char *path)
{
    struct runs runs = { .names = names };
    if (names == NULL || path == NULL || n < 1 || n > MOST_RUNS)
        return gn_fail(GN_STATUS_BAD_ARGUMENT, "runs: %d are to be drawn, it must be 1 to %d", n,
                       MOST_RUNS);
    gn_status status = GN_OK;
    while (status == GN_OK && runs.n < n) {
        runs.histories[runs.n] = gn_history_of_run(names[runs.n], NULL, NULL);
        if (runs.histories[runs.n] == NULL)
            status = gn_last_status();
        else
            runs.n++;
    }
    if (status == GN_OK)
        status = draw(&runs, path);
    for (int i = 0; i < runs.n; i++)
        gn_free_history(runs.histories[i]);
    return status;
}

#else

gn_status gn_draw_runs(const char *const *names, int n, const char *path)
{
    (void)names, (void)n;
    char shown[GN_PATH_TEXT];
    GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: runs: not drawn, this build is without cairo",
            gn_printable(shown, sizeof shown, path));
}

#endif
