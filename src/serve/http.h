/* The callbacks of libmicrohttpd. */
#ifndef GN_SERVE_HTTP_H
#define GN_SERVE_HTTP_H

#include "serve/mhd.h"
#include "serve/state.h"

/* A daemon that accepts at the server's socket; TLS with this certificate and key unless they are NULL.
 * NULL: it cannot be started. */
struct MHD_Daemon *serve_http_start(struct serve_server *server, const char *cert, const char *key);

#endif
