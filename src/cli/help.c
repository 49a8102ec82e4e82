/*
 * The help text of a command, made from its option table.
 */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static void print_option(const struct gn_option *option)
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
    struct cli_table table;
    cli_make_table(&table, command);
    for (int i = 0; i < table.n; i++) {
        const struct gn_option *option = table.rows[i].option;
        if (option->kind == GN_OPTION_HEADING)
            printf("\n%s:\n", option->help);
        else
            print_option(option);
    }
    printf("%-26s  %s\n", "  -h, --help", "this text");
}
