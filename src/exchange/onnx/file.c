/* The messages of a model and its graph: counted first, then filled into tables of that size. */
#include "exchange/onnx/file.h"

#include "base/memory.h"

#include <string.h>

enum {
    MODEL_IR = 1,
    MODEL_PRODUCER = 2,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    GRAPH_NODE = 1,
    GRAPH_CONSTANT = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_SPARSE = 15,
    LOWEST_OPSET = 6,
    HIGHEST_OPSET = 28,
    HIGHEST_IR = 14,
    MOST_BYTES = 1 << 30,
    MOST_ITEMS = 1 << 14, /* nodes, constants, inputs, outputs: far more than layers can be */
    MOST_ENDS = 64        /* of a node: names that it reads, and those that it makes */
};

const char *gn_onnx_text(struct gn_pb_slice slice, char text[GN_ONNX_TEXT])
{
    char raw[GN_ONNX_TEXT];
    const size_t n = slice.n < sizeof raw - 1 ? slice.n : sizeof raw - 1;
    if (n > 0)
        memcpy(raw, slice.bytes, n);
    raw[n] = '\0';
    return gn_printable(text, GN_ONNX_TEXT, raw);
}

static gn_status damaged(const struct gn_onnx_file *file, const char *what)
{
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: %s is damaged", file->path, what);
}

/* ---- Values of the graph ---- */

static bool read_dim(struct gn_pb_slice slice, int64_t *dim, bool *bad)
{
    struct gn_reader r = gn_pb_message(slice);
    struct gn_pb_field field;
    *dim = 0;
    while (gn_pb_next(&r, &field, bad))
        if (field.number == 1 && !field.is_slice)
            *dim = (int64_t)field.value;
    return !*bad;
}

/* ValueInfoProto: type (2) > tensor_type (1) > shape (2) > dim (1). */
static bool read_shape(struct gn_pb_slice slice, int depth, struct gn_onnx_value_info *info,
                       bool *bad)
{
    static const int path[] = { 2, 1, 2 };
    struct gn_reader r = gn_pb_message(slice);
    struct gn_pb_field field;
    if (depth == 3)
        info->rank = 0;
    while (gn_pb_next(&r, &field, bad)) {
        if (depth == 0 && field.number == 1)
            info->name = field.slice;
        if (depth == 2 && field.number == 1 && !field.is_slice && field.value < 100)
            info->type = (int)field.value;
        if (depth < 3 && field.number == path[depth] && field.is_slice)
            if (!read_shape(field.slice, depth + 1, info, bad))
                return false;
        if (depth < 3 || field.number != 1)
            continue;
        if (info->rank == GN_ONNX_RANK || !read_dim(field.slice, &info->dims[info->rank], bad)) {
            *bad = true;
            return false;
        }
        info->rank++;
    }
    return !*bad;
}

static gn_status read_value(const struct gn_onnx_file *file, struct gn_pb_slice slice,
                            struct gn_onnx_value_info *info)
{
    bool bad = false;
    *info = (struct gn_onnx_value_info){ .rank = -1 };
    return read_shape(slice, 0, info, &bad) ? GN_OK : damaged(file, "an input or output");
}

static gn_status read_node(const struct gn_onnx_file *file, struct gn_pb_slice slice,
                           struct gn_onnx_node_in *node)
{
    struct gn_reader r = gn_pb_message(slice);
    struct gn_pb_field field;
    char name[GN_ONNX_TEXT], type[GN_ONNX_TEXT];
    bool bad = false;
    *node = (struct gn_onnx_node_in){ .message = slice };
    while (gn_pb_next(&r, &field, &bad)) {
        node->n_inputs += field.number == 1;
        node->n_outputs += field.number == 2;
        if (field.number == 3)
            node->name = field.slice;
        if (field.number == 4)
            node->type = field.slice;
        if (field.number == 7)
            node->domain = field.slice;
    }
    if (node->n_inputs > MOST_ENDS || node->n_outputs > MOST_ENDS)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: ONNX: node %s (%s) has %d inputs and %d outputs; up to %d of each are read",
                file->path, gn_onnx_text(node->name, name), gn_onnx_text(node->type, type),
                node->n_inputs, node->n_outputs, (int)MOST_ENDS);
    return bad ? damaged(file, "a node") : GN_OK;
}

/* ---- The graph ---- */

static gn_status count(struct gn_onnx_file *file)
{
    struct gn_reader r = gn_pb_message(file->graph);
    struct gn_pb_field field;
    bool bad = false;
    while (gn_pb_next(&r, &field, &bad)) {
        file->n_nodes += field.number == GRAPH_NODE;
        file->n_constants += field.number == GRAPH_CONSTANT;
        file->n_inputs += field.number == GRAPH_INPUT;
        file->n_outputs += field.number == GRAPH_OUTPUT;
        if (field.number == GRAPH_SPARSE)
            GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: ONNX: sparse constants are not read", file->path);
    }
    if (bad)
        return damaged(file, "the graph");
    if (file->n_nodes > MOST_ITEMS || file->n_constants > MOST_ITEMS ||
        file->n_inputs > MOST_ITEMS || file->n_outputs > MOST_ITEMS)
        GN_FAIL(
            GN_STATUS_UNSUPPORTED,
            "%s: ONNX: a graph of %zu nodes, %zu constants, %zu inputs and %zu outputs; up to %d "
            "of each are read",
            file->path, file->n_nodes, file->n_constants, file->n_inputs, file->n_outputs,
            (int)MOST_ITEMS);
    return GN_OK;
}

static gn_status fill(struct gn_onnx_file *file)
{
    struct gn_reader r = gn_pb_message(file->graph);
    struct gn_pb_field field;
    bool bad = false;
    size_t node = 0, constant = 0, input = 0, output = 0;
    while (gn_pb_next(&r, &field, &bad)) {
        gn_status status = GN_OK;
        if (field.number == GRAPH_NODE)
            status = read_node(file, field.slice, &file->nodes[node++]);
        if (field.number == GRAPH_CONSTANT)
            status = gn_onnx_read_tensor(file, field.slice, &file->constants[constant++]);
        if (field.number == GRAPH_INPUT)
            status = read_value(file, field.slice, &file->inputs[input++]);
        if (field.number == GRAPH_OUTPUT)
            status = read_value(file, field.slice, &file->outputs[output++]);
        GN_TRY(status);
    }
    return GN_OK;
}

static gn_status read_graph(struct gn_onnx_file *file)
{
    GN_TRY(count(file));
    file->nodes = gn_calloc(file->n_nodes, sizeof *file->nodes, "nodes of an ONNX file");
    file->constants = gn_calloc(file->n_constants, sizeof *file->constants, "an ONNX file");
    file->inputs = gn_calloc(file->n_inputs, sizeof *file->inputs, "an ONNX file");
    file->outputs = gn_calloc(file->n_outputs, sizeof *file->outputs, "an ONNX file");
    if (file->nodes == NULL || file->constants == NULL || file->inputs == NULL ||
        file->outputs == NULL)
        return gn_last_status();
    return fill(file);
}

/* ---- The model ---- */

/* The version of the operators of ONNX itself, whose domain is "" or "ai.onnx". */
static bool read_opset(struct gn_pb_slice slice, int64_t *opset)
{
    struct gn_reader r = gn_pb_message(slice);
    struct gn_pb_field field;
    struct gn_pb_slice domain = { NULL, 0 };
    int64_t version = 0;
    bool bad = false;
    while (gn_pb_next(&r, &field, &bad)) {
        if (field.number == 1)
            domain = field.slice;
        if (field.number == 2)
            version = (int64_t)field.value;
    }
    if (domain.n == 0 || gn_pb_is(domain, "ai.onnx"))
        *opset = version;
    return !bad;
}

static gn_status read_model(struct gn_onnx_file *file)
{
    struct gn_reader r;
    struct gn_pb_field field;
    bool bad = false;
    gn_rd_init(&r, file->bytes.data, file->bytes.size);
    while (gn_pb_next(&r, &field, &bad)) {
        if (field.number == MODEL_IR && !field.is_slice)
            file->ir = (int64_t)field.value;
        if (field.number == MODEL_PRODUCER)
            file->producer = field.slice;
        if (field.number == MODEL_GRAPH)
            file->graph = field.slice;
        if (field.number == MODEL_OPSET && !read_opset(field.slice, &file->opset))
            bad = true;
    }
    if (bad)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: the file is damaged at byte %zu of %zu", file->path,
                r.at, r.size);
    if (file->graph.bytes == NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: ONNX: the file holds no graph", file->path);
    if (file->ir > HIGHEST_IR)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: ONNX: IR version %lld; up to %d are read", file->path,
                (long long)file->ir, HIGHEST_IR);
    if (file->opset < LOWEST_OPSET || file->opset > HIGHEST_OPSET)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: ONNX: opset %lld; %d to %d are read", file->path,
                (long long)file->opset, LOWEST_OPSET, HIGHEST_OPSET);
    return GN_OK;
}

gn_status gn_onnx_open(struct gn_onnx_file *file, const char *path)
{
    *file = (struct gn_onnx_file){ 0 };
    (void)gn_printable(file->path, sizeof file->path, path);
    file->real_path = path;
    GN_TRY(gn_file_read(path, "ONNX", GN_STATUS_BAD_MODEL, MOST_BYTES, &file->bytes));
    GN_TRY(read_model(file));
    return read_graph(file);
}

void gn_onnx_close(struct gn_onnx_file *file)
{
    gn_free(file->nodes);
    gn_free(file->constants);
    gn_free(file->inputs);
    gn_free(file->outputs);
    gn_free(file->bytes.data);
}

struct gn_pb_slice gn_onnx_metadata(const struct gn_onnx_file *file, const char *key)
{
    struct gn_reader r;
    struct gn_pb_field field, part;
    bool bad = false;
    gn_rd_init(&r, file->bytes.data, file->bytes.size);
    while (gn_pb_next(&r, &field, &bad)) {
        struct gn_pb_slice name = { NULL, 0 }, value = { NULL, 0 };
        struct gn_reader pair = gn_pb_message(field.slice);
        if (field.number != MODEL_METADATA)
            continue;
        while (gn_pb_next(&pair, &part, &bad)) {
            name = part.number == 1 ? part.slice : name;
            value = part.number == 2 ? part.slice : value;
        }
        if (gn_pb_is(name, key))
            return value;
    }
    return (struct gn_pb_slice){ NULL, 0 };
}
