/* history.jsonl: one JSON object a line, step records and epoch records as they happen. */
#ifndef GN_RUN_JOURNAL_H
#define GN_RUN_JOURNAL_H

#include "run/history.h"

struct gn_journal;

/* Begins an empty file. NULL: IO. */
struct gn_journal *gn_journal_create(const char *path);

/* Goes on with the file of an interrupted run: records behind step `step` and behind the last row
 * of `history`, and torn lines, are cut off; the rows get their times from the file. A missing
 * file begins empty. NULL: IO, NO_MEMORY. */
struct gn_journal *gn_journal_resume(const char *path, uint64_t step, struct gn_history *history);

/* NULL is fine. */
void gn_journal_close(struct gn_journal *journal);

/* {"step":1,"loss":2.3,"lr":0.05,...}: the step's metrics. IO when it cannot be written. */
gn_status gn_journal_step(struct gn_journal *journal, uint64_t step,
                          const struct gn_metrics *metrics);

/* {"epoch":1,"loss":...,"accuracy":...,...,"seconds":...}: the row's metrics, made durable. IO. */
gn_status gn_journal_epoch(struct gn_journal *journal, const struct gn_epoch *row);

#endif
