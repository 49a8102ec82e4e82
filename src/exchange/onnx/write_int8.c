/*
 * Quantised networks in the form that ONNX Runtime and others turn into their own kernels of 8 bits: pairs of
 * QuantizeLinear and DequantizeLinear where values become bytes, and constants of whole numbers before a
 * DequantizeLinear for weights (a scale of each output channel) and biases (the scale of the sums).
 */
#include "exchange/onnx/writer.h"

#include "base/endian.h"
#include "base/memory.h"
#include "ops/attributes.h"
#include "ops/kernels.h"

#include <math.h>

enum {
    PER_CHANNEL_FROM = 13
}; /* the opset from which on a DequantizeLinear has scales of channels */

static const float *values_of(const struct gn_onnx *onnx, int tensor)
{
    return onnx->net->params + onnx->net->graph->tensors[tensor].offset;
}

/* DequantizeLinear of constants BASE_SUFFIX, BASE_scale and BASE_zero, a scale of each of `n` channels. */
static void dequantize(struct gn_onnx *onnx, const char *base, const char *constant,
                       const float *scales, enum gn_onnx_type type, size_t bytes, int n)
{
    char scale[GN_ONNX_NAME], zero[GN_ONNX_NAME];
    struct gn_onnx_op op = { .type = "DequantizeLinear" };
    const int64_t dims = n;
    (void)snprintf(scale, sizeof scale, "%s_scale", base);
    (void)snprintf(zero, sizeof zero, "%s_zero", base);
    gn_onnx_floats(onnx, scale, scales, &dims, 1);
    gn_onnx_raw(onnx, zero, type, NULL, (size_t)n * bytes, &dims, 1);
    const char *const inputs[] = { constant, scale, zero };
    gn_onnx_int(&op, "axis", 0);
    const size_t node = gn_onnx_node(onnx, op.type, base, base, inputs, 3);
    gn_onnx_write_attribute(onnx, &op.attributes[0]);
    gn_pb_end(&onnx->pb, node);
}

/* From [kh][kw][c][oc] to [oc][c][kh][kw]. */
static void turn(const struct gn_geometry *w, const int8_t *from, int8_t *to)
{
    for (int o = 0; o < w->oc; o++)
        for (int c = 0; c < w->c; c++)
            for (int k = 0; k < w->kh * w->kw; k++)
                *to++ = from[((size_t)k * (size_t)w->c + (size_t)c) * (size_t)w->oc + (size_t)o];
}

gn_status gn_onnx_write_int8_weights(struct gn_onnx *onnx, int layer, const char *name)
{
    const struct gn_layer *l = &onnx->net->graph->layers[layer];
    const struct gn_geometry *w = &l->window;
    const size_t n = onnx->net->graph->tensors[l->weight].count;
    const float *scales = values_of(onnx, l->tensors[GN_CONV_SCALE]);
    const int64_t dims[] = { w->oc, w->c, w->kh, w->kw };
    char constant[GN_ONNX_NAME];
    if (onnx->opset < PER_CHANNEL_FROM || onnx->options->f16)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: a quantised network needs opset %d or later and weights that are not float16",
                onnx->options->path, (int)PER_CHANNEL_FROM);
    int8_t *numbers = gn_alloc(2 * n, "weights of an exported layer");
    if (numbers == NULL)
        return gn_last_status();
    gn_int8_weights(values_of(onnx, l->weight), scales, n, (size_t)w->oc, numbers);
    turn(w, numbers, numbers + n);
    (void)snprintf(constant, sizeof constant, "%s_int8", name);
    gn_onnx_raw(onnx, constant, GN_ONNX_INT8, numbers + n, n, dims, 4);
    dequantize(onnx, name, constant, scales, GN_ONNX_INT8, 1, w->oc);
    gn_free(numbers);
    return GN_OK;
}

/* The scale of the bytes that layer i reads, 0: they are floats. */
static float input_scale(const struct gn_graph *g, int i)
{
    do
        i = g->layers[i].inputs[0];
    while (g->layers[i].op->joins || g->layers[i].op->id == GN_OP_MAX_POOL ||
           g->layers[i].op->fuses == GN_FUSE_SAME);
    const struct gn_quantize_attributes *own = gn_layer_attributes(&g->layers[i]);
    return g->layers[i].op->fuses == GN_FUSE_BYTES ? (float)own->scale : 0;
}

gn_status gn_onnx_write_int8_bias(struct gn_onnx *onnx, int layer, const char *name, bool *done)
{
    const struct gn_layer *l = &onnx->net->graph->layers[layer];
    const float in = input_scale(onnx->net->graph, layer);
    const int n = l->window.oc;
    char constant[GN_ONNX_NAME];
    *done = in > 0;
    if (!*done)
        return GN_OK;
    float *scales = gn_alloc((size_t)n * sizeof *scales, "biases of an exported layer");
    int32_t *numbers = gn_alloc((size_t)n * sizeof *numbers, "biases of an exported layer");
    if (scales != NULL && numbers != NULL) {
        for (int o = 0; o < n; o++) {
            scales[o] = in * values_of(onnx, l->tensors[GN_CONV_SCALE])[o];
            const float b = values_of(onnx, l->bias)[o] / scales[o];
            const int32_t q = (int32_t)rintf(b > -0x1p30F ? b < 0x1p30F ? b : 0x1p30F : -0x1p30F);
            gn_copy_little(&numbers[o], &q, 1, sizeof q);
        }
        (void)snprintf(constant, sizeof constant, "%s_int32", name);
        gn_onnx_raw(onnx, constant, GN_ONNX_INT32, numbers, (size_t)n * sizeof *numbers,
                    &(int64_t){ n }, 1);
        dequantize(onnx, name, constant, scales, GN_ONNX_INT32, sizeof *numbers, n);
    }
    const bool lacks = scales == NULL || numbers == NULL;
    gn_free(scales);
    gn_free(numbers);
    return lacks ? gn_last_status() : GN_OK;
}

void gn_onnx_write_quantize(struct gn_onnx *onnx, int layer)
{
    const struct gn_layer *l = &onnx->net->graph->layers[layer];
    const struct gn_quantize_attributes *own = gn_layer_attributes(l);
    char scale[GN_ONNX_NAME], zero[GN_ONNX_NAME], bytes[GN_ONNX_NAME];
    (void)snprintf(scale, sizeof scale, "%s.scale", l->name);
    (void)snprintf(zero, sizeof zero, "%s.zero", l->name);
    (void)snprintf(bytes, sizeof bytes, "%s.bytes", l->name);
    gn_onnx_floats(onnx, scale, &(float){ (float)own->scale }, NULL, 0);
    gn_onnx_raw(onnx, zero, GN_ONNX_UINT8, NULL, 1, NULL, 0);
    const char *const from[] = { onnx->value[l->inputs[0]], scale, zero };
    gn_pb_end(&onnx->pb, gn_onnx_node(onnx, "QuantizeLinear", bytes, bytes, from, 3));
    const char *const to[] = { bytes, scale, zero };
    gn_pb_end(&onnx->pb, gn_onnx_node(onnx, "DequantizeLinear", onnx->value[layer],
                                      onnx->value[layer], to, 3));
}
