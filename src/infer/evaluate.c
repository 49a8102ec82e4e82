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

enum { DEFAULT_BATCH = 128 };

gn_status gn_score_all(const struct gn_scoring *scoring, struct gn_score *score)
{
    const double began = gn_seconds();
    const int classes = scoring->classes;
    double loss_sum = 0;
    *score = (struct gn_score){ 0 };
    GN_TRY(gn_loader_start(scoring->loader, 0, 0));
    for (uint64_t n_batches = 1;; n_batches++) {
        struct gn_batch batch;
        GN_TRY(gn_loader_next(scoring->loader, &batch));
        if (batch.n == 0 && batch.left_out > 0)
            continue;
        if (batch.n == 0)
            return GN_OK;
        if (scoring->stop != NULL && *scoring->stop != 0)
            GN_FAIL(GN_STATUS_STOPPED, "evaluation: stopped on request after %llu samples",
                    (unsigned long long)score->samples);
        GN_TRY(gn_plan_forward(scoring->plan, batch.images, batch.n, scoring->logits));
        for (int i = 0; i < batch.n; i++) {
            const float *x = scoring->logits + (size_t)i * (size_t)classes;
            const struct gn_softmax_sum sum = gn_softmax_sum(x, classes);
            loss_sum += (double)(float)gn_cross_entropy(&sum, x, batch.labels[i]);
            score->correct += sum.best == batch.labels[i];
        }
        score->samples += (uint64_t)batch.n;
        score->loss = loss_sum / (double)score->samples;
        score->accuracy = (double)score->correct / (double)score->samples;
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
    return GN_OK;
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
    const struct gn_predictor_options wanted = {
        .batch = batch, .resize = rule, .threads = options->threads, .algorithm = options->algorithm
    };
    gn_predictor *predictor = gn_predictor_make(net, &wanted, what);
    if (predictor == NULL)
        return gn_last_status();
    const struct gn_loader_options loader_options =
        gn_loader_for(net, options->data, options->limit, batch, rule);
    struct gn_scoring scoring = { .plan = predictor->plan,
                                  .loader = gn_loader_create(&loader_options),
                                  .classes = net->classes,
                                  .stop = options->stop };
    scoring.logits = scoring.loader == NULL
                         ? NULL
                         : gn_calloc((size_t)batch * (size_t)net->classes, sizeof(float), "logits");
    const gn_status status =
        scoring.logits == NULL ? gn_last_status() : gn_score_all(&scoring, score);
    gn_free(scoring.logits);
    gn_loader_free(scoring.loader);
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
