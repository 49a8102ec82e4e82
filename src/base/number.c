/*
 * printf and strtod follow the locale's decimal point, and a library cannot choose the locale of
 * the program around it. So the point is put back in decimal texts, and hexadecimal texts, which
 * carry the exact state of a run, are made from the bits themselves.
 */
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum { FRACTION_DIGITS = 13, EXPONENT_BIAS = 1023, EXPONENT_LIMIT = 2047 };

/* Whatever is no part of a number in the C locale is the locale's decimal point. */
static void restore_point(char *text)
{
    char *to = text;
    bool point = false;
    for (const char *from = text; *from != '\0'; from++) {
        if (strchr("0123456789+-einfa", *from) != NULL) {
            *to++ = *from;
        } else if (!point) {
            *to++ = '.';
            point = true;
        }
    }
    *to = '\0';
}

const char *gn_decimal_text(double value, char buffer[GN_NUMBER_TEXT])
{
    for (int digits = 6; digits <= 17; digits++) {
        (void)snprintf(buffer, GN_NUMBER_TEXT, "%.*g", digits, value);
        const double back = strtod(buffer, NULL);
        if (memcmp(&back, &value, sizeof value) == 0)
            break;
    }
    restore_point(buffer);
    return buffer;
}

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
    memcpy(value, &bits, sizeof bits);
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
