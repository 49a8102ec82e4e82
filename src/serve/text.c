/* A text that grows. */
#include "serve/text.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void serve_text_free(struct serve_text *text)
{
    free(text->bytes);
    *text = (struct serve_text){ 0 };
}

/* Room for n more bytes and the NUL. */
static bool make_room(struct serve_text *text, size_t n)
{
    if (text->failed)
        return false;
    if (text->room - text->size > n)
        return true;
    size_t room = text->room < 256 ? 256 : text->room;
    while (room - text->size <= n)
        room *= 2;
    char *bytes = realloc(text->bytes, room);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->room = room;
    return true;
}

void serve_put(struct serve_text *text, const void *bytes, size_t n)
{
    if (!make_room(text, n))
        return;
    memcpy(text->bytes + text->size, bytes, n);
    text->size += n;
    text->bytes[text->size] = '\0';
}

void serve_puts(struct serve_text *text, const char *string)
{
    serve_put(text, string, strlen(string));
}

void serve_printf(struct serve_text *text, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    const int n = gn_format_list(NULL, 0, format, list);
    va_end(list);
    if (n > 0 && make_room(text, (size_t)n)) {
        (void)gn_format_list(text->bytes + text->size, (size_t)n + 1, format, again);
        text->size += (size_t)n;
    }
    va_end(again);
}

void serve_put_json(struct serve_text *text, const char *string)
{
    if (!string) {
        serve_puts(text, "null");
        return;
    }
    const size_t size = strlen(string) + 4;
    char *clean = malloc(size);
    if (!clean) {
        text->failed = true;
        return;
    }
    (void)gn_printable(clean, size, string);
    serve_put(text, "\"", 1);
    for (const char *at = clean; *at; at++) {
        if (*at == '"' || *at == '\\')
            serve_put(text, "\\", 1);
        serve_put(text, at, 1);
    }
    serve_put(text, "\"", 1);
    free(clean);
}

void serve_put_float(struct serve_text *text, float value)
{
    enum { EXACT_DIGITS = 9 };
    char number[GN_NUMBER_TEXT];
    serve_puts(text,
               isfinite(value) ? gn_digits_text((double)value, EXACT_DIGITS, number) : "null");
}
