/*
 * The values of constants: raw bytes, typed fields or another file, of several types. They are handed on
 * a portion at a time, so that no copy of a tensor is needed on the way into the network.
 */
#include "exchange/onnx/file.h"

#include "base/endian.h"

#include <math.h>
#include <string.h>

enum {
    FLOAT = 1,
    UINT8 = 2,
    INT8 = 3,
    INT32 = 6,
    INT64 = 7,
    BOOL = 9,
    FLOAT16 = 10,
    DOUBLE = 11,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_INT64S = 7,
    TENSOR_DOUBLES = 10,
    PORTION = 1024 /* values */
};

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
    case BOOL:
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

/* The whole part, or the nearest number that there is; of NaN, 0. */
static int64_t whole_of(double value)
{
    if (isnan(value))
        return 0;
    return value >= 0x1p63 ? INT64_MAX : value < -0x1p63 ? INT64_MIN : (int64_t)value;
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
    case BOOL:
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

/* ---- Where they go ---- */

struct target {
    gn_onnx_sink *sink; /* NULL: whole numbers go to `ints` */
    void *to;
    int64_t *ints;
    uint64_t done; /* values, besides those of the portion */
    size_t n;
    float portion[PORTION];
};

static void flush(struct target *target)
{
    if (target->sink != NULL && target->n > 0)
        target->sink(target->to, target->done, target->portion, target->n);
    target->done += target->n;
    target->n = 0;
}

static void store(struct target *target, struct number number)
{
    if (target->sink == NULL) {
        target->ints[target->done++] = number.whole;
        return;
    }
    target->portion[target->n++] = (float)number.real;
    if (target->n == PORTION)
        flush(target);
}

/* n values of a type that lie next to each other, little-endian. */
static void decode(struct target *target, int type, const uint8_t *bytes, uint64_t n)
{
    const size_t size = bytes_of(type);
    if (type == FLOAT && target->sink != NULL) {
        for (uint64_t i = 0; i < n; i += PORTION) {
            target->n = n - i < PORTION ? (size_t)(n - i) : PORTION;
            gn_copy_little(target->portion, bytes + i * size, target->n, size);
            flush(target);
        }
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        for (size_t k = 0; k < size; k++)
            bits |= (uint64_t)bytes[i * size + k] << (8 * k);
        store(target, number_of(type, bits));
    }
}

/* ---- Where they are ---- */

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

static bool from_fields(const struct gn_onnx_tensor *t, struct target *target)
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
                store(target, number_of(t->type, bits));
    }
    return n == t->count;
}

static gn_status from_other_file(const struct gn_onnx_file *file, const struct gn_onnx_tensor *t,
                                 struct target *target)
{
    const size_t size = bytes_of(t->type);
    uint8_t bytes[PORTION * sizeof(double)];
    struct gn_onnx_external where;
    struct gn_file other;
    GN_TRY(gn_onnx_find_external(file, t, &where));
    uint64_t length, end;
    if (!gn_mul_u64(t->count, size, &length) || (where.has_length && where.length != length) ||
        !gn_add_u64(where.offset, length, &end))
        return gn_onnx_bad_tensor(file, t, GN_STATUS_BAD_MODEL,
                                  "has more or fewer values in another file than its shape says");
    GN_TRY(
        gn_file_open_beside(&other, file->real_path, where.location, "ONNX", GN_STATUS_BAD_MODEL));
    gn_status status = GN_OK;
    if (end > other.size)
        status = gn_onnx_bad_tensor(file, t, GN_STATUS_BAD_MODEL,
                                    "reaches beyond the end of the file that holds its values");
    for (uint64_t i = 0; status == GN_OK && i < t->count; i += PORTION) {
        const uint64_t n = t->count - i < PORTION ? t->count - i : PORTION;
        status = gn_file_pread(&other, bytes, (size_t)n * size, where.offset + i * size);
        if (status == GN_OK)
            decode(target, t->type, bytes, n);
    }
    gn_file_close(&other);
    return status;
}

static gn_status convert(const struct gn_onnx_file *file, const struct gn_onnx_tensor *t,
                         struct target *target)
{
    const size_t size = bytes_of(t->type);
    uint64_t bytes;
    bool good = true;
    if (t->transposed)
        return gn_onnx_bad_tensor(file, t, GN_STATUS_UNSUPPORTED,
                                  "is transposed, which is read only of a dense layer's weights");
    if (t->filled) {
        for (uint64_t i = 0; i < t->count; i++)
            store(target, (struct number){ t->fill, whole_of(t->fill) });
    } else if (size == 0) {
        return gn_onnx_bad_tensor(file, t, GN_STATUS_UNSUPPORTED,
                                  "is of a type of numbers that is not read");
    } else if (t->external) {
        GN_TRY(from_other_file(file, t, target));
    } else if (t->raw.bytes != NULL) {
        good = gn_mul_u64(t->count, size, &bytes) && bytes == t->raw.n;
        if (good)
            decode(target, t->type, t->raw.bytes, t->count);
    } else {
        good = from_fields(t, target);
    }
    if (!good)
        return gn_onnx_bad_tensor(file, t, GN_STATUS_BAD_MODEL,
                                  "has more or fewer values than its shape says");
    flush(target);
    return GN_OK;
}

gn_status gn_onnx_each(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                       gn_onnx_sink *sink, void *to)
{
    struct target target = { .sink = sink, .to = to };
    return convert(file, tensor, &target);
}

static void copy(void *to, uint64_t first, const float *values, size_t n)
{
    memcpy((float *)to + first, values, n * sizeof *values);
}

gn_status gn_onnx_to_floats(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                            float *values)
{
    return gn_onnx_each(file, tensor, copy, values);
}

gn_status gn_onnx_to_ints(const struct gn_onnx_file *file, const struct gn_onnx_tensor *tensor,
                          int64_t *values)
{
    struct target target = { .ints = values };
    return convert(file, tensor, &target);
}
