/*
 * googlenet data check and preview: the two ways to look at a whole data set.
 */
#include "base/path.h"
#include "base/width.h"
#include "cli/data.h"
#include "cli/report.h"

#include <string.h>

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

static const char *const finding_names[GN_FINDING_KINDS] = {
    [GN_FINDING_UNREADABLE] = "unreadable",   [GN_FINDING_SAME_FILE] = "same-file",
    [GN_FINDING_SAME_PIXELS] = "same-pixels", [GN_FINDING_LEAK] = "leak",
    [GN_FINDING_CONFLICT] = "conflict",
};

enum { SPLITS = 3, LABEL_COLUMN = 20 };

/* The order in which splits are shown. */
static const gn_split shown[SPLITS] = { GN_TRAIN, GN_VAL, GN_TEST };

/* The splits of a set, by gn_split; NULL: it has no such of its own. */
struct splits {
    gn_dataset *data[SPLITS];
    struct gn_dataset_info info[SPLITS];
};

static int open_splits(struct splits *splits, const struct data *given, const char *what)
{
    struct cli_place place = { .data_dir = given->place.data_dir,
                               .offline = true,
                               .has_fraction = true };
    const struct gn_dataset_info *first = &splits->info[GN_TRAIN];
    int code = 0;
    for (int i = 0; i < SPLITS && !code; i++) {
        const gn_split k = shown[i];
        if ((k == GN_VAL && !first->has_val) || (k == GN_TEST && !first->has_test))
            continue;
        splits->data[k] = cli_open_data(what, k, 0, 0, &place, &code);
        if (splits->data[k] && gn_dataset_describe(splits->data[k], &splits->info[k]) != GN_OK)
            code = cli_fail_library();
    }
    return code;
}

static json_t *json_unused(const struct gn_dataset_info *info)
{
    json_t *kinds = json_object();
    for (int i = 0; i < info->n_unused; i++)
        json_object_set_new(kinds, info->unused_kinds[i].kind,
                            json_integer((json_int_t)info->unused_kinds[i].files));
    return kinds;
}

static void show_splits(const struct splits *splits, bool json, json_t *root)
{
    for (int i = 0; i < SPLITS; i++) {
        const gn_split k = shown[i];
        const struct gn_dataset_info *info = &splits->info[k];
        char what[64];
        if (!splits->data[k])
            continue;
        json_t *row = json_object();
        json_object_set_new(row, "samples", json_integer((json_int_t)info->samples));
        json_object_set_new(row, "height", json_integer(info->height));
        json_object_set_new(row, "width", json_integer(info->width));
        json_object_set_new(row, "channels", json_integer(info->channels));
        json_object_set_new(row, "classes", json_integer(info->classes));
        json_object_set_new(row, "unused", json_unused(info));
        json_object_set_new(root, cli_split_names[k], row);
        if (k == GN_TRAIN)
            json_object_set_new(root, "where", cli_json_text(info->path));
        if (!json)
            cli_line("%-6s %llu %s, %d classes", cli_split_names[k],
                     (unsigned long long)info->samples, cli_what_images(what, info), info->classes);
        cli_note_unused(info);
    }
}

/* Samples of class i by split. */
static void show_class(const struct splits *splits, int i, const uint64_t *samples, bool json,
                       json_t *classes)
{
    static const char *const uses[SPLITS] = {
        [GN_TRAIN] = "training", [GN_TEST] = "test", [GN_VAL] = "validation"
    };
    const char *const *labels = splits->info[GN_TRAIN].labels;
    char name[512], number[16], counts[128] = "";
    json_t *row = json_object();
    snprintf(number, sizeof number, "%d", i);
    const char *label = labels ? labels[i] : number;
    json_object_set_new(row, "label", cli_json_text(label));
    for (int k = 0; k < SPLITS; k++) {
        const gn_split split = shown[k];
        const size_t used = strlen(counts);
        if (split == GN_VAL && !splits->data[split])
            continue;
        json_object_set_new(row, cli_split_names[split], json_integer((json_int_t)samples[split]));
        snprintf(counts + used, sizeof counts - used, "%s %8llu %s", k ? "," : "",
                 (unsigned long long)samples[split], uses[split]);
    }
    gn_printable(name, sizeof name, label);
    if (!json)
        cli_line("class  %s%*s%s", name, gn_padding(name, LABEL_COLUMN), "", counts);
    json_array_append_new(classes, row);
}

static json_t *json_findings(const struct gn_check_report *report)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < report->n_findings; i++) {
        const struct gn_finding *finding = &report->findings[i];
        json_t *row = json_object();
        json_object_set_new(row, "kind", cli_json_text(finding_names[finding->kind]));
        json_object_set_new(row, "file", cli_json_text(finding->file));
        json_object_set_new(row, "other", cli_json_text(finding->other));
        json_object_set_new(row, "message", cli_json_text(finding->message));
        json_array_append_new(findings, row);
    }
    return findings;
}

/* Pictures by the endings of their names: what a set is made of. */
static void show_kinds(const struct splits *splits, bool json, json_t *root)
{
    json_t *kinds = json_object(), *n;
    char line[512] = "";
    const char *name;
    for (int k = 0; k < SPLITS; k++)
        for (uint64_t i = 0; splits->data[k] && i < splits->info[k].samples; i++) {
            const char *file = gn_dataset_file(splits->data[k], i);
            const char *ending = file ? gn_path_extension(file) : "";
            char kind[16];
            if (!file)
                break;
            gn_printable(kind, sizeof kind, *ending ? ending : "no extension");
            n = json_object_get(kinds, kind);
            json_object_set_new(kinds, kind, json_integer(json_integer_value(n) + 1));
        }
    json_object_foreach(kinds, name, n)
    {
        const size_t used = strlen(line);
        snprintf(line + used, sizeof line - used, "%s%lld %s", used ? ", " : "",
                 (long long)json_integer_value(n), name);
    }
    if (!json && line[0])
        cli_line("files  %s", line);
    json_object_set_new(root, "files", kinds);
}

static void show_report(const struct gn_check_report *report, const struct splits *splits,
                        bool json, json_t *root)
{
    json_t *classes = json_array(), *counts = json_object();
    for (int i = 0; i < report->classes; i++)
        show_class(splits, i, report->samples + (size_t)(SPLITS * i), json, classes);
    for (int k = GN_FINDING_UNREADABLE; k < GN_FINDING_KINDS; k++)
        json_object_set_new(counts, finding_names[k], json_integer((json_int_t)report->counts[k]));
    show_kinds(splits, json, root);
    json_object_set_new(root, "counts", classes);
    json_object_set_new(root, "sizes",
                        json_pack("[i,i,i,i]", report->least_height, report->least_width,
                                  report->most_height, report->most_width));
    json_object_set_new(root, "problems", counts);
    json_object_set_new(root, "findings", json_findings(report));
    if (json)
        return;
    cli_line("sizes  %dx%d to %dx%d", report->least_height, report->least_width,
             report->most_height, report->most_width);
    for (size_t i = 0; i < report->n_findings; i++)
        cli_line("%-12s %s", finding_names[report->findings[i].kind], report->findings[i].message);
    cli_line(
        "found  %llu unreadable, %llu with the bytes and %llu with the pixels of another, %llu in "
        "two splits, %llu under two labels",
        (unsigned long long)report->counts[GN_FINDING_UNREADABLE],
        (unsigned long long)report->counts[GN_FINDING_SAME_FILE],
        (unsigned long long)report->counts[GN_FINDING_SAME_PIXELS],
        (unsigned long long)report->counts[GN_FINDING_LEAK],
        (unsigned long long)report->counts[GN_FINDING_CONFLICT]);
}

/* Of a known set the digests are compared, too. */
static int verify(const struct data *given, const char *what, struct gn_known_dataset *known)
{
    if (!find_known(what, given, true, known))
        return cli_fail_library();
    if (!given->common.json && known->verified)
        cli_line("verified: the files in %s are the published ones", known->where);
    else if (!given->common.json)
        cli_line("not verified: the files in %s have the right sizes; no digest of their unpacked "
                 "bytes is published",
                 known->where);
    return 0;
}

int data_check(const struct data *given, const char *what)
{
    struct gn_known_dataset known = { 0 };
    struct gn_check_report report = { 0 };
    struct splits splits = { 0 };
    const bool is_known = !gn_path_exists(what) && find_known(what, given, false, &known);
    if (is_known && !known.where) {
        const int code = cli_fail(CLI_DATA, "%s: the data set is not on this machine", what);
        cli_hint("googlenet data get %s fetches it", what);
        return code;
    }
    json_t *root = json_object();
    json_object_set_new(root, "data", cli_json_text(what));
    int code = open_splits(&splits, given, what);
    if (!code)
        show_splits(&splits, given->common.json, root);
    if (!code && gn_check_data_sets(splits.data[GN_TRAIN], splits.data[GN_VAL],
                                    splits.data[GN_TEST], &report) != GN_OK)
        code = cli_fail_library();
    if (!code)
        show_report(&report, &splits, given->common.json, root);
    if (!code && is_known)
        code = verify(given, what, &known);
    if (!code && given->common.json) {
        json_object_set_new(root, "verified", json_boolean(known.verified));
        cli_print_json(root);
    } else {
        json_decref(root);
    }
    if (!code && report.counts[GN_FINDING_UNREADABLE] > 0)
        code = cli_fail(CLI_DATA, "%s: %llu of its pictures cannot be read", what,
                        (unsigned long long)report.counts[GN_FINDING_UNREADABLE]);
    const uint64_t leaks = report.counts[GN_FINDING_LEAK],
                   conflicts = report.counts[GN_FINDING_CONFLICT];
    if (!code && leaks + conflicts > 0)
        code =
            cli_fail(CLI_FAILED,
                     "%s: %llu pictures are in two splits and %llu under two labels: remove them "
                     "from one",
                     what, (unsigned long long)leaks, (unsigned long long)conflicts);
    gn_free_check(&report);
    for (int k = 0; k < SPLITS; k++)
        gn_close_dataset(splits.data[k]);
    return code;
}

int data_preview(const struct data *given, const char *what)
{
    struct gn_dataset_info info;
    struct cli_place place = given->place;
    int code = 0;
    what = what ? what : given->data;
    if (!what)
        return cli_fail(CLI_USAGE, "data preview: the name of a set or its folder is missing");
    if (gn_check_augment(given->augment) != GN_OK)
        return cli_fail_library();
    place.on_bad_image = GN_BAD_SKIP;
    gn_dataset *data = cli_open_data(what, GN_TRAIN, 0, 0, &place, &code);
    if (!data)
        return code;
    if (gn_dataset_describe(data, &info) != GN_OK) {
        gn_close_dataset(data);
        return cli_fail_library();
    }
    const struct gn_preview_options options = {
        .data = data,
        .path = given->out,
        .size = given->size,
        .channels = given->channels,
        .resize = (gn_resize)given->resize,
        .augment = given->augment,
        .short_side = given->short_side,
        .seed = given->place.seed,
        .epoch = given->epoch > 0 ? (uint64_t)given->epoch - 1 : 0,
        .images = given->images,
    };
    if (gn_preview_with(&options) != GN_OK) {
        code = cli_fail_library();
    } else if (given->common.json) {
        json_t *root = json_object();
        json_object_set_new(root, "data", cli_json_text(info.name));
        json_object_set_new(root, "out", cli_json_text(given->out));
        cli_print_json(root);
    } else {
        cli_line("%s", given->out);
    }
    gn_close_dataset(data);
    return code;
}
