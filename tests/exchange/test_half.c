/* labels: full no-sanitize
 * timeout: 300
 *
 * A float16 file of more than 128 MB has twice its bytes in parameters: it is read; one that promises far more than
 * it has is not. */
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <sys/stat.h>

static void large_files_of_float16_are_read(void **state)
{
    static const char text[] =
        "input 1 1\nclasses 2\ndense a 8400\ndense b 8400\noutput\n"; /* 141 MB of float16 */
    struct stat info;
    float x[2], y[2];
    (void)state;
    gn_net *net = gn_preset("wide.net", .net_text = text, .seed = 1);
    assert_non_null(net);
    assert_int_equal(gn_export(net, "half.onnx", .f16 = true), GN_OK);
    assert_int_equal(stat("half.onnx", &info), 0);
    assert_true(info.st_size > 128 << 20);
    const float input = 1;
    assert_int_equal(gn_predict(net, x, NULL, .inputs = &input, .n = 1), GN_OK);
    gn_free_net(net);
    gn_net *back = gn_import("half.onnx");
    if (back == NULL)
        fail_msg("%s", gn_error_message());
    assert_int_equal(gn_predict(back, y, NULL, .inputs = &input, .n = 1), GN_OK);
    for (int i = 0; i < 2; i++)
        assert_true(x[i] - y[i] < 2e-3F && y[i] - x[i] < 2e-3F);
    gn_free_net(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(large_files_of_float16_are_read) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
