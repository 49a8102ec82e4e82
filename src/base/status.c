/* The last error of each thread, and how names are shown in its sentence. */
#include "base/status.h"

#include "base/log.h"
#include "base/number.h"
#include "os/os.h"
#include "base/text.h"

#include <stdarg.h>
#include <string.h>

static _Thread_local char message[GN_MESSAGE_BYTES];
static _Thread_local gn_status last_status;

const char *gn_error_message(void)
{
    return message;
}

gn_status gn_error_status(void)
{
    return last_status;
}

void gn_clear_error(void)
{
    message[0] = '\0';
    last_status = GN_OK;
}

void gn_keep_error(struct gn_kept_error *kept)
{
    kept->status = last_status;
    memcpy(kept->message, message, sizeof message);
}

void gn_restore_error(const struct gn_kept_error *kept)
{
    last_status = kept->status;
    memcpy(message, kept->message, sizeof message);
}

gn_status gn_last_status(void)
{
    if (last_status == GN_OK)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "NULL was given in place of a network, graph, data set or history");
    return last_status;
}

/* Numbers in sentences have a point, too, whatever the program's locale. */
void gn_print_sentence(char *text, size_t size, const char *format, va_list args)
{
    (void)gn_format_list(text, size, format, args);
    gn_make_printable(text);
}

gn_status gn_fail(gn_status status, const char *format, ...)
{
    /* The arguments may point into the old message, so the new one is made apart from it. */
    char text[GN_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    gn_print_sentence(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, sizeof message);
    last_status = status;
    gn_log_text(GN_LOG_ERROR, text);
    return status;
}

void gn_say(gn_log_level level, const char *format, ...)
{
    char text[GN_MESSAGE_BYTES];
    va_list args;
    if (!gn_log_hears(level))
        return;
    va_start(args, format);
    gn_print_sentence(text, sizeof text, format, args);
    va_end(args);
    gn_log_text(level, text);
}

void gn_hint(const char *format, ...)
{
    const size_t used = strlen(message);
    if (used + 16 >= sizeof message)
        return;
    const int head = snprintf(message + used, sizeof message - used, "\n  hint: ");
    va_list args;
    va_start(args, format);
    gn_print_sentence(message + used + head, sizeof message - used - (size_t)head, format, args);
    va_end(args);
}

const char *gn_errno_text(int number, char buffer[GN_ERRNO_TEXT])
{
    if (!gn_system_errno_text(number, buffer, GN_ERRNO_TEXT))
        (void)snprintf(buffer, GN_ERRNO_TEXT, "system error %d", number);
    return buffer;
}
