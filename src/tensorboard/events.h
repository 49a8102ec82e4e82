/*
 * An event file of TensorBoard: TFRecord frames (length, masked CRC32C, data, masked CRC32C) around
 * Event messages (tensorflow/core/util/event.proto), appended as they happen.
 */
#ifndef GN_TENSORBOARD_EVENTS_H
#define GN_TENSORBOARD_EVENTS_H

#include "file/protobuf.h"

struct gn_events;

/* What begins the tags of records of steps; all others are of epochs. */
#define GN_STEP_TAG "step/"

/* A file that begins anew with the first gn_events_save. NULL: NO_MEMORY. */
struct gn_events *gn_events_create(const char *path);

/* For events just created: they begin with those of an interrupted run's file, without those after
 * step `step` or after `epochs` epochs, and without what is torn or damaged and all that follows it.
 * *kept is the last epoch among them. No file is none of them. IO, NO_MEMORY. */
gn_status gn_events_resume(struct gn_events *events, uint64_t step, int epochs, int *kept);

/* Adds a record of values (tensorboard/values.h) at a step or epoch. `time`: seconds since 1970.
 * NO_MEMORY, also for values that failed for want of it. */
gn_status gn_events_add(struct gn_events *events, double time, uint64_t step,
                        const struct gn_pb *values);

/* Writes what is not in the file yet. After an error, IO, it is kept for the next call. */
gn_status gn_events_save(struct gn_events *events);

/* NULL is fine. */
void gn_events_close(struct gn_events *events);

#endif
