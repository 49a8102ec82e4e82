/* Floating-point numbers as text, the same in every locale. */
#ifndef GN_BASE_NUMBER_H
#define GN_BASE_NUMBER_H

#include "base/status.h"

enum { GN_NUMBER_TEXT = 40 };

/* The shortest decimal text that reads back as exactly `value` ("0.1"), "nan" or "inf" when it is
 * none. Returns `buffer`. */
const char *gn_decimal_text(double value, char buffer[GN_NUMBER_TEXT]);

/* Hexadecimal form of a finite double with all 52 bits of its fraction ("0x1.8000000000000p+1"):
 * one text for each value, exact. Returns `buffer`. */
const char *gn_hex_text(double value, char buffer[GN_NUMBER_TEXT]);

/* Reads what gn_hex_text wrote, nothing else. */
bool gn_hex_parse(const char *text, double *value);

/* The same without the zeros at the end of the fraction, as printf's %a has it in the C locale
 * ("0x1.8p+1", "0x0p+0"), for files that people look into. Returns `buffer`. */
const char *gn_short_hex_text(double value, char buffer[GN_NUMBER_TEXT]);

/* Reads what gn_short_hex_text or gn_hex_text wrote, nothing else. */
bool gn_short_hex_parse(const char *text, double *value);

#endif
