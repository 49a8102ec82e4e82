/* Constants: what they are and where their values lie, which values.c reads. */
#include "exchange/onnx/file.h"

enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_SEGMENT = 3,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_LOCATION = 14
};

gn_status gn_onnx_bad_tensor(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                             gn_status status, const char *what)
{
    char name[GN_ONNX_TEXT];
    GN_FAIL(status, "%s: ONNX: constant %s %s", file->path,
            tensor->name.n > 0 ? gn_onnx_text(tensor->name, name) : "without a name", what);
}

static bool read_dims(const struct gn_pb_field *field, struct gn_onnx_tensor *tensor)
{
    struct gn_reader rest = gn_pb_message(field->slice);
    uint64_t value;
    while (gn_pb_whole(field, &rest, &value)) {
        if (tensor->rank == GN_ONNX_RANK || value > INT32_MAX ||
            !gn_mul_u64(tensor->count, value, &tensor->count))
            return false;
        tensor->dims[tensor->rank++] = (int64_t)value;
    }
    return true;
}

gn_status gn_onnx_read_tensor(const struct gn_onnx_file *file, struct gn_pb_slice message,
                              struct gn_onnx_tensor *tensor)
{
    struct gn_reader r = gn_pb_message(message);
    struct gn_pb_field field;
    bool bad = false;
    *tensor = (struct gn_onnx_tensor){ .message = message, .count = 1 };
    while (gn_pb_next(&r, &field, &bad)) {
        if (field.number == TENSOR_NAME)
            tensor->name = field.slice;
        if (field.number == TENSOR_TYPE && field.value < 100)
            tensor->type = (int)field.value;
        if (field.number == TENSOR_RAW)
            tensor->raw = field.slice;
        if (field.number == TENSOR_LOCATION)
            tensor->external = field.value == 1;
        if (field.number == TENSOR_SEGMENT || /* a part of a tensor: nobody writes it */
            (field.number == TENSOR_DIMS && !read_dims(&field, tensor)))
            bad = true;
    }
    return bad ? gn_onnx_bad_tensor(file, tensor, GN_STATUS_BAD_MODEL, "is damaged") : GN_OK;
}
