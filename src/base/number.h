/*
 * Numbers as text, the same bytes in every locale. Whatever is printed into a file, or read from a
 * file, a flag or a text of the caller, goes through these functions; printf("%g") and strtod follow
 * the decimal point of the program's locale. Errors are the caller's to name: nothing here needs
 * more than libc, so the program links this file too. Libraries that print and read numbers themselves do
 * that between gn_locale_enter and gn_locale_leave (os/os.h).
 */
#ifndef GN_BASE_NUMBER_H
#define GN_BASE_NUMBER_H

#include <googlenet.h>

#include "os/os.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { GN_NUMBER_TEXT = 40 };

/* ---- Writing: each returns `buffer` ---- */

/* The shortest decimal text that reads back as exactly `value` ("0.1"); "nan" or "inf" when it is
 * not finite. */
const char *gn_decimal_text(double value, char buffer[GN_NUMBER_TEXT]);

/* At most `digits` (1 to 17) significant digits, as printf("%.*g"): "0.05", "1e-07". */
const char *gn_digits_text(double value, int digits, char buffer[GN_NUMBER_TEXT]);

/* `decimals` (0 to 17) digits after the point, as printf("%.*f"): "0.50". A number too long for the
 * buffer is written with 17 significant digits instead. */
const char *gn_fixed_text(double value, int decimals, char buffer[GN_NUMBER_TEXT]);

/* Hexadecimal form of a finite number with all 52 bits of its fraction ("0x1.8000000000000p+1"):
 * one text for each value, exact. */
const char *gn_hex_text(double value, char buffer[GN_NUMBER_TEXT]);

/* The same without the zeros at the end of the fraction, as printf("%a") ("0x1.8p+1", "0x0p+0"), for
 * files that people look into. */
const char *gn_short_hex_text(double value, char buffer[GN_NUMBER_TEXT]);

/* A size: "17 bytes", "1.5 GiB". */
const char *gn_bytes_text(uint64_t bytes, char buffer[GN_NUMBER_TEXT]);

/* ---- Reading: false when the text is not such a number, and *value is untouched ---- */

/* A finite decimal number at the beginning of `text`: sign, digits, point, exponent; no blank, no
 * hexadecimal, no name. Returns what follows it, or NULL. */
const char *gn_real_scan(const char *text, double *value);

/* The whole text is a finite decimal number. */
bool gn_real_parse(const char *text, double *value);

/* Reads what gn_hex_text wrote, and only that. */
bool gn_hex_parse(const char *text, double *value);

/* Reads what gn_short_hex_text or gn_hex_text wrote, and only that. */
bool gn_short_hex_parse(const char *text, double *value);

/* The whole text is digits and the number fits into 64 bits. */
bool gn_whole_parse(const char *text, uint64_t *value);

/* The whole text is an integer, possibly with a sign, within low ... high. */
bool gn_int_parse(const char *text, int low, int high, int *value);

/* ---- Texts with numbers in them: printf and its kin with the point of the C locale ---- */

void gn_print(FILE *out, const char *format, ...) GN_PRINTF(2, 3);
void gn_format(char *buffer, size_t size, const char *format, ...) GN_PRINTF(3, 4);
int gn_format_list(char *buffer, size_t size, const char *format, va_list list) GN_PRINTF(3, 0);

#endif
