/*
 * What readers of model files need of jansson, by the same names, for a library that must not need it
 * (-Dtraining=off): values that are read and never changed. The names are this library's own when they are
 * linked, so a program may link jansson, too.
 */
#ifndef GN_FILE_JSON_SMALL_H
#define GN_FILE_JSON_SMALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gn_small_json json_t;
typedef int64_t json_int_t;

enum gn_small_json_kind { K_NULL, K_TRUE, K_FALSE, K_INTEGER, K_REAL, K_STRING, K_ARRAY, K_OBJECT };

struct gn_small_json {
    enum gn_small_json_kind kind;
    const char *key; /* of a member */
    json_t *next;    /* in the same array or object */
    json_t *first;   /* of an array or object */
    json_t **index;  /* the same, an object's by key */
    const char *text;
    size_t n; /* bytes of a text, elements of an array or object */
    json_int_t integer;
};

/* Of the first three kinds. */
extern const char *const gn_small_json_words[];

enum { JSON_ERROR_TEXT_LENGTH = 160, JSON_COMPACT = 0, JSON_ENCODE_ANY = 0 };

typedef struct json_error_t {
    int position; /* bytes read when the fault was seen */
    char text[JSON_ERROR_TEXT_LENGTH];
} json_error_t;

#define json_decref          gn_small_json_free
#define json_is_object       gn_small_json_is_object
#define json_is_array        gn_small_json_is_array
#define json_is_string       gn_small_json_is_string
#define json_is_integer      gn_small_json_is_integer
#define json_is_boolean      gn_small_json_is_boolean
#define json_is_true         gn_small_json_is_true
#define json_is_null         gn_small_json_is_null
#define json_object_size     gn_small_json_object_size
#define json_object_get      gn_small_json_object_get
#define json_array_size      gn_small_json_array_size
#define json_array_get       gn_small_json_array_get
#define json_string_value    gn_small_json_string_value
#define json_string_length   gn_small_json_string_length
#define json_integer_value   gn_small_json_integer_value
#define json_object_iter     gn_small_json_first
#define json_object_iter_key gn_small_json_key

/* Frees the whole text that the value is of: only its first value is given to it. NULL is fine. */
void json_decref(json_t *root);

/* All take NULL, which is of no kind. */
bool json_is_object(const json_t *value);
bool json_is_array(const json_t *value);
bool json_is_string(const json_t *value);
bool json_is_integer(const json_t *value);
bool json_is_boolean(const json_t *value);
bool json_is_true(const json_t *value);
bool json_is_null(const json_t *value);

/* 0 and NULL for values of another kind, keys that are not there, and indices past the end. */
size_t json_object_size(const json_t *object);
json_t *json_object_get(const json_t *object, const char *key);
size_t json_array_size(const json_t *array);
json_t *json_array_get(const json_t *array, size_t i);
const char *json_string_value(const json_t *value);
size_t json_string_length(const json_t *value);
json_int_t json_integer_value(const json_t *value);

/* The members in the order of the text. */
json_t *json_object_iter(const json_t *object);
const char *json_object_iter_key(const json_t *member);
json_t *gn_small_json_next(const json_t *member);
#define json_object_foreach(object, key, value)                                                    \
    for ((value) = json_object_iter(object);                                                       \
         (value) != NULL && ((key) = json_object_iter_key(value)) != NULL;                         \
         (value) = gn_small_json_next(value))

#endif
