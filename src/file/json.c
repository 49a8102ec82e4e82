#include "file/json.h"

#include "base/memory.h"
#include "base/number.h"

#include <string.h>

static _Thread_local bool incomplete;

/* jansson knows decimal points of one byte, and stops the program at a longer one. */
static json_t *load(const char *text, size_t size, json_error_t *error)
{
    const gn_locale before = gn_locale_enter();
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, error);
    gn_locale_leave(before);
    return root;
}

size_t gn_json_write(const json_t *value, char *text, size_t size, size_t flags)
{
    const gn_locale before = gn_locale_enter();
    const size_t length = json_dumpb(value, text, size, flags);
    gn_locale_leave(before);
    return length;
}

/* jansson has no code for an allocation that fails between others: it sets none, or takes the token
 * for a wrong one. But a fault of the text is the same one every time. */
gn_status gn_json_load(const char *text, size_t size, json_t **root, json_error_t *error)
{
    json_error_t first = { 0 }, again = { 0 };
    *root = load(text, size, &first);
    if (*root == NULL)
        *root = load(text, size, &again);
    if (error != NULL)
        *error = again;
    const enum json_error_code code = json_error_code(&again);
    if (*root == NULL && (code == json_error_unknown || code == json_error_out_of_memory ||
                          first.position != again.position || strcmp(first.text, again.text) != 0))
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory to read %zu bytes of JSON", size);
    return GN_OK;
}

gn_status gn_json_parse(const char *text, json_t **root)
{
    *root = NULL;
    return text == NULL ? GN_OK : gn_json_load(text, strlen(text), root, NULL);
}

void gn_json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        incomplete = true;
}

void gn_json_set_text(json_t *object, const char *key, const char *text)
{
    gn_json_set(object, key, text == NULL ? json_null() : json_string(text));
}

void gn_json_set_count(json_t *object, const char *key, uint64_t count)
{
    gn_json_set(object, key, json_integer((json_int_t)count));
}

void gn_json_set_exact(json_t *object, const char *key, double value)
{
    char text[GN_NUMBER_TEXT];
    gn_json_set_text(object, key, gn_hex_text(value, text));
}

void gn_json_add(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        incomplete = true;
}

gn_status gn_json_made(const json_t *value, const char *what)
{
    const bool lacks = incomplete || value == NULL;
    incomplete = false;
    if (lacks)
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory for %s", what);
    return GN_OK;
}

char *gn_json_text(json_t *value, size_t flags, const char *what)
{
    const size_t size = incomplete || value == NULL ? 0 : gn_json_write(value, NULL, 0, flags);
    char *text = size == 0 ? NULL : gn_alloc(size + 1, what);
    if (text != NULL && gn_json_write(value, text, size, flags) == size) {
        text[size] = '\0';
    } else {
        gn_free(text);
        text = NULL;
        (void)gn_fail(GN_STATUS_NO_MEMORY, "no memory for %s", what);
    }
    incomplete = false;
    json_decref(value);
    return text;
}
