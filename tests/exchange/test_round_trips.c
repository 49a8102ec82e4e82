/* labels: push
 * timeout: 600
 *
 * Thirty random networks of Inception blocks, as .net files: widths, depths, normalisations, windows and strides
 * are drawn. Each goes to Keras (weights, older weights, whole models; the block as a layer and as a
 * model), to ONNX and to NumPy, and comes back with every bit. GN_CASE=NUMBER runs one of them. */
#include "base/random.h"
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>
#include <string.h>

enum { NETWORKS = 30, TEXT = 4096 };

struct text {
    uint64_t network, n;
    char text[TEXT];
    size_t at;
};

/* From `low` to `high`. */
static int draw(struct text *t, int low, int high)
{
    return low +
           (int)gn_random_below(7, GN_RANDOM_TEST, t->network, t->n++, (uint64_t)(high - low + 1));
}

static void put(struct text *t, const char *format, ...) GN_PRINTF(2, 3);
static void put(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->at += (size_t)vsnprintf(t->text + t->at, TEXT - t->at, format, args);
    va_end(args);
    assert_true(t->at < TEXT);
}

static void put_conv(struct text *t, const char *name)
{
    const int kernel = 1 + 2 * draw(t, 0, 3), stride = draw(t, 1, 2);
    if (draw(t, 0, 4) == 0)
        put(t, "conv %s %d 1x%d 1x%d\n", name, draw(t, 1, 8), kernel, stride);
    else
        put(t, "conv %s %d %d %d\n", name, draw(t, 1, 8), kernel, stride);
}

/* Stages: a stem of convolutions and pools, and some of blocks, of which twelve or more may be in one. */
static void put_network(struct text *t)
{
    put(t, "input %d %d\nclasses %d\n", draw(t, 20, 32), draw(t, 0, 1) == 0 ? 1 : 3,
        draw(t, 2, 12));
    if (draw(t, 0, 1) == 0)
        put(t, "norm %s\n", draw(t, 0, 2) == 0 ? "pytorch" : "keras");
    const int stages = draw(t, 1, 4), stem = draw(t, 1, 3);
    put(t, "stage b1\n");
    for (int i = 0; i < stem; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "conv%d", i);
        put_conv(t, name);
    }
    if (draw(t, 0, 1) == 0)
        put(t, "max pool %d 2\n", draw(t, 2, 3));
    for (int s = 0; s < stages; s++) {
        const int blocks = s == 0 && draw(t, 0, 4) == 0 ? 12 : draw(t, 1, 3);
        put(t, "stage s%d\n", s);
        for (int b = 0; b < blocks; b++)
            put(t, "inception i%d %d %d %d %d %d %d%s\n", b, draw(t, 1, 6), draw(t, 1, 6),
                draw(t, 1, 6), draw(t, 1, 6), draw(t, 1, 6), draw(t, 1, 6),
                draw(t, 0, 2) == 0 ? " 3" : "");
        if (s + 1 < stages && draw(t, 0, 1) == 0)
            put(t, "max pool 3 2\n");
    }
    put(t, "mean\nstage\noutput dense\n");
}

/* Biases and statistics, too, differ from what a network begins with. */
static gn_net *make(int number, const char *path)
{
    struct text t = { .network = (uint64_t)number };
    put_network(&t);
    test_write_file(path, t.text, t.at);
    gn_net *net = gn_preset(path, .seed = (uint64_t)number);
    if (net == NULL)
        fail_msg("network %d: %s\n%s", number, gn_error_message(), t.text);
    for (int i = 0; i < net->graph->n_tensors; i++) {
        const struct gn_tensor *tensor = &net->graph->tensors[i];
        for (size_t k = 0; !tensor->is_kernel && k < tensor->count; k++)
            net->params[tensor->offset + k] =
                0.2F * gn_random_unit(9, GN_RANDOM_TEST, (uint64_t)i, k) + (float)tensor->constant;
    }
    return net;
}

/* Every tensor by its name, and the answers, which also need padding and epsilon. */
static void require_equal(const char *what, int number, gn_net *a, gn_net *b)
{
    static float inputs[32 * 32 * 3];
    float x[12], y[12];
    if (b == NULL)
        fail_msg("network %d (GN_CASE=%d), %s: %s", number, number, what, gn_error_message());
    assert_int_equal(a->graph->n_tensors, b->graph->n_tensors);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        inputs[i] = (float)((i * 2654435761U >> 7) % 1000) / 1000;
    assert_int_equal(gn_predict(a, x, NULL, .inputs = inputs, .n = 1), GN_OK);
    assert_int_equal(gn_predict(b, y, NULL, .inputs = inputs, .n = 1), GN_OK);
    if (gn_net_hash(a) != gn_net_hash(b) || memcmp(x, y, (size_t)a->classes * sizeof *x) != 0)
        fail_msg("network %d (GN_CASE=%d), %s: other weights or answers", number, number, what);
    gn_free_net(b);
}

static void each(void (*check)(int number, gn_net *net))
{
    const char *one = getenv("GN_CASE");
    for (int i = 0; i < NETWORKS; i++) {
        if (one != NULL && atoi(one) != i) /* NOLINT: of the tester */
            continue;
        gn_net *net = make(i, "net.net");
        check(i, net);
        gn_free_net(net);
    }
}

static void by_keras(int number, gn_net *net)
{
    static const char *const files[] = { "a.weights.h5", "a.h5", "a.keras" };
    static const char *const blocks[] = { "layer", "model" };
    for (int k = 0; k < 6; k++) {
        if (gn_export(net, files[k / 2], .keras_block = blocks[k % 2]) != GN_OK)
            fail_msg("network %d, %s: %s", number, files[k / 2], gn_error_message());
        require_equal(files[k / 2], number, net, gn_import(files[k / 2], .model = "net.net"));
    }
}

static void keras_files_come_back(void **state)
{
    (void)state;
    gn_net *net = gn_preset("googlenet-small");
    assert_non_null(net);
    const gn_status status = gn_export(net, "first.h5");
    gn_free_net(net);
    if (status == GN_STATUS_NO_DEVICE)
        skip(); /* no libhdf5 */
    each(by_keras);
}

/* ONNX has no name for a network's stages, so the tensors are compared in their order. */
static void by_onnx(int number, gn_net *net)
{
    gn_net *back = gn_export(net, "a.onnx", .keep_norm = true, .opset = 9 + number % 13) == GN_OK
                       ? gn_import("a.onnx")
                       : NULL;
    require_equal("ONNX", number, net, back);
}

static void onnx_files_come_back(void **state)
{
    (void)state;
    each(by_onnx);
}

static void by_numpy(int number, gn_net *net)
{
    assert_int_equal(gn_export(net, "a.npz"), GN_OK);
    require_equal("NumPy", number, net, gn_import("a.npz"));
    require_equal("NumPy", number, net, gn_import("a.npz", .model = "net.net"));
}

static void numpy_files_come_back(void **state)
{
    (void)state;
    each(by_numpy);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keras_files_come_back),
                                        cmocka_unit_test(onnx_files_come_back),
                                        cmocka_unit_test(numpy_files_come_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
