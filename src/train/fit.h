/* Inside of a training run, shared by fit.c (the loop), fit_epoch.c (the end of an epoch) and
 * fit_files.c (what it leaves on disk). */
#ifndef GN_TRAIN_FIT_H
#define GN_TRAIN_FIT_H

#include "plan/plan.h"
#include "train/checkpoint.h"
#include "run/journal.h"
#include "train/step.h"

struct gn_run_files {
    struct gn_run_folder *folder; /* NULL: nothing is written */
    struct gn_journal *journal;   /* NULL: none, or given up after an error */
    struct gn_checkpoint *first;  /* of step 0, being written; NULL: it is there */
    int failed_saves;             /* in a row */
    bool csv_failed, curves_failed;
};

struct gn_fit {
    struct gn_training t;
    struct gn_plan *plan;
    struct gn_plan *validator; /* inference in the arena of `plan`; NULL: no validation */
    struct gn_loader *loader, *validation; /* validation may be NULL */
    struct gn_train_step *step;
    uint8_t *fired; /* of the watchdog */
    uint64_t fired_steps;
    bool told_dead; /* dead ReLUs were reported */
    float *logits;  /* of a validation batch */
    struct gn_run_files files;
    double began, epoch_began; /* seconds of the clock */
    uint64_t first_step;       /* done when the call began */
    size_t told_bad[2];        /* pictures left out of training and validation that were reported */
    struct gn_event event;
};

/* Hands the event to the caller as `kind`. */
void gn_fit_report(struct gn_fit *fit, gn_event_kind kind);

/* Reports the thread's last error as a warning and forgets it. `advice` becomes a hint; NULL: none. */
void gn_fit_warn(struct gn_fit *fit, const char *advice);

/* Fills the figures of the running epoch into the event. */
void gn_fit_fill_event(struct gn_fit *fit);

/* DIVERGED with the step and the learning rate; `what`: "the loss is infinite". */
gn_status gn_fit_diverged(const struct gn_fit *fit, const char *what);

/* ---- fit_epoch.c ---- */

/* Whether max_steps, max_seconds or early_stop ends the run here. */
bool gn_fit_reached_limit(const struct gn_fit *fit);

/* Exchanges the weights with their average, so that the net is the averaged one until the next
 * call. Does nothing without an average. */
void gn_fit_swap_ema(struct gn_fit *fit);

/* Saves where the run stands and ends it with STOPPED. */
gn_status gn_fit_stop_here(struct gn_fit *fit);

/* Validates, adds the epoch to the history and saves. */
gn_status gn_fit_finish_epoch(struct gn_fit *fit);

/* A limit ends the run inside an epoch: all files are left as if the epoch had ended here, but
 * the checkpoint keeps the position, from which a resumed run goes on. */
gn_status gn_fit_cut_epoch(struct gn_fit *fit);

/* ---- watchdog.c ---- */

/* NO_MEMORY. */
gn_status gn_watchdog_open(struct gn_fit *fit);

/* Looks at a step: its mean loss, the length of its gradient, and which ReLUs let gradients
 * through. Reports warnings; changes nothing but its own memory. */
void gn_watchdog_step(struct gn_fit *fit, double loss, double norm);

/* Looks at what the steps of an epoch have shown together, and begins anew. */
void gn_watchdog_epoch(struct gn_fit *fit);
/* ---- fit_heads.c ---- */

/* Adds a step's losses of the auxiliary heads to the progress. */
void gn_fit_count_heads(struct gn_fit *fit, const double *sums);

/* Means of the running epoch, for the event and for a row. */
void gn_fit_event_heads(struct gn_fit *fit);
void gn_fit_row_heads(const struct gn_fit *fit, struct gn_epoch *row);

/* Reports the pictures that were left out since the last call, each once, and lists all of them in
 * bad-images.txt (bad_images.c). */
void gn_fit_tell_bad(struct gn_fit *fit);

/* ---- fit_files.c ---- */

/* Opens or makes the folder of the run; does nothing without one. Before the data are touched. */
gn_status gn_files_open(struct gn_fit *fit);

/* Restores the checkpoint when the run is resumed. */
gn_status gn_files_resume(struct gn_fit *fit);

/* Begins the history; a new run first saves its state before the first step, so that it can be
 * resumed when it is killed in its first epoch. That file is written while the gradients of the
 * first step are computed, which only read the weights. */
gn_status gn_files_begin(struct gn_fit *fit);

/* Waits for that file: before anything changes a weight or writes another one. */
gn_status gn_files_begun(struct gn_fit *fit);

/* What happens to the files at a save. */
struct gn_save {
    const struct gn_epoch *row; /* of the history, to be recorded; NULL: none */
    bool best;                  /* the better weights become best.safetensors too */
    bool partial;               /* the epoch is cut short: its best is not the run's */
    bool last;                  /* no save follows: failing is an error, not a warning */
};

/* Writes histories, curves, best, model and checkpoint, and notes in the progress which epoch is
 * the best one saved. */
gn_status gn_files_save(struct gn_fit *fit, const struct gn_save *save);

/* A checkpoint alone, in the middle of an epoch. */
gn_status gn_files_checkpoint(struct gn_fit *fit);

/* One step record, when it is this step's turn. */
void gn_files_step(struct gn_fit *fit);

void gn_files_close(struct gn_fit *fit);

#endif
