/*
 * What the files of googlenet train share: its options and the run that they describe.
 */
#ifndef GN_CLI_TRAIN_H
#define GN_CLI_TRAIN_H

#include "cli/shared.h"

#include <jansson.h>

struct train {
    struct cli_common common;
    struct cli_net net;
    struct cli_place place;
    const char *data, *model, *resume, *recipe;
    bool dry_run, list_recipes, or_start;
    int processes;
    int seeds, folds;   /* several runs; 0: one */
    const char *fold;   /* "1/5" */
    bool is_part;       /* of several runs: its result is printed with theirs */
    bool reads_limited; /* of each split only the first --limit-... samples; false: a run of version
                           0.1.0, whose checkpoint knows the whole set */
    const char *normalize;
    int short_side; /* TRAIN_NO_SIDE: not given */
    struct gn_fit_options fit;
};

enum { TRAIN_NO_SIDE = -1 };

/* A run that is ready to begin. */
struct train_run {
    struct cli_args *args;
    struct train *given; /* args->values */
    gn_net *net;
    gn_dataset *train, *validation; /* validation: NULL with --limit-val 0 */
    gn_dataset *test; /* measured at the end; NULL: the set has not both, so that it validates */
    struct gn_net_info net_info;
    struct gn_dataset_info train_info, validation_info, test_info;
    char *folder;
    int folders_made; /* of its path, by this process */
    /* Neither the command line, nor a recipe, nor the run that is resumed says them. */
    bool free_epochs, free_batch, free_momentum;
};

/* Epochs, batch and the momentum of batch normalisation for a small set of pictures, as far as nobody
 * has said them (train_choose.c). */
void train_choose(struct train_run *run);

/* Turns the file that --class-weights names into its list (train_weights.c). 0, or the
 * exit code after the fault was named. */
int train_read_weights(struct cli_args *args);

/* Several runs, --seeds, --folds or the resuming of such (train_sweep.c): whether the words ask for them; trains what
 * is not finished yet, then prints and keeps what they have in common. Returns the exit code. */
bool train_is_sweep(const struct cli_args *args);
int train_sweep(const struct cli_args *args);

/* Says what was chosen, and warns of a run that is too short to learn. */
void train_note_choice(const struct train_run *run);

/* Steps of an epoch with this batch. */
uint64_t train_epoch_steps(const struct train_run *run, int batch);

/* Gives the net what --short-side and --normalize say (train_pixels.c). Returns 0, or the exit code
 * after the fault was named. */
int train_set_pixels(gn_net *net, const struct train *given);

/* Says on stderr what is going to happen, and which option will not matter. */
void train_announce(const struct train_run *run, const char *folder);

/* The same for programs: what would happen, with every option, as JSON on stdout. */
void train_print_plan(const struct train_run *run, const char *folder);

/* Measures run->test with the file `model`, the best, of that epoch, and keeps the score in the run's
 * folder (train_test.c); `answers` gets every answer. Returns 0, or the exit code after the fault was named. */
int train_test(const struct train_run *run, const char *model, int epoch, struct gn_score *score,
               gn_evaluation *answers);

/* The score as JSON; null for NULL. */
json_t *train_test_json(const struct gn_score *score);

/* Trains in run->folder, shows progress, prints the result. Returns the exit code. */
int train_fit(struct train_run *run);

#endif
