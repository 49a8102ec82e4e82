/* The last error of each thread, and the two text helpers that error sentences need. */
#include "base/status.h"

#include "base/number.h"
#include "base/text.h"

#include <stdarg.h>
#include <string.h>

enum { NAME_BYTES = 64 };

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

gn_status gn_last_status(void)
{
    if (last_status == GN_OK)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "NULL was given in place of a network, graph, data set or history");
    return last_status;
}

/* Numbers in sentences have a point, too, whatever the program's locale. */
static GN_PRINTF(3, 0) void print(char *text, size_t size, const char *format, va_list args)
{
    const locale_t before = gn_locale_enter();
    (void)vsnprintf(text, size, format, args);
    gn_locale_leave(before);
    gn_make_printable(text);
}

gn_status gn_fail(gn_status status, const char *format, ...)
{
    /* The arguments may point into the old message, so the new one is made apart from it. */
    char text[GN_MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    print(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, sizeof message);
    last_status = status;
    return status;
}

void gn_hint(const char *format, ...)
{
    const size_t used = strlen(message);
    if (used + 16 >= sizeof message)
        return;
    const int head = snprintf(message + used, sizeof message - used, "\n  hint: ");
    va_list args;
    va_start(args, format);
    print(message + used + head, sizeof message - used - (size_t)head, format, args);
    va_end(args);
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][NAME_BYTES + 1];
    const size_t n = strlen(a), m = strlen(b);
    if (n > NAME_BYTES || m > NAME_BYTES)
        return NAME_BYTES;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = above2[j - 2] + 1 < best ? above2[j - 2] + 1 : best;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *gn_nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2;
    for (; *names != NULL; names++) {
        const size_t d = edit_distance(word, *names);
        if (d < best_distance) {
            best_distance = d;
            best = *names;
        }
    }
    return best;
}
