/*
 * The help text of a command, made from its option table.
 */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static void print_option(const struct cli_option *option)
{
    char left[64];
    int used = option->letter
                   ? snprintf(left, sizeof left, "  -%c, --%s", option->letter, option->name)
                   : snprintf(left, sizeof left, "  --%s", option->name);
    if (option->value && used > 0 && (size_t)used < sizeof left)
        snprintf(left + used, sizeof left - (size_t)used, " %s", option->value);
    printf("%-26s  %s", left, option->help);
    if (option->standard)
        printf(" [%s]", option->standard);
    putchar('\n');
}

void cli_print_help(const struct cli_command *command)
{
    printf("Usage: googlenet %s %s\n\n%s\n\nExamples:\n%s", command->name, command->usage,
           command->summary, command->examples);
    for (int i = 0; i < command->n_options; i++) {
        const struct cli_option *option = &command->options[i];
        if (option->kind == CLI_GROUP)
            printf("\n%s:\n", option->help);
        else if (option->kind != CLI_LATER)
            print_option(option);
    }
    printf("%-26s  %s\n", "  -h, --help", "this text");
}
