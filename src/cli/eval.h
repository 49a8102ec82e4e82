/* What `eval` is given, what it finds, and how that is printed. */
#ifndef GN_CLI_EVAL_H
#define GN_CLI_EVAL_H

#include "cli/options.h"
#include "cli/shared.h"

#include <jansson.h>

struct cli_eval_flags {
    struct cli_common common;
    struct cli_net net;
    struct cli_place place;
    const char *data;
    int split; /* gn_split */
    const char *fold;
    uint64_t limit, limit_train;
    int batch, threads, algorithm, weights;
    int top, tta; /* gn_tta */
    const char *predictions, *report, *require;
    gn_ranks *ranks; /* of a launcher; NULL: none */
};

struct cli_evaluated {
    const char *model;
    gn_dataset *set;
    struct gn_dataset_info data;
    struct gn_score score;
    gn_evaluation *evaluation;
    struct gn_evaluation_figures figures;
};

/* Prints text or JSON; returns the exit code: CLI_FAILED when a requirement is not met. */
int cli_print_evaluation(const struct cli_eval_flags *flags, const struct cli_evaluated *found);

/* Two models on the same data. */
int cli_print_pair(const struct cli_eval_flags *flags, const struct cli_evaluated found[2]);

/* eval_run.c: replaces folders of runs among the arguments by their weights, made[i], to be freed; what the
 * first run was trained with is the default of the flags about data. 0, or the exit code after the fault
 * was named. */
int cli_eval_runs(struct cli_args *args, char *made[2]);

/* ---- eval_json.c, eval_require.c ---- */

/* The figures of a model, as the object that `eval --json` prints. */
json_t *cli_evaluation_json(const struct cli_eval_flags *flags, const struct cli_evaluated *found);

/* A class's name, or its number in `number`, which has 16 bytes. */
const char *cli_class_name(const struct cli_evaluated *found, int class, char *number);

/* Whether the value of --require is a list of NAME=X with known names; NULL is none. False after the
 * fault was named. */
bool cli_requirements_make_sense(const char *list);

/* Names the figures that are below the required ones; returns their number. */
int cli_requirements_missed(const char *list, const struct cli_evaluated *found);

#endif
