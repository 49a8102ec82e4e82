/* Which characters are safe to show (Unicode 15; ECMA-48 for C0 and C1). */
#include "base/text.h"

#include <string.h>

/* The character at s: its code, and its length in bytes; 0 when it is not valid UTF-8 (RFC 3629). */
static size_t decode(const unsigned char *s, uint32_t *code)
{
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (s[0] < 0x80) {
        *code = s[0];
        return 1;
    }
    const size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    *code = s[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (s[i] & 0x3f);
    }
    const bool is_surrogate = *code >= 0xd800 && *code < 0xe000;
    return *code < least[n] || *code > 0x10ffff || is_surrogate ? 0 : n;
}

/* Controls (C0, DEL, C1), marks and overrides of direction, line and paragraph separators, invisible
 * and tag characters. */
static bool is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f);
}

/* Length of the safe character at s, 0 when the byte must not be shown. */
static size_t safe_length(const char *s)
{
    uint32_t code;
    const size_t n = decode((const unsigned char *)s, &code);
    return n == 0 || is_unsafe(code) ? 0 : n;
}

bool gn_is_printable(const char *text)
{
    for (size_t n; *text != '\0'; text += n)
        if ((n = safe_length(text)) == 0)
            return false;
    return true;
}

bool gn_is_utf8(const char *text)
{
    uint32_t code;
    for (size_t n; *text != '\0'; text += n)
        if ((n = decode((const unsigned char *)text, &code)) == 0)
            return false;
    return true;
}

void gn_make_printable(char *text)
{
    static const char hint[] = "\n  hint: ";
    for (size_t n; *text != '\0'; text += n) {
        n = strncmp(text, hint, sizeof hint - 1) == 0 ? 1 : safe_length(text);
        if (n == 0)
            *text = '?';
        n = n == 0 ? 1 : n;
    }
}

const char *gn_printable(char *buffer, size_t size, const char *text)
{
    size_t out = 0;
    if (size == 0)
        return buffer;
    while (*text != '\0') {
        const size_t n = safe_length(text), need = n == 0 ? 1 : n;
        if (out + need + 4 > size) {
            (void)snprintf(buffer + out, size - out, "...");
            return buffer;
        }
        if (n == 0)
            buffer[out] = '?';
        else
            memcpy(buffer + out, text, n);
        out += need;
        text += need;
    }
    buffer[out] = '\0';
    return buffer;
}

static int small_letter(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool gn_same_letters(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (small_letter(a[i]) != small_letter(b[i]))
            return false;
        if (a[i] == '\0')
            return true;
    }
    return true;
}

bool gn_same_word(const char *a, const char *b)
{
    return gn_same_letters(a, b, strlen(a) + 1);
}
