/*
 * Logits of images in memory or of samples of a data set, chunk by chunk, with the preprocessing that
 * the model carries. Images in memory are made a data set without a file, so that both take the same
 * way.
 */
#include "base/memory.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "data/picture.h"
#include "plan/plan.h"
#include "train/settings.h"

#include <string.h>

enum { CHUNK = 128 };

static gn_status check_options(const gn_net *net, const struct gn_predict_options *o)
{
    const int channels = o->data != NULL ? o->data->channels : o->channels;
    if (o->data == NULL && (o->height < 1 || o->width < 1 || o->channels < 1))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "predict: images of %dx%dx%d; height, width and channels must be 1 or more",
                o->height, o->width, o->channels);
    if (!gn_channels_convert(channels, net->input.c))
        GN_FAIL(GN_STATUS_BAD_SHAPE, "predict: images have %d channels, the network takes %d",
                channels, net->input.c);
    if (o->threads < 0 || o->threads > GN_MAX_THREADS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predict: threads is %d, it must be 1 to %d", o->threads,
                GN_MAX_THREADS);
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

static gn_status predict(gn_net *net, float *logits, const struct gn_predict_options *options)
{
    gn_resize rule;
    GN_TRY(check_options(net, options));
    const int chunk = options->n < CHUNK ? (int)options->n : CHUNK;
    const int threads = options->threads == 0 ? gn_usable_threads(NULL) : options->threads;
    GN_TRY(gn_resolve_resize(net, options->resize, NULL, NULL, &rule));
    char what[96], name[] = "predict";
    (void)snprintf(what, sizeof what, "prediction of %d images at %dx%d", chunk, net->input.h,
                   net->input.w);
    GN_TRY(gn_check_memory(gn_memory_estimate(net, chunk, false), what));

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
    struct gn_loader_options loader_options = gn_loader_for(net, &images, options->n, chunk, rule);
    loader_options.first = options->data != NULL ? options->first : 0;
    loader_options.threads = threads;
    const struct gn_plan_options plan_options = { .batch = chunk,
                                                  .threads = threads,
                                                  .algorithm = options->algorithm };
    struct gn_plan *plan = gn_plan_create(net, &plan_options);
    struct gn_loader *loader = plan == NULL ? NULL : gn_loader_create(&loader_options);
    const gn_status status =
        loader == NULL ? gn_last_status() : run_chunks(net, plan, loader, logits);
    gn_loader_free(loader);
    if (plan != NULL)
        gn_plan_free(plan);
    return status;
}

int gn_predict_with(gn_net *net, float *logits, const struct gn_predict_options *options)
{
    if (net == NULL || options == NULL || logits == NULL ||
        (options->pixels == NULL && options->data == NULL)) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "predict: no %s is given",
                          net == NULL      ? "network"
                          : logits == NULL ? "place for the logits"
                                           : "array of pixels and no data set");
        return (int)gn_last_status();
    }
    if (options->n == 0)
        return (int)GN_OK;
    const unsigned state = gn_float_enter();
    const gn_status status = predict(net, logits, options);
    gn_float_leave(state);
    return (int)status;
}
