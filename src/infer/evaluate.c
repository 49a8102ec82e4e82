/*
 * Softmax cross-entropy on logits, averaged over samples. Each sample's loss is computed in
 * double and rounded to float32, so that the last bits of a machine's exp() cannot show; the sum
 * runs in file order.
 */
#include "infer/evaluate.h"

#include "base/memory.h"
#include "base/softmax.h"
#include "base/threads.h"
#include "infer/match.h"
#include "infer/predictor.h"
#include "infer/views.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { DEFAULT_BATCH = 128 };

/* Logits of a batch as the logarithms of mean probabilities over the views. */
static gn_status answer_views(const struct gn_scoring *scoring, const struct gn_batch *batch)
{
    const struct gn_viewer *v = scoring->viewer;
    const int classes = scoring->classes, views = gn_views(v->tta);
    const size_t n = (size_t)batch->n * (size_t)classes;
    memset(v->shares, 0, n * sizeof *v->shares);
    for (int view = 0; view < views; view++) {
        gn_view(v->tta, view, batch->images, batch->n, v->height, v->width, v->channels, v->view);
        GN_TRY(gn_plan_forward(scoring->plan, v->view, batch->n, scoring->logits));
        for (int i = 0; i < batch->n; i++) {
            const float *x = scoring->logits + (size_t)i * (size_t)classes;
            double *shares = v->shares + (size_t)i * (size_t)classes;
            const struct gn_softmax_sum sum = gn_softmax_sum(x, classes);
            for (int k = 0; k < classes; k++)
                shares[k] += exp((double)x[k] - sum.top) / sum.sum / views;
        }
    }
    for (size_t i = 0; i < n; i++) /* the largest negative number instead of minus infinity */
        scoring->logits[i] = (float)log(v->shares[i] < DBL_MIN ? DBL_MIN : v->shares[i]);
    return GN_OK;
}

/* What a batch adds to the score. */
struct part {
    double loss;
    uint64_t correct, samples;
};

static gn_status score_batch(const struct gn_scoring *scoring, const struct gn_batch *batch,
                             struct part *part)
{
    const int classes = scoring->classes;
    *part = (struct part){ .samples = (uint64_t)batch->n };
    if (batch->n == 0)
        return GN_OK;
    GN_TRY(scoring->viewer != NULL
               ? answer_views(scoring, batch)
               : gn_plan_forward(scoring->plan, batch->images, batch->n, scoring->logits));
    for (int i = 0; i < batch->n; i++) {
        const float *x = scoring->logits + (size_t)i * (size_t)classes;
        const struct gn_softmax_sum sum = gn_softmax_sum(x, classes);
        part->loss += (double)(float)gn_cross_entropy(&sum, x, batch->labels[i]);
        part->correct += sum.best == batch->labels[i];
        if (scoring->evaluation != NULL && scoring->answers == NULL)
            GN_TRY(gn_evaluation_add(scoring->evaluation, batch->samples[i], batch->labels[i], x,
                                     classes));
    }
    if (scoring->on_answers != NULL)
        scoring->on_answers(scoring->user, batch, scoring->logits);
    return GN_OK;
}

/* Where the parts of a rank's block are. */
struct block {
    uint64_t *n;
    uint32_t *samples;
    int32_t *labels;
    float *logits;
};

static struct block block_of(const struct gn_answers *a, int rank)
{
    char *at = a->blocks + (size_t)rank * a->bytes;
    char *samples = at + sizeof(uint64_t), *labels = samples + (size_t)a->batch * sizeof(uint32_t);
    return (struct block){ .n = (uint64_t *)(void *)at,
                           .samples = (uint32_t *)(void *)samples,
                           .labels = (int32_t *)(void *)labels,
                           .logits =
                               (float *)(void *)(labels + (size_t)a->batch * sizeof(int32_t)) };
}

/* Every rank hears the answers of all, and adds them in the order of the batches. */
static gn_status share_answers(const struct gn_scoring *scoring, const struct gn_batch *batch)
{
    const struct gn_answers *a = scoring->answers;
    const struct block own = block_of(a, gn_ranks_rank(scoring->ranks));
    const size_t n = (size_t)batch->n, classes = (size_t)a->classes;
    *own.n = (uint64_t)batch->n;
    memcpy(own.samples, batch->samples, n * sizeof *own.samples);
    memcpy(own.labels, batch->labels, n * sizeof *own.labels);
    memcpy(own.logits, scoring->logits, n * classes * sizeof *own.logits);
    GN_TRY(gn_ranks_share_equal(scoring->ranks, a->blocks, a->bytes));
    for (int r = 0; r < gn_ranks_size(scoring->ranks); r++) {
        const struct block b = block_of(a, r);
        for (uint64_t i = 0; i < *b.n; i++)
            GN_TRY(gn_evaluation_add(scoring->evaluation, b.samples[i], b.labels[i],
                                     b.logits + i * classes, a->classes));
    }
    return GN_OK;
}

/* Each rank answers a batch; their sums are added in the order of the batches. */
static gn_status score_round(const struct gn_scoring *scoring, const struct gn_batch *batch,
                             double *loss_sum, struct gn_score *score)
{
    struct part parts[GN_MOST_RANKS];
    GN_TRY(score_batch(scoring, batch, &parts[gn_ranks_rank(scoring->ranks)]));
    GN_TRY(gn_ranks_share_equal(scoring->ranks, parts, sizeof *parts));
    if (scoring->evaluation != NULL && scoring->answers != NULL)
        GN_TRY(share_answers(scoring, batch));
    for (int r = 0; r < gn_ranks_size(scoring->ranks); r++) {
        *loss_sum += parts[r].loss;
        score->correct += parts[r].correct;
        score->samples += parts[r].samples;
    }
    score->loss = *loss_sum / (double)score->samples;
    score->accuracy = (double)score->correct / (double)score->samples;
    return GN_OK;
}

/* Whether the caller of any rank asks for an end. */
static gn_status check_stop(const struct gn_scoring *scoring, const struct gn_score *score)
{
    uint32_t stops = scoring->stop != NULL && *scoring->stop != 0;
    GN_TRY(gn_ranks_any(scoring->ranks, &stops));
    if (stops != 0)
        GN_FAIL(GN_STATUS_STOPPED, "evaluation: stopped on request after %llu samples",
                (unsigned long long)score->samples);
    return GN_OK;
}

gn_status gn_score_all(const struct gn_scoring *scoring, struct gn_score *score)
{
    const double began = gn_seconds();
    double loss_sum = 0;
    *score = (struct gn_score){ 0 };
    GN_TRY(gn_loader_start(scoring->loader, 0, 0));
    for (uint64_t n_batches = 1;; n_batches++) {
        struct gn_batch batch;
        GN_TRY(gn_loader_next(scoring->loader, &batch));
        if (batch.all == 0 && batch.left_out > 0)
            continue;
        if (batch.all == 0)
            return GN_OK;
        GN_TRY(check_stop(scoring, score));
        GN_TRY(score_round(scoring, &batch, &loss_sum, score));
        score->seconds = gn_seconds() - began;
        if (scoring->on_batch != NULL)
            scoring->on_batch(scoring->user, n_batches, score);
    }
}

static gn_status check_options(const struct gn_evaluate_options *options)
{
    if (options->batch < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "evaluate: batch is %d, it must be 1 or more",
                options->batch);
    if (options->threads < 0 || options->threads > GN_MAX_THREADS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "evaluate: threads is %d, it must be 1 to %d",
                options->threads, GN_MAX_THREADS);
    if ((int)options->tta < 0 || options->tta > GN_TTA_TEN_CROP)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "evaluate: test-time augmentation number %d is unknown",
                (int)options->tta);
    return GN_OK;
}

/* The images of a view that is cut from larger ones are larger, and so is the square that is cut out
 * of a picture. */
static struct gn_loader_options loader_options(const struct gn_net *net, gn_resize rule,
                                               const struct gn_evaluate_options *options, int batch)
{
    /* Each rank takes a batch. */
    const int all = batch * gn_ranks_size(options->ranks);
    struct gn_loader_options o = gn_loader_for(net, options->data, options->limit, all, rule);
    o.ranks = options->ranks;
    o.grain = batch;
    o.equal = true;
    o.height = gn_view_size(options->tta, o.height);
    o.width = gn_view_size(options->tta, o.width);
    const int least = o.height > o.width ? o.height : o.width;
    if (o.pixels.short_side != 0 && o.pixels.short_side < least)
        o.pixels.short_side = least;
    return o;
}

/* Room for the views; what is missing is found by the caller. */
static void prepare_views(const struct gn_net *net, gn_tta tta, int batch, struct gn_viewer *viewer)
{
    const size_t n = (size_t)batch;
    *viewer = (struct gn_viewer){
        .tta = tta, .height = net->input.h, .width = net->input.w, .channels = net->input.c
    };
    if (tta == GN_TTA_NONE)
        return;
    viewer->view = gn_calloc(n * (size_t)viewer->height * (size_t)viewer->width,
                             (size_t)viewer->channels * sizeof(float), "views of images");
    viewer->shares = gn_calloc(n * (size_t)net->classes, sizeof(double), "probabilities");
}

/* Room for the answers of several ranks, who want them all; none otherwise. */
static struct gn_answers answers_of(const struct gn_net *net, int batch,
                                    const struct gn_evaluate_options *options)
{
    struct gn_answers a = { .batch = batch, .classes = net->classes };
    if (gn_ranks_size(options->ranks) == 1 || options->evaluation == NULL)
        return a;
    const size_t one = sizeof(uint32_t) + sizeof(int32_t) + (size_t)net->classes * sizeof(float);
    a.bytes = sizeof(uint64_t) + ((size_t)batch * one + 7) / 8 * 8;
    a.blocks = gn_calloc((size_t)gn_ranks_size(options->ranks), a.bytes, "answers of processes");
    return a;
}

struct progress {
    const struct gn_evaluate_options *options;
    uint64_t samples;
};

static void report(void *user, uint64_t batch, const struct gn_score *so_far)
{
    const struct progress *progress = user;
    (void)batch;
    progress->options->on_batch(progress->options->user, so_far, progress->samples);
}

static gn_status score_with(gn_net *net, struct gn_predictor *predictor, gn_resize rule, int batch,
                            const struct gn_evaluate_options *options, struct gn_score *score)
{
    const struct gn_loader_options for_loader = loader_options(net, rule, options, batch);
    struct gn_viewer viewer;
    prepare_views(net, options->tta, batch, &viewer);
    struct gn_scoring scoring = {
        .plan = predictor->plan,
        .loader = gn_loader_create(&for_loader),
        .classes = net->classes,
        .stop = options->stop,
        .ranks = options->ranks,
        .evaluation = options->evaluation,
        .viewer = options->tta == GN_TTA_NONE ? NULL : &viewer,
        .logits = gn_calloc((size_t)batch * (size_t)net->classes, sizeof(float), "logits"),
    };
    struct progress progress = { .options = options };
    struct gn_answers answers = answers_of(net, batch, options);
    if (answers.bytes > 0)
        scoring.answers = &answers;
    if (options->on_batch != NULL && scoring.loader != NULL) {
        progress.samples = gn_loader_samples(scoring.loader);
        scoring.on_batch = report;
        scoring.user = &progress;
    }
    const bool lacks = scoring.loader == NULL || scoring.logits == NULL ||
                       (answers.bytes > 0 && answers.blocks == NULL) ||
                       (scoring.viewer != NULL && (viewer.view == NULL || viewer.shares == NULL));
    gn_status status = lacks ? gn_last_status() : GN_OK;
    if (status == GN_OK && options->evaluation != NULL)
        status = gn_evaluation_begin(options->evaluation, net->classes);
    if (status == GN_OK)
        status = gn_score_all(&scoring, score);
    gn_free(answers.blocks);
    gn_free(viewer.view);
    gn_free(viewer.shares);
    gn_free(scoring.logits);
    gn_loader_free(scoring.loader);
    return status;
}

static gn_status evaluate(gn_net *net, struct gn_score *score,
                          const struct gn_evaluate_options *options)
{
    const int batch = options->batch == 0 ? DEFAULT_BATCH : options->batch;
    gn_resize rule;
    GN_TRY(check_options(options));
    GN_TRY(gn_check_data(net, options->data, "evaluation"));
    GN_TRY(gn_resolve_resize(net, options->resize, options->data, NULL, &rule));
    char what[96];
    (void)snprintf(what, sizeof what, "evaluation with batch %d at %dx%d", batch, net->input.h,
                   net->input.w);
    const struct gn_predictor_options wanted = { .batch = batch,
                                                 .resize = rule,
                                                 .threads = options->threads == 0
                                                                ? gn_ranks_threads(options->ranks)
                                                                : options->threads,
                                                 .algorithm = options->algorithm,
                                                 .weights = options->weights };
    gn_predictor *predictor = gn_predictor_make(net, &wanted, what);
    if (predictor == NULL)
        return gn_last_status();
    const gn_status status = score_with(net, predictor, rule, batch, options, score);
    gn_predictor_free(predictor);
    return status;
}

gn_status gn_evaluate_with(gn_net *net, struct gn_score *score,
                           const struct gn_evaluate_options *options)
{
    if (net == NULL || options == NULL || options->data == NULL || score == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "evaluate: no %s is given",
                          net == NULL     ? "network"
                          : score == NULL ? "place for the score"
                                          : "data set");
        return gn_last_status();
    }
    const unsigned state = gn_float_enter();
    const gn_status status = evaluate(net, score, options);
    gn_float_leave(state);
    return status;
}
