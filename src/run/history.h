/* What a run reported, epoch by epoch, which epoch was the best one, and the table history.csv. */
#ifndef GN_RUN_HISTORY_H
#define GN_RUN_HISTORY_H

#include "run/metrics.h"

struct gn_history {
    int n, capacity;
    struct gn_epoch *rows;
    int best; /* index of the row whose weights are the best ones kept; -1: none yet */
};

/* NULL: NO_MEMORY. Free with gn_free_history. */
struct gn_history *gn_history_create(void);

/* Room for n rows in all, so that appending them cannot fail. */
gn_status gn_history_reserve(struct gn_history *history, int n);

/* Appends a row for which there is room: its metrics. The other fields are taken from them. */
void gn_history_append(struct gn_history *history, int epoch, const struct gn_metrics *metrics);

/* Adds what was missing in a row. */
void gn_history_add(struct gn_history *history, int row, const char *name, double value,
                    bool is_time);

/* How good the weights of an epoch are: the raw or the averaged ones, whichever are better. */
struct gn_standing {
    double accuracy, loss; /* of the validation */
    bool averaged;
};
struct gn_standing gn_epoch_standing(const struct gn_epoch *row);

/* Whether an epoch is better than an earlier one: by the higher validation accuracy, of equals by the
 * lower validation loss. Without validation every epoch is. */
bool gn_epoch_is_better(const struct gn_epoch *row, const struct gn_epoch *than);

/* Names of the metrics of the first `rows` rows that are not times, in the order in which they first
 * appear. Returns their number. */
int gn_history_names(const struct gn_history *history, int rows,
                     const char *names[GN_MOST_METRICS]);

/* Replaces `path` by the table that Keras' CSVLogger would have written: epoch (from 0), then the
 * metrics in alphabetical order, those of Keras first; lines end in CR LF. Times are left out, so
 * that equal runs have equal files; "NA" is what an older version of a run did not report. */
gn_status gn_history_write_csv(const struct gn_history *history, const char *path);

#endif
