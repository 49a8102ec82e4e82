/*
 * The commands, one file each; main.c lists them.
 */
#ifndef GN_CLI_COMMANDS_H
#define GN_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct cli_command cli_summary;
extern const struct cli_command cli_train;
extern const struct cli_command cli_lr_find;
extern const struct cli_command cli_eval;
extern const struct cli_command cli_export;
extern const struct cli_command cli_import;
extern const struct cli_command cli_verify;
extern const struct cli_command cli_predict;
extern const struct cli_command cli_bench;
extern const struct cli_command cli_data;
extern const struct cli_command cli_info;

#endif
