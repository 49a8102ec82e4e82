/* result.json of a run: how it ended. */
#ifndef GN_RUN_RESULT_H
#define GN_RUN_RESULT_H

#include "run/run_folder.h"

/* Replaces the file: the state that a status of a training means, and the error's first line. */
gn_status gn_result_write(const struct gn_run_folder *folder, gn_status status, const char *message,
                          int epochs, uint64_t steps);

/* Removes the file: the run goes on. */
void gn_result_remove(const struct gn_run_folder *folder);

#endif
