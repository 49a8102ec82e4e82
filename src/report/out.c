/*
 * Names are filtered by gn_printable first, so that no control character or mark of direction
 * reaches a file that somebody prints on a terminal.
 */
#include "report/out.h"

#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TEXT = 4096 }; /* style of a page included */

static void flush(struct gn_out *out)
{
    (void)gn_file_append(out->file, out->gathered, out->used);
    out->used = 0;
}

static void append_bytes(struct gn_out *out, const char *bytes, size_t n)
{
    if (n > sizeof out->gathered - out->used)
        flush(out);
    if (n > sizeof out->gathered) {
        (void)gn_file_append(out->file, bytes, n);
        return;
    }
    memcpy(out->gathered + out->used, bytes, n);
    out->used += n;
}

static void append(struct gn_out *out, const char *text)
{
    append_bytes(out, text, strlen(text));
}

gn_status gn_out_commit(struct gn_out *out)
{
    flush(out);
    return gn_file_commit(out->file, NULL);
}

void gn_out(struct gn_out *out, const char *format, ...)
{
    char text[MOST_TEXT];
    va_list list;
    va_start(list, format);
    (void)gn_format_list(text, sizeof text, format, list);
    va_end(list);
    append(out, text);
}

void gn_out_real(struct gn_out *out, double value)
{
    char text[GN_NUMBER_TEXT];
    append(out, gn_decimal_text(value, text));
}

void gn_out_fixed(struct gn_out *out, double value, int decimals)
{
    char text[GN_NUMBER_TEXT];
    append(out, gn_fixed_text(value, decimals, text));
}

/* Also with the wide forms of the four signs, which some spreadsheets take for the narrow ones. */
static bool is_formula(const char *text)
{
    static const char *const wide[] = { "\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D",
                                        "\xEF\xBC\xA0" };
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (strncmp(text, wide[i], strlen(wide[i])) == 0)
            return true;
    return text[0] != '\0' && strchr("=+-@", text[0]) != NULL;
}

void gn_out_cell(struct gn_out *out, const char *text)
{
    char safe[MOST_TEXT];
    (void)gn_printable(safe, sizeof safe, text);
    const bool formula = is_formula(safe);
    if (strpbrk(safe, ",\"'") == NULL && !formula) {
        append(out, safe);
        return;
    }
    append(out, formula ? "\"'" : "\"");
    for (const char *p = safe; *p != '\0'; p++) {
        append_bytes(out, p, 1);
        if (*p == '"')
            append(out, "\"");
    }
    append(out, "\"");
}

void gn_out_json(struct gn_out *out, const char *text)
{
    char safe[MOST_TEXT];
    append(out, "\"");
    for (const char *p = gn_printable(safe, sizeof safe, text); *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            append(out, "\\");
        append_bytes(out, p, 1);
    }
    append(out, "\"");
}

void gn_out_html(struct gn_out *out, const char *text)
{
    char safe[MOST_TEXT];
    for (const char *p = gn_printable(safe, sizeof safe, text); *p != '\0'; p++) {
        const char *entity = *p == '&'    ? "&amp;"
                             : *p == '<'  ? "&lt;"
                             : *p == '>'  ? "&gt;"
                             : *p == '"'  ? "&quot;"
                             : *p == '\'' ? "&#39;"
                                          : NULL;
        if (entity != NULL)
            append(out, entity);
        else
            append_bytes(out, p, 1);
    }
}

void gn_out_base64(struct gn_out *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t v = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                           (left > 2 ? (uint32_t)bytes[i + 2] : 0);
        const char four[4] = { digits[v >> 18], digits[v >> 12 & 63],
                               left > 1 ? digits[v >> 6 & 63] : '=',
                               left > 2 ? digits[v & 63] : '=' };
        append_bytes(out, four, sizeof four);
    }
}
