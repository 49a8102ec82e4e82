/* labels: quick
 *
 * ONNX files come in: what was exported comes back with the same bits, in both layouts that exporters
 * write; what is not read is named; damaged files are errors, never crashes. Networks of others are
 * compared by tools/exchange/check_import.py. */
#include "file/file.h"
#include "base/memory.h"
#include "file/protobuf.h"
#include "net/net.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, CLASSES = 5 };

static float inputs[2 * SIDE * SIDE * 3];

static int fill_inputs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        inputs[i] = (float)((i * 2654435761U >> 7) % 1000) / 1000;
    return 0;
}

static void answers(gn_net *net, float logits[2 * CLASSES])
{
    if (gn_predict(net, logits, NULL, .inputs = inputs, .n = 2) != GN_OK)
        fail_msg("%s", gn_error_message());
}

static void same_answers(gn_net *net, gn_net *back)
{
    float a[2 * CLASSES], b[2 * CLASSES];
    answers(net, a);
    answers(back, b);
    assert_memory_equal(a, b, sizeof a);
}

static void what_goes_out_comes_back_with_the_same_bits(void **state)
{
    (void)state;
    const char *name;
    for (int i = 0; (name = gn_preset_name(i)) != NULL; i++) {
        char note[256] = "";
        const int size = strcmp(name, "googlenet-paper") == 0 ? 2 * SIDE : SIDE;
        gn_net *net = gn_preset(name, .size = size, .channels = 3, .classes = CLASSES, .seed = 7);
        assert_non_null(net);
        assert_int_equal(gn_export(net, "a.onnx", .keep_norm = true), GN_OK);
        gn_net *back = gn_import("a.onnx", .note = note, .note_size = sizeof note);
        if (back == NULL)
            fail_msg("%s: %s", name, gn_error_message());
        assert_string_equal(note, "the preprocessing is the file's");
        assert_memory_equal(&net->pixels, &back->pixels, sizeof net->pixels);
        assert_int_equal(net->resize, back->resize);
        if (size == SIDE)
            same_answers(net, back);
        /* And as a model file of ours. */
        assert_int_equal(gn_save(back, "a.safetensors"), GN_OK);
        gn_net *loaded = gn_load("a.safetensors");
        assert_non_null(loaded);
        assert_int_equal(gn_net_hash(back), gn_net_hash(loaded));
        gn_free_net(loaded);
        gn_free_net(back);
        gn_free_net(net);
    }
}

/* Rectangular windows, pads, pools of all kinds, a map that is flattened, labels. */
static void odd_networks_come_back_too(void **state)
{
    (void)state;
    gn_graph *g = gn_graph_create();
    gn_node x = gn_input(g, SIDE, SIDE, 3);
    x = gn_conv_relu(g, x, 6, .kernel_h = 1, .kernel_w = 7, .stride_h = 1, .stride_w = 2);
    x = gn_max_pool(g, x, 3, .stride = 2, .explicit_pads = true, .pad_top = 1, .pad_left = 1,
                    .ceil = true);
    x = gn_lrn(g, x, 5);
    gn_node y = gn_avg_pool(g, x, 3, .stride = 1, .count_padding = true);
    gn_node z = gn_avg_pool(g, x, 3, .stride = 1);
    x = gn_concat(g, (const gn_node[]){ x, y, z }, 3, NULL);
    x = gn_avg_pool(g, x, 0, .adaptive = 2);
    x = gn_dropout(g, x, 0.4, NULL);
    gn_net *net = gn_compile(g, gn_dense(g, x, CLASSES, "dense"), 3);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    const char *const labels[CLASSES] = { "a", "b", "c", "d", "\xc3\xa4" };
    assert_int_equal(gn_net_set_labels(net, labels, CLASSES), GN_OK);
    if (gn_export(net, "odd.onnx") != GN_OK)
        fail_msg("%s", gn_error_message());
    gn_net *back = gn_import("odd.onnx");
    if (back == NULL)
        fail_msg("%s", gn_error_message());
    same_answers(net, back);
    assert_string_equal(back->labels[4], labels[4]);
    gn_free_net(back);
    gn_free_net(net);
}

/* Sums of two and of three layers, with and without a ReLU after them. */
static void residual_networks_come_back_too(void **state)
{
    (void)state;
    gn_net *net =
        gn_preset("r.net", .seed = 5,
                  .net_text = "input 32 3\nclasses 5\nnorm keras\nconv a 8 3 2\nlinear b 8 3\n"
                              "sum s a\nlinear c 12 3 2\nfrom s\nlinear d 12 1 2\nfrom s\n"
                              "linear e 12 5 2\nsum t c d\nclip k 0 1\nmean\noutput\n");
    assert_non_null(net);
    assert_int_equal(gn_export(net, "r.onnx", .keep_norm = true), GN_OK);
    gn_net *back = gn_import("r.onnx");
    if (back == NULL)
        fail_msg("%s", gn_error_message());
    same_answers(net, back);
    gn_free_net(back);
    gn_free_net(net);
}

/* ---- Files of others ---- */

static void text_value(struct gn_pb *pb, int field, const char *name, const int *dims)
{
    const size_t value = gn_pb_begin(pb, field);
    gn_pb_text(pb, 1, name);
    const size_t type = gn_pb_begin(pb, 2), tensor = gn_pb_begin(pb, 1);
    gn_pb_int(pb, 1, 1);
    const size_t shape = gn_pb_begin(pb, 2);
    for (int i = 0; i < 4 && dims[i] >= 0; i++) {
        const size_t dim = gn_pb_begin(pb, 1);
        gn_pb_int(pb, 1, dims[i]);
        gn_pb_end(pb, dim);
    }
    gn_pb_end(pb, shape);
    gn_pb_end(pb, tensor);
    gn_pb_end(pb, type);
    gn_pb_end(pb, value);
}

static void node(struct gn_pb *pb, const char *type, const char *a, const char *b, const char *out)
{
    const size_t begin = gn_pb_begin(pb, 1);
    gn_pb_text(pb, 1, a);
    if (b != NULL)
        gn_pb_text(pb, 1, b);
    gn_pb_text(pb, 2, out);
    gn_pb_text(pb, 4, type);
    if (strcmp(type, "Transpose") == 0) {
        const size_t attribute = gn_pb_begin(pb, 5);
        gn_pb_text(pb, 1, "perm");
        for (int i = 0; i < 4; i++)
            gn_pb_int(pb, 8, (const int[]){ 0, 3, 1, 2 }[i]);
        gn_pb_end(pb, attribute);
    }
    gn_pb_end(pb, begin);
}

/* A constant in the typed field of its numbers, packed or not. */
static void constant(struct gn_pb *pb, const char *name, int rows, int columns, bool packed)
{
    const size_t begin = gn_pb_begin(pb, 5);
    gn_pb_int(pb, 1, rows);
    if (columns > 0)
        gn_pb_int(pb, 1, columns);
    gn_pb_int(pb, 2, 1);
    gn_pb_text(pb, 8, name);
    const int n = rows * (columns > 0 ? columns : 1);
    uint8_t *to = packed ? gn_pb_bytes(pb, 4, (size_t)n * 4) : NULL;
    for (int i = 0; i < n; i++) {
        const float v = (float)(i % 7) * 0.25F - 0.5F;
        if (packed)
            memcpy(to + 4 * i, &v, sizeof v);
        else
            gn_pb_float(pb, 4, v);
    }
    gn_pb_end(pb, begin);
}

static void write_file(const struct gn_pb *graph, const char *path)
{
    struct gn_pb pb = { 0 };
    gn_pb_int(&pb, 1, 4);
    uint8_t *to = gn_pb_bytes(&pb, 7, graph->size);
    memcpy(to, graph->bytes, graph->size);
    const size_t opset = gn_pb_begin(&pb, 8);
    gn_pb_int(&pb, 2, 9);
    gn_pb_end(&pb, opset);
    assert_int_equal(gn_file_write(path, "ONNX", pb.bytes, pb.size, NULL), GN_OK);
    gn_free(pb.bytes);
}

/* As tf2onnx writes it: the picture NHWC, transposed; the mean with MatMul and Add after it; and a
 * first step that changes the input's values. */
static void an_nhwc_file_is_read(void **state)
{
    (void)state;
    char note[256];
    struct gn_pb pb = { 0 };
    text_value(&pb, 11, "image", (const int[]){ 0, 4, 5, 3 });
    constant(&pb, "factor", 3, 0, true);
    constant(&pb, "w", 3, 2, false);
    constant(&pb, "b", 2, 0, true);
    node(&pb, "Mul", "image", "factor", "scaled");
    node(&pb, "Transpose", "scaled", NULL, "nchw");
    node(&pb, "GlobalAveragePool", "nchw", NULL, "mean");
    node(&pb, "Flatten", "mean", NULL, "flat");
    node(&pb, "MatMul", "flat", "w", "product");
    node(&pb, "Add", "product", "b", "sum");
    node(&pb, "Softmax", "sum", NULL, "shares");
    text_value(&pb, 12, "shares", (const int[]){ 0, 2, -1 });
    write_file(&pb, "nhwc.onnx");
    gn_free(pb.bytes);
    gn_net *net = gn_import("nhwc.onnx", .note = note, .note_size = sizeof note);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    assert_true(net->input.h == 4 && net->input.w == 5 && net->input.c == 3);
    assert_true(net->pixels.affine && net->pixels.factor[0] == -0.5F && net->pixels.factor[2] == 0);
    assert_non_null(strstr(note, "assumed"));
    assert_non_null(strstr(note, "softmax"));
    float x[60], logits[2];
    for (int i = 0; i < 60; i++)
        x[i] = (float)(i % 3);
    assert_int_equal(gn_predict(net, logits, NULL, .inputs = x, .n = 1), GN_OK);
    /* means 0, 1, 2; w = -0.5 -0.25 / 0 0.25 / 0.5 0.75; b = -0.5 -0.25 */
    assert_true(logits[0] == 0.5F && logits[1] == 1.5F);
    gn_free_net(net);
}

/* ---- What is refused ---- */

static struct gn_bytes exported;

static void export_small(void)
{
    gn_free(exported.data);
    gn_net *net = gn_preset("googlenet-small", .size = 28, .classes = 3);
    assert_int_equal(gn_export(net, "small.onnx"), GN_OK);
    gn_free_net(net);
    assert_int_equal(gn_file_read("small.onnx", "ONNX", GN_STATUS_BAD_MODEL, 1 << 24, &exported),
                     GN_OK);
}

static void import_bytes(const void *bytes, size_t n, gn_status status, const char *what)
{
    FILE *file = fopen("changed.onnx", "wb"); /* gn_file_write would wait for the disk */
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    gn_net *net = gn_import("changed.onnx");
    if (status == GN_OK) {
        gn_free_net(net);
        return;
    }
    assert_null(net);
    assert_int_equal(gn_error_status(), status);
    if (strstr(gn_error_message(), what) == NULL)
        fail_msg("'%s' does not say '%s'", gn_error_message(), what);
}

/* The first `from` among the bytes becomes `to`, which is as long. */
static void import_changed(const char *from, const char *to, gn_status status, const char *what)
{
    const size_t n = strlen(from);
    uint8_t *copy = malloc(exported.size);
    size_t at = 0;
    assert_non_null(copy);
    memcpy(copy, exported.data, exported.size);
    while (at + n < exported.size && memcmp(copy + at, from, n) != 0)
        at++;
    assert_true(at + n < exported.size && strlen(to) == n);
    memcpy(copy + at, to, n);
    import_bytes(copy, exported.size, status, what);
    free(copy);
}

static void what_is_not_read_is_named(void **state)
{
    (void)state;
    export_small();
    import_changed("MaxPool", "MinPool", GN_STATUS_UNSUPPORTED,
                   "(MinPool, opset 13): this operator");
    import_changed("Gemm", "Gexm", GN_STATUS_UNSUPPORTED, "node dense (Gexm, opset 13)");
    assert_null(gn_import("model.xyz"));
    assert_non_null(strstr(gn_error_message(), ".onnx"));
    assert_null(gn_import("nosuch.onnx"));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_MODEL);
}

static void damaged_files_are_errors(void **state)
{
    (void)state;
    export_small();
    /* Cut anywhere: lengths of messages no longer fit. */
    for (size_t n = 0; n < exported.size; n += 1 + n / 3)
        import_bytes(exported.data, n, GN_STATUS_BAD_MODEL, "ONNX");
    /* Changed bytes among names, shapes and attributes may give another network, but no crash. */
    uint8_t *copy = malloc(exported.size);
    assert_non_null(copy);
    uint64_t random = 1;
    for (int round = 0; round < 100; round++) {
        memcpy(copy, exported.data, exported.size);
        for (int k = 0; k < 3; k++) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            copy[(random >> 33) % (round % 2 == 0 ? 400 : exported.size)] = (uint8_t)(random >> 20);
        }
        import_bytes(copy, exported.size, GN_OK, "");
    }
    free(copy);
    gn_free(exported.data);
    exported.data = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_out_comes_back_with_the_same_bits),
        cmocka_unit_test(residual_networks_come_back_too),
        cmocka_unit_test(odd_networks_come_back_too),
        cmocka_unit_test(an_nhwc_file_is_read),
        cmocka_unit_test(what_is_not_read_is_named),
        cmocka_unit_test(damaged_files_are_errors),
    };
    return cmocka_run_group_tests(tests, fill_inputs, NULL);
}
