/* Sheets of what a layer answers to a picture, and of the filters of the first layer. */
#include "base/memory.h"
#include "draw/sheet.h"
#include "infer/explain.h"

#include <math.h>

#if GN_HAVE_CAIRO

enum {
    COLUMNS = 8,
    LEAST_TILE = 88,
    GAP = 8,
    MARGIN = 20,
    TITLE = 34,
    DEFAULT_MAPS = 64,
    LABEL = 15,
    FOOT = 16 /* what the greys mean */
};

/* `n` tiles of h*w pixels: value (y, x) and channel c of tile i is at values[y*row + x*column + c*colour
 * + i]. */
struct tiles {
    const float *values;
    size_t row, column, colour;
    int n, h, w, colours; /* 1 or 3 */
};

static float value_of(const struct tiles *t, int i, int y, int x, int c)
{
    return t->values[(size_t)y * t->row + (size_t)x * t->column +
                     (t->colours == 3 ? (size_t)c : 0) * t->colour + (size_t)i];
}

static void span(const struct tiles *t, int i, float *low, float *high)
{
    *low = HUGE_VALF;
    *high = -HUGE_VALF;
    for (int y = 0; y < t->h; y++)
        for (int x = 0; x < t->w; x++)
            for (int c = 0; c < t->colours; c++) {
                *low = fminf(*low, value_of(t, i, y, x, c));
                *high = fmaxf(*high, value_of(t, i, y, x, c));
            }
}

/* From the tile's least value, black, to its largest, white; a flat one is grey. */
static void fill(const struct tiles *t, int i, int factor, float *rgb)
{
    float low, high;
    span(t, i, &low, &high);
    for (int y = 0; y < t->h * factor; y++)
        for (int x = 0; x < t->w * factor; x++)
            for (int c = 0; c < 3; c++)
                *rgb++ = high > low
                             ? (value_of(t, i, y / factor, x / factor, c) - low) / (high - low)
                             : 0.5F;
}

static gn_status draw_tiles(const struct tiles *t, const char *title, const char *path)
{
    static const char legend[] =
        "Each from its own least value (black) to its largest (white); even grey: one value only.";
    struct gn_sheet s;
    char text[32];
    const int longest = t->h > t->w ? t->h : t->w, factor = (LEAST_TILE + longest - 1) / longest;
    const int h = factor * t->h, w = factor * t->w;
    const int columns = t->n < COLUMNS ? t->n : COLUMNS, rows = (t->n + columns - 1) / columns;
    const int width = 2 * MARGIN + columns * (w + GAP) - GAP;
    float *rgb = gn_calloc((size_t)h * (size_t)w, 3 * sizeof *rgb, "a picture");
    if (rgb == NULL)
        return gn_last_status();
    gn_status status =
        gn_sheet_begin(&s, width < 560 ? 560 : width,
                       MARGIN + TITLE + rows * (h + LABEL + GAP) + FOOT + MARGIN - GAP);
    if (status == GN_OK) {
        gn_draw_font(s.cr, 15, true);
        gn_sheet_text(&s, title, MARGIN, MARGIN + 12, (width < 560 ? 560 : width) - 2 * MARGIN);
        gn_draw_font(s.cr, 10, false);
        for (int i = 0; i < t->n; i++) {
            const double left = MARGIN + i % columns * (w + GAP);
            const double top = MARGIN + TITLE + i / columns * (h + LABEL + GAP);
            fill(t, i, factor, rgb);
            gn_sheet_pixels(&s, rgb, w, h, left, top);
            (void)snprintf(text, sizeof text, "%d", i);
            gn_sheet_text(&s, text, left, top + h + 11, w);
        }
        gn_sheet_text(&s, legend, MARGIN, MARGIN + TITLE + rows * (h + LABEL + GAP) + 8,
                      (width < 560 ? 560 : width) - 2 * MARGIN);
        status = gn_sheet_end(&s, path, "maps");
    }
    gn_free(rgb);
    return status;
}

static gn_status draw_maps(gn_explainer *e, const struct gn_image *image, int most,
                           const char *path)
{
    const struct gn_shape s = e->shape, in = e->net->input;
    char title[160];
    float *input = gn_calloc((size_t)in.h * (size_t)in.w, (size_t)in.c * sizeof *input, "an image");
    float *values = gn_calloc((size_t)s.h * (size_t)s.w, (size_t)s.c * sizeof *values, "maps");
    const struct gn_input_rule rule = gn_input_rule_of(e->net, e->net->resize);
    gn_preprocessor *p = gn_preprocessor_of(&rule, false);
    const int wanted = most > 0 ? most : DEFAULT_MAPS;
    const struct tiles t = { .values = values,
                             .row = (size_t)s.w * (size_t)s.c,
                             .column = (size_t)s.c,
                             .n = s.c < wanted ? s.c : wanted,
                             .h = s.h,
                             .w = s.w,
                             .colours = 1 };
    gn_status status = GN_OK;
    if (input == NULL || values == NULL || p == NULL)
        status = gn_last_status();
    if (status == GN_OK)
        status = gn_preprocess(p, image, 0, input);
    if (status == GN_OK)
        status = gn_explainer_values(e, input, values);
    (void)snprintf(title, sizeof title, "%s: %d of %d maps of %dx%d", e->layer_name, t.n, s.c, s.h,
                   s.w);
    if (status == GN_OK)
        status = draw_tiles(&t, title, path);
    gn_preprocessor_free(p);
    gn_free(input);
    gn_free(values);
    return status;
}

static gn_status draw_filters(const struct gn_net *net, const char *path)
{
    const struct gn_graph *g = net->graph;
    char title[160];
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *layer = &g->layers[i];
        const struct gn_geometry *w = &layer->window;
        if (layer->op->id != GN_OP_CONV)
            continue;
        const struct tiles t = { .values = net->params + g->tensors[layer->weight].offset,
                                 .row = (size_t)w->kw * (size_t)w->c * (size_t)w->oc,
                                 .column = (size_t)w->c * (size_t)w->oc,
                                 .colour = (size_t)w->oc,
                                 .n = w->oc < 256 ? w->oc : 256,
                                 .h = w->kh,
                                 .w = w->kw,
                                 .colours = w->c == 3 ? 3 : 1 };
        (void)snprintf(title, sizeof title, "%s: %d of %d filters of %dx%dx%d", layer->name, t.n,
                       w->oc, w->kh, w->kw, w->c);
        return draw_tiles(&t, title, path);
    }
    GN_FAIL(GN_STATUS_BAD_ARGUMENT, "filters: the network has no convolution");
}

#else

static gn_status draw_maps(gn_explainer *e, const struct gn_image *image, int most,
                           const char *path)
{
    (void)e;
    (void)image;
    (void)most;
    (void)path;
    GN_FAIL(GN_STATUS_NO_DEVICE, "maps: not drawn by this build: cairo was not found");
}

static gn_status draw_filters(const struct gn_net *net, const char *path)
{
    (void)net;
    (void)path;
    GN_FAIL(GN_STATUS_NO_DEVICE, "filters: not drawn by this build: cairo was not found");
}

#endif

gn_status gn_draw_maps(gn_explainer *e, const struct gn_image *image, int most, const char *path)
{
    if (e == NULL)
        return gn_last_status();
    GN_NEED(image, "the image");
    GN_NEED(path, "the path");
    if (most < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "maps: %d maps, 1 or more are possible", most);
    return draw_maps(e, image, most, path);
}

gn_status gn_draw_filters(const gn_net *net, const char *path)
{
    if (net == NULL)
        return gn_last_status();
    GN_NEED(path, "the path");
    return draw_filters(net, path);
}
