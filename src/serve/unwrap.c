/* Bytes in a JSON string, and in a form. */
#define _GNU_SOURCE /* memmem */
#include "serve/unwrap.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- Forms ---- */

enum { LONGEST_BOUNDARY = 70 };

/* "\r\n--" and the boundary that the type names; 0: it names none. */
static size_t read_boundary(const char *type, char delimiter[LONGEST_BOUNDARY + 8])
{
    const char *at = strcasestr(type, "boundary=");
    if (!at)
        return 0;
    at += strlen("boundary=");
    const bool quoted = *at == '"';
    at += quoted;
    const size_t n = strcspn(at, quoted ? "\"" : "; \t");
    if (n == 0 || n > LONGEST_BOUNDARY)
        return 0;
    return (size_t)snprintf(delimiter, LONGEST_BOUNDARY + 8, "\r\n--%.*s", (int)n, at);
}

static bool names_a_file(const char *head, size_t n)
{
    static const char word[] = "filename";
    for (size_t i = 0; i + sizeof word <= n; i++)
        if (strncasecmp(head + i, word, sizeof word - 1) == 0)
            return true;
    return false;
}

bool serve_multipart(const char *type, const char *body, size_t n, const char **part, size_t *size)
{
    char delimiter[LONGEST_BOUNDARY + 8];
    const size_t length = read_boundary(type, delimiter);
    const char *end = body + n, *at = body;
    bool found = false;
    if (length == 0 || n < length)
        return false;
    /* The first delimiter has no line before it. */
    at = memcmp(body, delimiter + 2, length - 2) == 0 ? body + length - 2 : NULL;
    if (!at) {
        at = memmem(body, n, delimiter, length);
        at = at ? at + length : NULL;
    }
    while (at && end - at >= 2 && memcmp(at, "\r\n", 2) == 0) {
        const char *stop = memmem(at, (size_t)(end - at), delimiter, length);
        const char *content = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        if (!stop || !content || content > stop)
            return found;
        const bool is_file = names_a_file(at, (size_t)(content - at));
        content = content + 4 > stop ? stop : content + 4;
        if (is_file || !found) {
            *part = content;
            *size = (size_t)(stop - content);
            found = true;
        }
        if (is_file)
            return true;
        at = stop + length;
    }
    return found;
}

/* ---- JSON ---- */

bool serve_base64(const char *text, size_t n, unsigned char *out, size_t *size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0;
    size_t count = 0;
    *size = 0;
    while (n > 0 && text[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\\' && i + 1 < n && text[i + 1] == '/')
            continue;
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        bits = bits << 6 | (unsigned)(digit - digits);
        if (++count % 4 != 1)
            out[(*size)++] = (unsigned char)(bits >> (6 - 2 * ((count - 1) % 4)));
    }
    return count % 4 != 1;
}
