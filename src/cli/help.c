/*
 * The help texts of the program and of a command, made from the tables of commands and options.
 */
#include "cli/commands.h"

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

const struct cli_exit_code cli_exit_codes[] = {
    { 0, "done" },
    { 1, "failed (diverged, a figure missed, models that differ)" },
    { 2, "usage" },
    { 3, "bad or missing data" },
    { 4, "bad model file" },
    { 5, "environment (memory, disk, permission)" },
    { 130, "interrupted after a clean checkpoint" },
    { 0, NULL },
};

const struct cli_variable cli_environment[] = {
    { "GOOGLENET_ISA",
      "the kernel set, instead of the machine's best: avx512, avx2, sve256, neon or generic" },
    { "GOOGLENET_DATA", "the folder of data sets" },
    { "NO_COLOR", "no colours, whatever its value" },
    { NULL, NULL },
};

void cli_print_usage(FILE *out)
{
    fputs("Usage: googlenet COMMAND [ARGUMENTS] [FLAGS]\n\n"
          "GoogLeNet (Inception v1) in C: trains, evaluates and uses the network.\n\n"
          "Examples:\n" CLI_EXAMPLES "\nCommands:\n",
          out);
    for (int i = 0; i < cli_n_commands; i++)
        fprintf(out, "  %-10s  %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fputs("  help        explain a command: googlenet help train (help --man train: as a manual "
          "page)\n\n"
          "googlenet COMMAND --help lists a command's flags; googlenet --version prints the "
          "version.\n\nExit codes:\n",
          out);
    for (int i = 0; cli_exit_codes[i].meaning; i++)
        fprintf(out, "  %-10d  %s\n", cli_exit_codes[i].code, cli_exit_codes[i].meaning);
    fputs("\nEnvironment:\n", out);
    for (int i = 0; cli_environment[i].name; i++)
        fprintf(out, "  %-14s  %s\n", cli_environment[i].name, cli_environment[i].meaning);
}
