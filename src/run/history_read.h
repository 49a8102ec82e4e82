/* A history from the file that a run left: whatever the file holds, and while it is being written. */
#ifndef GN_RUN_HISTORY_READ_H
#define GN_RUN_HISTORY_READ_H

#include "run/history.h"

/* Rows of the epoch records of RUN/history.jsonl; lines that are none are passed over, a torn one, too. The
 * best row is the best one of them. `on_step` (may be NULL) gets the records of steps as they come.
 * NULL: BAD_DATA (no such file), IO, NO_MEMORY. */
struct gn_history *gn_history_of_run(const char *run,
                                     void (*on_step)(void *user, uint64_t step,
                                                     const struct gn_metrics *metrics),
                                     void *user);

#endif
