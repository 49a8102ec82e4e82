/*
 * Writing and reading config.json. The keys of "options" are the rows of the option table that are
 * marked CLI_SAVED; null means that the option has no value. Seeds beyond 2^53 are texts, since
 * JSON readers hold numbers as doubles.
 */
#include "cli/config.h"

#include "cli/report.h"
#include "cli/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_FILE = 1 << 20, FORMAT = 1 };

/* ---- Writing ------------------------------------------------------------------------------- */

static json_t *whole_to_json(const struct cli_option *option, uint64_t value)
{
    const bool is_seed = option->kind == CLI_SEED;
    if (!is_seed && ((double)value < option->low || (double)value > option->high))
        return json_null();
    if ((double)value <= CLI_LARGEST_COUNT)
        return json_integer((json_int_t)value);
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

static json_t *shuffle_to_json(const struct cli_shuffle *shuffle)
{
    char text[32];
    if (shuffle->kind != GN_SHUFFLE_WINDOW)
        return json_string(shuffle->kind == GN_SHUFFLE_NONE ? "none" : "full");
    snprintf(text, sizeof text, "window:%d", shuffle->window);
    return json_string(text);
}

static json_t *plateau_to_json(const struct cli_plateau *plateau)
{
    char text[64];
    if (plateau->patience == 0)
        return json_null();
    snprintf(text, sizeof text, "%.17g:%d", plateau->factor, plateau->patience);
    return json_string(text);
}

static json_t *option_to_json(const struct cli_option *option, const void *values)
{
    const void *const source = (const char *)values + option->offset;
    switch (option->kind) {
    case CLI_FLAG:
        return json_boolean(*(const bool *)source);
    case CLI_INT:
        return whole_to_json(option, (uint64_t) * (const int *)source);
    case CLI_COUNT:
    case CLI_SEED:
        return whole_to_json(option, *(const uint64_t *)source);
    case CLI_REAL:
    case CLI_DURATION: {
        const double value = *(const double *)source;
        return value < option->low || value > option->high ? json_null() : cli_json_real(value);
    }
    case CLI_TEXT:
        return cli_json_text(*(const char *const *)source);
    case CLI_CHOICE: {
        const char *word = option->choices[*(const int *)source];
        return word[0] ? json_string(word) : json_null();
    }
    case CLI_SHUFFLE:
        return shuffle_to_json(source);
    case CLI_PLATEAU:
        return plateau_to_json(source);
    case CLI_LIST:
        return ((const struct cli_list *)source)->text[0]
                   ? cli_json_text(((const struct cli_list *)source)->text)
                   : json_null();
    case CLI_GROUP:
    case CLI_LATER:
        break;
    }
    return json_null();
}

static json_t *options_to_json(const struct cli_args *args)
{
    json_t *object = json_object();
    for (int i = 0; i < args->command->n_options; i++) {
        const struct cli_option *option = &args->command->options[i];
        if (option->traits & CLI_SAVED)
            json_object_set_new(object, option->name, option_to_json(option, args->values));
    }
    return object;
}

static json_t *labels_to_json(const gn_net *net)
{
    struct gn_net_info info;
    if (gn_net_describe(net, &info) != GN_OK || !info.labels)
        return json_null();
    json_t *array = json_array();
    for (int i = 0; i < info.classes; i++)
        json_array_append_new(array, cli_json_text(info.labels[i]));
    return array;
}

static json_t *run_to_json(const struct cli_args *args, const gn_net *net)
{
    struct gn_system_info system = { 0 };
    char when[32] = "", host[256] = "";
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    gethostname(host, sizeof host - 1);
    gn_system_describe(&system);

    json_t *words = json_array();
    json_array_append_new(words, json_string("googlenet"));
    json_array_append_new(words, json_string(args->command->name));
    for (int i = 0; i < args->argc; i++)
        json_array_append_new(words, cli_json_text(args->argv[i]));

    json_t *root = json_object();
    json_object_set_new(root, "format", json_integer(FORMAT));
    json_object_set_new(root, "version", cli_json_text(system.version));
    json_object_set_new(root, "command", words);
    json_object_set_new(root, "started", json_string(when));
    json_object_set_new(root, "host", cli_json_text(host));
    json_object_set_new(root, "compiler", cli_json_text(system.compiler));
    json_object_set_new(root, "isa", cli_json_text(system.isa));
    json_object_set_new(root, "threads_usable", json_integer(system.threads));
    json_object_set_new(root, "options", options_to_json(args));
    json_object_set_new(root, "labels", labels_to_json(net));
    return root;
}

/* Writes and syncs the file `path`, which must not exist. Takes the reference. */
static bool write_new_file(const char *path, json_t *root)
{
    const int descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!file) {
        json_decref(root);
        return false;
    }
    const bool written =
        cli_write_json(file, root, JSON_INDENT(2)) && fflush(file) == 0 && fsync(descriptor) == 0;
    return fclose(file) == 0 && written;
}

static void sync_folder(const char *folder)
{
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    fsync(descriptor);
    close(descriptor);
}

int cli_save_config(const char *folder, const struct cli_args *args, const gn_net *net)
{
    char *path = cli_format("%s/config.json", folder);
    char *temporary = cli_format("%s.tmp.%ld", path, (long)getpid());
    int code = 0;
    if (!write_new_file(temporary, run_to_json(args, net)) || rename(temporary, path) != 0) {
        code = cli_fail(CLI_ENVIRONMENT, "%s: cannot write: %s", path, strerror(errno));
        unlink(temporary);
    } else {
        sync_folder(folder);
    }
    free(temporary);
    free(path);
    return code;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static json_t *read_file(const char *path)
{
    struct stat status;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > LARGEST_FILE) {
        const char *why = descriptor < 0 ? strerror(errno) : "not a file of at most 1 MiB";
        cli_fail(CLI_DATA, "%s: cannot read the options of the run: %s", path, why);
        if (descriptor >= 0)
            close(descriptor);
        return NULL;
    }
    json_error_t fault;
    json_t *root = json_loadfd(descriptor, JSON_REJECT_DUPLICATES, &fault);
    close(descriptor);
    if (!root)
        cli_fail(CLI_DATA, "%s: JSON: %s at byte %d", path, fault.text, fault.position);
    return root;
}

json_t *cli_load_config(const char *folder)
{
    char *path = cli_format("%s/config.json", folder);
    json_t *root = read_file(path);
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

static const struct cli_option *find_saved(const struct cli_command *command, const char *name)
{
    for (int i = 0; i < command->n_options; i++)
        if ((command->options[i].traits & CLI_SAVED) && strcmp(command->options[i].name, name) == 0)
            return &command->options[i];
    return NULL;
}

/* The value as it would stand on the command line; NULL for a type that no option has. */
static const char *json_to_text(const json_t *value, char *buffer, size_t size)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        snprintf(buffer, size, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(buffer, size, "%.17g", json_real_value(value));
    else
        return NULL;
    return buffer;
}

static bool restore_option(const struct cli_option *option, const char *source, const json_t *value,
                           void *values)
{
    char buffer[40];
    if (json_is_null(value))
        return true;
    if (option->kind == CLI_FLAG) {
        *(bool *)((char *)values + option->offset) = json_is_true(value);
        if (json_is_boolean(value))
            return true;
    }
    const char *text = json_to_text(value, buffer, sizeof buffer);
    if (!text || option->kind == CLI_FLAG) {
        cli_fail(CLI_DATA, "%s: has a value of the wrong type", source);
        return false;
    }
    return cli_parse_value(option, source, text, values);
}

int cli_restore_options(struct cli_args *args, const char *folder, const json_t *config)
{
    /* jansson iterates over mutable objects only; nothing is changed. */
    json_t *options = json_object_get(config, "options");
    const char *name;
    json_t *value;
    json_object_foreach(options, name, value)
    {
        const struct cli_option *option = find_saved(args->command, name);
        char *source = cli_format("%s/config.json: %s", folder, name);
        bool is_good = option != NULL;
        if (!option)
            cli_fail(CLI_DATA, "%s: unknown option", source);
        else if (!((option->traits & CLI_ANEW) && cli_given(args, name)))
            is_good = restore_option(option, source, value, args->values);
        free(source);
        if (!is_good)
            return CLI_DATA;
    }
    return 0;
}

gn_status cli_restore_labels(gn_net *net, const json_t *config)
{
    const json_t *array = json_object_get(config, "labels");
    struct gn_net_info info;
    if (!json_is_array(array) || gn_net_describe(net, &info) != GN_OK ||
        json_array_size(array) != (size_t)info.classes)
        return GN_OK;
    const char **labels = cli_calloc((size_t)info.classes, sizeof *labels);
    bool is_good = true;
    for (int i = 0; i < info.classes; i++) {
        labels[i] = json_string_value(json_array_get(array, (size_t)i));
        is_good = is_good && labels[i];
    }
    const gn_status status = is_good ? gn_net_set_labels(net, labels, info.classes) : GN_OK;
    free(labels);
    return status;
}
