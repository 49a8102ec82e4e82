/* The body of a request as it arrives: unpacked, and within limits that hold for one request and for all
 * together. */
#ifndef GN_SERVE_BODY_H
#define GN_SERVE_BODY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serve_body_limits {
    uint64_t one, all;
};

struct serve_body {
    char *bytes; /* followed by a NUL */
    size_t size, room;
    uint64_t arrived;            /* bytes as they were sent */
    struct z_stream_s *unpacker; /* NULL: plain */
    bool unpacked;               /* its end has come */
    const struct serve_body_limits *limits;
    atomic_ullong *all; /* bytes that all requests hold */
};

/* `encoding` NULL, "identity", "gzip", "x-gzip" or "deflate". 200, or a status with its sentence in
 * *why, here and below. */
int serve_body_begin(struct serve_body *body, const char *encoding,
                     const struct serve_body_limits *limits, atomic_ullong *all, const char **why);
int serve_body_add(struct serve_body *body, const void *bytes, size_t n, const char **why);
int serve_body_end(struct serve_body *body, const char **why);
void serve_body_free(struct serve_body *body);

#endif
