/* labels: quick
 *
 * A few of ONNX's own backend cases give the answers that ONNX says; all of them are run by
 * tools/exchange/check_backend.py, which wraps them into networks that end in a vector. */
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1024 };

/* A file of float32 numbers; returns how many. */
static size_t read_floats(const char *name, const char *ending, float values[MOST])
{
    char path[512];
    size_t size;
    (void)snprintf(path, sizeof path, GN_SOURCE_DIR "/tests/exchange/fixtures/backend/%s.%s", name,
                   ending);
    uint8_t *bytes = test_read_file(path, &size);
    assert_true(size <= MOST * sizeof *values);
    memcpy(values, bytes, size);
    free(bytes);
    return size / sizeof *values;
}

static void cases_give_their_answers(void **state)
{
    (void)state;
    static const char *const names[] = { "test_basic_conv_with_padding",
                                         "test_conv_with_strides_and_asymmetric_padding",
                                         "test_maxpool_2d_precomputed_pads",
                                         "test_maxpool_2d_ceil",
                                         "test_averagepool_2d_ceil",
                                         "test_averagepool_2d_precomputed_same_upper",
                                         "test_globalaveragepool",
                                         "test_batchnorm_example",
                                         "test_gemm_transposeB",
                                         "test_gemm_beta" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        float inputs[MOST], golden[MOST], found[MOST];
        char path[512];
        (void)snprintf(path, sizeof path, GN_SOURCE_DIR "/tests/exchange/fixtures/backend/%s.onnx",
                       names[i]);
        gn_net *net = gn_import(path);
        if (net == NULL)
            fail_msg("%s", gn_error_message());
        const size_t image = (size_t)(net->input.h * net->input.w * net->input.c);
        const size_t n = read_floats(names[i], "input", inputs) / image;
        assert_int_equal(read_floats(names[i], "golden", golden), n * (size_t)net->classes);
        assert_int_equal(gn_predict(net, found, NULL, .inputs = inputs, .n = n), GN_OK);
        for (size_t k = 0; k < n * (size_t)net->classes; k++)
            if (!(fabsf(found[k] - golden[k]) <= 1e-5F + 1e-4F * fabsf(golden[k])))
                fail_msg("%s: value %zu is %g, not %g", names[i], k, (double)found[k],
                         (double)golden[k]);
        gn_free_net(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(cases_give_their_answers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
