/* A round of the benchmark as a file. */
#ifndef GN_REPORT_TRACE_H
#define GN_REPORT_TRACE_H

#include "plan/plan.h"

/* Writes what the plan recorded in Chrome's trace format. IO. */
gn_status gn_bench_write_trace(const struct gn_plan *plan, const char *path);

/* Copies where the blocks of the arena lie. NO_MEMORY. */
gn_status gn_bench_list_blocks(const struct gn_plan *plan, struct gn_bench_result *result);

#endif
