/* Events go to the caller as they happen; a warning is a sentence of its own, never a failing call. */
#include "train/report.h"

#include "base/log.h"

#include <stdarg.h>

void gn_report(struct gn_reporter *reporter, gn_event_kind kind)
{
    static const struct gn_metrics none = { .n = 0 };
    reporter->event.kind = kind;
    if (reporter->event.metrics == NULL)
        reporter->event.metrics = &none;
    if (reporter->on_event != NULL)
        reporter->on_event(&reporter->event, reporter->user);
    reporter->event.metrics = &none;
}

void gn_report_message(struct gn_reporter *reporter, gn_event_kind kind, const char *message)
{
    reporter->event.message = message;
    gn_report(reporter, kind);
    reporter->event.message = NULL;
}

/* "...\n  hint: ..." */
static void warn(struct gn_reporter *reporter, const char *sentence, const char *advice)
{
    char text[2 * GN_MESSAGE_BYTES];
    (void)snprintf(text, sizeof text, "%s%s%s", sentence,
                   advice == NULL ? "" : "\n  hint: ", advice == NULL ? "" : advice);
    gn_report_message(reporter, GN_EVENT_WARNING, text);
}

void gn_report_warning(struct gn_reporter *reporter, const char *advice, const char *format, ...)
{
    char sentence[GN_MESSAGE_BYTES];
    va_list list;
    va_start(list, format);
    gn_print_sentence(sentence, sizeof sentence, format, list);
    va_end(list);
    gn_log_text(GN_LOG_WARNING, sentence);
    warn(reporter, sentence, advice);
}

void gn_report_error(struct gn_reporter *reporter, const char *advice)
{
    warn(reporter, gn_error_message(), advice);
    gn_clear_error();
}
