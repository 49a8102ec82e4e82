/*
 * JSON through jansson (or, where training is left out, a small reader of our own), whose functions return NULL for lack of memory as for a fault of the text.
 * Here the two are distinguished, and a text that lacks what could not be added is never made; and
 * numbers are read and written alike in every locale. No other file of the library calls jansson's
 * readers and writers of texts.
 */
#ifndef GN_FILE_JSON_H
#define GN_FILE_JSON_H

#include "base/status.h"

#if GN_TRAINING
#include <jansson.h>
#else
#include "file/json_small.h"
#endif
#include <stdbool.h>

/* The value of a text of `size` bytes, *root to be freed with json_decref. NULL and GN_OK when it is
 * not JSON: *error says why (NULL: does not matter). NULL and NO_MEMORY when there is no memory. */
gn_status gn_json_load(const char *text, size_t size, json_t **root, json_error_t *error);

/* The same for a string, or for NULL, which is not JSON. */
gn_status gn_json_parse(const char *text, json_t **root);

/* json_dumpb of a value that is kept, for short texts: returns the bytes that the text needs, 0 without
 * memory; it is complete, and not terminated, if these are at most `size`. */
size_t gn_json_write(const json_t *value, char *text, size_t size, size_t flags);

#if GN_TRAINING

/* Adds a value, which is given up; one that could not be made (NULL) or added is remembered until
 * this thread's next gn_json_text, which fails then. Texts must be UTF-8. */
void gn_json_set(json_t *object, const char *key, json_t *value);
void gn_json_add(json_t *array, json_t *value);

/* The same for a text (NULL: null), a count, and a number as a hexadecimal text, which comes back
 * with all its bits. */
void gn_json_set_text(json_t *object, const char *key, const char *text);
void gn_json_set_count(json_t *object, const char *key, uint64_t count);
void gn_json_set_exact(json_t *object, const char *key, double value);

/* Whether the value is there and nothing was lost since this thread's last text or such question, for
 * values that become no text: NO_MEMORY. `what` as for gn_alloc. */
gn_status gn_json_made(const json_t *value, const char *what);

/* The text of a value, which is given up; free it with gn_free. NULL is NO_MEMORY: the value, or
 * something in it, could not be made. `what` as for gn_alloc. */
char *gn_json_text(json_t *value, size_t flags, const char *what);

#endif

#endif
