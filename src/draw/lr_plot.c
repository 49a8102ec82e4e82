/* The picture of a sweep over learning rates: the loss of each step, smoothed and raw, over the
 * logarithm of the rate, and the rate that is suggested. */
#include "draw/drawing.h"

#if GN_HAVE_CAIRO

#include <math.h>

enum { LEFT = 72, TOP = 70, WIDTH = 850, HEIGHT = 270 };

struct axes {
    double first, last; /* decimal logarithms of the rates */
    double low, high, tick;
};

static double place_x(const struct axes *a, double lr)
{
    return LEFT + WIDTH * (log10(lr) - a->first) / (a->last - a->first);
}

static double place_y(const struct axes *a, double loss)
{
    return TOP + HEIGHT * (1 - (fmin(loss, a->high) - a->low) / (a->high - a->low));
}

/* The smoothed losses decide what is seen; single ones may lie above. */
static struct axes measure(const struct gn_lr_sweep *sweep)
{
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int i = 0; i < sweep->n; i++) {
        low = fmin(low, fmin(sweep->points[i].smoothed, sweep->points[i].loss));
        high = fmax(high, sweep->points[i].smoothed);
    }
    if (!(low < high)) {
        low -= 0.05;
        high = low + 0.1;
    }
    struct axes a = { .first = log10(sweep->points[0].lr),
                      .last = log10(sweep->points[sweep->n - 1].lr),
                      .tick = gn_nice_step(high - low, 5) };
    a.low = floor(low / a.tick) * a.tick;
    a.high = ceil(high / a.tick) * a.tick;
    a.last = a.last > a.first ? a.last : a.first + 1;
    return a;
}

static void draw_axes(cairo_t *cr, const struct axes *a)
{
    char text[32];
    const int digits = a->tick >= 1 ? 0 : (int)ceil(-log10(a->tick) - 1e-9);
    gn_draw_colour(cr, gn_panel);
    cairo_rectangle(cr, LEFT, TOP, WIDTH, HEIGHT);
    cairo_fill(cr);
    cairo_set_line_width(cr, 1);
    gn_draw_font(cr, 12, false);
    for (int i = 0; i <= (int)lround((a->high - a->low) / a->tick); i++) {
        const double loss = a->low + i * a->tick;
        gn_draw_colour(cr, gn_grid);
        gn_draw_line(cr, LEFT, place_y(a, loss), LEFT + WIDTH, place_y(a, loss));
        (void)snprintf(text, sizeof text, "%.*f", digits, loss);
        gn_draw_colour(cr, gn_faint);
        gn_draw_text(cr, text, LEFT - 8, place_y(a, loss) + 4, 1);
    }
    for (int power = (int)ceil(a->first - 1e-9); power <= a->last + 1e-9; power++) {
        const double x = place_x(a, pow(10, power));
        gn_draw_colour(cr, gn_grid);
        gn_draw_line(cr, x, TOP, x, TOP + HEIGHT);
        (void)snprintf(text, sizeof text, "1e%d", power);
        gn_draw_colour(cr, gn_faint);
        gn_draw_text(cr, text, x, TOP + HEIGHT + 19, 0.5);
    }
    gn_draw_text(cr, "learning rate", LEFT + WIDTH / 2.0, TOP + HEIGHT + 40, 0.5);
    gn_draw_text(cr, "loss", LEFT, TOP - 10, 0.5);
}

static void draw_sweep(cairo_t *cr, const void *subject)
{
    const struct gn_lr_sweep *sweep = subject;
    const struct axes a = measure(sweep);
    draw_axes(cr, &a);
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
    (void)snprintf(text, sizeof text, "suggested: %.2g", sweep->suggestion);
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
