/* What is refused before a byte of a request's body is read: forms that two programs on the way read
 * differently (request smuggling), and what no honest client sends. */
#ifndef GN_SERVE_GATE_H
#define GN_SERVE_GATE_H

#include "serve/mhd.h"

#include <stdint.h>

struct serve_head {
    bool has_length, is_chunked;
    uint64_t length;      /* of the body as it is sent */
    const char *encoding; /* Content-Encoding, NULL: none */
    const char *type;     /* Content-Type, NULL: none */
    const char *authorization;
    const char *json_length; /* Inference-Header-Content-Length, NULL: none */
};

/* 200 after filling `head`, or a status, whose sentence is *why; the connection must be closed then. */
int serve_gate(struct MHD_Connection *connection, const char *url, const char *method,
               const char *version, struct serve_head *head, const char **why);

#endif
