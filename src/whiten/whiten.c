/*
 * The sums of an image are made by one thread, position after position; those of images are added in the images' order.
 * A covariance has the smallest eigenvalues where patches are smooth, so that noise would be made as large as a
 * picture: EPSILON of the mean variance is added to each.
 */
#include "whiten/whiten.h"

#include "base/memory.h"
#include "base/team.h"
#include "ops/table.h"
#include "whiten/eigen.h"

#include <math.h>
#include <string.h>

static const double EPSILON = 5e-4; /* of airbench, whose pixels have a variance of 1 */

struct gn_whitener {
    struct gn_geometry window;
    int values, patches, threads;
    size_t products; /* of a patch's values with each other: rows of a triangle */
    double n;        /* patches */
    double *sums;    /* values, then products */
    double *each;    /* the same of GN_WHITEN_IMAGES images */
    const float *images;
};

/* ---- Sums ---- */

static int positions(int size, int kernel, int stride)
{
    return size < kernel ? 0 : (size - kernel) / stride + 1;
}

int gn_whiten_values(const struct gn_geometry *window)
{
    return window->kh * window->kw * window->c;
}

int gn_whiten_patches(const struct gn_geometry *window)
{
    return positions(window->h, window->kh, window->stride_h) *
           positions(window->w, window->kw, window->stride_w);
}

int gn_whiten_components(const struct gn_geometry *window)
{
    const int values = gn_whiten_values(window), half = window->oc / 2;
    return half < values ? half : values;
}

static size_t sums_of(const struct gn_whitener *w)
{
    return (size_t)w->values + w->products;
}

struct gn_whitener *gn_whitener_create(const struct gn_geometry *window, int threads)
{
    struct gn_whitener *w = gn_calloc(1, sizeof *w, "whitening");
    if (w == NULL)
        return NULL;
    w->window = *window;
    w->threads = threads;
    w->values = gn_whiten_values(window);
    w->patches = gn_whiten_patches(window);
    w->products = (size_t)w->values * (size_t)(w->values + 1) / 2;
    w->sums = gn_calloc(sums_of(w), sizeof(double), "whitening");
    w->each = gn_calloc(sums_of(w) * GN_WHITEN_IMAGES, sizeof(double), "whitening");
    if (w->sums == NULL || w->each == NULL) {
        gn_whitener_free(w);
        return NULL;
    }
    return w;
}

void gn_whitener_free(struct gn_whitener *whitener)
{
    if (whitener == NULL)
        return;
    gn_free(whitener->sums);
    gn_free(whitener->each);
    gn_free(whitener);
}

static void take_patch(const struct gn_geometry *g, const float *image, int y, int x, double *patch)
{
    const int row = g->kw * g->c;
    for (int ky = 0; ky < g->kh; ky++) {
        const float *from = image + ((size_t)(y + ky) * (size_t)g->w + (size_t)x) * (size_t)g->c;
        for (int i = 0; i < row; i++)
            patch[ky * row + i] = (double)from[i];
    }
}

static void add_patch(double *sums, const double *patch, int values)
{
    double *products = sums + values;
    for (int i = 0; i < values; i++) {
        const double value = patch[i];
        sums[i] += value;
        for (int j = 0; j <= i; j++)
            products[j] += value * patch[j];
        products += i + 1;
    }
}

static void add_image(void *argument, size_t i)
{
    const struct gn_whitener *w = argument;
    const struct gn_geometry *g = &w->window;
    const float *image = w->images + i * (size_t)g->h * (size_t)g->w * (size_t)g->c;
    double *sums = w->each + i * sums_of(w), patch[GN_WHITEN_VALUES];
    memset(sums, 0, sums_of(w) * sizeof *sums);
    for (int y = 0; y + g->kh <= g->h; y += g->stride_h) {
        for (int x = 0; x + g->kw <= g->w; x += g->stride_w) {
            take_patch(g, image, y, x, patch);
            add_patch(sums, patch, w->values);
        }
    }
}

void gn_whitener_add(struct gn_whitener *whitener, const float *images, int n)
{
    const size_t count = sums_of(whitener);
    whitener->images = images;
    gn_parallel(whitener->threads, (size_t)n, add_image, whitener);
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < count; k++)
            whitener->sums[k] += whitener->each[(size_t)i * count + k];
    whitener->n += (double)n * whitener->patches;
}

void gn_whitener_covariance(const struct gn_whitener *whitener, double *covariance, double *mean)
{
    const int values = whitener->values;
    const double *products = whitener->sums + values;
    for (int i = 0; i < values; i++)
        mean[i] = whitener->sums[i] / whitener->n;
    for (int i = 0; i < values; i++) {
        for (int j = 0; j <= i; j++) {
            const double value = *products++ / whitener->n - mean[i] * mean[j];
            covariance[i * values + j] = covariance[j * values + i] = value;
        }
    }
}

/* ---- Which networks ---- */

const struct gn_layer *gn_whiten_layer(const struct gn_graph *graph)
{
    for (int i = 0; i < graph->n_layers; i++)
        if (graph->layers[i].n_inputs > 0 &&
            graph->layers[graph->layers[i].inputs[0]].n_inputs == 0)
            return &graph->layers[i];
    return NULL;
}

gn_status gn_whiten_check(const struct gn_net *net, bool resumes)
{
    const struct gn_layer *layer = gn_whiten_layer(net->graph);
    if (layer == NULL || layer->op->id != GN_OP_CONV)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: .whiten makes filters for a convolution, the first layer of the network, %s, "
                "is none",
                layer == NULL ? "" : layer->name);
    if (net->is_loaded && !resumes)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: .whiten is for a fresh network, this one has weights from a file");
    const struct gn_geometry *g = &layer->window;
    if (gn_whiten_patches(g) < 1 || gn_whiten_values(g) > GN_WHITEN_VALUES || g->oc < 2)
        GN_FAIL(
            GN_STATUS_BAD_ARGUMENT,
            "fit: .whiten needs patches of at most %d values that lie inside of the input, and two "
            "filters; %s has %d of %dx%dx%d for an input of %dx%d",
            GN_WHITEN_VALUES, layer->name, g->oc, g->kh, g->kw, g->c, g->h, g->w);
    return GN_OK;
}

/* ---- Filters ---- */

/* Component k and its opposite. */
static void set_filters(const struct gn_whitener *w, int k, const double *vector, double scale,
                        const double *mean, float *filters, float *biases)
{
    const int others = gn_whiten_components(&w->window), columns = w->window.oc;
    double shift = 0;
    for (int i = 0; i < w->values; i++) {
        const float value = (float)(vector[i] * scale);
        filters[i * columns + k] = value;
        filters[i * columns + others + k] = -value;
        shift += (double)value * mean[i];
    }
    if (biases != NULL) {
        biases[k] = (float)-shift;
        biases[others + k] = (float)shift;
    }
}

gn_status gn_whitener_filters(const struct gn_whitener *whitener, float *filters, float *biases)
{
    const int n = whitener->values;
    double *room = gn_calloc((size_t)n * (size_t)(2 * n + 2), sizeof *room, "whitening");
    if (room == NULL)
        return gn_last_status();
    double *covariance = room, *vectors = room + n * n, *mean = vectors + n * n, *values = mean + n;
    double variance = 0;
    gn_whitener_covariance(whitener, covariance, mean);
    for (int i = 0; i < n; i++)
        variance += covariance[i * n + i] / n;
    gn_eigen(covariance, n, values, vectors);
    const bool varies = variance > 0;
    for (int k = 0; varies && k < gn_whiten_components(&whitener->window); k++)
        set_filters(whitener, k, vectors + k * n,
                    1 / sqrt((values[k] > 0 ? values[k] : 0) + EPSILON * variance), mean, filters,
                    biases);
    gn_free(room);
    if (!varies)
        GN_FAIL(GN_STATUS_BAD_DATA, "training data: .whiten cannot be done, all patches are equal");
    return GN_OK;
}
