/*
 * The threads that compute. Each takes what has queued while it computed, at most a batch, and computes
 * it with its share of the processor's threads; so runners do not wait for each other, and while one
 * answers, another computes. A job that is alone gets all threads, and so does one that wants a map;
 * the other runners wait meanwhile.
 */
#ifndef GN_SERVE_BATCH_RUNNERS_H
#define GN_SERVE_BATCH_RUNNERS_H

#include "serve/batch/job.h"
#include "serve/metrics.h"

struct serve_runners_options {
    int max_batch, threads;
    double max_wait;           /* seconds that the first job of a batch waits for company */
    void (*taken)(void *user); /* called when jobs have left the queue */
    void *user;
};

struct serve_runners;
/* NULL: the system gives no threads. */
struct serve_runners *serve_runners_create(const struct serve_runners_options *options,
                                           struct serve_metrics *metrics);

/* False when they end: done() is not called then. */
bool serve_runners_push(struct serve_runners *runners, struct serve_job *job);

/* Jobs, and their images, that wait. */
int serve_runners_jobs(struct serve_runners *runners);
int serve_runners_rows(struct serve_runners *runners);

/* Ends the threads after the batch that each computes, and answers what waits with 503. */
void serve_runners_end(struct serve_runners *runners);
void serve_runners_free(struct serve_runners *runners); /* after the end; NULL is fine */

#endif
