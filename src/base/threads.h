/* How many threads a computation may use, and the processor state they need. */
#ifndef GN_BASE_THREADS_H
#define GN_BASE_THREADS_H

#include "base/status.h"
#include "os/os.h"

enum { GN_MAX_THREADS = 256 };

/* CPUs that the process may really use: the smaller of affinity mask and cgroup quota, at least
 * 1. `reason` (may be NULL) gets a static text such as "affinity mask". */
int gn_usable_threads(const char **reason);

/* Which CPUs the affinity mask names, a bit for each; none where there is no such mask. */
struct gn_processors {
    unsigned char bits[GN_PROCESSOR_BYTES];
};
void gn_own_processors(struct gn_processors *processors);

/* Denormal numbers are about 50 times slower: compute threads flush them to zero. The caller's
 * state comes back with gn_float_leave. */
unsigned gn_float_enter(void);
void gn_float_leave(unsigned state);

/* Monotonic time in seconds. */
double gn_seconds(void);

#endif
