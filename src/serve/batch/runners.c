/* Threads that compute what has queued. */
#include "serve/batch/runners.h"

#include "base/number.h"
#include "cli/report.h"
#include "serve/batch/queue.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct runner {
    struct serve_runners *all;
    int number; /* of its predictor in each model */
    pthread_t thread;
    float *inputs, *logits; /* of a batch */
    size_t inputs_room, logits_room;
};

struct serve_runners {
    struct serve_runners_options options;
    struct serve_metrics *metrics;
    pthread_mutex_t lock; /* of what follows */
    struct serve_queue queue;
    bool ends;
    bool is_taken;         /* one of them is choosing what it takes, or has all threads */
    int busy;              /* that compute */
    pthread_cond_t change; /* of the two above */
    int n;
    struct runner runners[SERVE_MAX_RUNNERS];
};

/* ---- A batch ---- */

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

/* The map that a job wants, after its logits are there; by the runner that has all threads. */
static gn_status draw_map(const struct serve_runners *all, struct serve_job *job)
{
    struct serve_model *model = job->model;
    struct serve_map *map = &job->map;
    struct gn_explainer_info info;
    if (!model->explainer)
        model->explainer =
            gn_explainer_create(model->net, NULL, .classes = 1, .threads = all->options.threads);
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
static gn_status compute(struct runner *r, struct serve_job *batch, int rows, bool alone)
{
    struct serve_model *model = batch->model;
    gn_predictor *predictor = alone ? model->predictor : model->shares[r->number];
    const size_t floats = model->input_floats, classes = (size_t)model->info.classes;
    if (!grow(&r->inputs, &r->inputs_room, (size_t)rows * floats) ||
        !grow(&r->logits, &r->logits_room, (size_t)rows * classes))
        return GN_STATUS_NO_MEMORY;
    size_t row = 0;
    for (struct serve_job *job = batch; job; row += (size_t)job->rows, job = job->next)
        memcpy(r->inputs + row * floats, job->inputs, (size_t)job->rows * floats * sizeof(float));
    const gn_status status =
        gn_predictor_run(predictor, r->logits,
                         &(struct gn_predict_options){ .inputs = r->inputs, .n = (uint64_t)rows });
    row = 0;
    for (struct serve_job *job = batch; job && status == GN_OK;
         row += (size_t)job->rows, job = job->next)
        memcpy(job->logits, r->logits + row * classes, (size_t)job->rows * classes * sizeof(float));
    return status == GN_OK && batch->map.values ? draw_map(r->all, batch) : status;
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

static void answer(struct serve_job *job, gn_status status)
{
    if (status == GN_STATUS_NO_MEMORY)
        serve_job_finish(job, 503, "no memory for the computation; try again later");
    else if (status == GN_STATUS_BAD_ARGUMENT && job->map.values) /* a network without maps */
        serve_job_finish(job, 422, gn_error_message());
    else if (status != GN_OK)
        serve_job_finish(job, 500, gn_error_message());
    else if (!is_finite(job))
        serve_job_finish(job, 422, "the answer is not a number: the input's values are too large");
    else
        serve_job_finish(job, 200, "");
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
            serve_job_finish(job, 504, "the request has waited longer than --request-timeout");
        } else {
            *last = job;
            last = &job->next;
        }
    }
    return left;
}

static void run_batch(struct runner *r, struct serve_job *batch, int rows, bool alone)
{
    const double begin = cli_seconds();
    struct serve_job *next;
    batch = drop_late(batch, &rows, begin);
    if (!batch)
        return;
    const gn_status status = compute(r, batch, rows, alone);
    const double seconds = cli_seconds() - begin;
    serve_metrics_batch(r->all->metrics, rows, seconds);
    for (struct serve_job *job = batch; job; job = next) {
        next = job->next; /* done() may free the job */
        job->batch = rows;
        job->computed = seconds;
        serve_metrics_queued(r->all->metrics, job->queued);
        answer(job, status);
    }
}

/* ---- What a runner takes; with the lock ---- */

/* Waits until the batch is full or its first job has waited long enough. */
static void wait_for_company(struct serve_runners *all)
{
    while (all->options.max_wait > 0 && !all->ends) {
        const double left = all->queue.first->entered + all->options.max_wait - cli_seconds();
        if (all->queue.rows >= all->options.max_batch || left <= 0)
            return;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        const long nanoseconds = until.tv_nsec + (long)(left * 1e9);
        until.tv_sec += nanoseconds / 1000000000L;
        until.tv_nsec = nanoseconds % 1000000000L;
        if (pthread_cond_timedwait(&all->queue.filled, &all->lock, &until) == ETIMEDOUT)
            return;
    }
}

/* The next batch, NULL at the end. *alone: with all threads; is_taken stays until it is computed. */
static struct serve_job *take(struct serve_runners *all, int *rows, bool *alone)
{
    while (!all->ends && (all->is_taken || !all->queue.first))
        pthread_cond_wait(all->is_taken ? &all->change : &all->queue.filled, &all->lock);
    if (all->ends)
        return NULL;
    all->is_taken = true;
    wait_for_company(all);
    while (all->queue.first->map.values && all->busy > 0)
        pthread_cond_wait(&all->change, &all->lock);

    /* Runners that have nothing to do get their part of what waits. */
    const int idle = all->n - all->busy;
    const int part = (all->queue.rows + idle - 1) / idle;
    struct serve_job *batch = serve_queue_gather(
        &all->queue, part < all->options.max_batch ? part : all->options.max_batch, rows);
    *alone = all->n == 1 || (all->busy == 0 && (!all->queue.first || batch->map.values));
    all->is_taken = *alone;
    all->busy++;
    pthread_cond_broadcast(&all->change);
    return batch;
}

static void *run(void *argument)
{
    struct runner *r = argument;
    struct serve_runners *all = r->all;
    struct serve_job *batch;
    int rows;
    bool alone;
    pthread_mutex_lock(&all->lock);
    while ((batch = take(all, &rows, &alone)) != NULL) {
        pthread_mutex_unlock(&all->lock);
        all->options.taken(all->options.user);
        run_batch(r, batch, rows, alone);
        pthread_mutex_lock(&all->lock);
        all->busy--;
        if (alone)
            all->is_taken = false;
        pthread_cond_broadcast(&all->change);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

/* ---- Calls ---- */

struct serve_runners *serve_runners_create(const struct serve_runners_options *options,
                                           struct serve_metrics *metrics)
{
    struct serve_runners *all = cli_calloc(1, sizeof *all);
    const int wanted = serve_runners_number(options->threads);
    all->options = *options;
    all->metrics = metrics;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->change, NULL);
    serve_queue_init(&all->queue);
    pthread_mutex_lock(&all->lock); /* n is final before one of them reads it */
    for (; all->n < wanted; all->n++) {
        struct runner *r = &all->runners[all->n];
        r->all = all;
        r->number = all->n;
        if (pthread_create(&r->thread, NULL, run, r) != 0)
            break;
    }
    pthread_mutex_unlock(&all->lock);
    if (all->n > 0)
        return all;
    serve_runners_free(all);
    return NULL;
}

bool serve_runners_push(struct serve_runners *all, struct serve_job *job)
{
    pthread_mutex_lock(&all->lock);
    const bool takes = !all->ends;
    if (takes)
        serve_queue_push(&all->queue, job);
    if (all->options.max_wait >
        0) /* of those who wait for a job, the one who waits for company, too */
        pthread_cond_broadcast(&all->queue.filled);
    pthread_mutex_unlock(&all->lock);
    return takes;
}

int serve_runners_jobs(struct serve_runners *all)
{
    pthread_mutex_lock(&all->lock);
    const int jobs = all->queue.jobs;
    pthread_mutex_unlock(&all->lock);
    return jobs;
}

int serve_runners_rows(struct serve_runners *all)
{
    pthread_mutex_lock(&all->lock);
    const int rows = all->queue.rows;
    pthread_mutex_unlock(&all->lock);
    return rows;
}

void serve_runners_end(struct serve_runners *all)
{
    pthread_mutex_lock(&all->lock);
    all->ends = true;
    pthread_cond_broadcast(&all->queue.filled);
    pthread_cond_broadcast(&all->change);
    pthread_mutex_unlock(&all->lock);
    for (int i = 0; i < all->n; i++)
        pthread_join(all->runners[i].thread, NULL);
    for (int i = 0; i < all->n; i++) {
        free(all->runners[i].inputs);
        free(all->runners[i].logits);
    }
    all->n = 0;
    for (struct serve_job *job; (job = serve_queue_pop(&all->queue)) != NULL;)
        serve_job_finish(job, 503, serve_shutting_down);
}

void serve_runners_free(struct serve_runners *all)
{
    if (!all)
        return;
    serve_queue_destroy(&all->queue);
    pthread_cond_destroy(&all->change);
    pthread_mutex_destroy(&all->lock);
    free(all);
}
