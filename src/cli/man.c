/*
 * Manual pages of the program and of its commands (googlenet help --man [COMMAND]), made from the
 * tables of commands and options, so that they never say anything else than --help.
 */
#include "cli/commands.h"
#include "cli/man.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Text in roff: a backslash begins an escape, a point or apostrophe at the line's beginning a request,
 * and a plain "-" is a hyphen, which nobody can paste. */
static void put(const char *text)
{
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        begins = *text == '\n';
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
    }
}

static void put_upper(const char *text)
{
    for (; *text; text++)
        if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(toupper((unsigned char)*text));
}

/* The page's head: its title, and what it is called in lists of pages. */
static void begin(const char *command, const char *summary)
{
    fputs(".TH GOOGLENET", stdout);
    if (command) {
        fputs("\\-", stdout);
        put_upper(command);
    }
    printf(" 1 \"\" \"googlenet %s\" \"User Commands\"\n.SH NAME\ngooglenet", gn_version());
    if (command) {
        fputs("\\-", stdout);
        put(command);
    }
    fputs(" \\- ", stdout);
    put(summary);
    putchar('\n');
}

static void put_option(const struct gn_option *option)
{
    fputs(".TP\n", stdout);
    if (option->letter)
        printf("\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", stdout);
    put(option->name);
    fputs("\\fR", stdout);
    if (option->value) {
        fputs(" \\fI", stdout);
        put(option->value);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    put(option->help);
    if (option->standard) {
        fputs(" [", stdout);
        put(option->standard);
        putchar(']');
    }
    putchar('\n');
}

static void put_example(const char *lines)
{
    fputs(".SH EXAMPLES\n.nf\n", stdout);
    put(lines);
    fputs(".fi\n", stdout);
}

static void put_command_page(const struct cli_command *command)
{
    struct cli_table table;
    begin(command->name, command->summary);
    fputs(".SH SYNOPSIS\n\\fBgooglenet ", stdout);
    put(command->name);
    fputs("\\fR ", stdout);
    put(command->usage);
    fputs("\n.SH OPTIONS\n", stdout);
    cli_make_table(&table, command);
    for (int i = 0; i < table.n; i++) {
        const struct gn_option *option = table.rows[i].option;
        if (option->kind == GN_OPTION_HEADING) {
            fputs(".SS ", stdout);
            put(option->help);
            putchar('\n');
        } else {
            put_option(option);
        }
    }
    put_example(command->examples);
    fputs(".SH SEE ALSO\n.BR googlenet (1)\n", stdout);
}

static void put_program_page(void)
{
    begin(NULL, "train, evaluate and use GoogLeNet (Inception v1)");
    fputs(".SH SYNOPSIS\n\\fBgooglenet\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR] [\\fIFLAGS\\fR]\n"
          ".SH DESCRIPTION\n",
          stdout);
    put("Builds, trains, evaluates, explains and deploys GoogLeNet and networks of its block, on "
        "the "
        "processor, from data sets by name or folders of pictures.\n");
    fputs(".SH COMMANDS\n", stdout);
    for (int i = 0; i < cli_n_commands; i++) {
        fputs(".TP\n\\fBgooglenet\\-", stdout);
        put(cli_commands[i]->name);
        fputs("\\fR(1)\n", stdout);
        put(cli_commands[i]->summary);
        putchar('\n');
    }
    put_example(CLI_EXAMPLES);
    fputs(".SH EXIT STATUS\n", stdout);
    for (int i = 0; cli_exit_codes[i].meaning; i++) {
        printf(".TP\n%d\n", cli_exit_codes[i].code);
        put(cli_exit_codes[i].meaning);
        putchar('\n');
    }
    fputs(".SH ENVIRONMENT\n", stdout);
    for (int i = 0; cli_environment[i].name; i++) {
        printf(".TP\n%s\n", cli_environment[i].name);
        put(cli_environment[i].meaning);
        putchar('\n');
    }
    fputs(".SH SEE ALSO\n", stdout);
    for (int i = 0; i < cli_n_commands; i++)
        printf(".BR googlenet\\-%s (1)%s\n", cli_commands[i]->name,
               i + 1 < cli_n_commands ? "," : "");
}

void cli_print_man(const struct cli_command *command)
{
    if (command)
        put_command_page(command);
    else
        put_program_page();
}
