/* Words in sentences: the nearest one for a typing error, and lists of names. The program links this file
 * too. */
#ifndef GN_BASE_WORDS_H
#define GN_BASE_WORDS_H

#include <stddef.h>

/* The entry of `names` (NULL-terminated) that is nearest to `word` by edit distance, or NULL when none is near enough to be
 * meant. */
const char *gn_nearest(const char *word, const char *const *names);

/* Writes "a, b, c" or, where the buffer ends, "a, b, ... (98 more)"; "none" of none. Long names are cut
 * between characters. `size` is at least 100. Returns `buffer`. */
const char *gn_words(char *buffer, size_t size, const char *const *words, size_t n);

#endif
