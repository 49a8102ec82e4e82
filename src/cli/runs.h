/* What the files of googlenet runs and googlenet watch share: a run as its folder tells it. */
#ifndef GN_CLI_RUNS_H
#define GN_CLI_RUNS_H

#include "cli/shared.h"

#include <jansson.h>

struct runs {
    struct cli_common common;
    const char *sort, *out;
    bool tensorboard;
};

/* A run that was read; its files are the truth. */
struct cli_run {
    char *path;
    json_t *config;
    gn_history *history; /* NULL: no epoch yet */
    struct gn_run_info info;
    int epochs;                 /* rows of the history */
    struct gn_epoch best, last; /* of zeros without epochs */
    double seconds;             /* of all epochs */
};

struct cli_run_list {
    int n;
    struct cli_run *runs;
};

/* Reads one run. Returns 0, or the exit code after the fault was named. */
int cli_read_run(const char *path, struct cli_run *run);
void cli_free_run(struct cli_run *run);

/* Reads the runs that the arguments name: a run's folder, or a folder of runs; without arguments those in
 * "runs". Of a folder of runs those that cannot be read are a warning. */
int cli_read_runs(int n, const char *const *paths, struct cli_run_list *list);
void cli_free_runs(struct cli_run_list *list);

/* A value of config.json, or of its options, as a text; "" when it is not there. To be freed. */
char *cli_run_text(const struct cli_run *run, const char *name);
char *cli_run_option(const struct cli_run *run, const char *name);

/* The name of the run's data: that of a known set, or the last part of a path. To be freed. */
char *cli_run_data(const struct cli_run *run);

/* The validation's accuracy of the best epoch, raw or averaged; NaN without one. */
double cli_run_accuracy(const struct cli_run *run);
double cli_run_loss(const struct cli_run *run);

/* runs_list.c: a line a run, best first if asked. */
int runs_list(const struct runs *given, struct cli_run_list *list);

/* runs_show.c: all about one run; what differs between several. */
int runs_show(const struct runs *given, const struct cli_run *run);
int runs_compare(const struct runs *given, const struct cli_run_list *list);

#endif
