/*
 * The input of an ONNX graph: the network's numbers (NCHW), or with `embed_preprocessing` the bytes of
 * pictures (NHWC) and the steps from them to those numbers, as gn.model states them.
 */
#include "exchange/onnx/writer.h"

#include <math.h>
#include <string.h>

enum { GRAPH_INPUT = 11, OPSET_OF_RESIZE = 11, OPSET_OF_ANTIALIAS = 18 };

/* Whether ONNX can say the steps of this network. */
static gn_status check(const struct gn_onnx *onnx)
{
    const struct gn_net *net = onnx->net;
    const char *path = onnx->options->path;
    if (net->input.c != 1 && net->input.c != 3)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: pictures of %d channels have no preprocessing to embed",
                path, net->input.c);
    if (onnx->opset < OPSET_OF_RESIZE)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: opset %d cannot resize as this network needs it; the preprocessing can be "
                "embedded from opset %d on",
                path, onnx->opset, OPSET_OF_RESIZE);
    if (net->resize == GN_RESIZE_PIL_BILINEAR && onnx->opset < OPSET_OF_ANTIALIAS)
        GN_FAIL(
            GN_STATUS_UNSUPPORTED,
            "%s: opset %d cannot resize by the rule pil-bilinear, which averages; take opset %d "
            "or leave the preprocessing out",
            path, onnx->opset, OPSET_OF_ANTIALIAS);
    if (net->pixels.short_side > 0 && !net->pixels.square)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: ONNX cannot resize the shorter side to %d and keep a picture's proportions; "
                "leave the preprocessing out",
                path, net->pixels.short_side);
    return GN_OK;
}

/* ---- Steps: each reads the value `at` and gives it a new name ---- */

struct chain {
    struct gn_onnx *onnx;
    char at[GN_ONNX_NAME];
};

static void advance(struct chain *chain, const char *type, const char *name, const char *second)
{
    gn_onnx_simple(chain->onnx, type, name, name, chain->at, second);
    (void)snprintf(chain->at, sizeof chain->at, "%s", name);
}

/* One number for all channels, or one for each. */
static void by(struct chain *chain, const char *type, const char *name, const float *values, int n)
{
    char constant[GN_ONNX_NAME];
    (void)snprintf(constant, sizeof constant, "%s.by", name);
    gn_onnx_floats(chain->onnx, constant, values, (const int64_t[]){ 1, n, 1, 1 }, 4);
    advance(chain, type, name, constant);
}

static void with_int(struct chain *chain, const char *type, const char *name,
                     const char *const *inputs, int n, const struct gn_onnx_attribute *attribute)
{
    const size_t node = gn_onnx_node(chain->onnx, type, name, name, inputs, n);
    gn_onnx_write_attribute(chain->onnx, attribute);
    gn_pb_end(&chain->onnx->pb, node);
    (void)snprintf(chain->at, sizeof chain->at, "%s", name);
}

static void to_nchw(struct chain *chain)
{
    const struct gn_onnx_attribute perm = {
        .name = "perm", .n = 4, .list = true, .whole = { 0, 3, 1, 2 }
    };
    const struct gn_onnx_attribute to = { .name = "to",
                                          .n = 1,
                                          .whole = { (int64_t)gn_onnx_number(chain->onnx) } };
    with_int(chain, "Cast", "image.cast", (const char *const[]){ chain->at }, 1, &to);
    with_int(chain, "Transpose", "image.nchw", (const char *const[]){ "image.cast" }, 1, &perm);
}

/* A text attribute; the only ones are those of Resize. */
static void text(struct gn_onnx *onnx, const char *name, const char *value)
{
    enum { NODE_ATTRIBUTE = 5, NAME = 1, TEXT = 4, KIND = 20, KIND_TEXT = 3 };
    const size_t begin = gn_pb_begin(&onnx->pb, NODE_ATTRIBUTE);
    gn_pb_text(&onnx->pb, NAME, name);
    gn_pb_text(&onnx->pb, TEXT, value);
    gn_pb_int(&onnx->pb, KIND, KIND_TEXT);
    gn_pb_end(&onnx->pb, begin);
}

/* To `h` x `w`: the sizes are those of batch and channels, found in the input, and these two. */
static void resize(struct chain *chain, int h, int w)
{
    struct gn_onnx *onnx = chain->onnx;
    const bool pillow = onnx->net->resize == GN_RESIZE_PIL_BILINEAR;
    const struct gn_onnx_attribute axis = { .name = "axis", .n = 1, .whole = { 0 } };
    const struct gn_onnx_attribute antialias = { .name = "antialias", .n = 1, .whole = { 1 } };
    char source[GN_ONNX_NAME];
    (void)snprintf(source, sizeof source, "%s", chain->at);
    gn_onnx_int64s(onnx, "resize.from", (const int64_t[]){ 0 }, 1);
    gn_onnx_int64s(onnx, "resize.to", (const int64_t[]){ 2 }, 1);
    gn_onnx_int64s(onnx, "resize.hw", (const int64_t[]){ h, w }, 2);
    gn_onnx_simple(onnx, "Shape", "resize.shape", "resize.shape", source, NULL);
    const char *const slice[] = { "resize.shape", "resize.from", "resize.to" };
    gn_pb_end(&onnx->pb, gn_onnx_node(onnx, "Slice", "resize.nc", "resize.nc", slice, 3));
    with_int(chain, "Concat", "resize.sizes", (const char *const[]){ "resize.nc", "resize.hw" }, 2,
             &axis);
    const char *const inputs[] = { source, "", "", "resize.sizes" };
    const size_t node = gn_onnx_node(onnx, "Resize", "image.resized", "image.resized", inputs, 4);
    text(onnx, "coordinate_transformation_mode",
         onnx->net->resize == GN_RESIZE_TF1_LEGACY ? "asymmetric" : "half_pixel");
    text(onnx, "mode", "linear");
    if (pillow)
        gn_onnx_write_attribute(onnx, &antialias);
    gn_pb_end(&onnx->pb, node);
    (void)snprintf(chain->at, sizeof chain->at, "image.resized");
}

/* The middle of a square, halves to even. */
static void crop(struct chain *chain)
{
    const struct gn_net *net = chain->onnx->net;
    const int side = net->pixels.short_side;
    const int64_t top = (int64_t)lrint((side - net->input.h) / 2.0);
    const int64_t left = (int64_t)lrint((side - net->input.w) / 2.0);
    gn_onnx_int64s(chain->onnx, "crop.from", (const int64_t[]){ top, left }, 2);
    gn_onnx_int64s(chain->onnx, "crop.to",
                   (const int64_t[]){ top + net->input.h, left + net->input.w }, 2);
    gn_onnx_int64s(chain->onnx, "crop.axes", (const int64_t[]){ 2, 3 }, 2);
    const char *const inputs[] = { chain->at, "crop.from", "crop.to", "crop.axes" };
    gn_pb_end(&chain->onnx->pb,
              gn_onnx_node(chain->onnx, "Slice", "image.cropped", "image.cropped", inputs, 4));
    (void)snprintf(chain->at, sizeof chain->at, "image.cropped");
}

static void values(struct chain *chain)
{
    const struct gn_pixel_rule *rule = &chain->onnx->net->pixels;
    const int c = chain->onnx->net->input.c;
    if (rule->bgr) {
        const struct gn_onnx_attribute axis = { .name = "axis", .n = 1, .whole = { 1 } };
        gn_onnx_int64s(chain->onnx, "bgr.order", (const int64_t[]){ 2, 1, 0 }, 3);
        with_int(chain, "Gather", "image.bgr", (const char *const[]){ chain->at, "bgr.order" }, 2,
                 &axis);
    }
    if (rule->normalise) {
        by(chain, "Sub", "image.mean", rule->mean, c);
        by(chain, "Div", "image.deviation", rule->deviation, c);
    }
    if (rule->affine) {
        by(chain, "Mul", "image.factor", rule->factor, c);
        by(chain, "Add", "image.summand", rule->summand, c);
    }
}

static gn_status embed(struct gn_onnx *onnx, char *value)
{
    const struct gn_net *net = onnx->net;
    const int side = net->pixels.short_side;
    const bool by_bytes = net->pixels.bytes || net->resize == GN_RESIZE_PIL_BILINEAR;
    struct chain chain = { .onnx = onnx, .at = "image" };
    GN_TRY(check(onnx));
    gn_onnx_value(onnx, GRAPH_INPUT, "image", GN_ONNX_UINT8,
                  (const int64_t[]){ 0, 0, 0, net->input.c },
                  (const char *const[]){ "batch", "height", "width", "" }, 4);
    to_nchw(&chain);
    if (!by_bytes)
        by(&chain, "Div", "image.divided", &(float){ 255 }, 1);
    resize(&chain, side > 0 ? side : net->input.h, side > 0 ? side : net->input.w);
    if (side > 0)
        crop(&chain);
    if (by_bytes) { /* to whole bytes, as pictures are resized */
        by(&chain, "Add", "image.half", &(float){ 0.5F }, 1);
        advance(&chain, "Floor", "image.bytes", NULL);
    }
    if (by_bytes && !net->pixels.bytes)
        by(&chain, "Div", "image.divided", &(float){ 255 }, 1);
    values(&chain);
    memcpy(value, chain.at, GN_ONNX_NAME);
    return GN_OK;
}

gn_status gn_onnx_write_input(struct gn_onnx *onnx)
{
    const struct gn_net *net = onnx->net;
    const struct gn_graph *g = net->graph;
    int input = 0;
    while (input < g->n_layers && g->layers[input].n_inputs > 0)
        input++;
    char *value = onnx->value[input];
    onnx->is_map[input] = true;
    if (onnx->options->embed_preprocessing)
        return embed(onnx, value);
    (void)snprintf(value, GN_ONNX_NAME, "input");
    gn_onnx_value(onnx, GRAPH_INPUT, "input", GN_ONNX_FLOAT,
                  (const int64_t[]){ 0, net->input.c, net->input.h, net->input.w },
                  (const char *const[]){ "batch", "", "", "" }, 4);
    if (onnx->options->f16) {
        const struct gn_onnx_attribute to = { .name = "to", .n = 1, .whole = { GN_ONNX_FLOAT16 } };
        const char *const inputs[] = { "input" };
        const size_t node = gn_onnx_node(onnx, "Cast", "input.f16", "input.f16", inputs, 1);
        gn_onnx_write_attribute(onnx, &to);
        gn_pb_end(&onnx->pb, node);
        (void)snprintf(value, GN_ONNX_NAME, "input.f16");
    }
    return GN_OK;
}
