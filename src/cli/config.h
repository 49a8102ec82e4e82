/*
 * config.json of a run: every option that `train` was given or took by default, so that the run
 * can be repeated and resumed. The library writes it, with what the program adds.
 */
#ifndef GN_CLI_CONFIG_H
#define GN_CLI_CONFIG_H

#include "cli/options.h"

#include <googlenet.h>
#include <jansson.h>

/* The value of gn_fit_options.config: the command line, the command's own saved options, and whether
 * only the samples within the limits are read. To be freed. */
char *cli_config_text(const struct cli_args *args, bool reads_limited);

/* Every option of the command that config.json keeps, its own and the library's, with its value. */
json_t *cli_options_json(const struct cli_args *args);

/* The last of these, of a configuration that was loaded. */
bool cli_reads_limited(const json_t *config);

/* Reads a JSON file of a run, of at most 1 MiB. NULL after the fault was named; *code is the exit code. */
json_t *cli_load_json(const char *path, int *code);

/* Reads FOLDER/config.json. NULL after the fault was named; *code is the exit code. Free with
 * json_decref. */
json_t *cli_load_config(const char *folder, int *code);

/* Fills args->values from `config`, except for the options given again on the command line. Returns 0, or the exit code after the fault was named. */
int cli_restore_options(struct cli_args *args, const char *folder, const json_t *config);

#endif
