/* What several runs of the same options have in common: mean, deviation and interval of their figures. */
#ifndef GN_CLI_SWEEP_RESULT_H
#define GN_CLI_SWEEP_RESULT_H

#include <stdbool.h>

/* Prints a table of the runs, and writes summary.json and runs.svg into the folder. Returns the exit
 * code. */
int sweep_result(const char *folder, char *const *paths, int n, bool json);

#endif
