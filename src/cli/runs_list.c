/* googlenet runs list: a line a run. */
#include "cli/columns.h"
#include "cli/report.h"
#include "cli/runs.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_WIDTH = 30, DATA_WIDTH = 14 };

static json_t *line_of(const struct cli_run *run)
{
    json_t *root = json_object();
    char *model = cli_run_option(run, "preset"), *data = cli_run_data(run);
    json_object_set_new(root, "run", cli_json_text(run->path));
    json_object_set_new(root, "model", cli_json_text(model));
    json_object_set_new(root, "data", cli_json_text(data));
    json_object_set_new(root, "state", cli_json_text(gn_run_state_name((int)run->info.state)));
    json_object_set_new(root, "epochs", json_integer(run->epochs));
    json_object_set_new(root, "val_accuracy", cli_json_real(cli_run_accuracy(run)));
    json_object_set_new(root, "val_loss", cli_json_real(cli_run_loss(run)));
    json_object_set_new(root, "seconds", cli_json_rounded(run->seconds, 3));
    free(model);
    free(data);
    return root;
}

/* ---- Order ---- */

static const char *const keys[] = { "run",    "model",        "data",     "state",
                                    "epochs", "val_accuracy", "val_loss", "seconds" };
static const char *sort_key;

/* The most accurate first, otherwise the least first; what is not known comes last. */
static int by_key(const void *a, const void *b)
{
    json_t *one = line_of(a), *other = line_of(b);
    const json_t *x = json_object_get(one, sort_key), *y = json_object_get(other, sort_key);
    int order = (int)json_is_null(x) - (int)json_is_null(y);
    if (order == 0 && json_is_string(x) && json_is_string(y))
        order = strcmp(json_string_value(x), json_string_value(y));
    else if (order == 0)
        order = (json_number_value(x) > json_number_value(y)) -
                (json_number_value(x) < json_number_value(y));
    if (strcmp(sort_key, "val_accuracy") == 0 && json_is_number(x) && json_is_number(y))
        order = -order;
    json_decref(one);
    json_decref(other);
    return order;
}

static int sort(const char *key, struct cli_run_list *list)
{
    for (int i = 0; i < CLI_COUNT_OF(keys); i++)
        if (strcmp(keys[i], key) == 0)
            sort_key = keys[i];
    if (!sort_key)
        return cli_fail(CLI_USAGE,
                        "--sort: \"%s\" is not one of run, model, data, state, epochs, "
                        "val_accuracy, val_loss, seconds",
                        key);
    if (list->n > 1)
        qsort(list->runs, (size_t)list->n, sizeof list->runs[0], by_key);
    return 0;
}

/* ---- The table ---- */

static const char *figure(double value, char text[GN_NUMBER_TEXT])
{
    return isfinite(value) ? gn_fixed_text(value, 4, text) : "-";
}

static void print_row(const struct cli_run *run)
{
    char name[256], shown[256], data[128], fit_name[256], fit_data[128], time[24];
    char accuracy[GN_NUMBER_TEXT];
    char *data_name = cli_run_data(run);
    cli_fit_text(fit_name, sizeof fit_name, gn_printable(name, sizeof name, run->path), RUN_WIDTH);
    cli_fit_text(fit_data, sizeof fit_data, gn_printable(data, sizeof data, data_name), DATA_WIDTH);
    (void)snprintf(shown, sizeof shown, "%s", gn_run_state_name((int)run->info.state));
    cli_line("%s %s %-8s %4d %8s %8s", fit_name, fit_data, shown, run->epochs,
             figure(cli_run_accuracy(run), accuracy), cli_duration(time, run->seconds));
    free(data_name);
}

int runs_list(const struct runs *given, struct cli_run_list *list)
{
    if (given->sort) {
        const int code = sort(given->sort, list);
        if (code)
            return code;
    }
    if (!given->common.json && list->n == 0)
        cli_note("no runs here; googlenet train makes them in runs/");
    if (!given->common.json && list->n > 0)
        cli_line("%-*s %-*s %-8s %4s %8s %8s", RUN_WIDTH, "run", DATA_WIDTH, "data", "state", "ep.",
                 "val_acc", "time");
    for (int i = 0; i < list->n; i++) {
        if (given->common.json)
            cli_print_json(line_of(&list->runs[i]));
        else
            print_row(&list->runs[i]);
    }
    return CLI_DONE;
}
