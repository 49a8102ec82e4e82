/* Counts and histograms of the server, in Prometheus' text format. All may be added to from any thread. */
#ifndef GN_SERVE_METRICS_H
#define GN_SERVE_METRICS_H

#include "serve/text.h"

#include <stdatomic.h>

/* What a request asked for; the label of its counter. */
enum serve_route {
    SERVE_NONE, /* an address that is not there, or a request that is none */
    SERVE_PAGE,
    SERVE_HEALTH,
    SERVE_METADATA,
    SERVE_INFER,
    SERVE_PREDICT,
    SERVE_EXPLAIN,
    SERVE_LABELS,
    SERVE_METRICS,
    SERVE_ROUTES
};
const char *serve_route_name(enum serve_route route);

enum { SERVE_CODES = 24, SERVE_BUCKETS = 16 };

struct serve_histogram {
    atomic_ullong
        buckets[SERVE_BUCKETS + 1]; /* not cumulative; the last one is beyond all bounds */
    atomic_ullong sum;              /* in millionths */
};

struct serve_metrics {
    atomic_ullong requests[SERVE_ROUTES][SERVE_CODES];
    struct serve_histogram request_seconds, queue_seconds, inference_seconds, batch_size;
    atomic_ullong reloads[2]; /* failed, done */
    atomic_int connections, active;
    atomic_ullong body_bytes; /* that requests hold now */
};

void serve_metrics_request(struct serve_metrics *metrics, enum serve_route route, int code,
                           double seconds);
void serve_metrics_batch(struct serve_metrics *metrics, int rows, double seconds);
void serve_metrics_queued(struct serve_metrics *metrics, double seconds);

struct serve_models;
/* The whole text. */
void serve_metrics_write(struct serve_metrics *metrics, struct serve_models *models,
                         int queue_length, struct serve_text *text);

#endif
