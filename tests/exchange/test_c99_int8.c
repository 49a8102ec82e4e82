/* labels: push no-sanitize
 * timeout: 600
 *
 * Quantised networks as C files: as test_c99.c for the others. One was trained a little, one has whatever a
 * layer on bytes can be. */
#include "exchange/compilers.h"
#include "net/net.h"
#include "ops/attributes.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <stdlib.h>

enum { CLASSES = 4 };

static float small_logits[TEST_C_IMAGES * TINY_CLASSES], odd_logits[TEST_C_IMAGES * CLASSES];

/* ---- Networks ---- */

static gn_node quantize(gn_graph *g, gn_node x, double scale)
{
    const struct gn_quantize_attributes attributes = { scale };
    return gn_graph_add(g, &gn_op_quantize, NULL, &x, 1, &attributes);
}

static gn_node unit(gn_graph *g, gn_node x, int channels, int kernel, int stride, double scale)
{
    x = gn_conv(g, x, channels, .kernel = kernel, .stride = stride, .int8 = true);
    return quantize(g, gn_relu(g, x), scale);
}

/* An input rounded at many halves, and cut off; bytes that a convolution of floats makes; pools of them, one with windows beyond the map; a branch that is
 * copied, since somebody else reads it, too; widths that are no multiples of 4; a window that is not square,
 * without bias and ReLU. */
static gn_node first_block(gn_graph *g)
{
    const double scale = 0.02;
    gn_node x = quantize(g, gn_input(g, 17, 19, 3), 0.002);
    x = quantize(g, gn_relu(g, gn_conv(g, x, 12, .kernel = 3)), scale);
    x = gn_max_pool(g, x, 3, 2, .explicit_pads = true, .ceil = true);
    const gn_node tall =
        gn_conv(g, x, 7, .kernel_h = 3, .kernel_w = 2, .no_bias = true, .int8 = true);
    const gn_node paths[] = { unit(g, x, 6, 1, 1, scale), quantize(g, tall, scale), x,
                              unit(g, unit(g, x, 4, 1, 1, 0.03), 3, 5, 1, scale) };
    x = gn_dropout(g, gn_concat(g, paths, 4, NULL), 0.5, NULL);
    return gn_max_pool(g, x, 3, 1);
}

/* Sums of bytes that become floats, with and without ReLU; bytes that no convolution makes; rounded floats,
 * since a normalisation reads them, too, and a convolution with weights of 8 bits that reads those. */
static gn_net *odd_network(void)
{
    gn_graph *g = gn_graph_create();
    gn_node x = first_block(g);
    const gn_node terms[] = { gn_conv(g, x, 9, .kernel = 3, .int8 = true),
                              gn_relu(g, gn_conv(g, x, 9, .kernel = 1, .int8 = true)) };
    x = gn_relu(g, gn_sum(g, terms, 2, NULL));
    x = unit(g, quantize(g, gn_conv(g, x, 8, .kernel = 1), 0.01), 8, 3, 2, 0.02);
    x = gn_relu(g, gn_conv(g, x, 12, .kernel = 3, .int8 = true));
    x = quantize(g, x, 0.015);
    const gn_node rounded[] = { gn_lrn(g, x, 3), gn_conv(g, x, 12, .kernel = 1, .int8 = true) };
    x = quantize(g, gn_sum(g, rounded, 2, NULL), 0.01);
    x = gn_global_avg_pool(g, unit(g, x, 10, 3, 1, 0.005));
    gn_net *net = gn_compile(g, gn_dense(g, x, CLASSES, "logits"), 5);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    for (int t = 0; t < net->graph->n_tensors; t++) {
        const struct gn_tensor *tensor = &net->graph->tensors[t];
        const bool is_bias = strstr(tensor->name, ".bias") != NULL;
        for (size_t k = 0; is_bias && k < tensor->count; k++)
            net->params[tensor->offset + k] = 0.03F * (float)(k % 7) - 0.05F;
    }
    return net;
}

/* The value of "#define NET_NAME value". */
static long constant(const char *path, const char *name)
{
    size_t n;
    char line[64];
    char *text = (char *)test_read_file(path, &n);
    (void)snprintf(line, sizeof line, "#define NET_%s ", name);
    const char *at = strstr(text, line);
    assert_non_null(at);
    const long value = strtol(at + strlen(line), NULL, 10);
    free(text);
    return value;
}

static int setup(void **state)
{
    float logits[TEST_C_IMAGES * TINY_CLASSES];
    (void)tiny_open(state);
    gn_net *whole = gn_preset("googlenet-small", .size = 28, .classes = TINY_CLASSES, .seed = 3);
    gn_history *history = gn_fit(whole, tiny.train, .epochs = 1, .batch = 16, .lr = 0.02);
    gn_net *small = history == NULL ? NULL : gn_quantize(whole, tiny.train, .images = 64);
    gn_net *odd = odd_network();
    if (small == NULL)
        fail_msg("%s", gn_error_message());
    gn_free_history(history);
    test_write_c(small, "small.c", small_logits);
    test_write_c(odd, "odd.c", odd_logits);
    test_write_c(whole, "whole.c", logits);
    gn_free_net(whole);
    gn_free_net(small);
    gn_free_net(odd);
    return 0;
}

/* ---- Tests ---- */

static void the_bits_are_those_of_the_generic_kernels(void **state)
{
    const struct compiler *c = *state;
    test_need_compiler(c);
    test_run_c(c, "small.c", small_logits, TINY_CLASSES);
    test_run_c(c, "odd.c", odd_logits, CLASSES);
}

static bool holds(const char *path, const char *part)
{
    size_t n;
    char *text = (char *)test_read_file(path, &n);
    const bool found = strstr(text, part) != NULL;
    free(text);
    return found;
}

static void every_form_on_bytes_is_in_the_odd_network(void **state)
{
    static const char *const calls[] = {
        " conv_to_bytes(&s",  " conv_bytes(&s",   " conv_bytes_to_floats(&s",
        " max_pool_bytes(&s", " concat_bytes(&s", " global_avg_pool_bytes(&s",
        " quantize_bytes(&s", " quantize(&s",     " conv(&s",
    };
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (!holds("odd.c", calls[i]))
            fail_msg("odd.c has no \"%s\"", calls[i]);
}

static void weights_and_arena_are_about_a_quarter(void **state)
{
    (void)state;
    const long whole[] = { constant("whole.c", "WEIGHT_BYTES"),
                           constant("whole.c", "ARENA_BYTES") };
    const long small[] = { constant("small.c", "WEIGHT_BYTES"),
                           constant("small.c", "ARENA_BYTES") };
    for (int i = 0; i < 2; i++)
        if (!(small[i] * 10 < whole[i] * 3 && small[i] * 5 > whole[i]))
            fail_msg("%ld of %ld bytes", small[i], whole[i]);
    assert_true(holds("small.c", "weights of 24 of 25 convolutions are of 8 bits"));
    assert_false(holds("whole.c", "8 bits"));
}

static void formats_without_bytes_are_refused(void **state)
{
    (void)state;
    gn_net *odd = odd_network();
    assert_int_equal(gn_export(odd, "odd.npz"), GN_STATUS_UNSUPPORTED);
    check_error(GN_STATUS_UNSUPPORTED, "can be written as .onnx, .c or a model file");
    gn_free_net(odd);
}

int main(void)
{
    (void)setenv("GOOGLENET_ISA", "generic", 1);
    struct CMUnitTest tests[TEST_COMPILERS + 3] = {
        cmocka_unit_test(every_form_on_bytes_is_in_the_odd_network),
        cmocka_unit_test(weights_and_arena_are_about_a_quarter),
        cmocka_unit_test(formats_without_bytes_are_refused),
    };
    for (size_t i = 0; i < TEST_COMPILERS; i++) {
        tests[i + 3] = (struct CMUnitTest)cmocka_unit_test_prestate(
            the_bits_are_those_of_the_generic_kernels, &test_compilers[i]);
        tests[i + 3].name = test_compilers[i].name;
    }
    return cmocka_run_group_tests(tests, setup, tiny_close);
}
