/* Two queues with their threads: decoding, computing. */
#include "serve/batcher.h"

#include "base/number.h"
#include "cli/report.h"
#include "serve/decode.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct queue {
    struct serve_job *first, **end;
    int jobs, rows;
    pthread_cond_t filled;
};

struct serve_batcher {
    struct serve_batcher_options options;
    struct serve_metrics *metrics;
    pthread_mutex_t lock; /* of the queues and `ends` */
    struct queue decoding, computing;
    bool ends;
    int n_decoders;
    pthread_t runner, *decoders;
    bool has_runner;
    float *inputs, *logits; /* of a batch; the runner's */
    size_t inputs_room, logits_room;
};

static const char shutting_down[] = "the server is shutting down";

static void push(struct queue *queue, struct serve_job *job)
{
    job->next = NULL;
    job->entered = cli_seconds();
    *queue->end = job;
    queue->end = &job->next;
    queue->jobs++;
    queue->rows += job->rows;
    pthread_cond_signal(&queue->filled);
}

static struct serve_job *pop(struct queue *queue)
{
    struct serve_job *job = queue->first;
    if (!job)
        return NULL;
    queue->first = job->next;
    if (!queue->first)
        queue->end = &queue->first;
    queue->jobs--;
    queue->rows -= job->rows;
    job->next = NULL;
    return job;
}

static void finish(struct serve_job *job, int code, const char *sentence)
{
    job->code = code;
    snprintf(job->error, sizeof job->error, "%s", sentence);
    job->done(job->user);
}

/* ---- Decoding ---- */

/* What is decoded may be thousands of times larger than it was: not more of it waits than the next two
 * batches take, so that small pictures cannot fill the memory. With the lock. */
static bool may_decode(const struct serve_batcher *b)
{
    return b->computing.rows < 2 * b->options.max_batch;
}

static void *decode_jobs(void *argument)
{
    struct serve_batcher *b = argument;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        struct serve_job *job = b->ends || may_decode(b) ? pop(&b->decoding) : NULL;
        if (!job && b->ends)
            break;
        if (!job) {
            pthread_cond_wait(&b->decoding.filled, &b->lock);
            continue;
        }
        const bool ends = b->ends;
        pthread_mutex_unlock(&b->lock);
        if (ends)
            finish(job, 503, shutting_down);
        else if (cli_seconds() > job->deadline)
            finish(job, 504, "the request has waited longer than --request-timeout");
        else if (serve_decode(job, b->options.max_pixels) != 200)
            job->done(job->user);
        else {
            pthread_mutex_lock(&b->lock);
            push(&b->computing, job);
            continue;
        }
        pthread_mutex_lock(&b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* ---- Computing ---- */

/* Room in a buffer of the runner. */
static bool grow(float **buffer, size_t *room, size_t floats)
{
    if (*room >= floats)
        return true;
    free(*buffer);
    *buffer = calloc(floats, sizeof **buffer);
    *room = *buffer ? floats : 0;
    return *buffer != NULL;
}

/* Takes the first job and those of the same model that fit, in their order; rows of other models stay. A
 * job that wants a map, which takes longer than the answer, holds up nobody's batch. Called with the lock. */
static struct serve_job *gather(struct serve_batcher *b, int *rows)
{
    struct queue *queue = &b->computing;
    struct serve_job *batch = NULL, **last = &batch, **at = &queue->first;
    const struct serve_job *first = queue->first;
    *rows = 0;
    queue->end = &queue->first;
    while (*at) {
        struct serve_job *job = *at;
        if (job == first || (job->model == first->model && !job->map.values && !first->map.values &&
                             *rows + job->rows <= b->options.max_batch)) {
            *at = job->next;
            job->next = NULL;
            *last = job;
            last = &job->next;
            *rows += job->rows;
            queue->jobs--;
            queue->rows -= job->rows;
        } else {
            at = &job->next;
            queue->end = at;
        }
    }
    return batch;
}

/* The map that a job wants, after its logits are there. */
static gn_status draw_map(struct serve_batcher *b, struct serve_job *job)
{
    struct serve_model *model = job->model;
    struct serve_map *map = &job->map;
    struct gn_explainer_info info;
    if (!model->explainer)
        model->explainer =
            gn_explainer_create(model->net, NULL, .classes = 1, .threads = b->options.threads);
    const gn_status status = gn_explainer_describe(model->explainer, &info);
    if (status != GN_OK)
        return status;
    map->layer = info.layer;
    map->height = info.height;
    map->width = info.width;
    if (map->class < 0)
        (void)gn_top_classes(job->logits, model->info.classes, 1, &map->class);
    return gn_grad_cam(model->explainer, job->inputs, &map->class, 1, map->values);
}

/* Computes a batch whose jobs are all of one model. */
static gn_status compute(struct serve_batcher *b, struct serve_job *batch, int rows)
{
    struct serve_model *model = batch->model;
    const size_t floats = model->input_floats, classes = (size_t)model->info.classes;
    if (!grow(&b->inputs, &b->inputs_room, (size_t)rows * floats) ||
        !grow(&b->logits, &b->logits_room, (size_t)rows * classes))
        return GN_STATUS_NO_MEMORY;
    size_t row = 0;
    for (struct serve_job *job = batch; job; row += (size_t)job->rows, job = job->next)
        memcpy(b->inputs + row * floats, job->inputs, (size_t)job->rows * floats * sizeof(float));
    const gn_status status =
        gn_predictor_run(model->predictor, b->logits,
                         &(struct gn_predict_options){ .inputs = b->inputs, .n = (uint64_t)rows });
    row = 0;
    for (struct serve_job *job = batch; job && status == GN_OK;
         row += (size_t)job->rows, job = job->next)
        memcpy(job->logits, b->logits + row * classes, (size_t)job->rows * classes * sizeof(float));
    return status == GN_OK && batch->map.values ? draw_map(b, batch) : status;
}

static bool is_finite(const struct serve_job *job)
{
    const size_t n = (size_t)job->rows * (size_t)job->model->info.classes;
    const size_t map = (size_t)job->map.height * (size_t)job->map.width;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(job->logits[i]))
            return false;
    for (size_t i = 0; i < map; i++)
        if (!isfinite(job->map.values[i]))
            return false;
    return true;
}

static void answer(struct serve_batcher *b, struct serve_job *job, gn_status status)
{
    if (status == GN_STATUS_NO_MEMORY)
        finish(job, 503, "no memory for the computation; try again later");
    else if (status == GN_STATUS_BAD_ARGUMENT && job->map.values) /* a network without maps */
        finish(job, 422, gn_error_message());
    else if (status != GN_OK)
        finish(job, 500, gn_error_message());
    else if (!is_finite(job))
        finish(job, 422, "the answer is not a number: the input's values are too large");
    else
        finish(job, 200, "");
    (void)b;
}

/* Jobs that have waited too long are answered and left out; returns what is left. */
static struct serve_job *drop_late(struct serve_job *batch, int *rows, double now)
{
    struct serve_job *left = NULL, **last = &left, *next;
    for (struct serve_job *job = batch; job; job = next) {
        next = job->next;
        job->next = NULL;
        job->queued += now - job->entered;
        if (now > job->deadline) {
            *rows -= job->rows;
            finish(job, 504, "the request has waited longer than --request-timeout");
        } else {
            *last = job;
            last = &job->next;
        }
    }
    return left;
}

static void run_batch(struct serve_batcher *b, struct serve_job *batch, int rows)
{
    const double begin = cli_seconds();
    struct serve_job *next;
    batch = drop_late(batch, &rows, begin);
    if (!batch)
        return;
    const gn_status status = compute(b, batch, rows);
    const double seconds = cli_seconds() - begin;
    serve_metrics_batch(b->metrics, rows, seconds);
    for (struct serve_job *job = batch; job; job = next) {
        next = job->next; /* done() may free the job */
        job->batch = rows;
        job->computed = seconds;
        serve_metrics_queued(b->metrics, job->queued);
        answer(b, job, status);
    }
}

/* Waits until the batch is full or its first job has waited long enough. With the lock. */
static void wait_for_company(struct serve_batcher *b)
{
    while (b->options.max_wait > 0 && !b->ends) {
        const double left = b->computing.first->entered + b->options.max_wait - cli_seconds();
        if (b->computing.rows >= b->options.max_batch || left <= 0)
            return;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        const long nanoseconds = until.tv_nsec + (long)(left * 1e9);
        until.tv_sec += nanoseconds / 1000000000L;
        until.tv_nsec = nanoseconds % 1000000000L;
        if (pthread_cond_timedwait(&b->computing.filled, &b->lock, &until) == ETIMEDOUT)
            return;
    }
}

static void *compute_jobs(void *argument)
{
    struct serve_batcher *b = argument;
    pthread_mutex_lock(&b->lock);
    while (!b->ends) {
        if (!b->computing.first) {
            pthread_cond_wait(&b->computing.filled, &b->lock);
            continue;
        }
        wait_for_company(b);
        int rows;
        struct serve_job *batch = gather(b, &rows);
        pthread_cond_broadcast(&b->decoding.filled);
        pthread_mutex_unlock(&b->lock);
        run_batch(b, batch, rows);
        pthread_mutex_lock(&b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* ---- Calls ---- */

static void begin_queue(struct queue *queue)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    queue->end = &queue->first;
}

struct serve_batcher *serve_batcher_create(const struct serve_batcher_options *options,
                                           struct serve_metrics *metrics)
{
    struct serve_batcher *b = cli_calloc(1, sizeof *b);
    b->options = *options;
    b->metrics = metrics;
    pthread_mutex_init(&b->lock, NULL);
    begin_queue(&b->decoding);
    begin_queue(&b->computing);
    b->decoders = cli_calloc((size_t)options->threads, sizeof *b->decoders);
    b->has_runner = pthread_create(&b->runner, NULL, compute_jobs, b) == 0;
    while (b->n_decoders < options->threads &&
           pthread_create(&b->decoders[b->n_decoders], NULL, decode_jobs, b) == 0)
        b->n_decoders++;
    if (b->has_runner && b->n_decoders > 0)
        return b;
    serve_batcher_free(b);
    return NULL;
}

/* A job that was decoded, unless nobody computes any more. */
static void pass_on(struct serve_batcher *b, struct serve_job *job)
{
    pthread_mutex_lock(&b->lock);
    const bool ends = b->ends;
    if (!ends)
        push(&b->computing, job);
    pthread_mutex_unlock(&b->lock);
    if (ends)
        finish(job, 503, shutting_down);
}

bool serve_batcher_submit(struct serve_batcher *b, struct serve_job *job)
{
    const bool decodes = job->pictures || job->pixels.pixels;
    const bool is_quick = decodes && serve_decode_is_quick(job);
    pthread_mutex_lock(&b->lock);
    const bool takes = !b->ends && b->decoding.jobs + b->computing.jobs < b->options.max_queue;
    const bool at_once = takes && is_quick && may_decode(b) && b->decoding.jobs == 0;
    if (takes && !at_once)
        push(decodes ? &b->decoding : &b->computing, job);
    pthread_mutex_unlock(&b->lock);
    if (!at_once)
        return takes;
    if (serve_decode(job, b->options.max_pixels) == 200)
        pass_on(b, job);
    else
        job->done(job->user);
    return true;
}

int serve_batcher_length(struct serve_batcher *b)
{
    pthread_mutex_lock(&b->lock);
    const int jobs = b->decoding.jobs + b->computing.jobs;
    pthread_mutex_unlock(&b->lock);
    return jobs;
}

void serve_batcher_end(struct serve_batcher *b)
{
    pthread_mutex_lock(&b->lock);
    b->ends = true;
    pthread_cond_broadcast(&b->decoding.filled);
    pthread_cond_broadcast(&b->computing.filled);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < b->n_decoders; i++)
        pthread_join(b->decoders[i], NULL);
    if (b->has_runner)
        pthread_join(b->runner, NULL);
    b->n_decoders = 0;
    b->has_runner = false;
    for (struct serve_job *job; (job = pop(&b->computing)) != NULL;)
        finish(job, 503, shutting_down);
}

void serve_batcher_free(struct serve_batcher *b)
{
    if (!b)
        return;
    serve_batcher_end(b);
    pthread_cond_destroy(&b->decoding.filled);
    pthread_cond_destroy(&b->computing.filled);
    pthread_mutex_destroy(&b->lock);
    free(b->decoders);
    free(b->inputs);
    free(b->logits);
    free(b);
}
