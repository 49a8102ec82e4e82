/*
 * googlenet watch: the curves and the progress of a run, drawn again while another process trains. On a
 * terminal the page is redrawn in place; elsewhere it is printed once, then a line an epoch.
 */
#include "base/number.h"
#include "cli/chart.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/runs.h"
#include "cli/signals.h"
#include "os/program/program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct watch {
    struct cli_common common;
    bool once;
    double interval;
};

static const struct watch defaults = { .interval = 1 };

/* clang-format off */
static const struct gn_option options[] = {
    CLI_HEADING("Watch"),
    { .name = "once", .kind = GN_OPTION_SWITCH, .offset = offsetof(struct watch, once),
      .help = "print the state of now and end" },
    { .name = "interval", .kind = GN_OPTION_SECONDS, .value = "T", .offset = offsetof(struct watch, interval),
      .low = 0.1, .high = 3600, .standard = "1s", .help = "how often the run is looked at" },
    CLI_COMMON_ROWS(struct watch),
};
/* clang-format on */

static int epochs_planned(const struct cli_run *run)
{
    const json_t *saved = json_object_get(run->config, "options");
    return (int)json_integer_value(json_object_get(saved, "epochs"));
}

static double *column(const struct cli_run *run, const char *name)
{
    double *values = cli_calloc((size_t)run->epochs + 1, sizeof *values);
    bool any = false;
    for (int i = 0; i < run->epochs; i++) {
        struct gn_epoch row;
        const bool known = gn_history_epoch(run->history, i, &row) == GN_OK;
        values[i] = known ? gn_metric_value(&row.metrics, name) : (double)NAN;
        any = any || isfinite(values[i]);
    }
    if (any)
        return values;
    free(values);
    return NULL;
}

/* What a terminal shows at once; 0 elsewhere: as much as there is. */
struct page {
    int rows, columns;
};

static struct page page_of(bool redraws)
{
    struct page page = { 0 };
    if (redraws)
        (void)gn_terminal_size(stdout, &page.rows, &page.columns);
    return page;
}

/* A line that is no longer than the page is wide, since a second one would move the page. */
static void print_line(const struct page *page, const char *line)
{
    char shown[1024];
    if (page->columns > 1 && page->columns < (int)sizeof shown)
        cli_line("%s", cli_fit_text(shown, sizeof shown, line, page->columns - 1));
    else
        cli_line("%s", line);
}

static void print_curves(const struct cli_run *run, const struct page *page, const char *title,
                         const char *name, bool percent)
{
    enum { HEAD = 3, CHARTS = 2 }; /* lines above the charts, and the cursor's */
    const int rows = (page->rows - HEAD) / CHARTS - CLI_CHART_FRAME_ROWS;
    const int columns = page->columns - CLI_CHART_FRAME_COLUMNS - 1;
    struct gn_epoch first;
    char val[64];
    (void)snprintf(val, sizeof val, "val_%s", name);
    double *trained = column(run, name), *validated = column(run, val);
    if (gn_history_epoch(run->history, 0, &first) == GN_OK) {
        const struct cli_chart chart = { .title = title,
                                         .n = run->epochs,
                                         .curves = { trained, validated },
                                         .marks = { '.', 'o' },
                                         .names = { "training", "validation" },
                                         .first = first.epoch,
                                         .last = run->last.epoch,
                                         .percent = percent,
                                         .rows = page->rows == 0 ? 0
                                                 : rows < 1      ? 1
                                                                 : rows,
                                         .columns = page->columns == 0 ? 0
                                                    : columns < 1      ? 1
                                                                       : columns };
        cli_print_chart(&chart);
    }
    free(trained);
    free(validated);
}

/* "epoch 3 of 10, val_accuracy 0.8123, best 0.8200 in epoch 2, 4:05 left" */
static void print_progress(const struct cli_run *run, const struct page *page)
{
    char left[64] = "", time[24], accuracy[64] = "", best[64] = "", value[GN_NUMBER_TEXT];
    const int planned = epochs_planned(run);
    if (run->info.state == GN_RUN_RUNNING && run->epochs > 0 && planned > run->epochs)
        (void)snprintf(left, sizeof left, ", %s left",
                       cli_duration(time, run->seconds / run->epochs * (planned - run->epochs)));
    if (run->last.has_validation)
        (void)snprintf(accuracy, sizeof accuracy, ", val_accuracy %s",
                       gn_fixed_text(run->last.val_accuracy, 4, value));
    if (run->best.has_validation)
        (void)snprintf(best, sizeof best, ", best %s in epoch %d",
                       gn_fixed_text(cli_run_accuracy(run), 4, value), run->best.epoch);
    char line[256];
    if (run->epochs == 0)
        (void)snprintf(line, sizeof line, "no epoch is finished yet, of %d", planned);
    else
        (void)snprintf(line, sizeof line, "epoch %d of %d%s%s%s", run->last.epoch, planned,
                       accuracy, best, left);
    print_line(page, line);
}

enum { LEAST_ROWS = 15 };

static void print_page(const struct cli_run *run, const struct page *page)
{
    char *head = cli_format("%s   %s%s%s", run->path, gn_run_state_name((int)run->info.state),
                            run->info.message[0] ? ": " : "", run->info.message);
    char *shown = cli_calloc(strlen(head) + 4, 1);
    print_line(page, gn_printable(shown, strlen(head) + 4, head));
    free(shown);
    free(head);
    print_progress(run, page);
    if (page->rows == 0 || page->rows >= LEAST_ROWS) /* one chart is better than half of two */
        print_curves(run, page, "loss", "loss", false);
    print_curves(run, page, "accuracy", "accuracy", true);
}

static void print_json(const struct cli_run *run)
{
    json_t *root = json_object();
    json_object_set_new(root, "run", cli_json_text(run->path));
    json_object_set_new(root, "state", cli_json_text(gn_run_state_name((int)run->info.state)));
    json_object_set_new(root, "epochs", json_integer(run->epochs));
    json_object_set_new(root, "epochs_planned", json_integer(epochs_planned(run)));
    json_object_set_new(root, "loss", cli_json_real(run->epochs ? run->last.loss : (double)NAN));
    json_object_set_new(root, "val_accuracy",
                        run->last.has_validation ? cli_json_real(run->last.val_accuracy)
                                                 : json_null());
    json_object_set_new(root, "best_epoch",
                        run->best.epoch ? json_integer(run->best.epoch) : json_null());
    json_object_set_new(root, "seconds", cli_json_rounded(run->seconds, 3));
    cli_print_json(root);
}

/* One look. `before`: epochs at the last one, -1: there was none. */
static void show(const struct watch *given, const struct cli_run *run, bool redraws, int before)
{
    const struct page page = page_of(redraws);
    if (given->common.json)
        print_json(run);
    else if (redraws)
        fputs("\033[H\033[J", stdout);
    if (!given->common.json && (redraws || before < 0))
        print_page(run, &page);
    else if (!given->common.json)
        print_progress(run, &page);
    fflush(stdout);
}

static void pause_for(double seconds)
{
    const struct timespec t = { (time_t)seconds, (long)(1e9 * (seconds - floor(seconds))) };
    (void)nanosleep(&t, NULL); /* a signal ends it */
}

static int run(struct cli_args *args)
{
    const struct watch *given = args->values;
    const bool redraws = !given->once && !given->common.json && gn_terminal_redraws(stdout);
    int before = -1;
    gn_run_state state = 0;
    cli_catch_interrupts();
    cli_stop_gently();
    while (!cli_stop && !ferror(stdout)) {
        struct cli_run now;
        const int code = cli_read_run(args->arguments[0], &now);
        if (!code && (redraws || before != now.epochs || state != now.info.state))
            show(given, &now, redraws, before);
        before = now.epochs;
        state = now.info.state;
        cli_free_run(&now);
        if (code || given->once || state != GN_RUN_RUNNING)
            return code;
        pause_for(given->interval);
    }
    return cli_stop ? CLI_INTERRUPTED : CLI_DONE;
}

const struct cli_command cli_watch = {
    .name = "watch",
    .usage = "RUN [flags]",
    .summary = "show the curves of a run while another process trains it",
    .examples = "  googlenet watch runs/1-googlenet-fashion-mnist\n"
                "  googlenet watch runs/1-googlenet-fashion-mnist --once\n",
    .argument = "the folder of a run",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct watch),
    .run = run,
};
