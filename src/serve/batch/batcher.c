/* Decoding, and handing on to those who compute. */
#include "serve/batch/batcher.h"

#include "base/number.h"
#include "cli/report.h"
#include "serve/batch/decode.h"
#include "serve/batch/queue.h"
#include "serve/batch/runners.h"

#include <stdlib.h>

struct serve_batcher {
    struct serve_batcher_options options;
    struct serve_runners *runners;
    pthread_mutex_t lock; /* of the queue and `ends` */
    struct serve_queue decoding;
    bool ends;
    int n_decoders;
    pthread_t *decoders;
};

/* ---- Decoding ---- */

/* What is decoded may be thousands of times larger than it was: not more of it waits than the next two
 * batches take, so that small pictures cannot fill the memory. */
static bool may_decode(const struct serve_batcher *b)
{
    return serve_runners_rows(b->runners) < 2 * b->options.max_batch;
}

/* Batches have been taken: there may be room again. */
static void wake_decoders(void *user)
{
    struct serve_batcher *b = user;
    pthread_mutex_lock(&b->lock);
    if (b->decoding.first)
        pthread_cond_broadcast(&b->decoding.filled);
    pthread_mutex_unlock(&b->lock);
}

/* A job that was decoded, unless nobody computes any more. */
static void pass_on(struct serve_batcher *b, struct serve_job *job)
{
    if (!serve_runners_push(b->runners, job))
        serve_job_finish(job, 503, serve_shutting_down);
}

static void decode(struct serve_batcher *b, struct serve_job *job)
{
    if (serve_decode(job, b->options.max_pixels) == 200)
        pass_on(b, job);
    else
        job->done(job->user);
}

static void *decode_jobs(void *argument)
{
    struct serve_batcher *b = argument;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        struct serve_job *job = b->ends || may_decode(b) ? serve_queue_pop(&b->decoding) : NULL;
        if (!job && b->ends)
            break;
        if (!job) {
            pthread_cond_wait(&b->decoding.filled, &b->lock);
            continue;
        }
        const bool ends = b->ends;
        pthread_mutex_unlock(&b->lock);
        if (ends)
            serve_job_finish(job, 503, serve_shutting_down);
        else if (cli_seconds() > job->deadline)
            serve_job_finish(job, 504, "the request has waited longer than --request-timeout");
        else
            decode(b, job);
        pthread_mutex_lock(&b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* ---- Calls ---- */

struct serve_batcher *serve_batcher_create(const struct serve_batcher_options *options,
                                           struct serve_metrics *metrics)
{
    struct serve_batcher *b = cli_calloc(1, sizeof *b);
    const struct serve_runners_options computing = { .max_batch = options->max_batch,
                                                     .threads = options->threads,
                                                     .max_wait = options->max_wait,
                                                     .taken = wake_decoders,
                                                     .user = b };
    b->options = *options;
    pthread_mutex_init(&b->lock, NULL);
    serve_queue_init(&b->decoding);
    b->decoders = cli_calloc((size_t)options->threads, sizeof *b->decoders);
    b->runners = serve_runners_create(&computing, metrics);
    while (b->runners && b->n_decoders < options->threads &&
           pthread_create(&b->decoders[b->n_decoders], NULL, decode_jobs, b) == 0)
        b->n_decoders++;
    if (b->n_decoders > 0)
        return b;
    serve_batcher_free(b);
    return NULL;
}

bool serve_batcher_submit(struct serve_batcher *b, struct serve_job *job)
{
    const bool decodes = job->pictures || job->pixels.pixels;
    const bool is_quick = decodes && serve_decode_is_quick(job);
    pthread_mutex_lock(&b->lock);
    const int waiting = b->decoding.jobs + serve_runners_jobs(b->runners);
    const bool takes = !b->ends && waiting < b->options.max_queue;
    const bool at_once = takes && is_quick && may_decode(b) && b->decoding.jobs == 0;
    if (takes && decodes && !at_once)
        serve_queue_push(&b->decoding, job);
    pthread_mutex_unlock(&b->lock);
    if (at_once)
        decode(b, job);
    else if (takes && !decodes)
        pass_on(b, job);
    return takes;
}

int serve_batcher_length(struct serve_batcher *b)
{
    pthread_mutex_lock(&b->lock);
    const int jobs = b->decoding.jobs + serve_runners_jobs(b->runners);
    pthread_mutex_unlock(&b->lock);
    return jobs;
}

void serve_batcher_end(struct serve_batcher *b)
{
    pthread_mutex_lock(&b->lock);
    b->ends = true;
    pthread_cond_broadcast(&b->decoding.filled);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < b->n_decoders; i++)
        pthread_join(b->decoders[i], NULL);
    b->n_decoders = 0;
    if (b->runners)
        serve_runners_end(b->runners);
}

void serve_batcher_free(struct serve_batcher *b)
{
    if (!b)
        return;
    serve_batcher_end(b);
    serve_runners_free(b->runners);
    serve_queue_destroy(&b->decoding);
    pthread_mutex_destroy(&b->lock);
    free(b->decoders);
    free(b);
}
