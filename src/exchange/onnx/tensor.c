/* Constants: raw bytes or typed fields, of several types. */
#include "exchange/onnx/file.h"

#include <string.h>

enum {
    FLOAT = 1,
    UINT8 = 2,
    INT8 = 3,
    INT32 = 6,
    INT64 = 7,
    FLOAT16 = 10,
    DOUBLE = 11,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_LOCATION = 14
};

static gn_status bad_tensor(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
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
        if (field.number == TENSOR_DIMS && !read_dims(&field, tensor))
            bad = true;
    }
    return bad ? bad_tensor(file, tensor, GN_STATUS_BAD_MODEL, "is damaged") : GN_OK;
}

/* ---- Numbers of a type ---- */

static double from_half(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    uint32_t single = (uint32_t)(bits & 0x8000) << 16;
    float value;
    if (exponent == 0) {
        value = (float)mantissa * 5.9604644775390625e-8F; /* 2^-24 */
        return (double)((bits & 0x8000) != 0 ? -value : value);
    }
    single |= exponent == 31 ? 0x7f800000U | (uint32_t)mantissa << 13
                             : (uint32_t)(exponent + 112) << 23 | (uint32_t)mantissa << 13;
    memcpy(&value, &single, sizeof value);
    return (double)value;
}

static size_t bytes_of(int type)
{
    switch (type) {
    case UINT8:
    case INT8:
        return 1;
    case FLOAT16:
        return 2;
    case FLOAT:
    case INT32:
        return 4;
    case INT64:
    case DOUBLE:
        return 8;
    default:
        return 0;
    }
}

/* A number from its bits, as a double and as an integer. */
struct number {
    double real;
    int64_t whole;
};

static struct number number_of(int type, uint64_t bits)
{
    struct number n = { 0, 0 };
    float single;
    const uint32_t low = (uint32_t)bits;
    switch (type) {
    case FLOAT:
        memcpy(&single, &low, sizeof single);
        n.real = (double)single;
        return n;
    case DOUBLE:
        memcpy(&n.real, &bits, sizeof n.real);
        return n;
    case FLOAT16:
        n.real = from_half((uint16_t)bits);
        return n;
    case INT8:
        n.whole = (int8_t)bits;
        break;
    case UINT8:
        n.whole = (uint8_t)bits;
        break;
    case INT32:
        n.whole = (int32_t)low;
        break;
    default:
        n.whole = (int64_t)bits;
    }
    n.real = (double)n.whole;
    return n;
}

static void store(struct number n, uint64_t i, float *floats, int64_t *ints)
{
    if (floats != NULL)
        floats[i] = (float)n.real;
    if (ints != NULL)
        ints[i] = n.whole;
}

/* ---- Where they are ---- */

static bool from_raw(const struct gn_onnx_tensor *t, float *floats, int64_t *ints)
{
    const size_t size = bytes_of(t->type);
    uint64_t bytes;
    if (!gn_mul_u64(t->count, size, &bytes) || bytes != t->raw.n)
        return false;
    if (t->type == FLOAT && floats != NULL) {
        memcpy(floats, t->raw.bytes, t->raw.n);
        return true;
    }
    for (uint64_t i = 0; i < t->count; i++) {
        uint64_t bits = 0;
        memcpy(&bits, t->raw.bytes + i * size, size); /* little-endian, as this machine */
        store(number_of(t->type, bits), i, floats, ints);
    }
    return true;
}

/* The field that holds a type's numbers, and the bytes of one where they are packed; 0: varints. */
static int field_of(int type, size_t *size)
{
    *size = type == FLOAT ? 4 : type == DOUBLE ? 8 : 0;
    return type == FLOAT    ? TENSOR_FLOATS
           : type == DOUBLE ? TENSOR_DOUBLES
           : type == INT64  ? TENSOR_INT64S
                            : TENSOR_INT32S; /* float16 as bits, too */
}

static bool next_number(const struct gn_pb_field *field, size_t size, struct gn_reader *rest,
                        uint64_t *bits)
{
    uint32_t low;
    if (!field->is_slice || size == 0)
        return gn_pb_whole(field, rest, bits);
    if (size == 8)
        return gn_rd_le64(rest, bits);
    if (!gn_rd_le32(rest, &low))
        return false;
    *bits = low;
    return true;
}

static bool from_fields(const struct gn_onnx_tensor *t, float *floats, int64_t *ints)
{
    size_t size;
    const int wanted = field_of(t->type, &size);
    struct gn_reader r = gn_pb_message(t->message);
    struct gn_pb_field field;
    bool bad = false;
    uint64_t n = 0;
    while (gn_pb_next(&r, &field, &bad)) {
        struct gn_reader rest = gn_pb_message(field.slice);
        uint64_t bits;
        if (field.number != wanted)
            continue;
        for (; next_number(&field, size, &rest, &bits); n++)
            if (n < t->count)
                store(number_of(t->type, bits), n, floats, ints);
    }
    return n == t->count;
}

static gn_status convert(const struct gn_onnx_file *file, const struct gn_onnx_tensor *t,
                         float *floats, int64_t *ints)
{
    for (uint64_t i = 0; t->filled && i < t->count; i++)
        store((struct number){ t->fill, (int64_t)t->fill }, i, floats, ints);
    if (t->filled)
        return GN_OK;
    if (t->external)
        return bad_tensor(file, t, GN_STATUS_UNSUPPORTED,
                          "is stored in another file; save the model as one file");
    if (bytes_of(t->type) == 0)
        return bad_tensor(file, t, GN_STATUS_UNSUPPORTED,
                          "is of a type of numbers that is not read");
    if (t->raw.bytes != NULL ? from_raw(t, floats, ints) : from_fields(t, floats, ints))
        return GN_OK;
    return bad_tensor(file, t, GN_STATUS_BAD_MODEL, "has more or fewer values than its shape says");
}

gn_status gn_onnx_to_floats(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                            float *values)
{
    return convert(file, tensor, values, NULL);
}

gn_status gn_onnx_to_ints(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                          int64_t *values)
{
    return convert(file, tensor, NULL, values);
}
