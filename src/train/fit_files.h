/* What a training run leaves on disk. */
#ifndef GN_TRAIN_FIT_FILES_H
#define GN_TRAIN_FIT_FILES_H

#include "train/bad_images.h"
#include "train/checkpoint.h"
#include "train/pictures.h"
#include "train/sinks.h"

/* What happens to the files at a save. */
struct gn_save {
    const struct gn_epoch *row; /* of the history, to be recorded; NULL: none */
    bool best;                  /* the better weights become best.safetensors too */
    bool partial;               /* the epoch is cut short: its best is not the run's */
    bool last;                  /* no save follows: failing is an error, not a warning */
};

struct gn_run_files {
    struct gn_training *training;
    struct gn_reporter *reporter;
    struct gn_run_folder *folder; /* NULL: nothing is written */
    struct gn_sinks sinks;
    struct gn_bad_images bad;
    struct gn_run_pictures pictures;
    struct gn_checkpoint *first; /* of step 0, being written; NULL: it is there */
    bool begun;                  /* the folder holds a run that can be resumed */
    int failed_saves;            /* in a row */
    struct gn_save newest;       /* what the last gn_files_save was to save, without its row */
    bool owes_save;              /* it could not */
};

/* Opens or makes the folder of the run; does nothing without one. Before the data are touched. */
gn_status gn_files_open(struct gn_run_files *files);

/* Says in the folder how the run ended, if it had begun; the thread's error stays. */
void gn_files_result(struct gn_run_files *files, gn_status status);

/* Restores the checkpoint when the run is resumed. */
gn_status gn_files_resume(struct gn_run_files *files);

/* Begins the history; a resumed run gets back the files that somebody took away; a new run first saves its state before the first step, so that it can be
 * resumed when it is killed in its first epoch. That file is written while the gradients of the
 * first step are computed, which only read the weights. */
gn_status gn_files_begin(struct gn_run_files *files);

/* Waits for that file: before anything changes a weight or writes another one. */
gn_status gn_files_begun(struct gn_run_files *files);

/* Writes histories, curves, best, model and checkpoint, and notes in progress and history which epoch
 * is the best one saved. */
gn_status gn_files_save(struct gn_run_files *files, const struct gn_save *save);

/* At the end of a run: what could not be saved gets its last attempt. Whatever is still not in the
 * folder is an error. */
gn_status gn_files_finish(struct gn_run_files *files);

/* A checkpoint alone, in the middle of an epoch. */
gn_status gn_files_checkpoint(struct gn_run_files *files);

/* One step record, when it is this step's turn. */
void gn_files_step(struct gn_run_files *files, const struct gn_metrics *metrics);

void gn_files_close(struct gn_run_files *files);

#endif
