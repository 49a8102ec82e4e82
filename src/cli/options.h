/*
 * Command-line options: one table a command. The table yields the parser, the help text, the
 * nearest name for a typing error, and the keys of a run's config.json.
 */
#ifndef GN_CLI_OPTIONS_H
#define GN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_MAX_OPTIONS = 128, CLI_LIST_BYTES = 1024 };

enum cli_kind {
    CLI_GROUP = 1, /* a heading of the help text, no option */
    CLI_FLAG,      /* bool; takes no value */
    CLI_INT,       /* int within low..high */
    CLI_COUNT,     /* uint64_t within low..high */
    CLI_SEED,      /* uint64_t, any */
    CLI_REAL,      /* double within low..high, finite */
    CLI_TEXT,      /* const char *, not empty; points into argv */
    CLI_CHOICE,    /* int: the index in `choices` */
    CLI_SHUFFLE,   /* struct cli_shuffle: full, window:N or none */
    CLI_DURATION,  /* double, seconds: 90, 90s, 15m, 1.5h */
    CLI_PLATEAU,   /* struct cli_plateau: FACTOR:PATIENCE */
    CLI_LIST,      /* struct cli_list; given again, the flag adds to its list */
    CLI_LATER      /* a name of the design that this version lacks: an error that says `help` */
};

enum cli_trait {
    CLI_SAVED = 1, /* stands in a run's config.json and comes back from it */
    CLI_ANEW = 2   /* may be given anew together with --resume */
};

struct cli_shuffle {
    int kind;   /* gn_shuffle */
    int window; /* of GN_SHUFFLE_WINDOW, else 0 */
};

struct cli_plateau {
    double factor; /* above 0, below 1 */
    int patience;  /* 0: not given */
};

struct cli_list {
    char text[CLI_LIST_BYTES]; /* items separated by commas; "": none */
};

struct cli_option {
    const char *name; /* without dashes */
    char letter;      /* short form; 0: none */
    enum cli_kind kind;
    unsigned traits;
    const char *value;          /* what the help text calls the value; NULL for flags */
    const char *help;           /* one line; the heading of a CLI_GROUP */
    const char *standard;       /* the default as the help text shows it; NULL: nothing to show */
    size_t offset;              /* of the value in the command's struct */
    double low, high;           /* inclusive */
    const char *const *choices; /* NULL-terminated */
};

struct cli_args;

struct cli_command {
    const char *name;
    const char *usage;    /* what follows "googlenet NAME" */
    const char *summary;  /* one line */
    const char *examples; /* whole lines */
    const char *argument; /* what a positional argument is called; NULL: there are none */
    int min_arguments, max_arguments;
    const struct cli_option *options;
    int n_options;
    const void *defaults; /* the command's struct before any option */
    size_t values_size;
    int (*run)(struct cli_args *args); /* returns the exit code */
};

/* What a command was given. */
struct cli_args {
    const struct cli_command *command;
    void *values; /* the command's struct; freed by cli_free_args */
    bool given[CLI_MAX_OPTIONS];
    bool help;
    const char **arguments; /* positional ones; freed by cli_free_args, the texts are argv's */
    int n_arguments;
    int argc; /* the words behind the command's name, as they were typed */
    char **argv;
};

/* Reads the words behind the command's name. Returns 0, or the exit code after the fault was named
 * on stderr. Call cli_free_args in both cases. */
int cli_parse(struct cli_args *args, const struct cli_command *command, int argc, char **argv);
void cli_free_args(struct cli_args *args);

/* Whether option `name` stood on the command line; false for a name that is not in the table. */
bool cli_given(const struct cli_args *args, const char *name);

/* Parses `text` as the value of `option` into the struct `values`. False after the fault was named
 * on stderr in a sentence that begins with `source` ("--lr", "run/config.json: lr"). */
bool cli_parse_value(const struct cli_option *option, const char *source, const char *text,
                     void *values);

/* Gives option `name` a value unless it stood on the command line. False after the fault was named:
 * there is no such option, or the value is none. */
bool cli_default(struct cli_args *args, const char *name, const char *text);

/* The help text of one command, on stdout. */
void cli_print_help(const struct cli_command *command);

#endif
