/* Text in columns of a terminal, where a letter may take two, or none. */
#ifndef GN_CLI_COLUMNS_H
#define GN_CLI_COLUMNS_H

#include <stddef.h>

/* Copies printable UTF-8 text, cut with "..." or filled with blanks to `width` columns; 0: as it is.
 * Returns `to`. */
const char *cli_fit_text(char *to, size_t size, const char *text, int width);

#endif
