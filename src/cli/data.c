/*
 * googlenet data: which sets are known and where they lie, fetching one, looking at one
 * (data_look.c).
 */
#include "cli/commands.h"
#include "base/words.h"
#include "cli/data.h"
#include "cli/report.h"
#include "cli/shared.h"

#include <string.h>

static const struct data defaults = { .out = "preview.png" };

static const struct gn_option options[] = {
    CLI_HEADING("Data"),
    CLI_PLACE_ROWS(struct data),
    CLI_HEADING("Preview"),
    { .name = "data",
      .kind = GN_OPTION_TEXT,
      .value = "D",
      .offset = offsetof(struct data, data),
      .help = "the set, if it is not named after preview" },
    { .name = "augment",
      .kind = GN_OPTION_TEXT,
      .value = "LIST",
      .offset = offsetof(struct data, augment),
      .standard = "none",
      .help = "as for train" },
    { .name = "out",
      .kind = GN_OPTION_TEXT,
      .value = "FILE",
      .offset = offsetof(struct data, out),
      .standard = "preview.png",
      .help = "the PNG that is written" },
    { .name = "images",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct data, images),
      .low = 1,
      .high = 1000,
      .standard = "40",
      .help = "how many" },
    { .name = "size",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct data, size),
      .low = 1,
      .high = 1024,
      .standard = "96",
      .help = "height and width of the network's input" },
    { .name = "channels",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct data, channels),
      .low = 1,
      .high = 3,
      .standard = "the data's",
      .help = "1 grey, 3 colour" },
    { .name = "short-side",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct data, short_side),
      .low = 1,
      .high = 16384,
      .help = "as for train" },
    { .name = "resize",
      .kind = GN_OPTION_CHOICE,
      .value = "RULE",
      .offset = offsetof(struct data, resize),
      .choice = gn_resize_name,
      .low = GN_RESIZE_TF1_LEGACY,
      .standard = "pil-bilinear for pictures, otherwise tf1-legacy",
      .help = "tf1-legacy, half-pixel or pil-bilinear" },
    { .name = "seed",
      .kind = GN_OPTION_SEED,
      .value = "N",
      .offset = offsetof(struct data, place.seed),
      .standard = "0",
      .help = "of order and augmentation" },
    { .name = "epoch",
      .kind = GN_OPTION_INT,
      .value = "N",
      .offset = offsetof(struct data, epoch),
      .low = 1,
      .high = CLI_LARGEST_INT,
      .standard = "1",
      .help = "which epoch, counted from 1" },
    CLI_COMMON_ROWS(struct data),
};

static const char *const actions[] = { "list", "get", "check", "preview", NULL };

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
            cli_line("%-16s %3d classes  %s", known.name, known.classes,
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
        cli_line("%s", where);
        return CLI_DONE;
    }
    json_t *root = json_object();
    json_object_set_new(root, "name", cli_json_text(name));
    json_object_set_new(root, "where", cli_json_text(where));
    cli_print_json(root);
    return CLI_DONE;
}

static int run(struct cli_args *args)
{
    const struct data *given = args->values;
    const char *action = args->arguments[0];
    const char *what = args->n_arguments > 1 ? args->arguments[1] : NULL;
    if (strcmp(action, "list") == 0)
        return what ? cli_fail(CLI_USAGE, "data list: unexpected argument \"%s\"", what)
                    : list(given);
    if (strcmp(action, "preview") == 0)
        return data_preview(given, what);
    const bool is_get = strcmp(action, "get") == 0;
    if (!is_get && strcmp(action, "check") != 0) {
        const int code =
            cli_fail(CLI_USAGE, "data: \"%s\" is not one of list, get, check, preview", action);
        const char *nearest = gn_nearest(action, actions);
        if (nearest)
            cli_hint("did you mean %s?", nearest);
        return code;
    }
    if (!what)
        return cli_fail(CLI_USAGE, "data %s: the name of a set%s is missing", action,
                        is_get ? "" : " or its folder");
    return is_get ? get(given, what) : data_check(given, what);
}

const struct cli_command cli_data = {
    .name = "data",
    .words = "list get check preview",
    .usage = "list | get NAME | check SET | preview SET [flags]",
    .summary = "list the known data sets, fetch one, look for faults in one, draw one",
    .examples = "  googlenet data list\n"
                "  googlenet data get fashion-mnist\n"
                "  googlenet data check fashion-mnist\n"
                "  googlenet data check folder/ --json\n"
                "  googlenet data preview folder/ --augment mirror,crop --out sheet.png\n",
    .argument = "list, get, check or preview",
    .min_arguments = 1,
    .max_arguments = 2,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct data),
    .run = run,
};
