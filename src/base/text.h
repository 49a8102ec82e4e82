/* Text that comes from a file and goes to a terminal, a page or a drawing. */
#ifndef GN_BASE_TEXT_H
#define GN_BASE_TEXT_H

#include <googlenet.h>

#include <stdbool.h>

/* Whether the text is valid UTF-8 without characters that steer a terminal or turn the direction of
 * writing: what a name of a layer, a class or a stage must be. */
bool gn_is_printable(const char *text);

/* Whether the text is valid UTF-8, whatever its characters do. */
bool gn_is_utf8(const char *text);

/* Replaces in place what gn_printable replaces; the line breaks before hints stay. */
void gn_make_printable(char *text);

#endif
