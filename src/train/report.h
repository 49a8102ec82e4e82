/* What a training reports to its caller. */
#ifndef GN_TRAIN_REPORT_H
#define GN_TRAIN_REPORT_H

#include "base/status.h"

struct gn_reporter {
    void (*on_event)(const struct gn_event *event, void *user); /* NULL: nobody listens */
    void *user;
    struct gn_event event; /* kept up to date by whoever knows the figures */
};

/* Hands the event to the caller as `kind`. */
void gn_report(struct gn_reporter *reporter, gn_event_kind kind);

/* The same with a message, which may hold a hint. */
void gn_report_message(struct gn_reporter *reporter, gn_event_kind kind, const char *message);

/* Reports a sentence as a warning; `advice` follows as a hint, NULL: none. No error is made. */
void gn_report_warning(struct gn_reporter *reporter, const char *advice, const char *format, ...)
    GN_PRINTF(3, 4);

/* Reports the thread's last error, of something that the run can do without, and forgets it. */
void gn_report_error(struct gn_reporter *reporter, const char *advice);

#endif
