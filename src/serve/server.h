/* The server's life from start to the last answer. */
#ifndef GN_SERVE_SERVER_H
#define GN_SERVE_SERVER_H

#include "serve/state.h"

/* Serves `models` (words of the command line) until a signal ends it; the exit code. */
int serve_run(const struct serve_settings *settings, const char *const *models, int n);

#endif
