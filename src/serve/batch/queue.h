/* A queue of jobs in the order of their arrival. It has no lock of its own: its owner's is held. */
#ifndef GN_SERVE_BATCH_QUEUE_H
#define GN_SERVE_BATCH_QUEUE_H

#include "serve/batch/job.h"

struct serve_queue {
    struct serve_job *first, **end;
    int jobs, rows;
    pthread_cond_t filled; /* a job has come; its clock is CLOCK_MONOTONIC */
};

void serve_queue_init(struct serve_queue *queue);
void serve_queue_destroy(struct serve_queue *queue); /* which is empty */

void serve_queue_push(struct serve_queue *queue, struct serve_job *job);
struct serve_job *serve_queue_pop(struct serve_queue *queue); /* NULL: it is empty */

/* Takes the first job, and those of the same model that fit with it into max_rows, in their order; *rows
 * are theirs. A job that wants a map, which takes longer than the answer, is taken alone. */
struct serve_job *serve_queue_gather(struct serve_queue *queue, int max_rows, int *rows);

/* Answers a job: 200, or another status with its sentence. */
void serve_job_finish(struct serve_job *job, int code, const char *sentence);

extern const char serve_shutting_down[]; /* the sentence of a 503 */

#endif
