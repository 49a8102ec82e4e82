/*
 * RUN/tensorboard: what TensorBoard shows of a run. Two folders with an event file each, so that it
 * draws training and validation in one chart: `train`, and `validation` with the metrics whose names
 * begin with "val_", under the rest of their names. An epoch's values are at its number; those of
 * steps have tags of their own, "step/loss", at the step's.
 */
#ifndef GN_TENSORBOARD_BOARD_H
#define GN_TENSORBOARD_BOARD_H

#include "file/protobuf.h"
#include "run/history.h"

#define GN_BOARD_FILE "events.out.tfevents.googlenet"

struct gn_board;

/* In the folder `path`, which gn_board_save makes. NULL: NO_MEMORY. */
struct gn_board *gn_board_create(const char *path);

/* As gn_journal_resume; epochs that the files lack come from the history. */
gn_status gn_board_resume(struct gn_board *board, uint64_t step, const struct gn_history *history);

/* Adds a step's metrics; they are written with the next epoch, or when there are many. IO, NO_MEMORY. */
gn_status gn_board_step(struct gn_board *board, uint64_t step, const struct gn_metrics *metrics);

/* Values to be written with the next epoch, to add to. */
struct gn_pb *gn_board_values(struct gn_board *board, bool validation);

/* Adds an epoch, with those values, and writes. IO, NO_MEMORY. */
gn_status gn_board_epoch(struct gn_board *board, const struct gn_epoch *row);

/* The same with a time, in seconds since 1970, and nothing is written yet. */
gn_status gn_board_add(struct gn_board *board, const struct gn_epoch *row, double time);
gn_status gn_board_add_step(struct gn_board *board, uint64_t step, const struct gn_metrics *metrics,
                            double time);

gn_status gn_board_save(struct gn_board *board);

/* NULL is fine. What is not written yet is lost. */
void gn_board_close(struct gn_board *board);

#endif
