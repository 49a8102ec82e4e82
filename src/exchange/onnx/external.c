/*
 * Values that lie in another file: which file and where. Its name comes from a stranger, so only a plain
 * name in the model's own folder is taken, and nothing but what location, offset and length say.
 */
#include "exchange/onnx/file.h"

#include <string.h>

enum { TENSOR_EXTERNAL = 13 };

static bool whole_number(struct gn_pb_slice text, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || !gn_mul_u64(*value, 10, value) ||
            !gn_add_u64(*value, (uint64_t)(text.bytes[i] - '0'), value))
            return false;
    return text.n > 0;
}

/* One pair of key and value. */
static bool read_pair(struct gn_pb_slice slice, struct gn_onnx_external *where)
{
    struct gn_reader r = gn_pb_message(slice);
    struct gn_pb_field field;
    struct gn_pb_slice key = { NULL, 0 }, value = { NULL, 0 };
    bool bad = false;
    while (gn_pb_next(&r, &field, &bad)) {
        key = field.number == 1 ? field.slice : key;
        value = field.number == 2 ? field.slice : value;
    }
    if (gn_pb_is(key, "offset"))
        return !bad && whole_number(value, &where->offset);
    if (gn_pb_is(key, "length")) {
        where->has_length = true;
        return !bad && whole_number(value, &where->length);
    }
    if (!gn_pb_is(key, "location")) /* a checksum and whatever else is not relied on */
        return !bad;
    if (value.n == 0 || value.n >= sizeof where->location ||
        memchr(value.bytes, '\0', value.n) != NULL)
        return false;
    memcpy(where->location, value.bytes, value.n);
    where->location[value.n] = '\0';
    return !bad;
}

gn_status gn_onnx_find_external(const struct gn_onnx_file *file,
                                const struct gn_onnx_tensor *tensor, struct gn_onnx_external *where)
{
    struct gn_reader r = gn_pb_message(tensor->message);
    struct gn_pb_field field;
    bool bad = false;
    *where = (struct gn_onnx_external){ .location = "" };
    while (gn_pb_next(&r, &field, &bad))
        if (field.number == TENSOR_EXTERNAL && !read_pair(field.slice, where))
            bad = true;
    if (bad || where->location[0] == '\0')
        return gn_onnx_bad_tensor(file, tensor, GN_STATUS_BAD_MODEL,
                                  "does not say in which file and where its values are");
    return GN_OK;
}

gn_status gn_onnx_external_bytes(const struct gn_onnx_file *file, uint64_t *bytes)
{
    struct gn_onnx_external where, last = { .location = "" };
    *bytes = 0;
    for (size_t i = 0; i < file->n_constants; i++) {
        struct gn_file other;
        if (!file->constants[i].external)
            continue;
        GN_TRY(gn_onnx_find_external(file, &file->constants[i], &where));
        if (strcmp(where.location, last.location) == 0)
            continue;
        last = where;
        GN_TRY(gn_file_open_beside(&other, file->real_path, where.location, "ONNX",
                                   GN_STATUS_BAD_MODEL));
        gn_file_close(&other);
        if (!gn_add_u64(*bytes, other.size, bytes))
            *bytes = UINT64_MAX;
    }
    return GN_OK;
}
