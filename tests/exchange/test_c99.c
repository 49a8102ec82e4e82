/* labels: push no-sanitize
 * timeout: 600
 *
 * Networks as C files: each compiler that is installed takes them without a warning, and the program
 * that it makes gives the bits of the generic kernels, on this processor and, by qemu-user, on others.
 * Compilers that are not there are skipped by name. */
#include "base/text.h"
#include "exchange/compilers.h"
#include "exchange/random_net.h"
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

enum { NETWORKS = 5, CLASSES = 4 };

/* ---- Networks ---- */

/* What the random ones lack: a clip, windows of many kinds, a sum of three, an input that is also a
 * branch, a normalisation after a pool, other powers than 0.75 are libm's. */
static gn_net *odd_network(void)
{
    gn_graph *g = gn_graph_create();
    const gn_node in = gn_input(g, 17, 19, 3);
    gn_node x = gn_concat(g, (const gn_node[]){ in, gn_conv(g, in, 5, 3), in }, 3, NULL);
    x = gn_clip(g, x, -0.25, 0.5, NULL);
    const gn_node ceil = gn_max_pool(g, x, 3, 2, .explicit_pads = true, .ceil = true);
    x = gn_sum(g,
               (const gn_node[]){ ceil, gn_avg_pool(g, ceil, 3, .stride = 1),
                                  gn_avg_pool(g, ceil, 3, .stride = 1, .count_padding = true) },
               3, NULL);
    x = gn_batch_norm(g, gn_relu(g, x), .eps = 1e-3);
    x = gn_lrn(g, gn_avg_pool(g, x, 0, .adaptive = 4), 5);
    x = gn_relu(g, gn_conv(g, x, 17, .kernel_h = 3, .kernel_w = 2, .no_bias = true));
    x = gn_relu(g, gn_dropout(g, x, 0.5, NULL));
    gn_net *net = gn_compile(g,
                             gn_dense(g, x, CLASSES,
                                      "a */ \"\\ ?"
                                      "?/ name"),
                             5);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

static gn_net *network(int i)
{
    return i == 0 ? odd_network() : test_random_network(i);
}

static void check_network(const struct compiler *c, int number)
{
    float logits[TEST_C_IMAGES * CLASSES];
    gn_net *net = network(number);
    test_write_c(net, "net.c", logits);
    gn_free_net(net);
    test_run_c(c, "net.c", logits, CLASSES);
}

static void the_bits_are_those_of_the_generic_kernels(void **state)
{
    const struct compiler *c = *state;
    test_need_compiler(c);
    for (int i = 0; i < NETWORKS; i++)
        check_network(c, i);
}

/* Instructions with one rounding for two, and a compiler that may use them. */
static void fused_instructions_change_nothing(void **state)
{
    (void)state;
#if defined(__x86_64__)
    static const char *const names[] = { "gcc", "clang" };
    if (!__builtin_cpu_supports("fma"))
        skip();
    for (int i = 0; i < 2; i++) {
        const struct compiler c = { names[i], "-std=gnu99 -O3 -mavx2 -mfma", "" };
        if (test_has_program(c.name))
            check_network(&c, 2);
    }
#else
    skip();
#endif
}

/* ---- What users include ---- */

static const char user[] = "#define ODD_DECLARATIONS\n"
                           "#include \"odd.c\"\n"
                           "#include <stdio.h>\n"
                           "int main(void)\n"
                           "{\n"
                           "    static unsigned char bytes[ODD_INPUT];\n"
                           "    static float input[ODD_INPUT], output[ODD_CLASSES];\n"
                           "    if (fread(bytes, sizeof bytes, 1, stdin) != 1)\n"
                           "        return 1;\n"
                           "    odd_pixels(bytes, input);\n"
                           "    if (odd_run(input, output) != 0 || odd_run(NULL, output) != 1)\n"
                           "        return 2;\n"
                           "    if (ODD_HEIGHT != 17 || ODD_WIDTH != 19 || ODD_CHANNELS != 3)\n"
                           "        return 3;\n"
                           "    fwrite(output, sizeof output, 1, stdout);\n"
                           "    fputs(odd_labels[1], stdout);\n"
                           "    return 0;\n"
                           "}\n";

static const char *const labels[] = { "cat",
                                      "\"?"
                                      "?/\\ \xC3\xA9"
                                      "7 */",
                                      "dog", "%s" };

static void check_pixels(const struct gn_pixel_options *rule)
{
    uint8_t bytes[17 * 19 * 3];
    char answer[CLASSES * sizeof(float) + 32];
    const size_t n = CLASSES * sizeof(float);
    gn_net *net = odd_network();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761U >> 11);
    test_write_file("bytes", bytes, sizeof bytes);
    assert_int_equal(gn_net_set_labels(net, labels, CLASSES), GN_OK);
    assert_int_equal(gn_net_set_pixels(net, rule), GN_OK);
    assert_int_equal(gn_export(net, "any.c", .name = "9"), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "a letter first");
    assert_int_equal(gn_export(net, "odd.c", .name = "odd"), GN_OK);
    assert_int_equal(gn_predict(net, (float *)(void *)answer, bytes, .n = 1, .height = 17,
                                .width = 19, .channels = 3, .algorithm = GN_ALGORITHM_DIRECT),
                     GN_OK);
    memcpy(answer + n, labels[1], strlen(labels[1]));
    test_write_file("user.c", user, strlen(user));
    test_shell("%s %s -O1 -c odd.c && %s %s user.c odd.o -o user -lm", "gcc", TEST_C_STRICT, "gcc",
               TEST_C_STRICT);
    test_shell("./user <bytes >answers");
    assert_true(test_file_is("answers", answer, n + strlen(labels[1])));
    gn_free_net(net);
}

static void pictures_and_labels_come_along(void **state)
{
    (void)state;
    if (!test_has_program("gcc"))
        skip();
    check_pixels(&(struct gn_pixel_options){ .bgr = false });
    check_pixels(&(struct gn_pixel_options){ .bgr = true,
                                             .bytes = true,
                                             .normalise = true,
                                             .mean = { 104, 117, 123 },
                                             .deviation = { 1, 2, 3 } });
    check_pixels(&(struct gn_pixel_options){ .normalise = true,
                                             .mean = { 0.485, 0.456, 0.406 },
                                             .deviation = { 0.229, 0.224, 0.225 },
                                             .affine = true,
                                             .factor = { 0.458, 0.448, 0.45 },
                                             .summand = { -0.03, -0.088, -0.188 } });
}

static void options_of_other_formats_are_refused(void **state)
{
    (void)state;
    gn_net *net = odd_network();
    assert_int_equal(gn_export(net, "odd.c", .f16 = true), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "are for ONNX");
    assert_int_equal(gn_export(net, "odd.onnx", .name = "odd"), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, ".name is for C");
    gn_free_net(net);
}

int main(void)
{
    (void)setenv("GOOGLENET_ISA", "generic", 1);
    struct CMUnitTest tests[TEST_COMPILERS + 3] = {
        cmocka_unit_test(fused_instructions_change_nothing),
        cmocka_unit_test(pictures_and_labels_come_along),
        cmocka_unit_test(options_of_other_formats_are_refused),
    };
    for (size_t i = 0; i < TEST_COMPILERS; i++)
        tests[i + 3] = (struct CMUnitTest)cmocka_unit_test_prestate(
            the_bits_are_those_of_the_generic_kernels, &test_compilers[i]);
    for (size_t i = 0; i < TEST_COMPILERS; i++)
        tests[i + 3].name = test_compilers[i].name;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
