/* What a run reported, epoch by epoch, and its table history.csv. */
#ifndef GN_RUN_HISTORY_H
#define GN_RUN_HISTORY_H

#include "base/status.h"

struct gn_history {
    int n, capacity;
    struct gn_epoch *rows;
};

/* NULL: NO_MEMORY. Free with gn_free_history. */
struct gn_history *gn_history_create(void);

/* Room for n rows in all, so that appending them cannot fail. */
gn_status gn_history_reserve(struct gn_history *history, int n);

/* Appends a row for which there is room. */
void gn_history_append(struct gn_history *history, const struct gn_epoch *row);

/* Replaces `path` by the table that Keras' CSVLogger would have written: columns epoch (from 0),
 * accuracy, loss and, with validation, val_accuracy, val_ema_accuracy, val_ema_loss (both with
 * averaged weights), val_loss; lines end in CR LF. */
gn_status gn_history_write_csv(const struct gn_history *history, const char *path);

#endif
