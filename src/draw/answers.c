/* Rows of the matrix are shares of their class, so that rare classes show as clearly as others. */
#include "draw/answers.h"

#include "draw/drawing.h"

#if GN_HAVE_CAIRO

#include <string.h>

enum { MOST_NAMED = 20, CELL = 34, SMALL_CELL = 9, MARGIN = 16, NAMES = 120, HEAD = 70 };
enum { COLUMNS = 4, PICTURE = 128, TEXT_LINES = 34, GAP = 12 };

static void name_class(const char *const *labels, int label, char *text, size_t size)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%d", label);
    (void)gn_printable(text, size, labels != NULL ? labels[label] : name);
}

/* A text that ends before it is wider than that. */
static void draw_clipped(cairo_t *cr, const char *text, double x, double y, double width, double ax)
{
    cairo_save(cr);
    cairo_rectangle(cr, x - ax * width, y - 14, width, 20);
    cairo_clip(cr);
    gn_draw_text(cr, text, x, y, ax);
    cairo_restore(cr);
}

/* ---- The matrix ---- */

struct place {
    double left, top;
    int cell;
    bool named;
};

static struct place place_of(const struct gn_drawn_matrix *m)
{
    const bool named = m->classes <= MOST_NAMED;
    return (struct place){ .left = MARGIN + (named ? NAMES : 24),
                           .top = named ? HEAD + NAMES - 30 : HEAD,
                           .cell = named ? CELL : SMALL_CELL,
                           .named = named };
}

static void draw_row(cairo_t *cr, const struct gn_drawn_matrix *m, int row)
{
    const struct place p = place_of(m);
    const uint32_t *counts = m->counts + (size_t)row * (size_t)m->classes;
    double sum = 0;
    for (int k = 0; k < m->classes; k++)
        sum += counts[k];
    for (int k = 0; k < m->classes; k++) {
        const double share = sum > 0 ? counts[k] / sum : 0;
        const struct gn_colour *c = row == k ? &gn_blue : &gn_orange;
        const double x = p.left + k * p.cell, y = p.top + row * p.cell;
        const double base = 0.97;
        gn_draw_colour(cr, (struct gn_colour){ base - share * (base - c->r),
                                               base - share * (base - c->g),
                                               base - share * (base - c->b) });
        cairo_rectangle(cr, x, y, p.cell - 1, p.cell - 1);
        cairo_fill(cr);
        if (!p.named || counts[k] == 0)
            continue;
        char text[16];
        (void)snprintf(text, sizeof text, "%u", (unsigned)counts[k]);
        gn_draw_colour(cr, gn_ink);
        gn_draw_font(cr, counts[k] > 9999 ? 9 : 11, false);
        gn_draw_text(cr, text, x + p.cell / 2.0, y + p.cell / 2.0 + 4, 0.5);
    }
}

static void draw_names(cairo_t *cr, const struct gn_drawn_matrix *m)
{
    const struct place p = place_of(m);
    gn_draw_font(cr, 12, false);
    gn_draw_colour(cr, gn_ink);
    for (int i = 0; p.named && i < m->classes; i++) {
        char text[64];
        name_class(m->labels, i, text, sizeof text);
        draw_clipped(cr, text, p.left - 8, p.top + i * p.cell + 21, NAMES - 8, 1);
        cairo_save(cr);
        cairo_translate(cr, p.left + i * p.cell + 21, p.top - 8);
        cairo_rotate(cr, -1.5707963267948966);
        draw_clipped(cr, text, 0, 0, NAMES - 34, 0);
        cairo_restore(cr);
    }
}

static void draw_matrix(cairo_t *cr, const void *subject)
{
    const struct gn_drawn_matrix *m = subject;
    for (int row = 0; row < m->classes; row++)
        draw_row(cr, m, row);
    draw_names(cr, m);
    gn_draw_font(cr, 14, true);
    gn_draw_text(cr, "Confusion matrix", MARGIN, 26, 0);
    gn_draw_font(cr, 12, false);
    gn_draw_colour(cr, gn_faint);
    gn_draw_text(cr, "rows: true class, columns: answer", MARGIN, 44, 0);
}

gn_status gn_draw_matrix(const struct gn_drawn_matrix *matrix, struct gn_bytes *png, int *width,
                         int *height)
{
    const struct place p = place_of(matrix);
    *width = (int)p.left + matrix->classes * p.cell + MARGIN;
    *width = *width < 240 ? 240 : *width;
    *height = (int)p.top + matrix->classes * p.cell + MARGIN;
    return gn_draw_png(*width, *height, draw_matrix, matrix, png);
}

/* ---- Mistakes ---- */

static void draw_pixels(cairo_t *cr, const uint8_t *rgb, int side, double left, double top)
{
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, side, side);
    unsigned char *data = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    for (int y = 0; data != NULL && y < side; y++)
        for (int x = 0; x < side; x++, rgb += 3) {
            const uint32_t pixel = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
            memcpy(data + (size_t)y * stride + 4 * (size_t)x, &pixel, sizeof pixel);
        }
    cairo_surface_mark_dirty(image);
    cairo_save(cr);
    cairo_translate(cr, left, top);
    cairo_scale(cr, (double)PICTURE / side, (double)PICTURE / side);
    cairo_set_source_surface(cr, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
    cairo_paint(cr); /* a surface that could not be made is an error of cr's */
    cairo_restore(cr);
    cairo_surface_destroy(image);
}

static void draw_mistakes(cairo_t *cr, const void *subject)
{
    const struct gn_drawn_mistakes *m = subject;
    gn_draw_font(cr, 14, true);
    gn_draw_colour(cr, gn_ink);
    gn_draw_text(cr, "The surest mistakes", GAP, 20, 0);
    gn_draw_font(cr, 12, false);
    gn_draw_colour(cr, gn_faint);
    gn_draw_text(cr, "below each: what it is; the answer with its probability", GAP, 37, 0);
    for (int i = 0; i < m->n; i++) {
        const struct gn_drawn_mistake *mistake = &m->list[i];
        const double left = GAP + (double)(i % COLUMNS) * (PICTURE + GAP);
        const double top = 44 + i / COLUMNS * (double)(PICTURE + TEXT_LINES + GAP);
        char name[64], text[96];
        draw_pixels(cr, mistake->pixels, m->side, left, top);
        gn_draw_font(cr, 12, false);
        gn_draw_colour(cr, gn_ink);
        name_class(m->labels, mistake->label, name, sizeof name);
        (void)snprintf(text, sizeof text, "is %s", name);
        draw_clipped(cr, text, left, top + PICTURE + 14, PICTURE, 0);
        name_class(m->labels, mistake->predicted, name, sizeof name);
        (void)snprintf(text, sizeof text, "%d %% %s", (int)(100 * mistake->probability + 0.5),
                       name);
        gn_draw_colour(cr, (struct gn_colour){ 0.70, 0.32, 0.05 }); /* gn_orange for text */
        draw_clipped(cr, text, left, top + PICTURE + 30, PICTURE, 0);
    }
}

gn_status gn_draw_mistakes(const struct gn_drawn_mistakes *mistakes, struct gn_bytes *png,
                           int *width, int *height)
{
    const int rows = (mistakes->n + COLUMNS - 1) / COLUMNS;
    *width = GAP + COLUMNS * (PICTURE + GAP);
    *height = 44 + rows * (PICTURE + TEXT_LINES + GAP) + GAP;
    return gn_draw_png(*width, *height, draw_mistakes, mistakes, png);
}

#else

static gn_status none(void)
{
    GN_FAIL(GN_STATUS_UNSUPPORTED, "picture: not drawn, this build is without cairo");
}

gn_status gn_draw_matrix(const struct gn_drawn_matrix *matrix, struct gn_bytes *png, int *width,
                         int *height)
{
    (void)matrix, (void)png, (void)width, (void)height;
    return none();
}

gn_status gn_draw_mistakes(const struct gn_drawn_mistakes *mistakes, struct gn_bytes *png,
                           int *width, int *height)
{
    (void)mistakes, (void)png, (void)width, (void)height;
    return none();
}

#endif
