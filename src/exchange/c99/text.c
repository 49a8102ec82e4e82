/* Words of a C file: texts, numbers, names. All bytes are the same in every locale. */
#include "exchange/c99/file.h"

#include "base/number.h"
#include "base/path.h"

#include <stdarg.h>
#include <string.h>

void gn_c99_flush(struct gn_c99_file *file)
{
    (void)gn_file_append(file->out, file->buffer, file->used);
    file->used = 0;
}

void gn_c99_put(struct gn_c99_file *file, const char *text, size_t n)
{
    while (n > 0) {
        const size_t room = sizeof file->buffer - file->used, part = n < room ? n : room;
        memcpy(file->buffer + file->used, text, part);
        file->used += part;
        text += part;
        n -= part;
        if (file->used == sizeof file->buffer)
            gn_c99_flush(file);
    }
}

void gn_c99_print(struct gn_c99_file *file, const char *format, ...)
{
    char line[4096];
    va_list list;
    va_start(list, format);
    const int n = gn_format_list(line, sizeof line, format, list);
    va_end(list);
    GN_ASSERT(n >= 0 && (size_t)n < sizeof line);
    gn_c99_put(file, line, (size_t)n);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* As a hexadecimal constant without a point: an integer times a power of two. */
void gn_c99_float(struct gn_c99_file *file, float value)
{
    enum { FRACTION = 23, LOWEST = -149 };
    const uint32_t bits = bits_of(value), exponent = bits >> FRACTION & 0xFF;
    uint32_t digits = bits & ((1U << FRACTION) - 1);
    int power = LOWEST;
    if (exponent > 0) {
        digits |= 1U << FRACTION;
        power += (int)exponent - 1;
    }
    for (; digits > 0 && digits % 2 == 0; digits /= 2)
        power++;
    if (digits == 0)
        power = 0;
    gn_c99_print(file, "%s0x%xp%dF", bits >> 31 ? "-" : "", (unsigned)digits, power);
}

/* Bytes other than plain letters are octal: three digits, so that none after it joins in. A question
 * mark could be part of a trigraph. */
void gn_c99_string(struct gn_c99_file *file, const char *text)
{
    gn_c99_put(file, "\"", 1);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\' || *p == '?')
            gn_c99_print(file, "\\%03o", *p);
        else
            gn_c99_put(file, (const char *)p, 1);
    }
    gn_c99_put(file, "\"", 1);
}

void gn_c99_comment(struct gn_c99_file *file, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        const bool plain = *p >= ' ' && *p <= '~' && *p != '*' && *p != '\\' && *p != '?';
        gn_c99_put(file, plain ? p : "_", 1);
    }
}

/* Byte `byte` of a literal before byte `next` (-1: none): as itself, or octal with as few digits as the
 * next one allows. Written by hand: printf would take most of the time of an export. */
static size_t byte_text(char text[4], uint8_t byte, int next)
{
    const bool itself = byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\' && byte != '?';
    if (itself) {
        text[0] = (char)byte;
        return 1;
    }
    const bool all = next >= '0' && next <= '9';
    size_t n = 0;
    text[n++] = '\\';
    if (all || byte >= 64)
        text[n++] = (char)('0' + (byte >> 6));
    if (all || byte >= 8)
        text[n++] = (char)('0' + (byte >> 3 & 7));
    text[n++] = (char)('0' + (byte & 7));
    return n;
}

/* ---- Arrays ---- */

static const struct {
    char name;
    const char *type;
    size_t bytes;
} slots[GN_C99_ARRAYS] = {
    [GN_C99_A] = { 'a', "float", 4 }, [GN_C99_B] = { 'b', "float", 4 },
    [GN_C99_D] = { 'd', "float", 4 }, [GN_C99_M] = { 'm', "signed char", 1 },
    [GN_C99_N] = { 'n', "int", 4 },
};

size_t gn_c99_number_bytes(enum gn_c99_slot slot)
{
    return slots[slot].bytes;
}

char gn_c99_slot_name(enum gn_c99_slot slot)
{
    return slots[slot].name;
}

/* Byte i of numbers of that many bytes each, as a little-endian machine has it. */
static uint8_t byte_of(const void *values, size_t size, size_t i)
{
    uint32_t bits;
    if (size == 1)
        return ((const uint8_t *)values)[i];
    memcpy(&bits, (const char *)values + i / 4 * 4, sizeof bits);
    return (uint8_t)(bits >> 8 * (i % 4));
}

void gn_c99_array(struct gn_c99_file *file, enum gn_c99_slot slot, int number,
                  const struct gn_c99_array *array)
{
    enum { ROW = 960 }; /* bytes: four characters each are a line that every C99 compiler takes */
    const size_t size = slots[slot].bytes;
    const size_t bytes = array->count * size, rows = (bytes + ROW - 1) / ROW;
    const size_t row = (bytes + rows - 1) / rows;
    gn_c99_print(file,
                 "static const union {\n    unsigned char bytes[%zu][%zu];\n    %s value[%zu];\n"
                 "} %c%d = { {\n",
                 rows, row, slots[slot].type, array->count, slots[slot].name, number);
    for (size_t i = 0; i < bytes; i++) {
        char text[4];
        if (i % row == 0)
            gn_c99_put(file, "\"", 1);
        const bool last = (i + 1) % row == 0 || i + 1 == bytes;
        const int next = last ? -1 : byte_of(array->values, size, i + 1);
        gn_c99_put(file, text, byte_text(text, byte_of(array->values, size, i), next));
        if (last)
            gn_c99_put(file, "\",\n", 3);
    }
    gn_c99_print(file, "} };\n");
}

/* ---- Names ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static gn_status given_name(struct gn_c99_file *file)
{
    const char *name = file->options->name;
    size_t n = 0;
    while (is_letter(name[n]) || (n > 0 && (is_digit(name[n]) || name[n] == '_')))
        n++;
    if (n == 0 || name[n] != '\0' || n >= sizeof file->name)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "%s: a name of C functions has 1 to %d letters, digits and _, a letter first",
                file->options->path, GN_C99_NAME - 1);
    memcpy(file->name, name, n + 1);
    return GN_OK;
}

/* "my-net.v2.c" gives my_net_v2, "22.c" net_22. */
static void name_of_file(struct gn_c99_file *file)
{
    const char *base = gn_path_name(file->options->path), *end = gn_path_extension(base);
    size_t n = 0;
    if (!is_letter(*base)) {
        memcpy(file->name, "net_", 4);
        n = 4;
    }
    for (const char *p = base; p < end && n + 1 < sizeof file->name; p++)
        file->name[n++] = is_letter(*p) || is_digit(*p) ? *p : '_';
    file->name[n] = '\0';
}

gn_status gn_c99_name(struct gn_c99_file *file)
{
    if (file->options->name != NULL)
        GN_TRY(given_name(file));
    else
        name_of_file(file);
    for (size_t i = 0; i < sizeof file->upper; i++) {
        const char c = file->name[i];
        file->upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return GN_OK;
}
