/*
 * Words that people type: the tables that give values of enums their names, and the nearest name for
 * a typing error. The program links this file too.
 */
#ifndef GN_BASE_WORDS_H
#define GN_BASE_WORDS_H

/* Tables end with NULL; the place of a name is its value, and "" is no name. */
extern const char *const gn_resize_names[]; /* of gn_resize */

/* The place of `word` in the table, or -1. */
int gn_word_find(const char *word, const char *const *names);

/* The entry that is nearest to `word` by edit distance, or NULL when none is near enough to be
 * meant. */
const char *gn_nearest(const char *word, const char *const *names);

#endif
