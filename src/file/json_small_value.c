/* The values of a text that json_small_read.c has read: looked at, and written into sentences. */
#include "file/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const gn_small_json_words[] = {
    [K_NULL] = "null", [K_TRUE] = "true", [K_FALSE] = "false"
};

/* ---- Writing, for sentences ---- */

/* What is written, and how many bytes it would need. */
struct writer {
    char *text;
    size_t size, n;
};

static void put(struct writer *w, const char *text)
{
    for (; *text != '\0'; text++, w->n++)
        if (w->n < w->size)
            w->text[w->n] = *text;
}

static void put_string(struct writer *w, const char *text)
{
    put(w, "\"");
    for (; *text != '\0'; text++) {
        char piece[8] = { *text };
        if (*text == '"' || *text == '\\')
            (void)snprintf(piece, sizeof piece, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            (void)snprintf(piece, sizeof piece, "\\u%04x", (unsigned)*text);
        put(w, piece);
    }
    put(w, "\"");
}

static void put_value(struct writer *w, const json_t *value)
{
    char number[32];
    const bool is_object = value->kind == K_OBJECT;
    switch (value->kind) {
    case K_STRING:
        put_string(w, value->text);
        break;
    case K_INTEGER:
        (void)snprintf(number, sizeof number, "%" PRId64, value->integer);
        put(w, number);
        break;
    case K_REAL:
        put(w, value->text);
        break;
    case K_ARRAY:
    case K_OBJECT:
        put(w, is_object ? "{" : "[");
        for (const json_t *element = value->first; element != NULL; element = element->next) {
            if (is_object)
                put_string(w, element->key);
            put(w, is_object ? ":" : "");
            put_value(w, element);
            put(w, element->next != NULL ? "," : "");
        }
        put(w, is_object ? "}" : "]");
        break;
    default:
        put(w, gn_small_json_words[value->kind]);
    }
}

size_t gn_json_write(const json_t *value, char *text, size_t size, size_t flags)
{
    struct writer w = { .text = text, .size = size };
    (void)flags;
    put_value(&w, value);
    return w.n;
}

/* ---- Values ---- */

static bool is(const json_t *value, enum gn_small_json_kind kind)
{
    return value != NULL && value->kind == kind;
}

bool json_is_object(const json_t *value)
{
    return is(value, K_OBJECT);
}

bool json_is_array(const json_t *value)
{
    return is(value, K_ARRAY);
}

bool json_is_string(const json_t *value)
{
    return is(value, K_STRING);
}

bool json_is_integer(const json_t *value)
{
    return is(value, K_INTEGER);
}

bool json_is_boolean(const json_t *value)
{
    return is(value, K_TRUE) || is(value, K_FALSE);
}

bool json_is_true(const json_t *value)
{
    return is(value, K_TRUE);
}

bool json_is_null(const json_t *value)
{
    return is(value, K_NULL);
}

size_t json_object_size(const json_t *object)
{
    return is(object, K_OBJECT) ? object->n : 0;
}

json_t *json_object_get(const json_t *object, const char *key)
{
    for (size_t low = 0, high = json_object_size(object); low < high;) {
        const size_t middle = low + (high - low) / 2;
        json_t *member = object->index[middle];
        const int order = strcmp(key, member->key);
        if (order == 0)
            return member;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

size_t json_array_size(const json_t *array)
{
    return is(array, K_ARRAY) ? array->n : 0;
}

json_t *json_array_get(const json_t *array, size_t i)
{
    return i < json_array_size(array) ? array->index[i] : NULL;
}

const char *json_string_value(const json_t *value)
{
    return is(value, K_STRING) ? value->text : NULL;
}

size_t json_string_length(const json_t *value)
{
    return is(value, K_STRING) ? value->n : 0;
}

json_int_t json_integer_value(const json_t *value)
{
    return is(value, K_INTEGER) ? value->integer : 0;
}

json_t *json_object_iter(const json_t *object)
{
    return is(object, K_OBJECT) ? object->first : NULL;
}

const char *json_object_iter_key(const json_t *member)
{
    return member->key;
}

json_t *gn_small_json_next(const json_t *member)
{
    return member->next;
}
