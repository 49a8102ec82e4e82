/*
 * A network as an ONNX file: opset 13 and IR 7 unless told otherwise, which ONNX Runtime, OpenVINO,
 * OpenCV, ncnn's pnnx and Netron all read. The graph is NCHW with a free batch dimension; what
 * prediction needs besides (preprocessing, labels) is in the metadata.
 */
#include "exchange/onnx/writer.h"

#include "file/file.h"
#include "file/json.h"
#include "base/memory.h"
#include "exchange/export.h"

#include <string.h>

enum {
    LOWEST_OPSET = 9,
    HIGHEST_OPSET = 21,
    USUAL_OPSET = 13,
    MODEL_IR = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    OPSET_VERSION = 2,
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
    GRAPH_NAME = 2,
    GRAPH_OUTPUT = 12
};

/* The IR that came with an opset (onnx/docs/Versioning.md), from opset 9 on; 13 stays at 7, which
 * older readers take. */
static int ir_of(int opset)
{
    static const int versions[] = { 4, 5, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10 };
    return versions[opset - LOWEST_OPSET];
}

/* ---- Metadata ---- */

static void write_pair(struct gn_onnx *onnx, const char *key, const char *value)
{
    const size_t begin = gn_pb_begin(&onnx->pb, MODEL_METADATA);
    gn_pb_text(&onnx->pb, PAIR_KEY, key);
    gn_pb_text(&onnx->pb, PAIR_VALUE, value);
    gn_pb_end(&onnx->pb, begin);
}

static gn_status write_metadata(struct gn_onnx *onnx)
{
    enum { MOST_STEPS = 8192 };
    const struct gn_net *net = onnx->net;
    char steps[MOST_STEPS];
    GN_TRY(gn_net_preprocess(net, steps, sizeof steps));
    write_pair(onnx,
               onnx->options->embed_preprocessing ? "googlenet.embedded_preprocess"
                                                  : "googlenet.preprocess",
               steps);
    if (net->labels == NULL)
        return GN_OK;
    json_t *list = json_array();
    for (int i = 0; i < net->classes; i++)
        gn_json_add(list, json_string(net->labels[i]));
    char *labels = gn_json_text(list, JSON_COMPACT, "labels of an ONNX file");
    if (labels == NULL)
        return gn_last_status();
    write_pair(onnx, "labels", labels);
    gn_free(labels);
    return GN_OK;
}

/* ---- Graph ---- */

/* The answer under the name "logits" or "probabilities", in float32. */
static void write_output(struct gn_onnx *onnx)
{
    const char *answer = onnx->options->softmax ? "probabilities" : "logits";
    char at[GN_ONNX_NAME];
    memcpy(at, onnx->value[onnx->net->output], sizeof at);
    if (onnx->is_map[onnx->net->output])
        gn_onnx_flatten(onnx, answer, onnx->value[onnx->net->output], at);
    const bool half = onnx->options->f16;
    if (onnx->options->softmax) {
        const struct gn_onnx_attribute axis = { .name = "axis", .n = 1, .whole = { 1 } };
        const char *const inputs[] = { at };
        const char *name = half ? "softmax" : answer;
        const size_t node = gn_onnx_node(onnx, "Softmax", "softmax", name, inputs, 1);
        gn_onnx_write_attribute(onnx, &axis);
        gn_pb_end(&onnx->pb, node);
        (void)snprintf(at, sizeof at, "%s", name);
    }
    if (half) {
        const struct gn_onnx_attribute to = { .name = "to", .n = 1, .whole = { GN_ONNX_FLOAT } };
        const char *const inputs[] = { at };
        const size_t node = gn_onnx_node(onnx, "Cast", answer, answer, inputs, 1);
        gn_onnx_write_attribute(onnx, &to);
        gn_pb_end(&onnx->pb, node);
    } else if (!onnx->options->softmax) {
        gn_onnx_simple(onnx, "Identity", answer, answer, at, NULL);
    }
    gn_onnx_value(onnx, GRAPH_OUTPUT, answer, GN_ONNX_FLOAT,
                  (const int64_t[]){ 0, onnx->net->classes }, (const char *const[]){ "batch", "" },
                  2);
}

static gn_status write_model(struct gn_onnx *onnx)
{
    struct gn_pb *pb = &onnx->pb;
    gn_pb_int(pb, MODEL_IR, ir_of(onnx->opset));
    gn_pb_text(pb, MODEL_PRODUCER, "googlenet");
    gn_pb_text(pb, MODEL_PRODUCER_VERSION, gn_version());
    const size_t graph = gn_pb_begin(pb, MODEL_GRAPH);
    gn_pb_text(pb, GRAPH_NAME, onnx->net->preset[0] != '\0' ? onnx->net->preset : "network");
    GN_TRY(gn_onnx_write_input(onnx));
    GN_TRY(gn_onnx_write_layers(onnx));
    write_output(onnx);
    gn_pb_end(pb, graph);
    const size_t opset = gn_pb_begin(pb, MODEL_OPSET);
    gn_pb_int(pb, OPSET_VERSION, onnx->opset);
    gn_pb_end(pb, opset);
    GN_TRY(write_metadata(onnx));
    if (pb->failed)
        return gn_last_status();
    return gn_file_write(onnx->options->path, "ONNX", pb->bytes, pb->size, NULL);
}

gn_status gn_export_onnx(const gn_net *net, const struct gn_export_options *options)
{
    const size_t layers = (size_t)net->graph->n_layers;
    struct gn_onnx onnx = { .net = net,
                            .options = options,
                            .opset = options->opset == 0 ? USUAL_OPSET : options->opset };
    if (onnx.opset < LOWEST_OPSET || onnx.opset > HIGHEST_OPSET)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: .opset is %d; %d to %d can be written", options->path,
                onnx.opset, LOWEST_OPSET, HIGHEST_OPSET);
    onnx.value = gn_calloc(layers, sizeof *onnx.value, "names of an ONNX graph");
    onnx.live = gn_calloc(layers, sizeof *onnx.live, "layers of an ONNX graph");
    onnx.is_map = gn_calloc(layers, sizeof *onnx.is_map, "layers of an ONNX graph");
    onnx.folded = gn_calloc(layers, sizeof *onnx.folded, "layers of an ONNX graph");
    gn_status status = gn_last_status();
    if (onnx.value != NULL && onnx.live != NULL && onnx.is_map != NULL && onnx.folded != NULL) {
        gn_graph_mark_live(net->graph, net->output, onnx.live);
        status = write_model(&onnx);
    }
    gn_free(onnx.value);
    gn_free(onnx.live);
    gn_free(onnx.is_map);
    gn_free(onnx.folded);
    gn_free(onnx.pb.bytes);
    return status;
}
