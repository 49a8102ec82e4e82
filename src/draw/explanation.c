/* What an answer rests on, for people: the picture with heat laid over it, and the maps of a layer. */
#include "base/memory.h"
#include "base/number.h"
#include "draw/sheet.h"
#include "infer/explain.h"

#include <math.h>
#include <string.h>

#if GN_HAVE_CAIRO

enum { LEAST_CELL = 224, GAP = 16, MARGIN = 24, TITLE = 36, HEAD = 30, CAPTION = 26, FOOT = 44 };

/* One picture with its maps. */
struct page {
    gn_explainer *e;
    const struct gn_explain_sheet *sheet;
    struct gn_shape in;
    int factor, cell_h, cell_w, columns, n;
    float *input; /* as the network takes it */
    float *seen;  /* the same pixels, 0 to 1 */
    float *logits, *cams, *falls;
    double *probabilities;
    int *classes;
    float *rgb; /* of a cell */
};

/* ---- Pictures ---- */

static gn_status preprocess(const struct gn_input_rule *rule, const struct gn_image *image,
                            float *out)
{
    gn_preprocessor *p = gn_preprocessor_of(rule, false);
    const gn_status status = p == NULL ? gn_last_status() : gn_preprocess(p, image, 0, out);
    gn_preprocessor_free(p);
    return status;
}

/* The input, and if `seen` is not NULL the part of the picture that it is made of, not scaled. */
static gn_status see(const struct gn_net *net, const struct gn_image *image, float *input,
                     float *seen)
{
    struct gn_input_rule rule = gn_input_rule_of(net, net->resize);
    GN_TRY(preprocess(&rule, image, input));
    rule.pixels = (struct gn_pixel_rule){ .short_side = net->pixels.short_side,
                                          .square = net->pixels.square };
    return seen == NULL ? GN_OK : preprocess(&rule, image, seen);
}

static void picture_at(const struct page *p, double y, double x, float rgb[3])
{
    for (int c = 0; c < 3; c++)
        rgb[c] = gn_sheet_sample(p->seen + (p->in.c == 3 ? c : 0), p->in.c, p->in.h, p->in.w, y, x);
}

/* Warm for what speaks for the class, cold for what speaks against it; -1 to 1. */
static void lay_over(float rgb[3], double heat)
{
    static const float warm[2][3] = { { 1.0F, 0.70F, 0.15F }, { 0.82F, 0.05F, 0.10F } };
    static const float cold[2][3] = { { 0.35F, 0.75F, 1.0F }, { 0.05F, 0.20F, 0.75F } };
    const double strength = fmin(1, fabs(heat));
    const float share = (float)(0.85 * sqrt(strength)), far = (float)strength;
    for (int c = 0; c < 3; c++) {
        const float *near = heat < 0 ? cold[0] : warm[0], *end = heat < 0 ? cold[1] : warm[1];
        const float colour = (1 - far) * near[c] + far * end[c];
        rgb[c] = (1 - share) * rgb[c] + share * colour;
    }
}

/* The picture, with a map of h*w values over it if that is not NULL. */
static void draw_cell(struct page *p, struct gn_sheet *s, const float *map, int h, int w,
                      double left, double top)
{
    double most = 0;
    for (int i = 0; map != NULL && i < h * w; i++)
        most = fmax(most, fabs((double)map[i]));
    float *out = p->rgb;
    for (int y = 0; y < p->cell_h; y++)
        for (int x = 0; x < p->cell_w; x++, out += 3) {
            const double fy = (y + 0.5) / p->cell_h, fx = (x + 0.5) / p->cell_w;
            picture_at(p, fy, fx, out);
            if (most > 0)
                lay_over(out, (double)gn_sheet_sample(map, 1, h, w, fy, fx) / most);
        }
    gn_sheet_pixels(s, p->rgb, p->cell_w, p->cell_h, left, top);
}

static double largest(const float *map, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, (double)map[i]);
    return most;
}

/* ---- The sheet ---- */

static void draw_row(struct page *p, struct gn_sheet *s, int i, double top)
{
    const gn_net *net = p->e->net;
    const struct gn_shape map = p->e->shape;
    const size_t pixels = (size_t)p->in.h * (size_t)p->in.w, cam = (size_t)map.h * (size_t)map.w;
    const int class = p->classes[i];
    char name[96], text[200];
    if (net->labels != NULL)
        (void)gn_printable(name, sizeof name, net->labels[class]);
    else
        (void)snprintf(name, sizeof name, "class %d", class);
    gn_draw_font(s->cr, 14, true);
    gn_format(text, sizeof text, "%s  %.1f %%", name, 100 * p->probabilities[class]);
    gn_sheet_text(s, text, MARGIN, top + 18, p->cell_w);
    gn_draw_font(s->cr, 12, false);
    double left = MARGIN + p->cell_w + GAP;
    if (!(largest(p->cams + (size_t)i * cam, cam) > 0))
        gn_sheet_text(s, "nothing in this layer speaks for it", left, top + 18, p->cell_w);
    if (p->falls != NULL) {
        gn_format(text, sizeof text, "largest fall %.1f points",
                  100 * largest(p->falls + (size_t)i * pixels, pixels));
        gn_sheet_text(s, text, left + p->cell_w + GAP, top + 18, p->cell_w);
    }
    top += CAPTION;
    draw_cell(p, s, NULL, 0, 0, MARGIN, top);
    draw_cell(p, s, p->cams + (size_t)i * cam, map.h, map.w, left, top);
    if (p->falls != NULL)
        draw_cell(p, s, p->falls + (size_t)i * pixels, p->in.h, p->in.w, left + p->cell_w + GAP,
                  top);
}

static gn_status draw_page(struct page *p, const char *path)
{
    struct gn_sheet s;
    char text[256];
    const int row = CAPTION + p->cell_h + GAP;
    const int width = 2 * MARGIN + p->columns * (p->cell_w + GAP) - GAP;
    const int top = p->sheet->title == NULL ? MARGIN : MARGIN + TITLE;
    GN_TRY(gn_sheet_begin(&s, width, top + HEAD + p->n * row + FOOT));
    if (p->sheet->title != NULL) {
        gn_draw_font(s.cr, 16, true);
        gn_sheet_text(&s, gn_printable(text, sizeof text, p->sheet->title), MARGIN, MARGIN + 14,
                      width - 2 * MARGIN);
    }
    gn_draw_font(s.cr, 13, true);
    gn_draw_colour(s.cr, gn_faint);
    gn_sheet_text(&s, "as the network sees it", MARGIN, top + 14, p->cell_w);
    (void)snprintf(text, sizeof text, "Grad-CAM of %s", p->e->layer_name);
    double left = MARGIN + p->cell_w + GAP;
    gn_sheet_text(&s, text, left, top + 14, p->cell_w);
    (void)snprintf(text, sizeof text, "occlusion, %dx%d square", p->e->window, p->e->window);
    if (p->falls != NULL)
        gn_sheet_text(&s, text, left + p->cell_w + GAP, top + 14, p->cell_w);
    gn_draw_colour(s.cr, gn_ink);
    for (int i = 0; i < p->n; i++)
        draw_row(p, &s, i, top + HEAD + i * row);
    gn_draw_font(s.cr, 12, false);
    gn_draw_colour(s.cr, gn_faint);
    const double foot = top + HEAD + p->n * row + 10;
    gn_sheet_text(&s, "Warm: speaks for the class (each map to its own largest value).", MARGIN,
                  foot, width - 2 * MARGIN);
    if (p->falls != NULL)
        gn_sheet_text(&s, "Blue: covering it raises the class's probability.", MARGIN, foot + 18,
                      width - 2 * MARGIN);
    return gn_sheet_end(&s, path, "explanation");
}

static gn_status reserve(struct page *p)
{
    const size_t pixels = (size_t)p->in.h * (size_t)p->in.w, n = (size_t)p->n;
    const size_t classes = (size_t)p->e->net->classes;
    const size_t map = (size_t)p->e->shape.h * (size_t)p->e->shape.w;
    p->input = gn_calloc(pixels, (size_t)p->in.c * sizeof(float), "an image");
    p->seen = gn_calloc(pixels, (size_t)p->in.c * sizeof(float), "an image");
    p->logits = gn_calloc(classes, sizeof(float), "logits");
    p->probabilities = gn_calloc(classes, sizeof(double), "probabilities");
    p->classes = gn_calloc(n, sizeof(int), "classes");
    p->cams = gn_calloc(n * map, sizeof(float), "maps");
    p->rgb = gn_calloc((size_t)p->cell_h * (size_t)p->cell_w, 3 * sizeof(float), "a picture");
    if (!p->sheet->no_occlusion)
        p->falls = gn_calloc(n * pixels, sizeof(float), "maps");
    const bool made = p->input != NULL && p->seen != NULL && p->logits != NULL &&
                      p->probabilities != NULL && p->classes != NULL && p->cams != NULL &&
                      p->rgb != NULL && (p->falls != NULL || p->sheet->no_occlusion);
    return made ? GN_OK : gn_last_status();
}

static gn_status compute(struct page *p)
{
    const int classes = p->e->net->classes;
    GN_TRY(see(p->e->net, p->sheet->image, p->input, p->seen));
    GN_TRY(gn_explainer_answer(p->e, p->input, p->logits));
    GN_TRY(gn_softmax(p->logits, classes, p->probabilities));
    if (p->sheet->classes != NULL)
        memcpy(p->classes, p->sheet->classes, (size_t)p->n * sizeof *p->classes);
    else
        p->n = gn_top_classes(p->logits, classes, p->n, p->classes);
    GN_TRY(gn_grad_cam(p->e, p->input, p->classes, p->n, p->cams));
    return p->falls == NULL ? GN_OK : gn_occlusion(p->e, p->input, p->classes, p->n, p->falls);
}

static gn_status check_net(const struct gn_net *net)
{
    if (net->input.c != 1 && net->input.c != 3)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "explain: the network takes %d channels, pictures have 1 or 3",
                net->input.c);
    return GN_OK;
}

static gn_status draw_explanation(gn_explainer *e, const struct gn_explain_sheet *sheet,
                                  const char *path)
{
    GN_TRY(check_net(e->net));
    struct page p = { .e = e, .sheet = sheet, .in = e->net->input };
    const int longest = p.in.h > p.in.w ? p.in.h : p.in.w;
    p.factor = (LEAST_CELL + longest - 1) / longest;
    p.cell_h = p.factor * p.in.h;
    p.cell_w = p.factor * p.in.w;
    p.columns = sheet->no_occlusion ? 2 : 3;
    p.n = sheet->n > 0 ? sheet->n : 1;
    if (sheet->classes == NULL && p.n > e->net->classes)
        p.n = e->net->classes;
    gn_status status = reserve(&p);
    if (status == GN_OK)
        status = compute(&p);
    if (status == GN_OK)
        status = draw_page(&p, path);
    gn_free(p.input);
    gn_free(p.seen);
    gn_free(p.logits);
    gn_free(p.probabilities);
    gn_free(p.classes);
    gn_free(p.cams);
    gn_free(p.falls);
    gn_free(p.rgb);
    return status;
}

#endif

gn_status gn_draw_explanation(gn_explainer *e, const struct gn_explain_sheet *sheet,
                              const char *path)
{
    if (e == NULL)
        return gn_last_status();
    GN_NEED(sheet == NULL ? NULL : sheet->image, "the image");
    GN_NEED(path, "the path");
    if (sheet->n < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "explain: %d classes, 1 or more are possible", sheet->n);
#if GN_HAVE_CAIRO
    return draw_explanation(e, sheet, path);
#else
    GN_FAIL(GN_STATUS_NO_DEVICE, "explain: not drawn by this build: cairo was not found");
#endif
}
