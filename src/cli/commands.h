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
extern const struct cli_command cli_explain;
extern const struct cli_command cli_features;
extern const struct cli_command cli_nearest;
extern const struct cli_command cli_quantize;
extern const struct cli_command cli_bench;
extern const struct cli_command cli_data;
extern const struct cli_command cli_info;
extern const struct cli_command cli_runs;
extern const struct cli_command cli_watch;
extern const struct cli_command cli_completion;

/* All of them, in the order of the help text (commands.c). */
extern const struct cli_command *const cli_commands[];
extern const int cli_n_commands;

/* ---- What the help text and the manual page of the program say (help.c) ---- */

#define CLI_EXAMPLES                                                                               \
    "  googlenet train --data fashion-mnist\n"                                                     \
    "  googlenet eval runs/1-googlenet-fashion-mnist/best.safetensors --data fashion-mnist\n"      \
    "  googlenet summary --walk\n"

struct cli_exit_code {
    int code;
    const char *meaning; /* NULL after the last one */
};
extern const struct cli_exit_code cli_exit_codes[];

struct cli_variable {
    const char *name, *meaning; /* NULL after the last one */
};
extern const struct cli_variable cli_environment[];

extern const struct cli_command cli_serve; /* in src/serve, which is above this folder */

/* The version of libmicrohttpd; NULL: this build or machine has none. In src/serve, too. */
const char *cli_serve_library(void);

#endif
