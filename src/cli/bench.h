/*
 * The parts of `googlenet bench` that have files of their own.
 */
#ifndef GN_CLI_BENCH_H
#define GN_CLI_BENCH_H

#include <googlenet.h>
#include <jansson.h>

/* bench --scaling: measures `net` with 1, 2, ... threads, at most `options->threads` (0: all that
 * the process may use), and prints a table or, with `json`, one object. `mode` is "train" or
 * "infer". Returns the exit code; a fault has been named. */
int cli_bench_scaling(gn_net *net, const struct gn_bench_options *options, const char *mode,
                      bool json);

/* bench --memory: the arena, address by step, and its largest blocks. */
void cli_bench_memory(const struct gn_bench_result *result);
json_t *cli_bench_memory_json(const struct gn_bench_result *result);

#endif
