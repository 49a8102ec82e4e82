/* Where the metrics of a run go besides its events: history.jsonl, history.csv, curves.svg, and
 * TensorBoard's files if they are wanted. A new place is a line in the table of sinks.c. */
#ifndef GN_TRAIN_SINKS_H
#define GN_TRAIN_SINKS_H

#include "run/history.h"
#include "run/run_folder.h"
#include "train/report.h"

enum { GN_SINK_BOARD = 1, GN_SINKS = 4 };

struct gn_board;

struct gn_sinks {
    const struct gn_run_folder *folder; /* NULL: nothing is written */
    struct gn_reporter *reporter;
    struct gn_history *history;
    bool tensorboard;
    char title[96];
    struct gn_sink_state {
        void *stream; /* of records; NULL: none */
        bool failed;  /* the last time */
    } states[GN_SINKS];
};

/* Begins the streams; those of a resumed run go on after step `step` and the rows of the history, which
 * get their times from them. An error is a warning, here and below. */
void gn_sinks_begin(struct gn_sinks *sinks, bool resume, uint64_t step);

void gn_sinks_step(struct gn_sinks *sinks, uint64_t step, const struct gn_metrics *metrics);

/* The history has changed: by a row, or NULL. */
void gn_sinks_epoch(struct gn_sinks *sinks, const struct gn_epoch *row);

/* TensorBoard's files, for values of the next epoch besides its metrics; NULL: there are none. */
struct gn_board *gn_sinks_board(const struct gn_sinks *sinks);

/* The last attempt to write what could not be written: IO, NO_MEMORY. */
gn_status gn_sinks_finish(struct gn_sinks *sinks);

/* Writes one of the files that are replaced, "history.csv", from the history. */
void gn_sinks_rewrite(struct gn_sinks *sinks, const char *file);

void gn_sinks_close(struct gn_sinks *sinks);

#endif
