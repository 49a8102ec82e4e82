/*
 * googlenet bench --scaling: what each further thread gives. The thread counts are measured in
 * turn, up and down, so that a machine whose speed drifts favours none of them; a speed-up is the
 * median of those within one turn.
 */
#include "base/number.h"
#include "cli/bench.h"
#include "cli/report.h"

#include <stdlib.h>

enum { TURNS = 3, MAX_COUNTS = 64, ALL_UP_TO = 8 };

struct scaling {
    int n_counts;
    int threads[MAX_COUNTS];
    double ms[MAX_COUNTS][TURNS];      /* a step's, median of a measurement */
    double speedup[MAX_COUNTS][TURNS]; /* over one thread in the same turn */
    struct gn_bench_result last;
};

/* 1, 2, ... 8, then doubled, and `largest` itself. */
static void choose_counts(struct scaling *s, int largest)
{
    for (int t = 1; t < largest && s->n_counts < MAX_COUNTS - 1; t += t < ALL_UP_TO ? 1 : t)
        s->threads[s->n_counts++] = t;
    s->threads[s->n_counts++] = largest;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Sorts the values of the turns. */
static double median(double values[TURNS])
{
    qsort(values, TURNS, sizeof values[0], ascending);
    return values[TURNS / 2];
}

static int measure(struct scaling *s, gn_net *net, struct gn_bench_options options)
{
    for (int turn = 0; turn < TURNS; turn++) {
        for (int k = 0; k < s->n_counts; k++) {
            const int i = turn % 2 == 0 ? k : s->n_counts - 1 - k;
            options.threads = s->threads[i];
            if (gn_bench(net, &s->last, &options) != GN_OK)
                return cli_fail_library();
            s->ms[i][turn] = s->last.ms_median;
            gn_free_bench(&s->last);
        }
        for (int i = 0; i < s->n_counts; i++)
            s->speedup[i][turn] = s->ms[0][turn] / s->ms[i][turn];
    }
    return CLI_DONE;
}

static void print_json(struct scaling *s, const struct gn_net_info *net, const char *mode)
{
    json_t *root = json_object(), *rows = json_array();
    for (int i = 0; i < s->n_counts; i++) {
        const double ms = median(s->ms[i]);
        json_t *row = json_object();
        json_object_set_new(row, "threads", json_integer(s->threads[i]));
        json_object_set_new(row, "ms_median", cli_json_rounded(ms, 4));
        json_object_set_new(row, "images_per_second",
                            cli_json_rounded(1e3 * s->last.batch / ms, 2));
        json_object_set_new(row, "speedup", cli_json_rounded(median(s->speedup[i]), 3));
        json_array_append_new(rows, row);
    }
    json_object_set_new(root, "mode", json_string(mode));
    json_object_set_new(root, "preset", cli_json_text(net->preset));
    json_object_set_new(root, "size", json_integer(net->size_h));
    json_object_set_new(root, "channels", json_integer(net->channels));
    json_object_set_new(root, "batch", json_integer(s->last.batch));
    json_object_set_new(root, "isa", cli_json_text(s->last.isa));
    json_object_set_new(root, "scaling", rows);
    cli_print_json(root);
}

static void print_text(struct scaling *s, const struct gn_net_info *net, const char *mode)
{
    cli_line("%s, %s %dx%dx%d, batch %d, %s kernels, median of %d turns",
             mode[0] == 't' ? "training step" : "forward pass", net->preset, net->size_h,
             net->size_w, net->channels, s->last.batch, s->last.isa, TURNS);
    cli_line("%7s  %10s  %10s  %8s  %10s", "threads", "ms", "images/s", "speed-up", "efficiency");
    for (int i = 0; i < s->n_counts; i++) {
        const double ms = median(s->ms[i]), speedup = median(s->speedup[i]);
        cli_line("%7d  %10.2f  %10.1f  %8.2f  %9.0f%%", s->threads[i], ms, 1e3 * s->last.batch / ms,
                 speedup, 100 * speedup / s->threads[i]);
    }
}

int cli_bench_scaling(gn_net *net, const struct gn_bench_options *options, const char *mode,
                      bool json)
{
    struct scaling scaling = { 0 };
    struct gn_system_info system;
    struct gn_net_info info;
    if (gn_system_describe(&system) != GN_OK || gn_net_describe(net, &info) != GN_OK)
        return cli_fail_library();
    choose_counts(&scaling, options->threads ? options->threads : system.threads);
    const int code = measure(&scaling, net, *options);
    if (code == CLI_DONE && json)
        print_json(&scaling, &info, mode);
    else if (code == CLI_DONE)
        print_text(&scaling, &info, mode);
    return code;
}
