/* Logits of images in memory, chunk by chunk, with the preprocessing that the model carries. */
#include "base/memory.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "plan/plan.h"
#include "train/settings.h"

enum { CHUNK = 128 };

struct prediction {
    const gn_net *net;
    const struct gn_predict_options *options;
    gn_resize rule;
    int chunk, threads;
    struct gn_plan *plan;
    float *images;    /* a chunk, as the network takes them */
    uint8_t *scratch; /* of the resizing, for each thread */
    size_t scratch_bytes;
};

static gn_status check_options(const gn_net *net, const struct gn_predict_options *o)
{
    if (o->height < 1 || o->width < 1 || o->channels < 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "predict: images of %dx%dx%d; height, width and channels must be 1 or more",
                o->height, o->width, o->channels);
    if (o->channels != net->input.c)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "predict: images have %d channels, the network takes %d",
                o->channels, net->input.c);
    if (o->threads < 0 || o->threads > GN_MAX_THREADS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predict: threads is %d, it must be 1 to %d", o->threads,
                GN_MAX_THREADS);
    return GN_OK;
}

/* Images i = 0 ... n-1 from `pixels` on come to the network's size. */
static void resize_chunk(const struct prediction *p, const uint8_t *pixels, int n)
{
    const struct gn_predict_options *o = p->options;
    const struct gn_shape in = p->net->input;
    const size_t from = (size_t)o->height * (size_t)o->width * (size_t)o->channels;
    const size_t to = (size_t)in.h * (size_t)in.w * (size_t)in.c;
    /* Every thread takes a run of images and its own part of the scratch. */
#pragma omp parallel for schedule(static) num_threads(p->threads)
    for (int t = 0; t < p->threads; t++) {
        const unsigned state = gn_float_enter();
        const int first = n * t / p->threads, end = n * (t + 1) / p->threads;
        for (int i = first; i < end; i++)
            gn_resize_image(p->images + (size_t)i * to, in.h, in.w, pixels + (size_t)i * from,
                            o->height, o->width, o->channels, p->rule,
                            p->scratch + (size_t)t * p->scratch_bytes);
        gn_float_leave(state);
    }
}

static gn_status run_chunks(const struct prediction *p, float *logits)
{
    const struct gn_predict_options *o = p->options;
    const size_t image = (size_t)o->height * (size_t)o->width * (size_t)o->channels;
    for (uint64_t first = 0; first < o->n; first += (uint64_t)p->chunk) {
        const uint64_t left = o->n - first;
        const int n = left < (uint64_t)p->chunk ? (int)left : p->chunk;
        resize_chunk(p, o->pixels + first * image, n);
        GN_TRY(gn_plan_forward(p->plan, p->images, n, logits + first * (uint64_t)p->net->classes));
    }
    return GN_OK;
}

static gn_status predict(gn_net *net, float *logits, const struct gn_predict_options *options)
{
    GN_TRY(check_options(net, options));
    struct prediction p = { .net = net, .options = options };
    p.chunk = options->n < CHUNK ? (int)options->n : CHUNK;
    p.threads = options->threads == 0 ? gn_usable_threads(NULL) : options->threads;
    GN_TRY(gn_resolve_resize(net, options->resize, NULL, NULL, &p.rule));
    char what[96];
    (void)snprintf(what, sizeof what, "prediction of %d images at %dx%d", p.chunk, net->input.h,
                   net->input.w);
    GN_TRY(gn_check_memory(gn_memory_estimate(net, p.chunk, false), what));

    const size_t scratch = gn_resize_scratch_bytes(net->input.h, net->input.w, options->height,
                                                   options->width, options->channels, p.rule);
    p.scratch_bytes = (scratch + 63) / 64 * 64; /* threads do not share cache lines */
    const struct gn_plan_options plan_options = { .batch = p.chunk,
                                                  .threads = p.threads,
                                                  .algorithm = options->algorithm };
    p.plan = gn_plan_create(net, &plan_options);
    if (p.plan == NULL)
        return gn_last_status();
    const size_t floats = (size_t)net->input.h * (size_t)net->input.w * (size_t)net->input.c;
    p.images = gn_calloc((size_t)p.chunk * floats, sizeof(float), "images");
    p.scratch = gn_calloc((size_t)p.threads, p.scratch_bytes, "resizing");
    const gn_status status =
        p.images == NULL || p.scratch == NULL ? gn_last_status() : run_chunks(&p, logits);
    gn_free(p.images);
    gn_free(p.scratch);
    gn_plan_free(p.plan);
    return status;
}

int gn_predict_with(gn_net *net, float *logits, const struct gn_predict_options *options)
{
    if (net == NULL || options == NULL || logits == NULL || options->pixels == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "predict: no %s is given",
                          net == NULL      ? "network"
                          : logits == NULL ? "place for the logits"
                                           : "array of pixels");
        return (int)gn_last_status();
    }
    if (options->n == 0)
        return (int)GN_OK;
    const unsigned state = gn_float_enter();
    const gn_status status = predict(net, logits, options);
    gn_float_leave(state);
    return (int)status;
}
