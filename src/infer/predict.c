/*
 * Logits of images in memory or of samples of a data set, chunk by chunk, with the preprocessing that
 * the model carries. Images in memory are made a data set without a file, so that both take the same
 * way.
 */
#include "base/memory.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "picture/picture.h"
#include "plan/plan.h"
#include "infer/match.h"

#include <string.h>

enum { CHUNK = 128 };

static gn_status check_images(const gn_net *net, const struct gn_predict_options *o)
{
    const int channels = o->data != NULL ? o->data->channels : o->channels;
    if (o->data == NULL && (o->height < 1 || o->width < 1 || o->channels < 1))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "predict: images of %dx%dx%d; height, width and channels must be 1 or more",
                o->height, o->width, o->channels);
    if (!gn_channels_convert(channels, net->input.c))
        GN_FAIL(GN_STATUS_BAD_SHAPE, "predict: images have %d channels, the network takes %d",
                channels, net->input.c);
    if (o->data != NULL && (o->first >= o->data->samples || o->n > o->data->samples - o->first))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predict: samples %llu to %llu of %llu",
                (unsigned long long)o->first, (unsigned long long)(o->first + o->n),
                (unsigned long long)o->data->samples);
    return GN_OK;
}

static gn_status run_chunks(const gn_net *net, struct gn_plan *plan, struct gn_loader *loader,
                            float *logits)
{
    GN_TRY(gn_loader_start(loader, 0, 0));
    for (;;) {
        struct gn_batch batch;
        GN_TRY(gn_loader_next(loader, &batch));
        if (batch.n == 0)
            return GN_OK;
        GN_TRY(gn_plan_forward(plan, batch.images, batch.n, logits));
        logits += (size_t)batch.n * (size_t)net->classes;
    }
}

struct gn_predictor {
    gn_net *net;
    gn_resize rule;
    int chunk, threads;
    struct gn_plan *plan;
};

static gn_status prepare(gn_predictor *p, const struct gn_predictor_options *o)
{
    char what[96];
    if (o->batch < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predictor: batch is %d, it must be 1 or more", o->batch);
    if (o->threads < 0 || o->threads > GN_MAX_THREADS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predict: threads is %d, it must be 1 to %d", o->threads,
                GN_MAX_THREADS);
    p->chunk = o->batch == 0 ? 1 : o->batch;
    p->threads = o->threads == 0 ? gn_usable_threads(NULL) : o->threads;
    GN_TRY(gn_resolve_resize(p->net, o->resize, NULL, NULL, &p->rule));
    (void)snprintf(what, sizeof what, "prediction of %d images at %dx%d", p->chunk, p->net->input.h,
                   p->net->input.w);
    GN_TRY(gn_check_memory(gn_memory_estimate(p->net, p->chunk, false), what));
    const struct gn_plan_options plan_options = { .batch = p->chunk,
                                                  .threads = p->threads,
                                                  .algorithm = o->algorithm };
    p->plan = gn_plan_create(p->net, &plan_options);
    return p->plan == NULL ? gn_last_status() : GN_OK;
}

gn_predictor *gn_predictor_create_with(gn_net *net, const struct gn_predictor_options *options)
{
    static const struct gn_predictor_options defaults = { 0 };
    if (net == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "predictor: no network is given");
        return NULL;
    }
    gn_predictor *p = gn_calloc(1, sizeof *p, "a predictor");
    if (p == NULL)
        return NULL;
    p->net = net;
    const unsigned state = gn_float_enter();
    const gn_status status = prepare(p, options == NULL ? &defaults : options);
    gn_float_leave(state);
    if (status == GN_OK)
        return p;
    gn_predictor_free(p);
    return NULL;
}

void gn_predictor_free(gn_predictor *predictor)
{
    if (predictor == NULL)
        return;
    if (predictor->plan != NULL)
        gn_plan_free(predictor->plan);
    gn_free(predictor);
}

static gn_status run(gn_predictor *p, float *logits, const struct gn_predict_options *options)
{
    char name[] = "predict";
    GN_TRY(check_images(p->net, options));
    /* Only read; the loader leaves nothing out that has a row of the answer. */
    struct gn_dataset images = { .name = name,
                                 .samples = options->n,
                                 .height = options->height,
                                 .width = options->width,
                                 .channels = options->channels };
    memcpy(&images.pixels, &options->pixels, sizeof images.pixels);
    if (options->data != NULL) {
        images = *options->data;
        images.options.on_bad_image = GN_BAD_STOP;
    }
    struct gn_loader_options loader_options =
        gn_loader_for(p->net, &images, options->n, p->chunk, p->rule);
    loader_options.first = options->data != NULL ? options->first : 0;
    loader_options.threads = p->threads;
    struct gn_loader *loader = gn_loader_create(&loader_options);
    const gn_status status =
        loader == NULL ? gn_last_status() : run_chunks(p->net, p->plan, loader, logits);
    gn_loader_free(loader);
    return status;
}

/* Whether something is missing of a call; a constructor that failed has said why. */
static bool is_complete(const void *network, const float *logits,
                        const struct gn_predict_options *options)
{
    if (network != NULL && options != NULL && logits != NULL &&
        (options->pixels != NULL || options->data != NULL))
        return true;
    if (gn_error_status() == GN_OK)
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "predict: no %s is given",
                      network == NULL  ? "network"
                      : logits == NULL ? "place for the logits"
                                       : "array of pixels and no data set");
    return false;
}

gn_status gn_predictor_run(gn_predictor *predictor, float *logits,
                           const struct gn_predict_options *options)
{
    if (!is_complete(predictor, logits, options))
        return gn_last_status();
    if (options->n == 0)
        return GN_OK;
    const unsigned state = gn_float_enter();
    const gn_status status = run(predictor, logits, options);
    gn_float_leave(state);
    return status;
}

gn_status gn_predict_with(gn_net *net, float *logits, const struct gn_predict_options *options)
{
    if (!is_complete(net, logits, options))
        return gn_last_status();
    if (options->n == 0)
        return GN_OK;
    GN_TRY(check_images(net, options));
    const struct gn_predictor_options wanted = {
        .batch = options->n < CHUNK ? (int)options->n : CHUNK,
        .resize = options->resize,
        .algorithm = options->algorithm,
        .threads = options->threads,
    };
    gn_predictor *predictor = gn_predictor_create_with(net, &wanted);
    const gn_status status =
        predictor == NULL ? gn_last_status() : gn_predictor_run(predictor, logits, options);
    gn_predictor_free(predictor);
    return status;
}
