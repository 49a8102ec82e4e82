/*
 * Scales by what the network does with pictures: of each set of values the largest one, then how often values
 * of each size come, and of all limits the one where rounding below it and cutting off above it together do
 * the least harm (the mean square of the error).
 */
#include "infer/quantize/quantize.h"

#include "base/memory.h"
#include "data/loader.h"
#include "infer/match.h"
#include "ops/kernels.h"
#include "plan/plan.h"

#include <math.h>

enum { BINS = 2048, BATCH = 32, LIMITS = 64 };

struct calibration {
    struct gn_quantizer *q;
    struct gn_plan *plan;
    float *values;     /* of one layer and a batch */
    float *largest;    /* by set */
    uint64_t **counts; /* by set: BINS from 0 to the largest; NULL: not a set of bytes */
    bool is_counting;
};

static size_t values_of(const struct gn_layer *layer)
{
    return (size_t)layer->out.h * (size_t)layer->out.w * (size_t)layer->out.c;
}

static bool makes_bytes(const struct gn_quantizer *q, int i)
{
    return q->bytes[q->set[i]] && !gn_quantize_passes_on(&q->net->graph->layers[i]);
}

static void note(struct calibration *c, int set, size_t n)
{
    const float largest = c->largest[set];
    if (c->is_counting) {
        const float bins = (float)BINS / largest;
        for (size_t i = 0; i < n && largest > 0; i++) {
            const int bin = (int)(c->values[i] * bins);
            if (c->values[i] > 0)
                c->counts[set][bin < BINS ? bin : BINS - 1]++;
        }
        return;
    }
    float most = largest;
    for (size_t i = 0; i < n; i++)
        most = c->values[i] > most ? c->values[i] : most;
    c->largest[set] = most;
}

static gn_status take_batch(struct calibration *c, const struct gn_batch *batch)
{
    const struct gn_graph *g = c->q->net->graph;
    GN_TRY(gn_plan_forward(c->plan, batch->images, batch->n, NULL));
    for (int i = 0; i < g->n_layers; i++) {
        if (!makes_bytes(c->q, i))
            continue;
        GN_TRY(gn_plan_copy_output(c->plan, i, batch->n, c->values));
        note(c, c->q->set[i], (size_t)batch->n * values_of(&g->layers[i]));
    }
    return GN_OK;
}

static gn_status take_images(struct calibration *c, struct gn_loader *loader, uint64_t images)
{
    struct gn_batch batch;
    GN_TRY(gn_loader_start(loader, 0, 0));
    for (uint64_t done = 0; done < images; done += (uint64_t)batch.all) {
        GN_TRY(gn_loader_next(loader, &batch));
        if (batch.all == 0 && batch.left_out == 0)
            break;
        if (batch.n > 0)
            GN_TRY(take_batch(c, &batch));
    }
    return GN_OK;
}

/* The limit with the least error. Values below it are rounded to its 255 steps, evenly wrong by up to half of
 * one; exact zeros are not among them. */
static float best_limit(const uint64_t *counts, float largest)
{
    double best = 0, best_error = HUGE_VAL;
    for (int l = LIMITS / 8; l <= LIMITS; l++) {
        const double limit = (double)largest * l / LIMITS, step = limit / GN_BYTES_VALUE;
        double error = 0;
        for (int b = 0; b < BINS; b++) {
            const double value = (double)largest * (b + 0.5) / BINS;
            const double each =
                value <= limit ? step * step / 12 : (value - limit) * (value - limit);
            error += each * (double)counts[b];
        }
        if (error < best_error) {
            best_error = error;
            best = limit;
        }
    }
    return (float)best;
}

static gn_status reserve(struct calibration *c)
{
    const struct gn_graph *g = c->q->net->graph;
    const size_t n = (size_t)g->n_layers;
    size_t most = 0;
    for (int i = 0; i < g->n_layers; i++)
        most = values_of(&g->layers[i]) > most ? values_of(&g->layers[i]) : most;
    c->values = gn_calloc(most * BATCH, sizeof *c->values, "calibration");
    c->largest = gn_calloc(n, sizeof *c->largest, "calibration");
    c->counts = gn_calloc(n, sizeof *c->counts, "calibration");
    bool lacks = c->values == NULL || c->largest == NULL || c->counts == NULL;
    for (int i = 0; i < g->n_layers && !lacks; i++) {
        if (!c->q->bytes[i])
            continue;
        c->counts[i] = gn_calloc(BINS, sizeof **c->counts, "calibration");
        lacks = c->counts[i] == NULL;
    }
    return lacks ? gn_last_status() : GN_OK;
}

/* A set without a value above zero has any scale. */
static void set_scales(const struct calibration *c)
{
    for (int i = 0; i < c->q->net->graph->n_layers; i++) {
        if (!c->q->bytes[i])
            continue;
        const float limit = c->largest[i] > 0 ? best_limit(c->counts[i], c->largest[i]) : 1;
        const float scale = limit / GN_BYTES_VALUE;
        c->q->scale[i] = scale < 1e-20F ? 1e-20F : scale;
    }
}

static gn_status calibrate(struct calibration *c, struct gn_loader *loader, uint64_t images)
{
    GN_TRY(reserve(c));
    GN_TRY(take_images(c, loader, images));
    for (int i = 0; i < c->q->net->graph->n_layers; i++)
        if (!(c->largest[i] < 1e20F))
            GN_FAIL(GN_STATUS_DIVERGED,
                    "quantize: layer %s gives values that are not finite or above 1e20",
                    c->q->net->graph->layers[i].name);
    c->is_counting = true;
    GN_TRY(take_images(c, loader, images));
    set_scales(c);
    return GN_OK;
}

gn_status gn_quantize_calibrate(struct gn_quantizer *q, const struct gn_quantize_options *o)
{
    enum { IMAGES = 512 };
    gn_resize rule;
    GN_TRY(gn_resolve_resize(q->net, GN_RESIZE_DEFAULT, o->data, NULL, &rule));
    struct gn_loader_options options = gn_loader_for(q->net, o->data, 0, BATCH, rule);
    options.shuffle = GN_SHUFFLE_FULL; /* folders are sorted by class */
    options.seed = o->seed;
    options.threads = o->threads;
    const struct gn_plan_options plan = {
        .batch = BATCH, .slice = BATCH, .threads = o->threads, .keep = true
    };
    struct calibration c = { .q = q, .plan = gn_plan_draft(q->net, &plan) };
    gn_status status =
        c.plan == NULL ? gn_last_status() : gn_check_memory(gn_plan_bytes(c.plan), "calibration");
    if (status == GN_OK)
        status = gn_plan_allocate(c.plan);
    struct gn_loader *loader = status == GN_OK ? gn_loader_create(&options) : NULL;
    if (status == GN_OK)
        status = loader == NULL ? gn_last_status()
                                : calibrate(&c, loader, o->images == 0 ? IMAGES : o->images);
    for (int i = 0; c.counts != NULL && i < q->net->graph->n_layers; i++)
        gn_free(c.counts[i]);
    gn_free(c.counts);
    gn_free(c.largest);
    gn_free(c.values);
    gn_loader_free(loader);
    gn_plan_free(c.plan);
    return status;
}
