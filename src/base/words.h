/* The nearest word for a typing error. The program links this file too. */
#ifndef GN_BASE_WORDS_H
#define GN_BASE_WORDS_H

/* The entry of `names` (NULL-terminated) that is nearest to `word` by edit distance, or NULL when none is near enough to be
 * meant. */
const char *gn_nearest(const char *word, const char *const *names);

#endif
