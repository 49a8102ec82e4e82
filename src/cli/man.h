/* Manual pages, made from the tables of commands and options. */
#ifndef GN_CLI_MAN_H
#define GN_CLI_MAN_H

#include "cli/options.h"

/* The page of a command on stdout, in the language of man(7); NULL: that of the program. */
void cli_print_man(const struct cli_command *command);

#endif
