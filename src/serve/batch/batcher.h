/*
 * Jobs on their way from a request to its answer: pictures are decoded by several threads, then others
 * compute what has queued (runners.h). All batches of a model run with the plan of its largest batch, so
 * an image has the same bits alone and in company. A job is never split.
 */
#ifndef GN_SERVE_BATCH_BATCHER_H
#define GN_SERVE_BATCH_BATCHER_H

#include "serve/batch/job.h"
#include "serve/metrics.h"

struct serve_batcher_options {
    int max_batch, max_queue, threads;
    double max_wait; /* seconds that the first job of a batch waits for company */
    uint64_t max_pixels;
};

struct serve_batcher;
/* NULL: the system gives no threads. */
struct serve_batcher *serve_batcher_create(const struct serve_batcher_options *options,
                                           struct serve_metrics *metrics);

/* False when the queue is full or the batcher ends: done() is not called then. */
bool serve_batcher_submit(struct serve_batcher *batcher, struct serve_job *job);

/* Jobs that wait. */
int serve_batcher_length(struct serve_batcher *batcher);

/* Ends the threads and answers what waits with 503. Nothing is taken any more, but it may be asked to. */
void serve_batcher_end(struct serve_batcher *batcher);

/* NULL is fine. */
void serve_batcher_free(struct serve_batcher *batcher);

#endif
