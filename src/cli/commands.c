/* The list of commands; without main, so that tests can link the rest of the program. */
#include "cli/commands.h"

#include "cli/shared.h"

const struct cli_command *const cli_commands[] = {
    &cli_train,    &cli_lr_find,    &cli_eval,   &cli_predict,  &cli_explain,
    &cli_features, &cli_nearest,    &cli_export, &cli_quantize, &cli_import,
    &cli_verify,   &cli_summary,    &cli_bench,  &cli_data,     &cli_info,
    &cli_serve,    &cli_completion, &cli_runs,   &cli_watch,
};
const int cli_n_commands = CLI_COUNT_OF(cli_commands);
