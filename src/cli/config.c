/*
 * What the program adds to config.json, and reading it. The keys of "options" are the rows of the
 * option table that are saved; null means that the option has no value.
 */
#include "cli/config.h"

#include "base/number.h"
#include "cli/report.h"
#include "cli/shared.h"
#include "os/files.h"
#include "os/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_FILE = 1 << 20, FORMAT = 1 };

/* ---- Writing ------------------------------------------------------------------------------- */

static json_t *option_to_json(const struct cli_args *args, const struct cli_row *row)
{
    char text[4096];
    uint64_t whole;
    double real;
    const struct gn_option *option = row->option;
    if (gn_option_text(option, cli_values_of(args, row), text, sizeof text) != GN_OK || !text[0])
        return json_null();
    switch (option->kind) {
    case GN_OPTION_SWITCH:
        return json_boolean(strcmp(text, "true") == 0);
    case GN_OPTION_INT:
    case GN_OPTION_COUNT:
    case GN_OPTION_SEED:
    case GN_OPTION_REAL:
    case GN_OPTION_SECONDS: /* a seed beyond 2^53 is a text, as in config.json */
        if (gn_whole_parse(text, &whole) && whole <= UINT64_C(1) << 53)
            return json_integer((json_int_t)whole);
        if (!gn_whole_parse(text, &whole) && gn_real_parse(text, &real))
            return json_real(real);
        break;
    case GN_OPTION_HEADING:
    case GN_OPTION_TEXT:
    case GN_OPTION_LIST:
    case GN_OPTION_CHOICE:
    case GN_OPTION_SHUFFLE:
    case GN_OPTION_PLATEAU:
    case GN_OPTION_LOOKAHEAD:
        break;
    }
    return cli_json_text(text);
}

/* The saved options, or of these only the command's own. */
static json_t *saved_options(const struct cli_args *args, bool only_own)
{
    json_t *options = json_object();
    for (int i = 0; i < args->table.n; i++) {
        const struct cli_row *row = &args->table.rows[i];
        if ((row->base == 0 || !only_own) && (row->option->traits & GN_OPTION_SAVED))
            json_object_set_new(options, row->option->name, option_to_json(args, row));
    }
    return options;
}

json_t *cli_options_json(const struct cli_args *args)
{
    return saved_options(args, false);
}

char *cli_config_text(const struct cli_args *args, bool reads_limited)
{
    json_t *words = json_array(), *root = json_object();
    json_array_append_new(words, json_string("googlenet"));
    json_array_append_new(words, json_string(args->command->name));
    for (int i = 0; i < args->argc; i++)
        json_array_append_new(words, cli_json_text(args->argv[i]));
    json_object_set_new(root, "command", words);
    json_object_set_new(root, "options", saved_options(args, true));
    json_object_set_new(root, "reads_limited", json_boolean(reads_limited));
    return cli_json_dump(root, JSON_COMPACT);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* NULL with errno when the system cannot read it. */
static char *read_text(int descriptor, size_t size)
{
    char *text = cli_calloc(size + 1, 1);
    size_t n = 0;
    while (n < size) {
        const int64_t got = gn_system_read(descriptor, text + n, size - n);
        if (got < 0 && errno != EINTR) {
            const int number = errno;
            free(text);
            errno = number;
            return NULL;
        }
        if (got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
    }
    return text;
}

json_t *cli_load_json(const char *path, int *code)
{
    struct gn_system_file about;
    *code = CLI_DATA;
    const int descriptor = gn_system_open(path);
    if (descriptor < 0 || !gn_system_examine(descriptor, &about) || about.other ||
        about.size > LARGEST_FILE) {
        const char *why = descriptor < 0 ? strerror(errno) : "not a file of at most 1 MiB";
        cli_fail(CLI_DATA, "%s: cannot read the options of the run: %s", path, why);
        if (descriptor >= 0)
            (void)gn_system_close(descriptor);
        return NULL;
    }
    json_error_t fault;
    char *text = read_text(descriptor, (size_t)about.size);
    const int number = errno;
    (void)gn_system_close(descriptor);
    if (!text) {
        *code = cli_fail(CLI_ENVIRONMENT, "%s: cannot read the options of the run: %s", path,
                         strerror(number));
        return NULL;
    }
    json_t *root = cli_json_parse(text, &fault);
    free(text);
    if (!root && cli_json_starved())
        *code = cli_fail(CLI_ENVIRONMENT, "%s: no memory for the options of the run", path);
    else if (!root)
        cli_fail(CLI_DATA, "%s: JSON: %s at byte %d", path, fault.text, fault.position);
    return root;
}

json_t *cli_load_config(const char *folder, int *code)
{
    char *path = cli_format("%s/config.json", folder);
    json_t *root = cli_load_json(path, code);
    if (root) {
        const json_t *format = json_object_get(root, "format");
        const bool is_known = json_is_integer(format) && json_integer_value(format) == FORMAT;
        if (!is_known || !json_is_object(json_object_get(root, "options"))) {
            if (json_is_integer(format) && json_integer_value(format) > FORMAT)
                cli_fail(CLI_DATA, "%s: format %lld is newer than this program's %d", path,
                         (long long)json_integer_value(format), FORMAT);
            else
                cli_fail(CLI_DATA, "%s: not the options of a run (no \"format\", \"options\")",
                         path);
            json_decref(root);
            root = NULL;
        }
    }
    free(path);
    return root;
}

bool cli_reads_limited(const json_t *config)
{
    return json_is_true(json_object_get(config, "reads_limited"));
}

/* The value as it would stand on the command line, to be freed; NULL for a type that no option has. */
static char *json_to_text(const json_t *value)
{
    if (json_is_string(value))
        return cli_format("%s", json_string_value(value));
    const bool is_plain = json_is_boolean(value) || json_is_number(value);
    return is_plain ? cli_json_text_of(value, JSON_ENCODE_ANY) : NULL;
}

/* Gives row i the value. Texts are kept in args->lists. */
static bool restore_option(struct cli_args *args, int i, const char *source, const json_t *value)
{
    if (json_is_null(value))
        return true;
    char *text = json_to_text(value);
    if (!text)
        cli_fail(CLI_DATA,
                 json_is_number(value) || json_is_boolean(value)
                     ? "%s: no memory for its value"
                     : "%s: has a value of the wrong type",
                 source);
    const bool is_good = text && cli_parse_value(args, i, source, text);
    free(args->lists[i]);
    args->lists[i] = text;
    return is_good;
}

int cli_restore_options(struct cli_args *args, const char *folder, const json_t *config)
{
    /* jansson iterates over mutable objects only; nothing is changed. */
    json_t *options = json_object_get(config, "options");
    const char *name;
    json_t *value;
    json_object_foreach(options, name, value)
    {
        const int i = cli_find_option(&args->table, name);
        const unsigned traits = i < 0 ? 0 : args->table.rows[i].option->traits;
        char *source = cli_format("%s/config.json: %s", folder, name);
        bool is_good = (traits & GN_OPTION_SAVED) != 0;
        if (!is_good)
            cli_fail(CLI_DATA, "%s: unknown option", source);
        else if (!((traits & GN_OPTION_ANEW) && args->given[i]))
            is_good = restore_option(args, i, source, value);
        free(source);
        if (!is_good)
            return CLI_DATA;
    }
    return 0;
}
