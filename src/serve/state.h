/* What the parts of the server share. */
#ifndef GN_SERVE_STATE_H
#define GN_SERVE_STATE_H

#include "cli/shared.h"
#include "serve/batch/batcher.h"
#include "serve/body.h"
#include "serve/connections.h"
#include "serve/listen.h"
#include "serve/log.h"

/* What `googlenet serve` was told. */
struct serve_settings {
    struct cli_common common;
    struct cli_net net;
    const char *listen, *tls_cert, *tls_key, *token_file, *access_log;
    int top, threads, weights, http_threads, max_batch, max_queue, max_connections, max_per_address;
    double max_wait; /* milliseconds */
    double request_timeout, idle_timeout, drain_timeout;
    uint64_t max_body, max_pixels;
};

struct serve_server {
    const struct serve_settings *settings;
    struct serve_models models;
    struct serve_metrics metrics;
    struct serve_batcher *batcher;
    struct serve_log log;
    struct serve_connections connections;
    struct serve_listener listener;
    struct serve_body_limits limits;
    char *token; /* NULL: none is asked for */
    atomic_bool drains;
};

#endif
