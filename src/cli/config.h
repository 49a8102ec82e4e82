/*
 * config.json of a run: every option that `train` was given or took by default, so that the run
 * can be repeated and resumed; and what is worth knowing about it (command line, program, machine).
 */
#ifndef GN_CLI_CONFIG_H
#define GN_CLI_CONFIG_H

#include "cli/options.h"

#include <googlenet.h>
#include <jansson.h>

/* Writes FOLDER/config.json atomically: the CLI_SAVED options of args->values and the names of the
 * net's classes. Returns 0, or the exit code after the fault was named. */
int cli_save_config(const char *folder, const struct cli_args *args, const gn_net *net);

/* Reads FOLDER/config.json. NULL after the fault was named (exit code 3). Free with json_decref. */
json_t *cli_load_config(const char *folder);

/* Fills args->values from `config`, except for the options given anew on the command line. Texts
 * point into `config`. Returns 0, or the exit code after the fault was named. */
int cli_restore_options(struct cli_args *args, const char *folder, const json_t *config);

/* Gives `net` the names of classes that `config` holds, if any. */
gn_status cli_restore_labels(gn_net *net, const json_t *config);

#endif
