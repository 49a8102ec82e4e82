/*
 * Checkpoints: one safetensors file that holds everything a run needs to go on as if it had never
 * been interrupted. Nothing in it depends on time, host, threads or paths, so equal runs give
 * equal bytes.
 */
#ifndef GN_TRAIN_CHECKPOINT_H
#define GN_TRAIN_CHECKPOINT_H

#include "run/history.h"
#include "optimizer/optimizer.h"
#include "run/run_folder.h"
#include "train/metrics.h"
#include "train/settings.h"
#include "train/watchdog.h"

/* Where a run stands. */
struct gn_progress {
    uint64_t step;    /* updates since the run began */
    uint64_t epoch;   /* finished epochs */
    uint64_t batch;   /* batches of the running epoch that are done, */
    uint64_t samples; /* and their sums */
    uint64_t correct;
    double loss_sum;
    struct gn_mean means[GN_MOST_MEANS]; /* of that epoch, see gn_means */
    uint64_t best_epoch;                 /* counted from 1; 0: none yet */
    double best_accuracy;
    /* Reduction on a plateau: what the scheduled rate is multiplied with, the lowest validation
     * loss, and the epochs since then. */
    double rate_factor;
    double plateau_loss;
    uint64_t plateau_wait;
    struct gn_watch watch;
};

/* Before the first step. */
extern const struct gn_progress gn_progress_begin;

/* Before the first step of an epoch: its sums are zero. */
void gn_progress_begin_epoch(struct gn_progress *progress);

/* The parts of a run that a checkpoint saves and restores. All belong to the caller. */
struct gn_training {
    struct gn_net *net;
    struct gn_updater *updater;
    struct gn_settings settings;
    struct gn_progress progress;
    struct gn_history *history; /* its first progress.epoch rows are saved */
};

/* Writing checkpoint.safetensors concurrently with the caller; the one of before becomes
 * checkpoint.previous.safetensors. Until gn_checkpoint_end the values of weights and optimiser must
 * stay as they are; everything else was copied. NULL: NO_MEMORY. */
struct gn_checkpoint;
struct gn_checkpoint *gn_checkpoint_begin(const struct gn_training *training,
                                          const struct gn_run_folder *folder);

/* Waits until the file is there: IO, NO_MEMORY; the error of gn_checkpoint_begin for NULL. */
gn_status gn_checkpoint_end(struct gn_checkpoint *checkpoint);

/* The same where an earlier error is the one to tell. NULL is fine. */
void gn_checkpoint_drop(struct gn_checkpoint *checkpoint);

/* Both at once. */
gn_status gn_checkpoint_write(const struct gn_training *training,
                              const struct gn_run_folder *folder);

/* Restores weights, preprocessing, optimiser state, progress and history from the newest checkpoint of the
 * folder that verifies. `note` gets a sentence when something about it deserves a warning (the
 * newest is damaged, another build wrote it), else "". BAD_MODEL: none is whole or it is of
 * another net; BAD_ARGUMENT: other options; BAD_DATA: other data. On an error the net is as it
 * was. */
gn_status gn_checkpoint_read(struct gn_training *training, const struct gn_run_folder *folder,
                             char *note, size_t note_size);

#endif
