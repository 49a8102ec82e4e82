/* Compiled as in that library, under names of its own, since this one has jansson's. */
#define GN_TRAINING   0
#define gn_json_load  small_json_load
#define gn_json_parse small_json_parse
#define gn_json_write small_json_write
#include "file/json_small_read.c"  // NOLINT: the files under test
#include "file/json_small_value.c" // NOLINT

#include "small_json.h"

static void forget_reals(json_t *value)
{
    if (value->kind == K_REAL)
        value->text = "real";
    for (json_t *element = value->first; element != NULL; element = element->next)
        forget_reals(element);
}

gn_status small_json(const char *text, size_t size, char *out, size_t room, char fault[200])
{
    json_t *root;
    json_error_t error = { .position = -1 };
    const gn_status status = gn_json_load(text, size, &root, &error);
    (void)snprintf(fault, 200, "%s at byte %d", error.text, error.position);
    if (status != GN_OK || root == NULL)
        return status != GN_OK ? status : GN_STATUS_BAD_DATA;
    forget_reals(root);
    const size_t n = gn_json_write(root, out, room - 1, 0);
    out[n < room ? n : room - 1] = '\0';
    /* Each member is found by its key, each element by its number. */
    const char *key;
    json_t *value;
    bool found = true;
    json_object_foreach(root, key, value) found = found && json_object_get(root, key) == value;
    for (size_t i = 0; i < json_array_size(root); i++)
        found = found && json_array_get(root, i) != NULL;
    found = found && json_object_get(root, "no such key") == NULL &&
            json_array_get(root, json_array_size(root)) == NULL;
    json_decref(root);
    return found ? GN_OK : GN_STATUS_INTERNAL;
}
