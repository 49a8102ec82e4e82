/*
 * Command-line options: one table a command, of rows of its own and of the library's options of a
 * training. The table yields the parser, the help text, the nearest name for a typing error, and
 * the keys of a run's config.json.
 */
#ifndef GN_CLI_OPTIONS_H
#define GN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <googlenet.h>

enum { CLI_MAX_OPTIONS = 128 };

/* A trait of the program's own rows besides the library's: not together with --resume. */
enum { CLI_NEW = 1 << 8 };

struct cli_args;

struct cli_command {
    const char *name;
    const char *usage;    /* what follows "googlenet NAME" */
    const char *summary;  /* one line */
    const char *examples; /* whole lines */
    const char *argument; /* what a positional argument is called; NULL: there are none */
    const char *words;    /* of which the first argument is one, by spaces apart; NULL: any text */
    bool is_joint;        /* the processes of a launcher do it together */
    int min_arguments, max_arguments;
    const struct gn_option *options; /* the command's own, below headings */
    int n_options;
    size_t fit; /* of a struct gn_fit_options in the command's struct, whose options it has,
                            too; 0: none */
    unsigned fit_traits;  /* which all of those have */
    const void *defaults; /* the command's struct before any option */
    size_t values_size;
    int (*run)(struct cli_args *args); /* returns the exit code */
};

/* All options of a command: its own and, below the headings of the same name, the library's. */
struct cli_row {
    const struct gn_option *option;
    size_t base; /* of the struct that option->offset counts from, in the command's struct */
};
struct cli_table {
    int n;
    struct cli_row rows[CLI_MAX_OPTIONS];
};
void cli_make_table(struct cli_table *table, const struct cli_command *command);

/* What a command was given. */
struct cli_args {
    const struct cli_command *command;
    struct cli_table table;
    void *values; /* the command's struct; freed by cli_free_args */
    bool given[CLI_MAX_OPTIONS];
    char *lists[CLI_MAX_OPTIONS]; /* values of flags that were given more than once, joined */
    bool help;
    const char **arguments; /* positional ones; freed by cli_free_args, the texts are argv's */
    int n_arguments;
    int argc; /* the words after the command's name, as they were typed */
    char **argv;
};

/* Reads the words after the command's name. Returns 0, or the exit code after the fault was named
 * on stderr. Call cli_free_args in both cases. */
int cli_parse(struct cli_args *args, const struct cli_command *command, int argc, char **argv);
void cli_free_args(struct cli_args *args);

/* Whether option `name` was on the command line; false for a name that is not in the table. */
bool cli_given(const struct cli_args *args, const char *name);

/* The struct that the row's option is a member of. */
void *cli_values_of(const struct cli_args *args, const struct cli_row *row);

/* Parses `text` as the value of row i. False after the fault was named on stderr in a sentence that
 * begins with `source` ("--lr", "run/config.json: lr"); its code is CLI_USAGE. */
bool cli_parse_value(struct cli_args *args, int i, const char *source, const char *text);

/* The row of option `name`, -1: none. */
int cli_find_option(const struct cli_table *table, const char *name);

/* The flag of a member that a message of the library names (".max_seconds"): "max-time"; NULL:
 * none. Of the command that was parsed last. */
const char *cli_flag_of(const char *field, size_t length);

/* Gives option `name` a value unless it was on the command line. False after the fault was named:
 * there is no such option, or the value is none. */
bool cli_default(struct cli_args *args, const char *name, const char *text);

/* The help text of one command, on stdout. */
void cli_print_help(const struct cli_command *command);

/* That of the program. */
void cli_print_usage(FILE *out);

#endif
