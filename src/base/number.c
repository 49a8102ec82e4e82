/*
 * A library cannot choose the locale of the program around it. So decimal texts are made and read
 * while the thread is in the C locale, and hexadecimal texts, which carry the exact state of a run,
 * are made from the bits themselves.
 */
#include "base/number.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRACTION_DIGITS = 13, EXPONENT_BIAS = 1023, EXPONENT_LIMIT = 2047, EXACT_DIGITS = 17 };

/* ---- Texts with numbers in them ---- */

void gn_print(FILE *out, const char *format, ...)
{
    const gn_locale before = gn_locale_enter();
    va_list list;
    va_start(list, format);
    (void)vfprintf(out, format, list);
    va_end(list);
    gn_locale_leave(before);
}

int gn_format_list(char *buffer, size_t size, const char *format, va_list list)
{
    const gn_locale before = gn_locale_enter();
    const int length = vsnprintf(buffer, size, format, list);
    gn_locale_leave(before);
    return length;
}

void gn_format(char *buffer, size_t size, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)gn_format_list(buffer, size, format, list);
    va_end(list);
}

/* ---- Decimal texts ---- */

/* Writes so many digits; whether they are read as the same value again. */
static bool is_exact(double value, int digits, char buffer[GN_NUMBER_TEXT])
{
    (void)snprintf(buffer, GN_NUMBER_TEXT, "%.*g", digits, value);
    const double back = strtod(buffer, NULL);
    return memcmp(&back, &value, sizeof back) == 0;
}

const char *gn_decimal_text(double value, char buffer[GN_NUMBER_TEXT])
{
    const gn_locale before = gn_locale_enter();
    /* Most numbers need 16 or 17 digits: where 15 are not exact, fewer are not either. */
    int digits = is_exact(value, EXACT_DIGITS - 2, buffer) ? 6 : EXACT_DIGITS - 1;
    while (!is_exact(value, digits, buffer) && digits < EXACT_DIGITS)
        digits++;
    gn_locale_leave(before);
    return buffer;
}

const char *gn_digits_text(double value, int digits, char buffer[GN_NUMBER_TEXT])
{
    const gn_locale before = gn_locale_enter();
    (void)snprintf(buffer, GN_NUMBER_TEXT, "%.*g", digits, value);
    gn_locale_leave(before);
    return buffer;
}

const char *gn_fixed_text(double value, int decimals, char buffer[GN_NUMBER_TEXT])
{
    const gn_locale before = gn_locale_enter();
    if (snprintf(buffer, GN_NUMBER_TEXT, "%.*f", decimals, value) >= GN_NUMBER_TEXT)
        (void)snprintf(buffer, GN_NUMBER_TEXT, "%.*g", EXACT_DIGITS, value);
    gn_locale_leave(before);
    return buffer;
}

const char *gn_bytes_text(uint64_t bytes, char buffer[GN_NUMBER_TEXT])
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    if (bytes < 1024) {
        (void)snprintf(buffer, GN_NUMBER_TEXT, "%u bytes", (unsigned)bytes);
        return buffer;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    for (; value >= 1024; unit++)
        value /= 1024;
    const size_t length = strlen(gn_fixed_text(value, 1, buffer));
    (void)snprintf(buffer + length, GN_NUMBER_TEXT - length, " %s", units[unit]);
    return buffer;
}

/* Length of [+-]digits[.digits][e[+-]digits] at the beginning of `text`, 0: there is none. */
static size_t decimal_length(const char *text)
{
    static const char digits[] = "0123456789";
    size_t n = text[0] == '+' || text[0] == '-';
    const size_t whole = strspn(text + n, digits);
    n += whole;
    size_t fraction = 0;
    if (text[n] == '.') {
        fraction = strspn(text + n + 1, digits);
        n += 1 + fraction;
    }
    if (whole + fraction == 0)
        return 0;
    if (text[n] == 'e' || text[n] == 'E') {
        const size_t sign = text[n + 1] == '+' || text[n + 1] == '-';
        const size_t exponent = strspn(text + n + 1 + sign, digits);
        n += exponent == 0 ? 0 : 1 + sign + exponent;
    }
    return n;
}

const char *gn_real_scan(const char *text, double *value)
{
    const size_t length = decimal_length(text);
    /* strtod would read "0x10" as a whole. */
    if (length == 0 || text[length] == 'x' || text[length] == 'X')
        return NULL;
    const gn_locale before = gn_locale_enter();
    const double number = strtod(text, NULL);
    gn_locale_leave(before);
    if (!isfinite(number))
        return NULL;
    *value = number;
    return text + length;
}

bool gn_real_parse(const char *text, double *value)
{
    double number;
    const char *end = gn_real_scan(text, &number);
    if (end == NULL || *end != '\0')
        return false;
    *value = number;
    return true;
}

/* ---- Whole numbers ---- */

bool gn_whole_parse(const char *text, uint64_t *value)
{
    uint64_t number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        const uint64_t digit = (uint64_t)(*text - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *value = number;
    return true;
}

bool gn_int_parse(const char *text, int low, int high, int *value)
{
    const bool negative = text[0] == '-';
    uint64_t size;
    if (!gn_whole_parse(text + (negative || text[0] == '+'), &size) || size > (uint64_t)INT_MAX + 1)
        return false;
    const int64_t number = negative ? -(int64_t)size : (int64_t)size;
    if (number < low || number > high)
        return false;
    *value = (int)number;
    return true;
}

/* ---- Hexadecimal texts ---- */

const char *gn_hex_text(double value, char buffer[GN_NUMBER_TEXT])
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int field = (int)(bits >> 52 & EXPONENT_LIMIT);
    const uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    /* Zero and denormal numbers have no leading one and the smallest exponent. */
    const int exponent = field == 0 ? 1 - EXPONENT_BIAS : field - EXPONENT_BIAS;
    (void)snprintf(buffer, GN_NUMBER_TEXT, "%s0x%d.%013llxp%+d", bits >> 63 != 0 ? "-" : "",
                   field != 0, (unsigned long long)fraction, exponent);
    return buffer;
}

bool gn_hex_parse(const char *text, double *value)
{
    const char *const whole = text;
    const uint64_t sign = *text == '-';
    text += sign;
    if (text[0] != '0' || text[1] != 'x' || (text[2] != '0' && text[2] != '1') || text[3] != '.')
        return false;
    const bool normal = text[2] == '1';
    text += 4;
    uint64_t fraction = 0;
    for (int i = 0; i < FRACTION_DIGITS; i++, text++) {
        const char *digits = "0123456789abcdef";
        const char *digit = *text == '\0' ? NULL : strchr(digits, *text);
        if (digit == NULL)
            return false;
        fraction = fraction << 4 | (uint64_t)(digit - digits);
    }
    if (text[0] != 'p' || (text[1] != '+' && text[1] != '-'))
        return false;
    const bool negative = text[1] == '-';
    int exponent = 0, n = 0;
    for (text += 2; *text >= '0' && *text <= '9' && n < 4; text++, n++)
        exponent = exponent * 10 + (*text - '0');
    const int field = normal ? (negative ? -exponent : exponent) + EXPONENT_BIAS : 0;
    if (*text != '\0' || n == 0 || field < (normal ? 1 : 0) || field >= EXPONENT_LIMIT ||
        (!normal && (!negative || exponent != EXPONENT_BIAS - 1)))
        return false;
    const uint64_t bits = sign << 63 | (uint64_t)field << 52 | fraction;
    double read;
    char same[GN_NUMBER_TEXT];
    memcpy(&read, &bits, sizeof bits);
    if (strcmp(gn_hex_text(read, same), whole) != 0) /* "p+007" */
        return false;
    *value = read;
    return true;
}

const char *gn_short_hex_text(double value, char buffer[GN_NUMBER_TEXT])
{
    (void)gn_hex_text(value, buffer);
    char *exponent = strchr(buffer, 'p'), *end = exponent;
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    const char *tail = value == 0 ? "p+0" : exponent; /* the exponent of a zero is arbitrary */
    memmove(end, tail, strlen(tail) + 1);
    return buffer;
}

bool gn_short_hex_parse(const char *text, double *value)
{
    char full[GN_NUMBER_TEXT];
    const char *exponent = strchr(text, 'p');
    const char *mantissa = text + (*text == '-');
    if (exponent == NULL || exponent - mantissa < 3 || strlen(text) >= GN_NUMBER_TEXT / 2 + 8)
        return false;
    if (strcmp(mantissa, "0x0p+0") == 0) {
        *value = *text == '-' ? -0.0 : 0.0;
        return true;
    }
    const int digits = (int)(exponent - mantissa) - 4;
    const bool has_point = mantissa[3] == '.';
    if (digits > FRACTION_DIGITS || (has_point ? digits < 1 : digits != -1))
        return false;
    (void)snprintf(full, sizeof full, "%.*s%s%.*s%s", (int)(exponent - text), text,
                   has_point ? "" : ".", has_point ? FRACTION_DIGITS - digits : FRACTION_DIGITS,
                   "0000000000000", exponent);
    return gn_hex_parse(full, value);
}
