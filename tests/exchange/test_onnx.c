/* labels: quick
 *
 * ONNX files: the graph is whole and in order, weights are where ONNX wants them, normalisations are
 * folded rightly, versions and metadata are those asked for, and what cannot be said is refused by name.
 * ONNX Runtime's answers are compared by tools/exchange/check_onnx.py. */
#include "file/file.h"
#include "base/half.h"
#include "base/memory.h"
#include "exchange/proto.h"
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GRAPH = 7, NODE = 1, INITIALIZER = 5, INPUT = 11, OUTPUT = 12, MOST_NAMES = 2048 };

static struct gn_bytes file;

static struct proto read_model(const char *path)
{
    gn_free(file.data);
    assert_int_equal(gn_file_read(path, "ONNX", GN_STATUS_BAD_MODEL, 1 << 30, &file), GN_OK);
    return (struct proto){ file.data, file.data + file.size };
}

static struct proto export_net(const gn_net *net, struct gn_export_options options)
{
    options.path = "model.onnx";
    if (gn_export_with(net, &options) != GN_OK)
        fail_msg("%s", gn_error_message());
    return read_model(options.path);
}

static int nodes_of(struct proto graph, const char *type)
{
    struct proto_field field;
    int n = 0;
    while (proto_next(&graph, &field))
        if (field.number == NODE)
            n += proto_is(proto_find(field.inner, 4).inner, type);
    return n;
}

/* Values of a constant, and its dimensions. */
static const float *constant(struct proto graph, const char *name, int *n_dims, int64_t dims[4])
{
    struct proto_field field;
    while (proto_next(&graph, &field)) {
        if (field.number != INITIALIZER || !proto_is(proto_find(field.inner, 8).inner, name))
            continue;
        struct proto message = field.inner;
        struct proto_field part;
        *n_dims = 0;
        while (proto_next(&message, &part))
            if (part.number == 1)
                dims[(*n_dims)++] = (int64_t)part.value;
        static float values[1 << 20];
        const struct proto raw = proto_find(field.inner, 9).inner;
        memcpy(values, raw.at, (size_t)(raw.end - raw.at));
        return values;
    }
    fail_msg("no constant %s", name);
    return NULL;
}

static const float *parameters(gn_net *net, const char *name)
{
    struct gn_tensor_info info;
    for (int i = 0; gn_net_tensor(net, i, &info) == GN_OK; i++)
        if (strcmp(info.name, name) == 0)
            return info.values;
    fail_msg("no tensor %s", name);
    return NULL;
}

/* Every name is made once, before it is read. */
static void check_order(struct proto graph)
{
    static char names[MOST_NAMES][128];
    int n = 0;
    struct proto_field field, part;
    while (proto_next(&graph, &field)) {
        if (field.number != NODE && field.number != INITIALIZER && field.number != INPUT)
            continue;
        struct proto message = field.inner;
        const int made = field.number == NODE ? 2 : field.number == INPUT ? 1 : 8;
        while (proto_next(&message, &part)) {
            char text[128];
            if (field.number == NODE && part.number == 1) {
                int at = 0;
                (void)proto_text(part.inner, text, sizeof text);
                while (at < n && strcmp(names[at], text) != 0)
                    at++;
                if (at == n && text[0] != '\0')
                    fail_msg("%s is read before it is made", text);
            }
            if (part.number != made)
                continue;
            (void)proto_text(part.inner, names[n], sizeof names[n]);
            for (int at = 0; at < n; at++)
                assert_string_not_equal(names[at], names[n]);
            assert_true(++n < MOST_NAMES);
        }
    }
}

static void the_graph_of_the_notebook_is_whole(void **state)
{
    (void)state;
    gn_net *net = gn_preset("googlenet", .size = 96);
    const char *const labels[] = { "a", "<b>", "c \"d\"", "e", "f", "g", "h", "i", "j", "k" };
    assert_int_equal(gn_net_set_labels(net, labels, 10), GN_OK);
    const struct proto model = export_net(net, (struct gn_export_options){ 0 });
    const struct proto graph = proto_find(model, GRAPH).inner;
    assert_int_equal(proto_find(model, 1).value, 7); /* IR, opset */
    assert_int_equal(proto_find(proto_find(model, 8).inner, 2).value, 13);
    assert_int_equal(nodes_of(graph, "Conv"), 57);
    assert_int_equal(nodes_of(graph, "Relu"), 57);
    assert_int_equal(nodes_of(graph, "MaxPool"), 13);
    assert_int_equal(nodes_of(graph, "Concat"), 9);
    assert_int_equal(nodes_of(graph, "Gemm"), 1);
    assert_int_equal(proto_count(graph, INITIALIZER), 116);
    check_order(graph);
    assert_true(proto_is(proto_find(proto_find(graph, OUTPUT).inner, 1).inner, "logits"));
    int rank;
    int64_t dims[4];
    const float *stored = constant(graph, "b3.inception3a.p2_2.weight", &rank, dims);
    const float *own = parameters(net, "b3.inception3a.p2_2.weight"); /* 3x3, 96 to 128 */
    assert_true(rank == 4 && dims[0] == 128 && dims[1] == 96 && dims[2] == 3 && dims[3] == 3);
    for (int oc = 0; oc < 128; oc += 31)
        for (int c = 0; c < 96; c += 19)
            for (int p = 0; p < 9; p++)
                assert_true(stored[(oc * 96 + c) * 9 + p] == own[(p * 96 + c) * 128 + oc]);
    struct proto all = model;
    struct proto_field field;
    int found = 0;
    while (proto_next(&all, &field))
        if (field.number == 14 && proto_is(proto_find(field.inner, 1).inner, "labels"))
            found += proto_is(
                proto_find(field.inner, 2).inner,
                "[\"a\",\"<b>\",\"c \\\"d\\\"\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\"]");
    assert_int_equal(found, 1);
    gn_free_net(net);
}

/* A map is flattened in the order (c, h, w) there, in (h, w, c) here. */
static void a_dense_layer_on_a_map_reads_it_in_their_order(void **state)
{
    (void)state;
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, 2, 3, 4);
    gn_net *net = gn_compile(g, gn_dense(g, x, 5, "dense"), 1);
    const struct proto graph =
        proto_find(export_net(net, (struct gn_export_options){ 0 }), GRAPH).inner;
    int rank;
    int64_t dims[4];
    const float *stored = constant(graph, "dense.weight", &rank, dims);
    const float *own = parameters(net, "dense.weight");
    assert_true(rank == 2 && dims[0] == 5 && dims[1] == 24);
    for (int o = 0; o < 5; o++)
        for (int c = 0; c < 4; c++)
            for (int p = 0; p < 6; p++)
                assert_true(stored[o * 24 + c * 6 + p] == own[(p * 4 + c) * 5 + o]);
    assert_int_equal(nodes_of(graph, "Flatten"), 1);
    gn_free_net(net);
}

static gn_net *with_norms(void)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, 8, 8, 3);
    gn_node y = gn_conv(g, x, 6, .kernel = 3, .name = "folded");
    y = gn_relu(g, gn_batch_norm(g, y, .eps = 0.01, .name = "norm"));
    gn_node z = gn_conv(g, y, 6, .kernel = 1, .name = "shared", .no_bias = true);
    z = gn_concat(g, (const gn_node[]){ z, gn_batch_norm(g, z, .name = "kept") }, 2, NULL);
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, z), 2, NULL), 3);
    assert_non_null(net);
    struct gn_tensor_info info;
    for (int i = 0; gn_net_tensor(net, i, &info) == GN_OK; i++)
        for (uint64_t k = 0; k < info.count && info.rank == 1; k++)
            info.values[k] = 0.5F + 0.1F * (float)((k * 7 + (uint64_t)i * 3) % 11);
    return net;
}

/* Only where nothing else reads the convolution, and never with keep_norm. */
static void normalisations_lie_in_the_weights_before_them(void **state)
{
    (void)state;
    gn_net *net = with_norms();
    struct proto graph = proto_find(export_net(net, (struct gn_export_options){ 0 }), GRAPH).inner;
    int rank;
    int64_t dims[4];
    assert_int_equal(nodes_of(graph, "BatchNormalization"), 1);
    check_order(graph);
    const float *w = parameters(net, "folded.weight"), *b = parameters(net, "folded.bias");
    const float *gamma = parameters(net, "norm.gamma");
    const float *beta = parameters(net, "norm.beta");
    const float *mean = parameters(net, "norm.mean");
    const float *variance = parameters(net, "norm.variance");
    const float *stored = constant(graph, "folded.weight", &rank, dims);
    for (int o = 0; o < 6; o++)
        for (int p = 0; p < 9; p++) {
            const double s = (double)gamma[o] / sqrt((double)variance[o] + 0.01);
            assert_true(fabs((double)stored[(o * 3 + 1) * 9 + p] -
                             (double)w[(p * 3 + 1) * 6 + o] * s) < 1e-6);
        }
    stored = constant(graph, "folded.bias", &rank, dims);
    for (int o = 0; o < 6; o++) {
        const double s = (double)gamma[o] / sqrt((double)variance[o] + 0.01);
        assert_true(fabs((double)stored[o] -
                         (((double)b[o] - (double)mean[o]) * s + (double)beta[o])) < 1e-6);
    }
    graph =
        proto_find(export_net(net, (struct gn_export_options){ .keep_norm = true }), GRAPH).inner;
    assert_int_equal(nodes_of(graph, "BatchNormalization"), 2);
    check_order(graph);
    gn_free_net(net);
}

static void options_are_obeyed(void **state)
{
    (void)state;
    gn_net *net = gn_preset("googlenet-small", .size = 28, .channels = 1);
    struct proto model =
        export_net(net, (struct gn_export_options){ .softmax = true, .opset = 21 });
    struct proto graph = proto_find(model, GRAPH).inner;
    assert_int_equal(proto_find(model, 1).value, 10);
    assert_int_equal(nodes_of(graph, "Softmax"), 1);
    assert_true(proto_is(proto_find(proto_find(graph, OUTPUT).inner, 1).inner, "probabilities"));
    const size_t whole = file.size;
    graph = proto_find(export_net(net, (struct gn_export_options){ .f16 = true }), GRAPH).inner;
    assert_int_equal(nodes_of(graph, "Cast"), 2);
    assert_true(file.size < whole * 11 / 20);
    graph = proto_find(export_net(net, (struct gn_export_options){ .embed_preprocessing = true }),
                       GRAPH)
                .inner;
    assert_int_equal(nodes_of(graph, "Resize"), 1);
    assert_true(proto_is(proto_find(proto_find(graph, INPUT).inner, 1).inner, "image"));
    check_order(graph);
    export_net(net, (struct gn_export_options){ 0 });
    struct gn_bytes first = file;
    file.data = NULL;
    export_net(net, (struct gn_export_options){ 0 });
    assert_int_equal(first.size, file.size); /* equal bytes each time */
    assert_memory_equal(first.data, file.data, first.size);
    gn_free(first.data);
    gn_free_net(net);
}

static void refused(const gn_net *net, struct gn_export_options options, gn_status status,
                    const char *what)
{
    options.path = options.path == NULL ? "refused.onnx" : options.path;
    assert_int_equal(gn_export_with(net, &options), status);
    if (strstr(gn_error_message(), what) == NULL)
        fail_msg("'%s' does not say '%s'", gn_error_message(), what);
    FILE *left = fopen("refused.onnx", "rb");
    assert_null(left);
}

static void what_cannot_be_said_is_refused_by_name(void **state)
{
    (void)state;
    gn_net *net = gn_preset("googlenet-torchvision", .size = 64);
    refused(net, (struct gn_export_options){ .embed_preprocessing = true }, GN_STATUS_UNSUPPORTED,
            "pil-bilinear");
    refused(net, (struct gn_export_options){ .embed_preprocessing = true, .opset = 18 },
            GN_STATUS_UNSUPPORTED, "shorter side");
    refused(net, (struct gn_export_options){ .opset = 8 }, GN_STATUS_BAD_ARGUMENT, "9 to 21");
    refused(net, (struct gn_export_options){ .path = "refused.xyz" }, GN_STATUS_BAD_ARGUMENT,
            ".onnx");
    refused(net, (struct gn_export_options){ .path = "a.safetensors", .opset = 13 },
            GN_STATUS_BAD_ARGUMENT, "for ONNX");
    gn_free_net(net);
    gn_graph *g = gn_graph_create();
    gn_node x = gn_avg_pool(g, gn_input(g, 7, 7, 3), 0, .adaptive = 2, .name = "odd");
    net = gn_compile(g, gn_dense(g, x, 2, NULL), 1);
    refused(net, (struct gn_export_options){ 0 }, GN_STATUS_UNSUPPORTED, "layer odd (Average");
    gn_free_net(net);
}

static void lack_of_memory_is_an_error_and_no_leak(void **state)
{
    (void)state;
    gn_net *net = with_norms();
    gn_status status = GN_STATUS_NO_MEMORY;
    int k = 1;
    for (; status != GN_OK && k < 200; k++) {
        gn_alloc_fail_after((uint64_t)k, false);
        status = gn_export(net, "short.onnx");
        gn_alloc_fail_after(0, false);
        assert_true(status == GN_OK || status == GN_STATUS_NO_MEMORY);
    }
    assert_true(status == GN_OK && k > 8);
    gn_free_net(net);
}

static void halves_are_rounded_to_even(void **state)
{
    (void)state;
    static const struct {
        float value;
        uint16_t half;
    } cases[] = { { 0, 0 },
                  { -0.0F, 0x8000 },
                  { 1, 0x3c00 },
                  { -2, 0xc000 },
                  { 65504, 0x7bff },
                  { 65519, 0x7bff },
                  { 65520, 0x7c00 },
                  { INFINITY, 0x7c00 },
                  { 5.9604645e-8F, 1 },
                  { 2.9802322e-8F, 0 },
                  { 2.9802326e-8F, 1 },
                  { 6.1035156e-5F, 0x0400 },
                  { 6.097555e-5F, 0x03ff },
                  { 1.00048828125F, 0x3c00 },
                  { 1.00146484375F, 0x3c02 },
                  { 0.333251953125F, 0x3555 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(gn_half_from_float(cases[i].value), cases[i].half);
    assert_true((gn_half_from_float(NAN) & 0x7c00) == 0x7c00 &&
                (gn_half_from_float(NAN) & 0x3ff) != 0);
}

static int clean_up(void **state)
{
    (void)state;
    gn_free(file.data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_graph_of_the_notebook_is_whole),
        cmocka_unit_test(a_dense_layer_on_a_map_reads_it_in_their_order),
        cmocka_unit_test(normalisations_lie_in_the_weights_before_them),
        cmocka_unit_test(options_are_obeyed),
        cmocka_unit_test(what_cannot_be_said_is_refused_by_name),
        cmocka_unit_test(lack_of_memory_is_an_error_and_no_leak),
        cmocka_unit_test(halves_are_rounded_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
