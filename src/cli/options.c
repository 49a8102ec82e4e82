/*
 * The parser over option tables: --flag value, --flag=value, -q, and -- to end the flags. The
 * library reads the values.
 */
#include "cli/options.h"

#include "base/words.h"
#include "cli/report.h"

#include <googlenet.h>

#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 40 };

/* ---- Tables ---- */

static bool has_option(const struct cli_command *command, const char *name)
{
    for (int i = 0; i < command->n_options; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return true;
    return false;
}

static void add_row(struct cli_table *table, const struct gn_option *option, size_t base)
{
    if (table->n == CLI_MAX_OPTIONS)
        exit(cli_fail(CLI_FAILED, "more options than %d", CLI_MAX_OPTIONS));
    table->rows[table->n++] = (struct cli_row){ option, base };
}

/* The library's options below `heading`. A row of the command's own comes before one of the same
 * name. Returns how many. */
static int add_fit_rows(struct cli_table *table, const struct cli_command *command,
                        const char *heading)
{
    const struct gn_option *option;
    const int before = table->n;
    bool is_below = false;
    for (int i = 0; (option = gn_fit_option(i)) != NULL; i++)
        if (option->kind == GN_OPTION_HEADING)
            is_below = strcmp(option->help, heading) == 0;
        else if (is_below && (option->traits & command->fit_traits) == command->fit_traits &&
                 !has_option(command, option->name))
            add_row(table, option, command->fit);
    return table->n - before;
}

static bool has_heading(const struct cli_command *command, const char *heading)
{
    for (int i = 0; i < command->n_options; i++)
        if (command->options[i].kind == GN_OPTION_HEADING &&
            strcmp(command->options[i].help, heading) == 0)
            return true;
    return false;
}

/* Options below a heading that the command does not have come last, with it. */
static void add_other_fit_rows(struct cli_table *table, const struct cli_command *command)
{
    const struct gn_option *option;
    for (int i = 0; (option = gn_fit_option(i)) != NULL; i++) {
        if (option->kind != GN_OPTION_HEADING || has_heading(command, option->help))
            continue;
        add_row(table, option, 0);
        if (add_fit_rows(table, command, option->help) == 0)
            table->n--;
    }
}

void cli_make_table(struct cli_table *table, const struct cli_command *command)
{
    const char *heading = "";
    table->n = 0;
    for (int i = 0; i < command->n_options; i++) {
        const struct gn_option *option = &command->options[i];
        if (option->kind == GN_OPTION_HEADING && command->fit != 0)
            add_fit_rows(table, command, heading);
        if (option->kind == GN_OPTION_HEADING)
            heading = option->help;
        add_row(table, option, 0);
    }
    if (command->fit == 0)
        return;
    add_fit_rows(table, command, heading);
    add_other_fit_rows(table, command);
}

static int find_long(const struct cli_table *table, const char *name, size_t length)
{
    for (int i = 0; i < table->n; i++) {
        const struct gn_option *option = table->rows[i].option;
        if (option->kind != GN_OPTION_HEADING && strlen(option->name) == length &&
            strncmp(option->name, name, length) == 0)
            return i;
    }
    return -1;
}

int cli_find_option(const struct cli_table *table, const char *name)
{
    return find_long(table, name, strlen(name));
}

static int find_letter(const struct cli_table *table, char letter)
{
    for (int i = 0; i < table->n; i++)
        if (table->rows[i].option->letter && table->rows[i].option->letter == letter)
            return i;
    return -1;
}

/* ---- Members that messages name ---- */

static const struct cli_table *spoken;

/* "weight_decay" is the member of --weight-decay. */
static bool is_member(const char *name, const char *field, size_t length)
{
    if (!name || strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] != field[i] && !(name[i] == '-' && field[i] == '_'))
            return false;
    return true;
}

const char *cli_flag_of(const char *field, size_t length)
{
    for (int i = 0; spoken && i < spoken->n; i++) {
        const struct gn_option *option = spoken->rows[i].option;
        if (option->kind != GN_OPTION_HEADING &&
            (is_member(option->field ? option->field : option->name, field, length) ||
             is_member(option->second_field, field, length)))
            return option->name;
    }
    return NULL;
}

/* ---- Values ---- */

void *cli_values_of(const struct cli_args *args, const struct cli_row *row)
{
    return (char *)args->values + row->base;
}

bool cli_parse_value(struct cli_args *args, int i, const char *source, const char *text)
{
    const struct cli_row *row = &args->table.rows[i];
    if (gn_option_set(row->option, cli_values_of(args, row), text) == GN_OK)
        return true;
    cli_fail_about(source);
    return false;
}

/* Another value of a list joins those before it. */
static bool add_value(struct cli_args *args, int i, const char *source, const char *text)
{
    if (args->table.rows[i].option->kind != GN_OPTION_LIST || !args->lists[i] || !text[0])
        return cli_parse_value(args, i, source, text);
    char *joined = cli_format("%s,%s", args->lists[i], text);
    free(args->lists[i]);
    args->lists[i] = joined;
    return cli_parse_value(args, i, source, joined);
}

static int unknown_flag(const struct cli_args *args, const char *word, size_t length)
{
    const char *names[CLI_MAX_OPTIONS + 1] = { NULL };
    const struct cli_command *command = args->command;
    int n = 0;
    for (int i = 0; i < args->table.n; i++)
        if (args->table.rows[i].option->kind != GN_OPTION_HEADING)
            names[n++] = args->table.rows[i].option->name;
    char name[LONGEST_NAME + 1];
    const size_t dashes = strspn(word, "-");
    snprintf(name, sizeof name, "%.*s", (int)(length - dashes), word + dashes);
    const char *nearest = gn_nearest(name, names);
    const int code = cli_fail(CLI_USAGE, "%s: unknown flag %.*s", command->name, (int)length, word);
    if (nearest)
        cli_hint("did you mean --%s?", nearest);
    else
        cli_hint("googlenet %s --help lists the flags", command->name);
    return code;
}

/* Takes the flag argv[*i]; moves *i over a value that is the next word. */
static int take_flag(struct cli_args *args, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    const bool is_long = word[1] == '-';
    const size_t length = is_long ? strcspn(word, "=") : strlen(word);
    const int index = is_long       ? find_long(&args->table, word + 2, length - 2)
                      : length == 2 ? find_letter(&args->table, word[1])
                                    : -1;
    if (index < 0)
        return unknown_flag(args, word, length);
    const struct gn_option *option = args->table.rows[index].option;
    char source[LONGEST_NAME + 3];
    snprintf(source, sizeof source, "--%s", option->name);
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    args->given[index] = true;
    if (option->kind == GN_OPTION_SWITCH) {
        if (value)
            return cli_fail(CLI_USAGE, "%s takes no value, \"%s\" was given", source, value);
        value = "true";
    } else if (!value) {
        if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0)
            return cli_fail(CLI_USAGE, "%s needs a value (%s)", source, option->value);
        value = argv[++*i];
    }
    if (!add_value(args, index, source, value))
        return CLI_USAGE;
    if (option->kind == GN_OPTION_LIST && !args->lists[index])
        args->lists[index] = cli_format("%s", value);
    return 0;
}

static int check_arguments(const struct cli_args *args)
{
    const struct cli_command *command = args->command;
    if (args->n_arguments >= command->min_arguments && args->n_arguments <= command->max_arguments)
        return 0;
    int code;
    if (args->n_arguments < command->min_arguments)
        code = cli_fail(CLI_USAGE, "%s: %s is missing", command->name, command->argument);
    else
        code = cli_fail(CLI_USAGE, "%s: unexpected argument \"%s\"", command->name,
                        args->arguments[command->max_arguments]);
    cli_hint("usage: googlenet %s %s", command->name, command->usage);
    return code;
}

int cli_parse(struct cli_args *args, const struct cli_command *command, int argc, char **argv)
{
    *args = (struct cli_args){ .command = command, .argc = argc, .argv = argv };
    cli_make_table(&args->table, command);
    spoken = &args->table;
    args->values = cli_calloc(1, command->values_size);
    args->arguments = cli_calloc((size_t)argc + 1, sizeof *args->arguments);
    memcpy(args->values, command->defaults, command->values_size);
    bool flags = true;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!flags || word[0] != '-' || word[1] == '\0') {
            args->arguments[args->n_arguments++] = word;
        } else if (strcmp(word, "--") == 0) {
            flags = false;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            args->help = true;
            return 0;
        } else {
            const int code = take_flag(args, argc, argv, &i);
            if (code)
                return code;
        }
    }
    return check_arguments(args);
}

void cli_free_args(struct cli_args *args)
{
    spoken = NULL;
    free(args->values);
    free(args->arguments);
    for (int i = 0; i < args->table.n; i++)
        free(args->lists[i]);
    *args = (struct cli_args){ 0 };
}

bool cli_given(const struct cli_args *args, const char *name)
{
    const int i = cli_find_option(&args->table, name);
    return i >= 0 && args->given[i];
}

bool cli_default(struct cli_args *args, const char *name, const char *text)
{
    const int i = cli_find_option(&args->table, name);
    if (i < 0) {
        cli_fail(CLI_USAGE, "--%s is not a flag of %s", name, args->command->name);
        return false;
    }
    const bool is_switch = args->table.rows[i].option->kind == GN_OPTION_SWITCH;
    return args->given[i] || cli_parse_value(args, i, name, is_switch ? "true" : text);
}
