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

/* Whether two texts are the same, and the first `n` bytes of them, but for the case of A to Z. In
 * Turkish strcasecmp finds "GIF" and "gif" different. */
bool gn_same_word(const char *a, const char *b);
bool gn_same_letters(const char *a, const char *b, size_t n);

/* Replaces in place what gn_printable replaces; the line breaks before hints stay. */
void gn_make_printable(char *text);

#endif
