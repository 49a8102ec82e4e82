/*
 * What the files of googlenet train share: its options and the run that they describe.
 */
#ifndef GN_CLI_TRAIN_H
#define GN_CLI_TRAIN_H

#include "cli/shared.h"

struct train {
    struct cli_common common;
    struct cli_net net;
    struct cli_place place;
    const char *data, *model, *out, *resume, *recipe;
    bool overwrite, dry_run, list_recipes;
    int epochs, batch;
    uint64_t seed, limit_train, limit_val, max_steps;
    struct cli_shuffle shuffle;
    int on_bad_image;
    bool scaled_decode;
    int optimizer; /* gn_optimizer */
    int algorithm; /* gn_algorithm */
    int schedule;  /* gn_schedule */
    double lr, momentum, weight_decay, adam_eps, val_fraction;
    double lr_min, step_factor, power, rise, warmup_epochs;
    int step_epochs, early_stop, accumulate;
    uint64_t warmup_steps;
    struct cli_plateau plateau;
    double max_time, clip_norm, label_smoothing, ema;
    struct cli_list no_decay, freeze, lr_scale;
    bool nesterov, decay_all;
    uint64_t log_steps, checkpoint_steps;
    int threads;
    const char *augment, *normalize;
    int short_side;
};

/* Values of a struct train that stand for "not given". */
#define TRAIN_NO_REAL  (-1.0)
#define TRAIN_NO_SIDE  (-1)
#define TRAIN_NO_LIMIT UINT64_MAX

extern const char *const train_schedule_names[]; /* by gn_schedule */

/* A run that is ready to begin. */
struct train_run {
    struct cli_args *args;
    struct train *given; /* args->values */
    gn_net *net;
    gn_dataset *train, *validation; /* validation: NULL with --limit-val 0 */
    struct gn_net_info net_info;
    struct gn_dataset_info train_info, validation_info;
    char *folder;
    int folders_made; /* of its path, by this process */
};

/* Gives the net what --short-side and --normalize say (train_pixels.c). Returns 0, or the exit code
 * after the fault was named. */
int train_set_pixels(gn_net *net, const struct train *given);

/* Says on stderr what is going to happen, and which option will not matter. */
void train_announce(const struct train_run *run, const char *folder);

/* Trains in run->folder, shows progress, prints the result. Returns the exit code. */
int train_fit(struct train_run *run);

#endif
