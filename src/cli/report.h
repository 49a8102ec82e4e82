/*
 * What the program says: errors and exit codes, talk on stderr, results on stdout.
 */
#ifndef GN_CLI_REPORT_H
#define GN_CLI_REPORT_H

#include <googlenet.h>
#include <jansson.h>

/* Exit codes; the table of statuses is in report.c. */
enum {
    CLI_DONE = 0,
    CLI_FAILED = 1,      /* diverged, an internal fault, a second interrupt */
    CLI_USAGE = 2,       /* unknown option, bad value, contradiction */
    CLI_DATA = 3,        /* data missing or bad */
    CLI_MODEL = 4,       /* model file missing or bad */
    CLI_ENVIRONMENT = 5, /* memory, device, disk, permission */
    CLI_INTERRUPTED = 130,
    CLI_UNREAD = 1000 /* stdout takes no more; cli_finish makes a code of it */
};

/* How the program talks, set once by main. */
struct cli_voice {
    bool quiet, verbose;
    bool terminal; /* stderr is a terminal that can redraw a line */
    bool colour;
    /* The flag of an option's member that a message of the library names: "max-time" of
     * "max_seconds", of so many characters; NULL: none. */
    const char *(*flag_of)(const char *field, size_t length);
};
extern struct cli_voice cli_voice;

/* Prints the sentence "googlenet: ..." on stderr, without control characters, and returns
 * `code`. */
int cli_fail(int code, const char *format, ...) GN_PRINTF(2, 3);

/* The last sentence of cli_fail; "" when there was none. */
const char *cli_last_failure(void);

/* Prints the line "  hint: ..." after an error. */
void cli_hint(const char *format, ...) GN_PRINTF(1, 2);

/* Prints the library's last error with its hint and returns the exit code of its status. */
int cli_fail_library(void);

/* A sentence of the library, with its hints in lines of their own; returns `code`. */
int cli_fail_message(int code, const char *message);

/* The library's last error about a value that stood in `source` ("--lr", "run/config.json: lr"):
 * always CLI_USAGE. */
int cli_fail_about(const char *source);

/* A warning of the library, with its hint. */
void cli_warn_library(const char *message);

/* "googlenet: warning: ..." on stderr, also with --quiet. */
void cli_warn(const char *format, ...) GN_PRINTF(1, 2);

/* A line of talk on stderr; silent with --quiet. */
void cli_note(const char *format, ...) GN_PRINTF(1, 2);

/* A line of results on stdout, without control characters: whatever a name holds, it stays one line. */
void cli_line(const char *format, ...) GN_PRINTF(1, 2);

/* Writes out what stdout still holds. Returns `code`, or 5 when the results could not be
 * written. */
int cli_finish(int code);

/* Memory that the program cannot do without: zeroed, or the program ends with code 5. */
void *cli_calloc(size_t count, size_t size);
char *cli_format(const char *format, ...) GN_PRINTF(1, 2);

/* "2:05" or "1:02:05"; returns `buffer`, which has room for 24 bytes. */
const char *cli_duration(char *buffer, double seconds);

/* Monotonic time in seconds. */
double cli_seconds(void);

/* JSON values: null for what is not finite; rounded to a number of decimals; a text whose bytes
 * that are not UTF-8 became '?', null for NULL. */
json_t *cli_json_real(double value);
json_t *cli_json_rounded(double value, int decimals);
json_t *cli_json_float(float value);
json_t *cli_json_text(const char *text);

/* One object on one line of stdout, its numbers with as few digits as bring them back exactly; takes
 * the reference. What could not be made for lack of memory is an error that cli_finish returns. */
void cli_print_json(json_t *value);

/* The same into a stream; false after a sentence: the value, or something in it, could not be made. */
bool cli_json_write(FILE *out, json_t *value);

/* The value of a JSON text; NULL with *error as jansson says it. */
json_t *cli_json_parse(const char *text, json_error_t *error);

/* The text of any value, to be freed; NULL: no memory. */
char *cli_json_text_of(const json_t *value, size_t flags);

/* The text of `value`, which is given up, to be freed; NULL after a sentence: no memory for it or
 * for anything in it. */
char *cli_json_dump(json_t *value, size_t flags);

/* Before anything else: notices every allocation of a JSON value that fails, wherever it is. */
void cli_watch_json(void);
bool cli_json_starved(void); /* whether one has failed */

#endif
