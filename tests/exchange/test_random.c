/* labels: quick
 *
 * Thirty random Inception networks go out as ONNX and come back with every bit: widths, depths, strides,
 * windows, normalisations, sums, dropout. GN_CASE=NUMBER runs one of them. */
#include "exchange/random_net.h"
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>
#include <string.h>

enum { NETWORKS = 30 };

static void answers(gn_net *net, float logits[8])
{
    static float inputs[2 * 32 * 32 * 3];
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        inputs[i] = (float)((i * 2654435761U >> 7) % 1000) / 1000;
    if (gn_predict(net, logits, NULL, .inputs = inputs, .n = 2) != GN_OK)
        fail_msg("%s", gn_error_message());
}

static void what_goes_out_comes_back(void **state)
{
    (void)state;
    const char *one = getenv("GN_CASE");
    for (int i = 0; i < NETWORKS; i++) {
        size_t size;
        float a[8], b[8];
        if (one != NULL && atoi(one) != i) /* NOLINT: of the tester */
            continue;
        gn_net *net = test_random_network(i);
        assert_int_equal(gn_export(net, "a.onnx", .keep_norm = true, .opset = 9 + i % 13), GN_OK);
        gn_net *back = gn_import("a.onnx");
        if (back == NULL)
            fail_msg("network %d (GN_CASE=%d): %s", i, i, gn_error_message());
        answers(net, a);
        answers(back, b);
        if (memcmp(a, b, sizeof a) != 0)
            fail_msg("network %d (GN_CASE=%d): other answers", i, i);
        /* All weights, too: the same file again. */
        assert_int_equal(gn_export(back, "b.onnx", .keep_norm = true, .opset = 9 + i % 13), GN_OK);
        gn_net *again = gn_import("b.onnx");
        assert_non_null(again);
        assert_int_equal(gn_export(again, "c.onnx", .keep_norm = true, .opset = 9 + i % 13), GN_OK);
        uint8_t *bytes = test_read_file("b.onnx", &size);
        assert_true(test_file_is("c.onnx", bytes, size));
        free(bytes);
        assert_int_equal(gn_graph_params(net->graph, true), gn_graph_params(back->graph, true));
        gn_free_net(again);
        gn_free_net(back);
        gn_free_net(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_goes_out_comes_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
