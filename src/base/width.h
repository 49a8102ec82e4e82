/* Columns that a text takes on a terminal, for tables. The program links this file too. */
#ifndef GN_BASE_WIDTH_H
#define GN_BASE_WIDTH_H

#include <stddef.h>

/* Of the character at `text`, whose bytes *bytes gets (1 to 4; 1 for what is not UTF-8). */
int gn_character_width(const char *text, size_t *bytes);

/* Two for a wide character (East Asian scripts, emoji), none for a combining one, one for any other and
 * for each byte that is not UTF-8. Independent of the locale. */
int gn_width(const char *text);

/* Spaces after a text that fill a column; 0 when it is too long. */
int gn_padding(const char *text, int column);

#endif
