/* Jobs in the order of their arrival. */
#include "serve/batch/queue.h"

#include "base/number.h"
#include "cli/report.h"

#include <stdio.h>
#include <time.h>

const char serve_shutting_down[] = "the server is shutting down";

void serve_queue_init(struct serve_queue *queue)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    queue->end = &queue->first;
}

void serve_queue_destroy(struct serve_queue *queue)
{
    pthread_cond_destroy(&queue->filled);
}

void serve_queue_push(struct serve_queue *queue, struct serve_job *job)
{
    job->next = NULL;
    job->entered = cli_seconds();
    *queue->end = job;
    queue->end = &job->next;
    queue->jobs++;
    queue->rows += job->rows;
    pthread_cond_signal(&queue->filled);
}

struct serve_job *serve_queue_pop(struct serve_queue *queue)
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

struct serve_job *serve_queue_gather(struct serve_queue *queue, int max_rows, int *rows)
{
    struct serve_job *batch = NULL, **last = &batch, **at = &queue->first;
    const struct serve_job *first = queue->first;
    *rows = 0;
    queue->end = &queue->first;
    while (*at) {
        struct serve_job *job = *at;
        if (job == first || (job->model == first->model && !job->map.values && !first->map.values &&
                             *rows + job->rows <= max_rows)) {
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

void serve_job_finish(struct serve_job *job, int code, const char *sentence)
{
    job->code = code;
    snprintf(job->error, sizeof job->error, "%s", sentence);
    job->done(job->user);
}
