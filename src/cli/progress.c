/*
 * Progress of a training. On a terminal one line is redrawn a few times a second; elsewhere a line
 * is printed after the first step, then every ten seconds (and so at least every thirty, unless a
 * single step takes longer), and one an epoch.
 */
#include "cli/progress.h"

#include "base/number.h"
#include "cli/report.h"
#include "os/program/program.h"

#include <string.h>

enum { WIDEST_BAR = 30 };
static const double redraw_seconds = 0.1;
static const double plain_seconds = 10.0;

static const char *colour(const char *code)
{
    return cli_voice.colour ? code : "";
}

#define BOLD  colour("\033[1m")
#define GREEN colour("\033[32m")
#define PLAIN colour("\033[0m")

void cli_progress_end(struct cli_progress *progress)
{
    if (progress->line_is_open)
        fputs("\r\033[K", stderr);
    progress->line_is_open = false;
}

/* A bar of `width` characters with its brackets and a blank; nothing where there is no room. */
static void draw_bar(char *bar, int width, uint64_t done, uint64_t all)
{
    const int inside = (width < WIDEST_BAR ? width : WIDEST_BAR) - 3;
    bar[0] = '\0';
    if (inside < 4 || all == 0)
        return;
    const int full = (int)((uint64_t)inside * (done < all ? done : all) / all);
    bar[0] = '[';
    for (int i = 0; i < inside; i++)
        bar[1 + i] = i < full ? '=' : i == full ? '>' : ' ';
    memcpy(bar + 1 + inside, "] ", 3);
}

/* Redraws the line: `left`, a bar if there is room, `right`. */
static void redraw(struct cli_progress *progress, const struct gn_event *event, const char *left,
                   const char *right)
{
    char bar[WIDEST_BAR + 1];
    int rows, columns, width = 80;
    if (gn_terminal_size(stderr, &rows, &columns) && columns > 10)
        width = columns;
    const int room = width - 1 - (int)strlen(left) - (int)strlen(right);
    draw_bar(bar, room, event->step, event->steps);
    const int right_room = width - 1 - (int)strlen(left);
    fprintf(stderr, "\r\033[K%.*s%s%.*s", width - 1, left, bar, right_room > 0 ? right_room : 0,
            right);
    fflush(stderr);
    progress->line_is_open = true;
}

/* Seconds until the run ends, from the steps that this process has done so far. */
static double remaining_seconds(const struct cli_progress *progress, const struct gn_event *event)
{
    uint64_t steps = (uint64_t)(event->epochs - event->epoch) * event->steps;
    steps += event->steps > event->step ? event->steps - event->step : 0;
    if (progress->max_steps) {
        const uint64_t left =
            progress->max_steps > event->total_step ? progress->max_steps - event->total_step : 0;
        steps = left < steps ? left : steps;
    }
    if (progress->steps_done == 0)
        return 0.0;
    return (cli_seconds() - progress->begin) / (double)progress->steps_done * (double)steps;
}

static void show_step(struct cli_progress *progress, const struct gn_event *event, double now)
{
    char eta[24], left[32], right[160];
    const double seconds = now - progress->epoch_begin;
    const double rate = seconds > 0.0 ? (double)progress->epoch_samples / seconds : 0.0;
    const unsigned long long step = event->step, steps = event->steps;
    cli_duration(eta, remaining_seconds(progress, event));
    if (cli_voice.terminal) {
        snprintf(left, sizeof left, "epoch %d/%d ", event->epoch, event->epochs);
        gn_format(right, sizeof right, "%*llu/%llu loss %.4f accuracy %.4f %.0f images/s ETA %s",
                  snprintf(NULL, 0, "%llu", steps), step, steps, event->loss, event->accuracy, rate,
                  eta);
        redraw(progress, event, left, right);
    } else {
        cli_note("epoch %d/%d step %llu/%llu: loss %.4f, accuracy %.4f, %.0f images/s, ETA %s",
                 event->epoch, event->epochs, step, steps, event->loss, event->accuracy, rate, eta);
    }
    progress->last_shown = now;
}

static void step(struct cli_progress *progress, const struct gn_event *event)
{
    const double now = cli_seconds();
    const bool is_first = progress->steps_done == 0;
    /* In a resumed epoch the first report counts samples of the earlier process, too. */
    if (event->samples > progress->last_samples && !is_first)
        progress->epoch_samples += event->samples - progress->last_samples;
    progress->last_samples = event->samples;
    progress->total_step = event->total_step;
    progress->steps_done++;
    if (is_first && event->step == 1)
        progress->epoch_samples = event->samples;
    const double plain = cli_voice.verbose ? 0.0 : plain_seconds;
    const double wait = cli_voice.terminal ? redraw_seconds : plain;
    if (is_first || progress->asked || now - progress->last_shown >= wait)
        show_step(progress, event, now);
}

static void validate(struct cli_progress *progress, const struct gn_event *event)
{
    char left[32], right[64];
    const double now = cli_seconds();
    if (!cli_voice.terminal || now - progress->last_shown < redraw_seconds)
        return;
    snprintf(left, sizeof left, "epoch %d/%d ", event->epoch, event->epochs);
    snprintf(right, sizeof right, "%llu/%llu validation", (unsigned long long)event->step,
             (unsigned long long)event->steps);
    redraw(progress, event, left, right);
    progress->last_shown = now;
}

/* Four for losses and accuracies, more for a small learning rate, none for a speed. */
static int decimals(const struct gn_metric *metric)
{
    if (metric->is_time)
        return metric->value >= 100.0 ? 0 : 1;
    return metric->value > 0.0 && metric->value < 0.001 ? 8 : 4;
}

static void epoch(struct cli_progress *progress, const struct gn_event *event)
{
    cli_progress_end(progress);
    gn_print(stderr, "%sepoch %d/%d%s: %llu steps, %.1f s", BOLD, event->epoch, event->epochs,
             PLAIN, (unsigned long long)event->step, event->seconds);
    for (int i = 0; i < event->metrics->n; i++) {
        const struct gn_metric *metric = &event->metrics->list[i];
        if (strcmp(metric->name, "seconds") != 0)
            gn_print(stderr, ", %s %.*f", metric->name, decimals(metric), metric->value);
    }
    if (event->is_best && event->has_validation)
        fprintf(stderr, " %s(best)%s", GREEN, PLAIN);
    fputc('\n', stderr);
    progress->epoch_begin = progress->last_shown = cli_seconds();
    progress->epoch_samples = progress->last_samples = 0;
}

void cli_progress_event(struct cli_progress *progress, const struct gn_event *event)
{
    switch (event->kind) {
    case GN_EVENT_START:
        progress->begin = progress->epoch_begin = cli_seconds();
        /* A new run was announced by the command already. */
        if (event->message && event->total_step > 0)
            cli_note("%s", event->message);
        break;
    case GN_EVENT_STEP:
        if (!cli_voice.quiet)
            step(progress, event);
        progress->total_step = event->total_step;
        break;
    case GN_EVENT_VALIDATE:
        if (!cli_voice.quiet)
            validate(progress, event);
        break;
    case GN_EVENT_EPOCH:
        if (!cli_voice.quiet)
            epoch(progress, event);
        break;
    case GN_EVENT_WARNING:
        cli_progress_end(progress);
        cli_warn_library(event->message ? event->message : "");
        break;
    }
}
