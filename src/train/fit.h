/* Inside of a training run: fit.c (the loop) and fit_epoch.c (the end of an epoch). Nobody else sees it. */
#ifndef GN_TRAIN_FIT_H
#define GN_TRAIN_FIT_H

#include "base/statistics.h"
#include "train/fit_files.h"
#include "tensorboard/observer.h"
#include "train/watchdog.h"

struct gn_fit {
    struct gn_training t;
    struct gn_reporter reporter;
    struct gn_run_files files;
    struct gn_plan *plan;
    struct gn_plan *validator; /* inference in the arena of `plan`; NULL: no validation */
    struct gn_loader *loader, *validation; /* validation may be NULL */
    struct gn_train_step *step;
    struct gn_watchdog *watchdog;
    struct gn_observer *observer; /* what TensorBoard shows besides metrics; NULL: nothing */
    float *class_weights;         /* NULL: all 1 */
    char *freeze;                 /* patterns, with those of whitened filters; NULL: the option's */
    float *logits;                /* of a validation batch */
    double began, epoch_began;    /* seconds of the clock */
    uint64_t first_step;          /* done when the call began */
    double step_began;            /* seconds of the clock */
    struct gn_recent paces;       /* seconds of the last steps */
    uint64_t first_samples;       /* of the running epoch, done in an earlier process */
    gn_status lost;               /* of the last agreement with other ranks */
    bool save_asked;              /* by the caller of any rank */
    double pace_began;            /* seconds of the clock at the first step of this process */
    gn_status data_status; /* of the last batch: a picture that cannot be read ends the run */
};

/* Why a run ends. */
enum gn_verdict {
    GN_GO_ON,
    GN_END_REQUESTED, /* by the caller */
    GN_END_LIMIT,     /* max_steps or max_seconds */
    GN_END_STALLED,   /* early_stop */
    GN_END_BAD_DATA,  /* the thread's last error says which */
    GN_END_LOST       /* the same: a rank is lost */
};

/* The one place where that is decided, between two steps or epochs. */
enum gn_verdict gn_fit_verdict(struct gn_fit *fit);

/* Whether the caller of any rank asks for an end. */
gn_status gn_fit_stop_is_asked(struct gn_fit *fit, bool *asked);

/* Fills the figures of the running epoch into the event. */
void gn_fit_fill_event(struct gn_fit *fit);

/* The rate of the last step. */
double gn_fit_last_rate(const struct gn_fit *fit);

/* DIVERGED with the step and the learning rate; `what`: "the loss is infinite". */
gn_status gn_fit_diverged(const struct gn_fit *fit, const char *what);

void gn_fit_report_finding(struct gn_fit *fit, const struct gn_finding_text *finding);

/* ---- fit_epoch.c ---- */

/* Saves where the run is and ends it with STOPPED. */
gn_status gn_fit_stop_here(struct gn_fit *fit);

/* The last error is about a picture: saves where the run is, so that nothing but the picture must be
 * repaired, and ends the run with that error. */
gn_status gn_fit_stop_for_data(struct gn_fit *fit);

/* Before the first epoch every picture for validation is read once: one that cannot be read must not
 * be found after an hour. */
gn_status gn_fit_look_ahead(struct gn_fit *fit);

/* Warns before the first step of what may not be as it was meant. */
void gn_fit_warn(struct gn_fit *fit);

/* Validates, adds the epoch to the history and saves. */
gn_status gn_fit_finish_epoch(struct gn_fit *fit);

/* A limit ends the run inside an epoch: all files are left as if the epoch had ended here, but
 * the checkpoint keeps the position, from which a resumed run goes on. */
gn_status gn_fit_cut_epoch(struct gn_fit *fit);

#endif
