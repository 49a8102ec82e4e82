/* What a node says about itself: inputs, outputs, attributes. */
#include "exchange/onnx/file.h"

#include <string.h>

static struct gn_pb_slice text_at(const struct gn_onnx_node_in *node, int number, int i)
{
    struct gn_reader r = gn_pb_message(node->message);
    struct gn_pb_field field;
    bool bad = false;
    while (gn_pb_next(&r, &field, &bad))
        if (field.number == number && i-- == 0)
            return field.slice;
    return (struct gn_pb_slice){ NULL, 0 };
}

struct gn_pb_slice gn_onnx_node_input(const struct gn_onnx_node_in *node, int i)
{
    return text_at(node, 1, i);
}

struct gn_pb_slice gn_onnx_node_output(const struct gn_onnx_node_in *node, int i)
{
    return text_at(node, 2, i);
}

/* The attribute's message, empty when there is none. */
static bool find(const struct gn_onnx_node_in *node, const char *name, struct gn_reader *attribute)
{
    struct gn_reader r = gn_pb_message(node->message);
    struct gn_pb_field field, part;
    bool bad = false;
    while (gn_pb_next(&r, &field, &bad)) {
        if (field.number != 5 || !field.is_slice)
            continue;
        struct gn_reader inner = gn_pb_message(field.slice);
        while (gn_pb_next(&inner, &part, &bad))
            if (part.number == 1 && gn_pb_is(part.slice, name)) {
                *attribute = gn_pb_message(field.slice);
                return true;
            }
    }
    return false;
}

static bool find_part(const struct gn_onnx_node_in *node, const char *name, int number,
                      struct gn_pb_field *part)
{
    struct gn_reader attribute;
    bool bad = false;
    if (!find(node, name, &attribute))
        return false;
    while (gn_pb_next(&attribute, part, &bad))
        if (part->number == number)
            return true;
    return false;
}

bool gn_onnx_get_int(const struct gn_onnx_node_in *node, const char *name, int64_t *value)
{
    struct gn_pb_field part;
    if (!find_part(node, name, 3, &part) || part.is_slice)
        return false;
    *value = (int64_t)part.value;
    return true;
}

bool gn_onnx_get_float(const struct gn_onnx_node_in *node, const char *name, float *value)
{
    struct gn_pb_field part;
    if (!find_part(node, name, 2, &part) || part.is_slice)
        return false;
    const uint32_t bits = (uint32_t)part.value;
    memcpy(value, &bits, sizeof bits);
    return true;
}

bool gn_onnx_get_text(const struct gn_onnx_node_in *node, const char *name,
                      struct gn_pb_slice *text)
{
    struct gn_pb_field part;
    if (!find_part(node, name, 4, &part) || !part.is_slice)
        return false;
    *text = part.slice;
    return true;
}

int gn_onnx_get_ints(const struct gn_onnx_node_in *node, const char *name, int64_t *values,
                     int most)
{
    struct gn_reader attribute;
    struct gn_pb_field part;
    bool bad = false;
    int n = 0;
    if (!find(node, name, &attribute))
        return -1;
    while (gn_pb_next(&attribute, &part, &bad)) {
        struct gn_reader rest = gn_pb_message(part.slice);
        uint64_t value;
        if (part.number != 8)
            continue;
        for (; gn_pb_whole(&part, &rest, &value); n++)
            if (n < most)
                values[n] = (int64_t)value;
    }
    return n;
}

bool gn_onnx_get_tensor(const struct gn_onnx_file *file, const struct gn_onnx_node_in *node,
                        const char *name, struct gn_onnx_tensor *tensor)
{
    struct gn_pb_field part;
    return find_part(node, name, 5, &part) && part.is_slice &&
           gn_onnx_read_tensor(file, part.slice, tensor) == GN_OK;
}
