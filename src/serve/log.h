/* The access log: a JSON object a line for each request, without its content. */
#ifndef GN_SERVE_LOG_H
#define GN_SERVE_LOG_H

#include "serve/metrics.h"

#include <pthread.h>

struct serve_log {
    const char *path; /* NULL: none; "-": stdout */
    pthread_mutex_t lock;
    int file; /* -1: none */
};

struct serve_log_line {
    const char *peer, *method, *path;
    enum serve_route route;
    int code;
    uint64_t bytes_in, bytes_out;
    double seconds;
    const char *model, *version; /* NULL: none */
    int rows, batch;             /* 0: none */
    double queued, computed;
};

/* 0, or an exit code after the fault was named. */
int serve_log_open(struct serve_log *log, const char *path);
/* Opens the file again, which somebody has renamed. */
void serve_log_reopen(struct serve_log *log);
void serve_log_write(struct serve_log *log, const struct serve_log_line *line);
void serve_log_close(struct serve_log *log);

#endif
