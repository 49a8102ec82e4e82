/* history.jsonl: one JSON object a line, step records and epoch records as they happen. */
#ifndef GN_RUN_JOURNAL_H
#define GN_RUN_JOURNAL_H

#include "run/history.h"

struct gn_journal;

/* A journal whose file begins empty, with the first record or gn_journal_save. NULL: NO_MEMORY. */
struct gn_journal *gn_journal_create(const char *path);

/* For a journal just created: its records begin with those of an interrupted run's file, without those
 * after step `step` and after the last row of `history`, and without torn lines. The rows get their
 * times from the file, the file the epochs that it lacks from the rows; with IO, when the file cannot
 * be read, it will have nothing else. NO_MEMORY. */
gn_status gn_journal_resume(struct gn_journal *journal, uint64_t step, struct gn_history *history);

/* Writes what is not in the file yet. IO; after that the records are kept, and each of the functions
 * below tries to write the file anew, whole, in the place of the old one. */
gn_status gn_journal_save(struct gn_journal *journal);

/* NULL is fine. */
void gn_journal_close(struct gn_journal *journal);

/* {"step":1,"loss":2.3,"lr":0.05,...}: the step's metrics.
 * IO, NO_MEMORY. */
gn_status gn_journal_step(struct gn_journal *journal, uint64_t step,
                          const struct gn_metrics *metrics);

/* {"epoch":1,"loss":...,"accuracy":...,...,"seconds":...}: the row's metrics, made durable.
 * IO, NO_MEMORY. */
gn_status gn_journal_epoch(struct gn_journal *journal, const struct gn_epoch *row);

#endif
