/* Nodes, constants, inputs and outputs of an ONNX graph. */
#include "exchange/onnx/writer.h"

#include "base/endian.h"
#include "base/half.h"

#include <string.h>

/* Fields of the messages, by onnx.proto. */
enum {
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_FLOAT = 2,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_KIND = 20,
    KIND_FLOAT = 1,
    KIND_INT = 2,
    KIND_INTS = 7,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_ELEMENT = 1,
    TENSOR_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_NAME = 2
};

enum gn_onnx_type gn_onnx_number(const struct gn_onnx *onnx)
{
    return onnx->options->f16 ? GN_ONNX_FLOAT16 : GN_ONNX_FLOAT;
}

size_t gn_onnx_node(struct gn_onnx *onnx, const char *type, const char *name, const char *output,
                    const char *const *inputs, int n)
{
    struct gn_pb *pb = &onnx->pb;
    const size_t begin = gn_pb_begin(pb, GRAPH_NODE);
    for (int i = 0; i < n; i++)
        gn_pb_text(pb, NODE_INPUT, inputs[i]);
    gn_pb_text(pb, NODE_OUTPUT, output);
    gn_pb_text(pb, NODE_NAME, name);
    gn_pb_text(pb, NODE_TYPE, type);
    return begin;
}

void gn_onnx_write_attribute(struct gn_onnx *onnx, const struct gn_onnx_attribute *a)
{
    struct gn_pb *pb = &onnx->pb;
    const size_t begin = gn_pb_begin(pb, NODE_ATTRIBUTE);
    gn_pb_text(pb, ATTRIBUTE_NAME, a->name);
    if (a->n == 0)
        gn_pb_float(pb, ATTRIBUTE_FLOAT, (float)a->real);
    for (int i = 0; i < a->n; i++)
        gn_pb_int(pb, a->list ? ATTRIBUTE_INTS : ATTRIBUTE_INT, a->whole[i]);
    gn_pb_int(pb, ATTRIBUTE_KIND, a->n == 0 ? KIND_FLOAT : a->list ? KIND_INTS : KIND_INT);
    gn_pb_end(pb, begin);
}

void gn_onnx_simple(struct gn_onnx *onnx, const char *type, const char *name, const char *output,
                    const char *input, const char *second)
{
    const char *const inputs[] = { input, second };
    gn_pb_end(&onnx->pb, gn_onnx_node(onnx, type, name, output, inputs, second == NULL ? 1 : 2));
}

static size_t begin_constant(struct gn_onnx *onnx, const char *name, enum gn_onnx_type type,
                             const int64_t *dims, int rank)
{
    struct gn_pb *pb = &onnx->pb;
    const size_t begin = gn_pb_begin(pb, GRAPH_INITIALIZER);
    for (int i = 0; i < rank; i++)
        gn_pb_int(pb, TENSOR_DIMS, dims[i]);
    gn_pb_int(pb, TENSOR_TYPE, (int64_t)type);
    gn_pb_text(pb, TENSOR_NAME, name);
    return begin;
}

void gn_onnx_floats(struct gn_onnx *onnx, const char *name, const float *values,
                    const int64_t *dims, int rank)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    const bool half = onnx->options->f16;
    const size_t begin = begin_constant(onnx, name, gn_onnx_number(onnx), dims, rank);
    uint8_t *to = gn_pb_bytes(&onnx->pb, TENSOR_RAW, n * (half ? 2 : sizeof(float)));
    if (to != NULL && !half)
        gn_copy_little(to, values, n, sizeof(float));
    for (size_t i = 0; to != NULL && half && i < n; i++) {
        const uint16_t bits = gn_half_from_float(values[i]);
        gn_copy_little(to + 2 * i, &bits, 1, sizeof bits);
    }
    gn_pb_end(&onnx->pb, begin);
}

void gn_onnx_raw(struct gn_onnx *onnx, const char *name, enum gn_onnx_type type, const void *data,
                 size_t size, const int64_t *dims, int rank)
{
    const size_t begin = begin_constant(onnx, name, type, dims, rank);
    uint8_t *to = gn_pb_bytes(&onnx->pb, TENSOR_RAW, size);
    if (to != NULL && data == NULL)
        memset(to, 0, size);
    else if (to != NULL)
        memcpy(to, data, size);
    gn_pb_end(&onnx->pb, begin);
}

void gn_onnx_int64s(struct gn_onnx *onnx, const char *name, const int64_t *values, int n)
{
    const size_t begin = begin_constant(onnx, name, GN_ONNX_INT64, &(int64_t){ n }, 1);
    uint8_t *to = gn_pb_bytes(&onnx->pb, TENSOR_RAW, (size_t)n * sizeof *values);
    if (to != NULL)
        gn_copy_little(to, values, (size_t)n, sizeof *values);
    gn_pb_end(&onnx->pb, begin);
}

void gn_onnx_value(struct gn_onnx *onnx, int field, const char *name, enum gn_onnx_type type,
                   const int64_t *dims, const char *const *names, int rank)
{
    struct gn_pb *pb = &onnx->pb;
    const size_t value = gn_pb_begin(pb, field);
    gn_pb_text(pb, VALUE_NAME, name);
    const size_t outer = gn_pb_begin(pb, VALUE_TYPE), tensor = gn_pb_begin(pb, TYPE_TENSOR);
    gn_pb_int(pb, TENSOR_ELEMENT, (int64_t)type);
    const size_t shape = gn_pb_begin(pb, TENSOR_SHAPE);
    for (int i = 0; i < rank; i++) {
        const size_t dim = gn_pb_begin(pb, SHAPE_DIM);
        if (dims[i] > 0)
            gn_pb_int(pb, DIM_VALUE, dims[i]);
        else
            gn_pb_text(pb, DIM_NAME, names[i]);
        gn_pb_end(pb, dim);
    }
    gn_pb_end(pb, shape);
    gn_pb_end(pb, tensor);
    gn_pb_end(pb, outer);
    gn_pb_end(pb, value);
}
