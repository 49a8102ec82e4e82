/* A text that grows: answers and metrics are written into one. A text that has lacked memory once is
 * incomplete and says so. */
#ifndef GN_SERVE_TEXT_H
#define GN_SERVE_TEXT_H

#include <googlenet.h>

struct serve_text {
    char *bytes; /* NUL-terminated when there are any */
    size_t size, room;
    bool failed; /* there was no memory */
};

void serve_text_free(struct serve_text *text);
void serve_put(struct serve_text *text, const void *bytes, size_t n);
void serve_puts(struct serve_text *text, const char *string);

/* printf with the point of the C locale. */
void serve_printf(struct serve_text *text, const char *format, ...) GN_PRINTF(2, 3);

/* A JSON string with its quotes. What is not UTF-8, or a control character, becomes '?'. NULL: null. */
void serve_put_json(struct serve_text *text, const char *string);

/* A float with the digits that bring it back; null for what is not finite. */
void serve_put_float(struct serve_text *text, float value);

#endif
