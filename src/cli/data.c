/*
 * googlenet data: which sets are known and where they lie, fetching one, checking one.
 */
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <string.h>
#include <sys/stat.h>

struct data {
    struct cli_common common;
    struct cli_place place;
};

static const struct data defaults;

static const struct cli_option options[] = {
    CLI_HEADING("Data"),
    CLI_PLACE_ROWS(struct data),
    CLI_COMMON_ROWS(struct data),
};

static const char *const actions[] = { "list", "get", "check" };

static int list(const struct data *given)
{
    struct gn_known_dataset known;
    json_t *sets = json_array();
    for (int i = 0; gn_dataset_known(i, given->place.data_dir, false, &known) == GN_OK; i++) {
        json_t *set = json_object();
        json_object_set_new(set, "name", cli_json_text(known.name));
        json_object_set_new(set, "classes", json_integer(known.classes));
        json_object_set_new(set, "where", cli_json_text(known.where));
        json_array_append_new(sets, set);
        if (!given->common.json)
            printf("%-16s %3d classes  %s\n", known.name, known.classes,
                   known.where ? known.where : "not on this machine");
    }
    gn_clear_error();
    if (given->common.json)
        cli_print_json(sets);
    else
        json_decref(sets);
    return CLI_DONE;
}

static int get(const struct data *given, const char *name)
{
    char where[4096];
    if (gn_dataset_get(name, given->place.data_dir, given->place.offline, where, sizeof where) !=
        GN_OK)
        return cli_fail_library();
    if (!given->common.json) {
        printf("%s\n", where);
        return CLI_DONE;
    }
    json_t *root = json_object();
    json_object_set_new(root, "name", cli_json_text(name));
    json_object_set_new(root, "where", cli_json_text(where));
    cli_print_json(root);
    return CLI_DONE;
}

/* Finds set `name`; false when no such set is known. With `verify` its files are read. */
static bool find_known(const char *name, const struct data *given, bool verify,
                       struct gn_known_dataset *known)
{
    for (int i = 0; gn_dataset_known(i, given->place.data_dir, false, known) == GN_OK; i++)
        if (strcmp(known->name, name) == 0)
            return !verify || gn_dataset_known(i, given->place.data_dir, true, known) == GN_OK;
    gn_clear_error();
    return false;
}

static int check_split(const struct data *given, const char *data, gn_split split, json_t *root)
{
    struct gn_dataset_info info;
    char what[64];
    int code = 0;
    const struct cli_place place = { .data_dir = given->place.data_dir, .offline = true };
    gn_dataset *set = cli_open_data(data, split, 0, 0, &place, &code);
    if (!set)
        return code;
    if (gn_dataset_describe(set, &info) != GN_OK) {
        code = cli_fail_library();
    } else {
        json_t *row = json_object();
        json_object_set_new(row, "samples", json_integer((json_int_t)info.samples));
        json_object_set_new(row, "height", json_integer(info.height));
        json_object_set_new(row, "width", json_integer(info.width));
        json_object_set_new(row, "channels", json_integer(info.channels));
        json_object_set_new(row, "classes", json_integer(info.classes));
        json_object_set_new(root, cli_split_names[split], row);
        if (split == GN_TRAIN)
            json_object_set_new(root, "where", cli_json_text(info.path));
        if (!given->common.json)
            printf("%-6s %llu %s, %d classes\n", cli_split_names[split],
                   (unsigned long long)info.samples, cli_what_images(what, &info), info.classes);
    }
    gn_close_dataset(set);
    return code;
}

/* Reads both splits whole; of a known set the digests are compared, too. */
static int check(const struct data *given, const char *what)
{
    struct stat status;
    struct gn_known_dataset known = { 0 };
    const bool is_known = stat(what, &status) != 0 && find_known(what, given, false, &known);
    if (is_known && !known.where) {
        const int code = cli_fail(CLI_DATA, "%s: the data set is not on this machine", what);
        cli_hint("googlenet data get %s fetches it", what);
        return code;
    }
    json_t *root = json_object();
    json_object_set_new(root, "data", cli_json_text(what));
    int code = check_split(given, what, GN_TRAIN, root);
    if (!code)
        code = check_split(given, what, GN_TEST, root);
    if (!code && is_known) {
        if (!find_known(what, given, true, &known) || !known.verified)
            code = gn_error_status() == GN_OK
                       ? cli_fail(CLI_DATA, "%s: the files in %s are not the published ones", what,
                                  known.where)
                       : cli_fail_library();
        else if (!given->common.json)
            printf("verified: the files in %s are the published ones\n", known.where);
    }
    if (!code && given->common.json) {
        json_object_set_new(root, "verified", json_boolean(is_known));
        cli_print_json(root);
    } else {
        json_decref(root);
    }
    return code;
}

static int run(struct cli_args *args)
{
    const struct data *given = args->values;
    const char *action = args->arguments[0];
    const bool takes_name = strcmp(action, "get") == 0 || strcmp(action, "check") == 0;
    if (!takes_name && strcmp(action, "list") != 0) {
        const int code = cli_fail(CLI_USAGE, "data: \"%s\" is not one of list, get, check", action);
        const char *nearest = cli_nearest(action, actions, CLI_COUNT_OF(actions));
        if (nearest)
            cli_hint("did you mean %s?", nearest);
        return code;
    }
    if (args->n_arguments != (takes_name ? 2 : 1))
        return takes_name ? cli_fail(CLI_USAGE, "data %s: the name of a set%s is missing", action,
                                     action[0] == 'c' ? " or its folder" : "")
                          : cli_fail(CLI_USAGE, "data list: unexpected argument \"%s\"",
                                     args->arguments[1]);
    if (!takes_name)
        return list(given);
    return action[0] == 'g' ? get(given, args->arguments[1]) : check(given, args->arguments[1]);
}

const struct cli_command cli_data = {
    .name = "data",
    .usage = "list | get NAME | check NAME_OR_FOLDER [flags]",
    .summary = "list the known data sets, fetch one, verify one",
    .examples = "  googlenet data list\n"
                "  googlenet data get fashion-mnist\n"
                "  googlenet data check fashion-mnist\n"
                "  googlenet data check folder/ --json\n",
    .argument = "list, get or check",
    .min_arguments = 1,
    .max_arguments = 2,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct data),
    .run = run,
};
