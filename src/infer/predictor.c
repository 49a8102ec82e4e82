/* Predictors: made once, they answer for images in memory without further threads or plans. */
#include "infer/predictor.h"

#include "base/memory.h"
#include "base/team.h"
#include "base/threads.h"
#include "data/loader.h"
#include "infer/layer.h"
#include "infer/match.h"
#include "picture/picture.h"

#include <stdatomic.h>
#include <string.h>

/* ---- Making and freeing ---- */

/* A plan for `batch` images, unless the process may not use so much memory. */
static struct gn_plan *make_plan(gn_predictor *p, int batch, const char *what)
{
    const struct gn_plan_options options = {
        .batch = batch,
        .threads = p->threads,
        .algorithm = p->algorithm,
        .weights = p->weights,
        .pack = p->pack,
    };
    struct gn_plan *plan = gn_plan_draft(p->net, &options);
    if (plan == NULL)
        return NULL;
    uint64_t bytes = gn_bytes_add(gn_plan_bytes(plan), gn_loader_bytes(p->net, batch));
    bytes = gn_bytes_add(bytes, gn_array_bytes(p->net, 1));
    if (gn_check_memory(bytes, what) == GN_OK && gn_plan_allocate(plan) == GN_OK) {
        gn_plan_obey(plan, &p->limit);
        return plan;
    }
    gn_plan_free(plan);
    return NULL;
}

gn_status gn_predictor_plan(gn_predictor *p, int batch)
{
    char what[96];
    if (p->planned == batch)
        return GN_OK;
    gn_plan_free(p->plan);
    p->planned = 0;
    (void)snprintf(what, sizeof what, "prediction of %d images at %dx%d", batch, p->net->input.h,
                   p->net->input.w);
    p->plan = make_plan(p, batch, what);
    p->planned = p->plan == NULL ? 0 : batch;
    return p->plan == NULL ? gn_last_status() : GN_OK;
}

static gn_status prepare(gn_predictor *p, const struct gn_predictor_options *o, const char *what)
{
    gn_resize resize;
    if (o->batch < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predictor: batch is %d, it must be 1 or more", o->batch);
    if (o->threads < 0 || o->threads > GN_MAX_THREADS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predict: threads is %d, it must be 1 to %d", o->threads,
                GN_MAX_THREADS);
    p->batch = o->batch == 0 ? 1 : o->batch;
    p->threads = o->threads == 0 ? gn_usable_threads(NULL) : o->threads;
    p->algorithm = o->algorithm;
    p->weights = o->weights;
    if (gn_weights_name((int)o->weights) == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predict: weights is %d, it must be f32 (0) or f16 (1)",
                (int)o->weights);
    if (!GN_HALF && o->weights == GN_WEIGHTS_F16)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "predict: this library, which only predicts, was built without weights "
                "of 16 bits; build it with -DGN_HALF=ON, or take f32");
    if (o->layer != NULL) {
        GN_TRY(gn_net_up_to(p->net, o->layer, &p->view));
        p->net = &p->view;
    }
    GN_TRY(gn_resolve_resize(p->net, o->resize, NULL, NULL, &resize));
    p->rule = gn_input_rule_of(p->net, resize);
    p->pack = o->pack == NULL ? gn_pack_create(p->net) : gn_pack_keep(o->pack);
    if (p->pack == NULL)
        return gn_last_status();
    p->plan = make_plan(p, p->batch, what);
    if (p->plan == NULL)
        return gn_last_status();
    p->planned = p->batch;
    p->workers =
        gn_calloc((size_t)p->threads, sizeof(gn_preprocessor *), "the predictor's threads");
    return p->workers == NULL ? gn_last_status() : GN_OK;
}

gn_predictor *gn_predictor_make(gn_net *net, const struct gn_predictor_options *options,
                                const char *what)
{
    gn_predictor *p = gn_calloc(1, sizeof *p, "a predictor");
    if (p == NULL)
        return NULL;
    p->net = net;
    if (prepare(p, options, what) == GN_OK) {
        gn_say(GN_LOG_INFO, "predictor: batches of %d on %d threads, %llu bytes", p->batch,
               p->threads, (unsigned long long)gn_plan_bytes(p->plan));
        return p;
    }
    gn_predictor_free(p);
    return NULL;
}

gn_predictor *gn_predictor_create_with(gn_net *net, const struct gn_predictor_options *options)
{
    static const struct gn_predictor_options defaults = { 0 };
    struct gn_predictor_options o = options == NULL ? defaults : *options;
    char what[96];
    if (net == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "predictor: no network is given");
        return NULL;
    }
    (void)snprintf(what, sizeof what, "prediction of %d images at %dx%d", o.batch, net->input.h,
                   net->input.w);
    gn_pack *pack = o.pack == NULL ? gn_pack_shared(net) : gn_pack_keep(o.pack);
    o.pack = pack;
    gn_predictor *predictor = pack == NULL ? NULL : gn_predictor_make(net, &o, what);
    gn_pack_free(pack);
    return predictor;
}

void gn_predictor_free(gn_predictor *p)
{
    if (p == NULL)
        return;
    gn_plan_free(p->plan);
    gn_pack_free(p->pack);
    for (int i = 0; p->workers != NULL && i < p->threads; i++)
        gn_preprocessor_free(p->workers[i]);
    gn_free(p->workers);
    gn_free(p->inputs);
    gn_free(p->logits);
    gn_free(p);
}

gn_status gn_predictor_check(const gn_net *net, const struct gn_predict_options *o)
{
    const bool pixels = o->pixels != NULL;
    const int channels = o->data != NULL ? o->data->channels : o->channels;
    if (!GN_TRAINING && o->data != NULL)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "predict: this library, which only predicts, has no data sets");
    if (pixels && (o->height < 1 || o->width < 1 || o->channels < 1))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "predict: images of %dx%dx%d; height, width and channels must be 1 or more",
                o->height, o->width, o->channels);
    if ((pixels || o->data != NULL) && !gn_channels_convert(channels, net->input.c))
        GN_FAIL(GN_STATUS_BAD_SHAPE, "predict: images have %d channels, the network takes %d",
                channels, net->input.c);
    if (o->data != NULL && (o->first >= o->data->samples || o->n > o->data->samples - o->first))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predict: samples %llu to %llu of %llu",
                (unsigned long long)o->first, (unsigned long long)(o->first + o->n),
                (unsigned long long)o->data->samples);
    return GN_OK;
}

/* ---- Images in memory ---- */

static size_t input_floats(const gn_predictor *p)
{
    return (size_t)p->rule.height * (size_t)p->rule.width * (size_t)p->rule.channels;
}

/* Image i as input number `place` of the batch, by thread `worker`. */
static gn_status make_input(const gn_predictor *p, int worker, int place,
                            const struct gn_predict_options *o, uint64_t i)
{
    float *out = p->inputs + (size_t)place * input_floats(p);
    gn_preprocessor **own = &p->workers[worker];
    if (*own == NULL)
        *own = gn_preprocessor_of(&p->rule, false);
    if (*own == NULL)
        return gn_last_status();
    if (o->files != NULL)
        return gn_preprocess_file(*own, o->files[i].bytes, o->files[i].size, out);
    if (o->images != NULL)
        return gn_preprocess_pixels(*own, &o->images[i], out);
    const size_t bytes = (size_t)o->height * (size_t)o->width * (size_t)o->channels;
    const struct gn_image image = { .height = o->height,
                                    .width = o->width,
                                    .channels = o->channels,
                                    .pixels = (uint8_t *)(uintptr_t)o->pixels + i * bytes };
    return gn_preprocess(*own, &image, 0, out);
}

/* Images first..first+n-1, of which each worker makes every `workers`th, so that a call like the one
 * before finds what it needs of memory; `bad`: the first that cannot be used, or n. */
struct inputs {
    const gn_predictor *predictor;
    const struct gn_predict_options *images;
    uint64_t first;
    int n, workers;
    atomic_int bad;
};

static void take_inputs(void *argument, size_t worker)
{
    struct inputs *in = argument;
    for (int k = (int)worker; k < in->n; k += in->workers) {
        if (gn_plan_limit_is_over(&in->predictor->limit) ||
            make_input(in->predictor, (int)worker, k, in->images, in->first + (uint64_t)k) == GN_OK)
            continue;
        int bad = atomic_load(&in->bad);
        while (k < bad && !atomic_compare_exchange_weak(&in->bad, &bad, k)) {
        }
    }
}

/* The error is that of the first bad image. */
static gn_status make_inputs(gn_predictor *p, const struct gn_predict_options *o, uint64_t first,
                             int n)
{
    const int threads = p->threads < n ? p->threads : n;
    struct inputs in = { .predictor = p, .images = o, .first = first, .n = n, .workers = threads };
    if (p->inputs == NULL)
        p->inputs =
            gn_calloc((size_t)p->batch * input_floats(p), sizeof(float), "a batch of images");
    if (p->inputs == NULL)
        return gn_last_status();
    atomic_init(&in.bad, n);
    gn_parallel(threads, (size_t)threads, take_inputs, &in);
    /* A sentence belongs to its thread: have this one say it. */
    const int bad = atomic_load(&in.bad);
    return bad < n ? make_input(p, 0, bad, o, first + (uint64_t)bad) : GN_OK;
}

/* Of a call that begins: before it, since a plan may have to be made. */
static gn_status begin_call(gn_predictor *p)
{
    p->limit.until = p->seconds > 0 ? gn_seconds() + p->seconds : 0;
    return gn_plan_limit_check(&p->limit);
}

void gn_predictor_cancel(gn_predictor *predictor, bool cancel)
{
    if (predictor != NULL)
        atomic_store(&predictor->limit.cancelled, cancel);
}

gn_status gn_predictor_limit(gn_predictor *predictor, double seconds)
{
    if (predictor == NULL)
        return gn_last_status();
    if (!(seconds >= 0))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predictor: a limit of %g seconds; it must be 0 or more",
                seconds);
    predictor->seconds = seconds;
    return GN_OK;
}

/* Logits of images in memory, a batch after the other. */
static gn_status run_memory(gn_predictor *p, float *logits, const struct gn_predict_options *o)
{
    GN_TRY(gn_predictor_plan(p, p->batch));
    for (uint64_t first = 0; first < o->n; first += (uint64_t)p->batch) {
        const uint64_t left = o->n - first;
        const int n = left < (uint64_t)p->batch ? (int)left : p->batch;
        if (o->inputs == NULL)
            GN_TRY(make_inputs(p, o, first, n));
        GN_TRY(gn_plan_limit_check(&p->limit));
        const float *inputs =
            o->inputs == NULL ? p->inputs : o->inputs + (size_t)first * input_floats(p);
        GN_TRY(gn_plan_forward(p->plan, inputs, n, logits));
        logits += (size_t)n * (size_t)p->net->classes;
    }
    return GN_OK;
}

/* ---- Data sets ---- */

/* STOPPED, without a sentence, when on_answer ends it. */
static gn_status answer_batch(gn_predictor *p, const struct gn_batch *batch, uint64_t first,
                              int (*on_answer)(const struct gn_answer *answer, void *user),
                              void *user)
{
    const float *logits = p->logits;
    GN_TRY(gn_plan_limit_check(&p->limit));
    if (batch->n > 0)
        GN_TRY(gn_plan_forward(p->plan, batch->images, batch->n, p->logits));
    for (int k = 0; k < batch->n + batch->left_out; k++) {
        const char *fault = batch->faults[k];
        const struct gn_answer answer = { .index = first + (uint64_t)k,
                                          .logits = fault == NULL ? logits : NULL,
                                          .message = fault };
        if (fault == NULL)
            logits += p->net->classes;
        if (on_answer(&answer, user) != 0)
            return GN_STATUS_STOPPED;
    }
    return GN_OK;
}

/* `fits`: a shorter last batch gets a plan of its length. */
static gn_status run_data(gn_predictor *p, const struct gn_predict_options *o, bool fits,
                          int (*on_answer)(const struct gn_answer *answer, void *user), void *user)
{
    struct gn_loader_options options =
        gn_loader_for(p->net, o->data, o->n, p->batch, p->rule.resize);
    options.first = o->first;
    options.threads = p->threads;
    options.report_bad = true;
    if (p->logits == NULL)
        p->logits = gn_calloc((size_t)p->batch * (size_t)p->net->classes, sizeof(float), "logits");
    struct gn_loader *loader = p->logits == NULL ? NULL : gn_loader_create(&options);
    gn_status status = loader == NULL ? gn_last_status() : gn_loader_start(loader, 0, 0);
    for (uint64_t first = 0; status == GN_OK && first < o->n;) {
        struct gn_batch batch;
        status = gn_loader_next(loader, &batch);
        const int size = batch.n + batch.left_out;
        if (status == GN_OK)
            status = gn_predictor_plan(p, fits ? size : p->batch);
        if (status == GN_OK)
            status = answer_batch(p, &batch, o->first + first, on_answer, user);
        first += (uint64_t)size;
    }
    gn_loader_free(loader);
    return status;
}

/* Where the next logits go; a picture that cannot be read ends the call. */
struct copy {
    float *to;
    size_t classes;
    gn_status status;
};

static int copy_answer(const struct gn_answer *answer, void *user)
{
    struct copy *copy = user;
    if (answer->logits == NULL) {
        copy->status = gn_fail(GN_STATUS_BAD_DATA, "%s", answer->message);
        return 1;
    }
    memcpy(copy->to, answer->logits, copy->classes * sizeof *copy->to);
    copy->to += copy->classes;
    return 0;
}

/* ---- Calls ---- */

/* Whether something is missing of a call; a constructor that failed has said why. */
static bool is_complete(const void *network, const void *place,
                        const struct gn_predict_options *options)
{
    if (network != NULL && options != NULL && place != NULL &&
        (options->pixels != NULL || options->data != NULL || options->files != NULL ||
         options->inputs != NULL || options->images != NULL))
        return true;
    if (gn_error_status() == GN_OK)
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "predict: no %s is given",
                      network == NULL ? "network"
                      : place == NULL ? "place for the logits"
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
    GN_TRY(gn_predictor_check(predictor->net, options));
    GN_TRY(begin_call(predictor));
    if (options->data == NULL)
        return run_memory(predictor, logits, options);
    struct copy copy = { .to = logits, .classes = (size_t)predictor->net->classes };
    const gn_status status = GN_TRAINING ? run_data(predictor, options, false, copy_answer, &copy)
                                         : GN_STATUS_UNSUPPORTED;
    return copy.status != GN_OK ? copy.status : status;
}

gn_status gn_predictor_each(gn_predictor *predictor, const struct gn_predict_options *images,
                            int (*on_answer)(const struct gn_answer *answer, void *user),
                            void *user)
{
    if (!is_complete(predictor, predictor, images))
        return gn_last_status();
    if (images->data == NULL || on_answer == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "predict: no %s is given",
                on_answer == NULL ? "function for the answers" : "data set");
    if (images->n == 0)
        return GN_OK;
    GN_TRY(gn_predictor_check(predictor->net, images));
    GN_TRY(begin_call(predictor));
    const gn_status status =
        GN_TRAINING ? run_data(predictor, images, true, on_answer, user) : GN_STATUS_UNSUPPORTED;
    if (status != GN_STATUS_STOPPED)
        return status;
    GN_TRY(gn_plan_limit_check(&predictor->limit));
    GN_FAIL(GN_STATUS_STOPPED, "prediction: ended by its caller");
}

enum { CHUNK = 128 };

gn_status gn_predict_with(gn_net *net, float *logits, const struct gn_predict_options *options)
{
    if (!is_complete(net, logits, options))
        return gn_last_status();
    if (options->n == 0)
        return GN_OK;
    GN_TRY(gn_predictor_check(net, options));
    const struct gn_predictor_options wanted = {
        .batch = options->n < CHUNK ? (int)options->n : CHUNK,
        .resize = options->resize,
        .algorithm = options->algorithm,
        .weights = options->weights,
        .threads = options->threads,
        .layer = options->layer,
    };
    char what[96];
    (void)snprintf(what, sizeof what, "prediction of %d images at %dx%d", wanted.batch,
                   net->input.h, net->input.w);
    gn_predictor *predictor = gn_predictor_make(net, &wanted, what);
    const gn_status status =
        predictor == NULL ? gn_last_status() : gn_predictor_run(predictor, logits, options);
    gn_predictor_free(predictor);
    return status;
}
