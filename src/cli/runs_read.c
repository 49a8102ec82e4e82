/* Runs as their folders tell them: config.json, history.jsonl and what the library finds out. */
#include "cli/runs.h"

#include "base/number.h"
#include "base/path.h"
#include "cli/config.h"
#include "cli/report.h"
#include "cli/run_folder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_run(const char *folder)
{
    char *path = cli_format("%s/config.json", folder);
    const bool found = gn_path_exists(path);
    free(path);
    return found;
}

static void read_history(struct cli_run *run)
{
    struct gn_epoch row;
    run->history = gn_read_history(run->path);
    run->epochs = gn_history_epochs(run->history);
    for (int i = 0; i < run->epochs; i++)
        if (gn_history_epoch(run->history, i, &row) == GN_OK) {
            run->seconds += row.seconds;
            run->last = row;
        }
    if (gn_history_best(run->history) >= 0)
        (void)gn_history_epoch(run->history, gn_history_best(run->history), &run->best);
    gn_clear_error(); /* a run in its first epoch has no history yet */
}

int cli_read_run(const char *path, struct cli_run *run)
{
    int code = 0;
    *run = (struct cli_run){ .path = cli_format("%s", path) };
    for (size_t n = strlen(run->path); n > 1 && gn_is_slash(run->path[n - 1]); n--)
        run->path[n - 1] = '\0';
    if (gn_describe_run(run->path, &run->info) != GN_OK)
        return cli_fail_library();
    run->config = cli_load_config(run->path, &code);
    if (!run->config)
        return code;
    read_history(run);
    return 0;
}

void cli_free_run(struct cli_run *run)
{
    free(run->path);
    json_decref(run->config);
    gn_free_history(run->history);
    *run = (struct cli_run){ .path = NULL };
}

static int add(struct cli_run_list *list, const char *path)
{
    struct cli_run *grown = cli_calloc((size_t)list->n + 1, sizeof *grown);
    if (list->n > 0)
        memcpy(grown, list->runs, (size_t)list->n * sizeof *grown);
    free(list->runs);
    list->runs = grown;
    const int code = cli_read_run(path, &list->runs[list->n]);
    if (code)
        cli_free_run(&list->runs[list->n]);
    else
        list->n++;
    return code;
}

/* By the number that a run's name begins with, then by name. */
static int by_number(const void *pa, const void *pb)
{
    const char *a = *(char *const *)pa, *b = *(char *const *)pb;
    const long x = strtol(a, NULL, 10), y = strtol(b, NULL, 10);
    return x != y ? (x > y) - (x < y) : strcmp(a, b);
}

/* The names in a folder but those that begin with a dot. */
static char **entries_of(struct gn_listing *listing, int *n)
{
    size_t room = 64;
    char **entries = cli_calloc(room, sizeof *entries);
    *n = 0;
    for (const char *name; (name = gn_list_next(listing)) != NULL;) {
        if (name[0] == '.')
            continue;
        if ((size_t)*n == room) {
            char **grown = cli_calloc(2 * room, sizeof *grown);
            memcpy(grown, entries, room * sizeof *entries);
            free(entries);
            entries = grown;
            room *= 2;
        }
        entries[(*n)++] = cli_format("%s", name);
    }
    gn_list_end(listing);
    qsort(entries, (size_t)*n, sizeof *entries, by_number);
    return entries;
}

static int add_all(struct cli_run_list *list, const char *folder)
{
    struct gn_listing *listing = gn_list_folder(folder);
    if (!listing)
        return cli_fail(CLI_DATA, "%s: cannot be read: %s", folder, strerror(errno));
    int n;
    char **entries = entries_of(listing, &n);
    for (int i = 0; i < n; i++) {
        char *path = cli_format("%s/%s", folder, entries[i]);
        if (is_run(path))
            (void)add(list, path); /* one that is damaged has been named; the others matter */
        else if (cli_is_sweep_folder(path))
            (void)add_all(list, path);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

int cli_read_runs(int n, const char *const *paths, struct cli_run_list *list)
{
    static const char *const usual[] = { "runs" };
    int code = 0;
    *list = (struct cli_run_list){ .n = 0 };
    if (n == 0 && !gn_path_exists(usual[0]))
        return 0;
    for (int i = 0; i < (n == 0 ? 1 : n) && code == 0; i++) {
        const char *path = n == 0 ? usual[0] : paths[i];
        if (is_run(path) || !gn_path_is_folder(path))
            code = add(list, path);
        else
            code = add_all(list, path);
    }
    return code;
}

void cli_free_runs(struct cli_run_list *list)
{
    for (int i = 0; i < list->n; i++)
        cli_free_run(&list->runs[i]);
    free(list->runs);
}

static char *text_of(const json_t *value)
{
    char number[GN_NUMBER_TEXT];
    if (json_is_string(value))
        return cli_format("%s", json_string_value(value));
    if (json_is_real(value))
        return cli_format("%s", gn_decimal_text(json_real_value(value), number));
    char *text = !value || json_is_null(value)
                     ? NULL
                     : cli_json_text_of(value, JSON_ENCODE_ANY | JSON_COMPACT);
    return text ? text : cli_format("%s", "");
}

char *cli_run_text(const struct cli_run *run, const char *name)
{
    return text_of(json_object_get(run->config, name));
}

char *cli_run_option(const struct cli_run *run, const char *name)
{
    return text_of(json_object_get(json_object_get(run->config, "options"), name));
}

char *cli_run_data(const struct cli_run *run)
{
    char *path = cli_run_option(run, "data");
    char *name = cli_format("%s", gn_path_name(path));
    free(path);
    return name;
}

double cli_run_accuracy(const struct cli_run *run)
{
    const double averaged = gn_metric_value(&run->best.metrics, "val_ema_accuracy");
    if (!run->best.has_validation)
        return (double)NAN;
    return averaged > run->best.val_accuracy ? averaged : run->best.val_accuracy;
}

double cli_run_loss(const struct cli_run *run)
{
    const double averaged = gn_metric_value(&run->best.metrics, "val_ema_loss");
    const bool is_averaged =
        gn_metric_value(&run->best.metrics, "val_ema_accuracy") > run->best.val_accuracy;
    return !run->best.has_validation ? (double)NAN : is_averaged ? averaged : run->best.val_loss;
}
