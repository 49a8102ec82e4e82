/*
 * Columns of characters without a locale: combining marks take none, East Asian wide and full-width
 * letters and pictographs two (Unicode's EastAsianWidth.txt, in ranges), all others one.
 */
#include "cli/columns.h"

#include <stdint.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

static const struct range marks[] = { { 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },
                                      { 0x610, 0x61a },   { 0x64b, 0x65f },   { 0x93c, 0x93c },
                                      { 0x941, 0x948 },   { 0xe31, 0xe31 },   { 0xe34, 0xe3a },
                                      { 0xe47, 0xe4e },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
                                      { 0x200b, 0x200d }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
                                      { 0xfe20, 0xfe2f } };
static const struct range wide[] = {
    { 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },  { 0x3400, 0x4dbf },
    { 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xac00, 0xd7a3 },  { 0xf900, 0xfaff },
    { 0xfe30, 0xfe4f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },  { 0x1f300, 0x1f64f },
    { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd }
};

static int is_in(const struct range *ranges, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return 1;
    return 0;
}

/* The character at `text`, its bytes in *n. The text is valid UTF-8. */
static uint32_t character(const char *text, size_t *n)
{
    const unsigned char *p = (const unsigned char *)text;
    *n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t code = *n == 1 ? p[0] : p[0] & (0xffU >> (*n + 1));
    for (size_t i = 1; i < *n && p[i] != 0; i++)
        code = code << 6 | (p[i] & 0x3f);
    return code;
}

static int columns_of(uint32_t code)
{
    if (is_in(marks, sizeof marks / sizeof *marks, code))
        return 0;
    return is_in(wide, sizeof wide / sizeof *wide, code) ? 2 : 1;
}

static int columns(const char *text)
{
    int sum = 0;
    for (size_t n; *text; text += n)
        sum += columns_of(character(text, &n));
    return sum;
}

const char *cli_fit_text(char *to, size_t size, const char *text, int width)
{
    const int all = columns(text), most = width > 0 && all > width ? width - 3 : all;
    size_t at = 0, n;
    int used = 0;
    for (; *text; text += n) {
        const int next = columns_of(character(text, &n));
        if (used + next > most || at + n + 1 > size)
            break;
        memcpy(to + at, text, n);
        at += n;
        used += next;
    }
    for (const char *dots = "..."; most < all && *dots && at + 1 < size; dots++, used++)
        to[at++] = *dots;
    for (; used < width && at + 1 < size; used++)
        to[at++] = ' ';
    to[at] = '\0';
    return to;
}
