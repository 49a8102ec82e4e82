/* googlenet runs show, compare: what a run was made of and what came out; what differs between several. */
#include "cli/columns.h"
#include "cli/report.h"
#include "cli/runs.h"

#include "base/number.h"
#include "base/path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 20, PAGE = 80, LEAST_WIDTH = 10 };

/* What config.json says outside of its options. */
static const char *const facts[] = { "started",    "version",
                                     "commit",     "host",
                                     "isa",        "threads_usable",
                                     "samples",    "validation_samples",
                                     "parameters", "data_fingerprint" };

/* ---- One run ---- */

static json_t *epoch_json(const struct gn_epoch *epoch)
{
    json_t *root = json_object();
    json_object_set_new(root, "epoch", json_integer(epoch->epoch));
    for (int i = 0; i < epoch->metrics.n; i++)
        json_object_set_new(root, epoch->metrics.list[i].name,
                            cli_json_real(epoch->metrics.list[i].value));
    return root;
}

static void show_json(const struct cli_run *run)
{
    json_t *root = json_object();
    json_object_set_new(root, "run", cli_json_text(run->path));
    json_object_set_new(root, "state", cli_json_text(gn_run_state_name((int)run->info.state)));
    json_object_set_new(root, "message",
                        cli_json_text(run->info.message[0] ? run->info.message : NULL));
    for (int i = 0; i < CLI_COUNT_OF(facts); i++) {
        json_t *value = json_object_get(run->config, facts[i]);
        json_object_set_new(root, facts[i], value ? json_incref(value) : json_null());
    }
    json_object_set(root, "command", json_object_get(run->config, "command"));
    json_object_set(root, "options", json_object_get(run->config, "options"));
    json_object_set_new(root, "epochs", json_integer(run->epochs));
    json_object_set_new(root, "seconds", cli_json_rounded(run->seconds, 3));
    json_object_set_new(root, "best", run->best.epoch ? epoch_json(&run->best) : json_null());
    json_object_set_new(root, "last", run->last.epoch ? epoch_json(&run->last) : json_null());
    cli_print_json(root);
}

static void show_epoch(const char *what, const struct gn_epoch *epoch)
{
    if (epoch->epoch == 0)
        return;
    cli_line("%-*s %d", NAME_WIDTH, what, epoch->epoch);
    for (int i = 0; i < epoch->metrics.n; i++) {
        char value[GN_NUMBER_TEXT];
        cli_line("  %-*s %s", NAME_WIDTH - 2, epoch->metrics.list[i].name,
                 gn_digits_text(epoch->metrics.list[i].value, 6, value));
    }
}

static void show_text(const char *name, char *text)
{
    if (text[0])
        cli_line("%-*s %s", NAME_WIDTH, name, text);
    free(text);
}

int runs_show(const struct runs *given, const struct cli_run *run)
{
    char time[24];
    const char *name;
    json_t *value, *options = json_object_get(run->config, "options");
    if (given->common.json) {
        show_json(run);
        return CLI_DONE;
    }
    cli_line("%-*s %s", NAME_WIDTH, "run", run->path);
    cli_line("%-*s %s", NAME_WIDTH, "state", gn_run_state_name((int)run->info.state));
    show_text("why", cli_format("%s", run->info.message));
    for (int i = 0; i < CLI_COUNT_OF(facts); i++)
        show_text(facts[i], cli_run_text(run, facts[i]));
    cli_line("%-*s %s", NAME_WIDTH, "time", cli_duration(time, run->seconds));
    cli_line("options");
    json_object_foreach(options, name, value)
    {
        char *text = cli_run_option(run, name);
        if (text[0] && !json_is_false(value))
            cli_line("  %-*s %s", NAME_WIDTH - 2, name, text);
        free(text);
    }
    show_epoch("last epoch", &run->last);
    if (run->best.epoch != run->last.epoch)
        show_epoch("best epoch", &run->best);
    return CLI_DONE;
}

/* ---- Several ---- */

/* A row of the comparison: a text a run. */
struct row {
    const char *kind, *name;
    char **texts;
};

static char *result_of(const struct cli_run *run, const char *name)
{
    char text[GN_NUMBER_TEXT];
    if (strcmp(name, "state") == 0)
        return cli_format("%s", gn_run_state_name((int)run->info.state));
    if (strcmp(name, "epochs done") == 0)
        return cli_format("%d", run->epochs);
    if (strcmp(name, "best epoch") == 0)
        return cli_format("%d", run->best.epoch);
    const double value = strcmp(name, "val_accuracy") == 0 ? cli_run_accuracy(run)
                         : strcmp(name, "val_loss") == 0   ? cli_run_loss(run)
                         : strcmp(name, "seconds") == 0    ? run->seconds
                                                           : run->last.loss;
    return isfinite(value) ? cli_format("%s", gn_digits_text(value, 6, text))
                           : cli_format("%s", "");
}

static char *text_of(const struct cli_run *run, const char *kind, const char *name)
{
    return kind[0] == 'o'   ? cli_run_option(run, name)
           : kind[0] == 'f' ? cli_run_text(run, name)
                            : result_of(run, name);
}

static json_t *text_json(const char *text)
{
    uint64_t whole;
    double real;
    if (gn_whole_parse(text, &whole) && whole <= UINT64_C(1) << 53)
        return json_integer((json_int_t)whole);
    return gn_real_parse(text, &real) ? cli_json_real(real) : cli_json_text(text);
}

static void print_json_row(const struct row *row, int n)
{
    json_t *root = json_object(), *values = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(values, row->texts[i][0] ? text_json(row->texts[i]) : json_null());
    json_object_set_new(root, "kind", cli_json_text(row->kind));
    json_object_set_new(root, "name", cli_json_text(row->name));
    json_object_set_new(root, "values", values);
    cli_print_json(root);
}

static void print_row(const struct row *row, int n)
{
    const int room = (PAGE - NAME_WIDTH) / n - 1;
    const int width = room < LEAST_WIDTH ? LEAST_WIDTH : room;
    char *line = cli_calloc(NAME_WIDTH + 1 + (size_t)n * 512, 1);
    char shown[256], cell[512];
    size_t used =
        (size_t)snprintf(line, NAME_WIDTH + 8, "%-*.*s", NAME_WIDTH, NAME_WIDTH, row->name);
    for (int i = 0; i < n; i++) {
        const char *text = row->texts[i][0] ? row->texts[i] : "-";
        cli_fit_text(cell, sizeof cell, gn_printable(shown, sizeof shown, text), width);
        used += (size_t)snprintf(line + used, sizeof cell + 2, " %s", cell);
    }
    while (used > 0 && line[used - 1] == ' ')
        line[--used] = '\0';
    cli_line("%s", line);
    free(line);
}

/* Prints the row if the runs differ in it. */
static void compare(const struct runs *given, const struct cli_run_list *list, const char *kind,
                    const char *name)
{
    struct row row = { kind, name, cli_calloc((size_t)list->n, sizeof *row.texts) };
    bool differs = false;
    for (int i = 0; i < list->n; i++) {
        row.texts[i] = text_of(&list->runs[i], kind, name);
        differs = differs || strcmp(row.texts[i], row.texts[0]) != 0;
    }
    if (differs && given->common.json)
        print_json_row(&row, list->n);
    else if (differs)
        print_row(&row, list->n);
    for (int i = 0; i < list->n; i++)
        free(row.texts[i]);
    free(row.texts);
}

/* Names of options that one of the runs has, each once, in the order of the first. */
static void compare_options(const struct runs *given, const struct cli_run_list *list)
{
    json_t *seen = json_object();
    for (int i = 0; i < list->n; i++) {
        json_t *options = json_object_get(list->runs[i].config, "options"), *value;
        const char *name;
        json_object_foreach(options, name, value)
        {
            if (json_object_get(seen, name))
                continue;
            json_object_set_new(seen, name, json_true());
            compare(given, list, "option", name);
        }
    }
    json_decref(seen);
}

int runs_compare(const struct runs *given, const struct cli_run_list *list)
{
    static const char *const results[] = { "state",        "epochs done", "best epoch", "val_loss",
                                           "val_accuracy", "loss",        "seconds" };
    struct row head = { "run", "run", cli_calloc((size_t)list->n + 1, sizeof *head.texts) };
    for (int i = 0; i < list->n; i++)
        head.texts[i] =
            list->runs[i].path + (gn_path_name(list->runs[i].path) - list->runs[i].path);
    if (given->common.json)
        print_json_row(&head, list->n);
    else
        print_row(&head, list->n);
    free(head.texts);
    compare_options(given, list);
    for (int i = 1; i < CLI_COUNT_OF(facts); i++) /* no two have started together */
        compare(given, list, "fact", facts[i]);
    for (int i = 0; i < CLI_COUNT_OF(results); i++)
        compare(given, list, "result", results[i]);
    return CLI_DONE;
}
