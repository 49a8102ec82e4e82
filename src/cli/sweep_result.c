/* Student's interval of the mean: so few runs do not tell their own deviation well. */
#include "cli/sweep_result.h"

#include "base/number.h"
#include "base/path.h"
#include "cli/config.h"
#include "cli/report.h"
#include "cli/run_folder.h"
#include "cli/runs.h"

#include <math.h>
#include <stdlib.h>

enum { ACCURACY, LOSS, TEST, N_FIGURES };

static const char *const names[N_FIGURES] = { "val_accuracy", "val_loss", "test_accuracy" };

struct column {
    int n; /* runs that have the figure */
    double sum, squares, mean, deviation, low, high;
};

/* The 97.5% quantile of Student's t with so many degrees of freedom. */
static double quantile(int freedom)
{
    static const double t[] = { 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                2.060,  2.056, 2.052, 2.048, 2.045, 2.042 };
    const int n = CLI_COUNT_OF(t);
    /* beyond the table by the first term of Cornish and Fisher */
    return freedom <= n ? t[freedom - 1] : 1.960 + 2.372 / freedom;
}

/* The interval ends where the figure does: at 0, and an accuracy at 1. */
static void settle(struct column *c, const double *values, int n, double most)
{
    for (int i = 0; i < n; i++)
        if (isfinite(values[i])) {
            c->n++;
            c->sum += values[i];
        }
    c->mean = c->n > 0 ? c->sum / c->n : (double)NAN;
    for (int i = 0; i < n; i++)
        if (isfinite(values[i]))
            c->squares += (values[i] - c->mean) * (values[i] - c->mean);
    c->deviation = c->n > 1 ? sqrt(c->squares / (c->n - 1)) : (double)NAN;
    const double half = c->n > 1 ? quantile(c->n - 1) * c->deviation / sqrt(c->n) : (double)NAN;
    c->low = isfinite(half) ? fmax(0, c->mean - half) : (double)NAN;
    c->high = isfinite(half) ? fmin(most, c->mean + half) : (double)NAN;
}

static double test_accuracy(const char *run)
{
    int code;
    char *path = cli_format("%s/test.json", run);
    json_t *root = gn_path_exists(path) ? cli_load_json(path, &code) : NULL;
    const json_t *value = json_object_get(root, "accuracy");
    const double accuracy = json_is_number(value) ? json_number_value(value) : (double)NAN;
    json_decref(root);
    free(path);
    return accuracy;
}

static const char *figure(double value, char text[GN_NUMBER_TEXT])
{
    return isfinite(value) ? gn_fixed_text(value, 4, text) : "-";
}

static void print_row(const char *name, const double values[N_FIGURES], bool tested)
{
    char a[GN_NUMBER_TEXT], b[GN_NUMBER_TEXT], c[GN_NUMBER_TEXT];
    if (tested)
        cli_line("%-24s %12s %12s %14s", name, figure(values[ACCURACY], a), figure(values[LOSS], b),
                 figure(values[TEST], c));
    else
        cli_line("%-24s %12s %12s", name, figure(values[ACCURACY], a), figure(values[LOSS], b));
}

static json_t *column_json(const struct column *c)
{
    json_t *root = json_object();
    json_object_set_new(root, "runs", json_integer(c->n));
    json_object_set_new(root, "mean", cli_json_real(c->mean));
    json_object_set_new(root, "deviation", cli_json_real(c->deviation));
    json_object_set_new(root, "interval",
                        isfinite(c->low) ? json_pack("[f,f]", c->low, c->high) : json_null());
    return root;
}

/* A run a row: its figures. */
struct table {
    int n;
    double (*rows)[N_FIGURES];
    struct column columns[N_FIGURES];
};

static void fill(struct table *table, char *const *paths)
{
    double *values = cli_calloc((size_t)table->n, sizeof *values);
    for (int i = 0; i < table->n; i++) {
        struct cli_run run = { .path = NULL };
        const bool known = cli_read_run(paths[i], &run) == 0;
        table->rows[i][ACCURACY] = known ? cli_run_accuracy(&run) : (double)NAN;
        table->rows[i][LOSS] = known ? cli_run_loss(&run) : (double)NAN;
        table->rows[i][TEST] = test_accuracy(paths[i]);
        if (known && run.info.state != GN_RUN_FINISHED) /* its best epoch says nothing */
            for (int k = 0; k < N_FIGURES; k++)
                table->rows[i][k] = (double)NAN;
        cli_free_run(&run);
    }
    for (int k = 0; k < N_FIGURES; k++) {
        for (int i = 0; i < table->n; i++)
            values[i] = table->rows[i][k];
        settle(&table->columns[k], values, table->n, k == LOSS ? (double)INFINITY : 1);
    }
    free(values);
}

static json_t *table_json(const struct table *table, const char *folder, char *const *paths)
{
    json_t *root = json_object(), *runs = json_array();
    for (int i = 0; i < table->n; i++) {
        json_t *run = json_object();
        json_object_set_new(run, "run", cli_json_text(paths[i]));
        for (int k = 0; k < N_FIGURES; k++)
            json_object_set_new(run, names[k], cli_json_real(table->rows[i][k]));
        json_array_append_new(runs, run);
    }
    json_object_set_new(root, "out", cli_json_text(folder));
    json_object_set_new(root, "runs", runs);
    for (int k = 0; k < N_FIGURES; k++)
        json_object_set_new(root, names[k], column_json(&table->columns[k]));
    return root;
}

static void print_table(const struct table *table, char *const *paths)
{
    const bool tested = table->columns[TEST].n > 0;
    const struct column *c = table->columns;
    if (tested)
        cli_line("%-24s %12s %12s %14s", "run", names[0], names[1], names[2]);
    else
        cli_line("%-24s %12s %12s", "run", names[0], names[1]);
    for (int i = 0; i < table->n; i++)
        print_row(gn_path_name(paths[i]), table->rows[i], tested);
    print_row("mean", (double[]){ c[0].mean, c[1].mean, c[2].mean }, tested);
    print_row("deviation", (double[]){ c[0].deviation, c[1].deviation, c[2].deviation }, tested);
    print_row("95% interval from", (double[]){ c[0].low, c[1].low, c[2].low }, tested);
    print_row("95% interval to", (double[]){ c[0].high, c[1].high, c[2].high }, tested);
}

static int keep(const struct table *table, const char *folder, char *const *paths)
{
    char *path = cli_format("%s/summary.json", folder);
    char *text = cli_json_dump(table_json(table, folder, paths), JSON_INDENT(2));
    char *line = text ? cli_format("%s\n", text) : NULL;
    const int code = line ? cli_replace_file(path, line) : CLI_ENVIRONMENT;
    free(line);
    free(text);
    free(path);
    return code;
}

/* A build without cairo, or runs without an epoch, have no picture. */
static void draw(const char *folder, char *const *paths, int n)
{
    char *path = cli_format("%s/runs.svg", folder);
    if (gn_draw_runs((const char *const *)paths, n < 24 ? n : 24, path) != GN_OK &&
        gn_error_status() != GN_STATUS_UNSUPPORTED)
        cli_warn_library(gn_error_message());
    gn_clear_error();
    free(path);
}

int sweep_result(const char *folder, char *const *paths, int n, bool json)
{
    struct table table = { .n = n, .rows = cli_calloc((size_t)n, sizeof *table.rows) };
    fill(&table, paths);
    const int code = keep(&table, folder, paths);
    draw(folder, paths, n);
    if (json)
        cli_print_json(table_json(&table, folder, paths));
    else
        print_table(&table, paths);
    cli_note("output    %s", folder);
    free(table.rows);
    return code;
}
