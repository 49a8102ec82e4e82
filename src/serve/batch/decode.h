/* Pictures of a job to the network's numbers. */
#ifndef GN_SERVE_BATCH_DECODE_H
#define GN_SERVE_BATCH_DECODE_H

#include "serve/batch/job.h"

/* Whether decoding takes some microseconds only: less than handing the job to another thread. */
bool serve_decode_is_quick(const struct serve_job *job);

/* Fills job->inputs; returns job->code, which is 200 or has a sentence. Pictures of more than
 * `max_pixels` pixels are refused by their header. */
int serve_decode(struct serve_job *job, uint64_t max_pixels);

#endif
