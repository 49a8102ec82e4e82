/* The picture of a sweep over learning rates: the loss of each step, smoothed and raw, over the
 * logarithm of the rate, and the rate that is suggested. */
#include "base/number.h"
#include "draw/drawing.h"

#if GN_HAVE_CAIRO

#include <math.h>

enum { LEFT = 72, TOP = 70, WIDTH = 850, HEIGHT = 270 };

/* The smoothed losses decide what is seen; single ones may lie above. */
static struct gn_axes measure(const struct gn_lr_sweep *sweep)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < sweep->n; i++) {
        low = fmin(low, fmin(sweep->points[i].smoothed, sweep->points[i].loss));
        high = fmax(high, sweep->points[i].smoothed);
    }
    struct gn_axes a = { .left = LEFT,
                         .top = TOP,
                         .width = WIDTH,
                         .height = HEIGHT,
                         .first = log10(sweep->points[0].lr),
                         .last = log10(sweep->points[sweep->n - 1].lr) };
    a.last = a.last > a.first ? a.last : a.first + 1;
    gn_axes_span(&a, low, high);
    return a;
}

static double place_x(const struct gn_axes *a, double lr)
{
    return gn_axes_x(a, log10(lr));
}

static double place_y(const struct gn_axes *a, double loss)
{
    return gn_axes_y(a, fmin(loss, a->high));
}

/* Vertical grid lines at powers of ten. */
static void draw_powers(cairo_t *cr, const struct gn_axes *a)
{
    char text[32];
    for (int power = (int)ceil(a->first - 1e-9); power <= a->last + 1e-9; power++) {
        const double x = gn_axes_x(a, power);
        gn_draw_colour(cr, gn_grid);
        gn_draw_line(cr, x, TOP, x, TOP + HEIGHT);
        (void)snprintf(text, sizeof text, "1e%d", power);
        gn_draw_colour(cr, gn_faint);
        gn_draw_text(cr, text, x, TOP + HEIGHT + 19, 0.5);
    }
    gn_draw_text(cr, "loss", LEFT, TOP - 10, 0.5);
}

static void draw_sweep(cairo_t *cr, const void *subject)
{
    const struct gn_lr_sweep *sweep = subject;
    const struct gn_axes a = measure(sweep);
    gn_axes_draw(cr, &a, false, "learning rate");
    draw_powers(cr, &a);
    gn_draw_colour(cr, gn_faint);
    for (int i = 0; i < sweep->n; i++) {
        cairo_arc(cr, place_x(&a, sweep->points[i].lr), place_y(&a, sweep->points[i].loss), 1.5, 0,
                  6.2832);
        cairo_fill(cr);
    }
    gn_draw_colour(cr, gn_blue);
    cairo_set_line_width(cr, 2.25);
    for (int i = 0; i < sweep->n; i++)
        cairo_line_to(cr, place_x(&a, sweep->points[i].lr), place_y(&a, sweep->points[i].smoothed));
    cairo_stroke(cr);
    if (sweep->suggestion <= 0)
        return;
    char text[48];
    const double x = place_x(&a, sweep->suggestion);
    gn_draw_colour(cr, gn_orange);
    gn_draw_line(cr, x, TOP, x, TOP + HEIGHT);
    gn_draw_font(cr, 13, true);
    gn_format(text, sizeof text, "suggested: %.2g", sweep->suggestion);
    gn_draw_text(cr, text, x, TOP - 10, 0.5);
}

gn_status gn_lr_plot(const struct gn_lr_sweep *sweep, const char *path)
{
    if (sweep == NULL || path == NULL || sweep->n == 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "lr-find: no %s is given",
                path == NULL ? "path" : "sweep with a point");
    return gn_draw_file(path, "Loss over the learning rate", draw_sweep, sweep);
}

#else

gn_status gn_lr_plot(const struct gn_lr_sweep *sweep, const char *path)
{
    (void)sweep;
    GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: lr-find: not drawn, this build is without cairo",
            path == NULL ? "" : path);
}

#endif
