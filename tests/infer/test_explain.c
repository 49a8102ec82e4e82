/* labels: quick isa
 *
 * Grad-CAM and occlusion are those of PyTorch (tools/golden/make_explain.py); values of a layer are
 * what the layers after it read, whatever the plan fuses; files of them are whole or absent. */
#include "base/memory.h"
#include "formats/safetensors.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 24, CLASSES = 5, WANTED = 2 };
static const int wanted[WANTED] = { 3, 0 };

static struct gn_st_file *golden;
static gn_net *net;

static const float *floats(const char *name)
{
    const struct gn_st_tensor *found = gn_st_find(golden, name);
    if (found == NULL)
        fail_msg("no tensor %s", name);
    return (const float *)(const void *)found->data;
}

static gn_net *make_net(void)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv_relu(g, gn_input(g, SIZE, SIZE, 3), 8, 3, 2, .name = "first");
    x = gn_conv(g, x, 12, 3, .name = "second", .no_bias = true);
    x = gn_relu(g, gn_batch_norm(g, x, .name = "second.norm"));
    x = gn_inception(g, x, "block", 4, (gn_pair){ 4, 6 }, (gn_pair){ 2, 4 }, 4);
    x = gn_max_pool(g, x, 3, .stride = 2);
    x = gn_dropout(g, gn_conv_relu(g, x, 16, 3, .name = "last"), 0.4, "dropout");
    return gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), CLASSES, "dense"), 1);
}

static int open_all(void **state)
{
    (void)state;
    struct gn_tensor_info tensor;
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/explain.safetensors");
    net = make_net();
    if (golden == NULL || net == NULL)
        return -1;
    for (int i = 0; gn_net_tensor(net, i, &tensor) == GN_OK; i++)
        memcpy(tensor.values, floats(tensor.name), tensor.count * sizeof(float));
    gn_clear_error();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    gn_free_net(net);
    gn_st_close(golden);
    return 0;
}

static void check_close(const char *what, const float *found, const float *expected, size_t n)
{
    double most = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)found[i] - (double)expected[i]));
        scale = fmax(scale, fabs((double)expected[i]));
    }
    if (!(most <= 1e-5 * scale))
        fail_msg("%s: off by %.1e of %.1e", what, most, scale);
}

/* The layer of the program that PyTorch calls "second.relu" is a row of its own. */
static void cams_are_those_of_pytorch(void **state)
{
    (void)state;
    static const struct {
        const char *ours, *theirs;
        int side;
    } layers[] = { { "relu_1", "cam.second.relu", 12 },
                   { "block", "cam.block", 12 },
                   { "last", "cam.last", 6 },
                   { NULL, "cam.last", 6 } };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        struct gn_explainer_info info;
        float maps[WANTED * 12 * 12];
        gn_explainer *e = gn_explainer_create(net, layers[i].ours);
        assert_int_equal(gn_explainer_describe(e, &info), GN_OK);
        assert_int_equal(info.height, layers[i].side);
        assert_int_equal(gn_grad_cam(e, floats("image"), wanted, WANTED, maps), GN_OK);
        check_close(layers[i].theirs, maps, floats(layers[i].theirs),
                    (size_t)(WANTED * info.height * info.width));
        gn_explainer_free(e);
    }
}

static void occlusion_is_that_of_pytorch(void **state)
{
    (void)state;
    static float maps[WANTED * SIZE * SIZE];
    gn_explainer *e = gn_explainer_create(net, NULL, .window = 7, .stride = 3);
    assert_int_equal(gn_occlusion(e, floats("image"), wanted, WANTED, maps), GN_OK);
    check_close("occlusion", maps, floats("occlusion"), WANTED * SIZE * SIZE);
    gn_explainer_free(e);
}

/* What dense reads, times its weights, is the answer; and the mean of "last" is what it reads. */
static void values_of_layers_are_what_the_next_ones_read(void **state)
{
    (void)state;
    struct gn_layer_info info;
    size_t n;
    float pool[16], last[6 * 6 * 16], conv[12 * 12 * 12], norm[12 * 12 * 12];
    const struct gn_predict_options image = { .inputs = floats("image"), .n = 1 };
    struct gn_predict_options of = image;
    assert_int_equal(gn_find_layer(net, NULL, &info, &n), GN_OK);
    assert_int_equal(n, 16);
    of.layer = info.name;
    assert_int_equal(gn_predict_with(net, pool, &of), GN_OK);
    float logits[CLASSES];
    const float *w = floats("dense.weight"), *b = floats("dense.bias");
    for (int k = 0; k < CLASSES; k++) {
        double sum = (double)b[k];
        for (int c = 0; c < 16; c++)
            sum += (double)pool[c] * (double)w[c * CLASSES + k];
        logits[k] = (float)sum;
    }
    check_close("logits", logits, floats("logits"), CLASSES);
    of.layer = "last";
    assert_int_equal(gn_predict_with(net, last, &of), GN_OK);
    for (int c = 0; c < 16; c++) {
        double mean = 0;
        for (int p = 0; p < 36; p++) {
            assert_true(last[p * 16 + c] >= 0); /* with its ReLU */
            mean += (double)last[p * 16 + c] / 36;
        }
        assert_true(fabs(mean - (double)pool[c]) < 1e-6);
    }
    /* A convolution whose normalisation prediction folds into it is still itself. */
    of.layer = "second";
    assert_int_equal(gn_predict_with(net, conv, &of), GN_OK);
    of.layer = "second.norm";
    assert_int_equal(gn_predict_with(net, norm, &of), GN_OK);
    for (int i = 0; i < 12 * 12 * 12; i++) {
        const int c = i % 12;
        const double scale = (double)floats("second.norm.gamma")[c] /
                             sqrt((double)floats("second.norm.variance")[c] + 1e-3);
        const double y = ((double)conv[i] - (double)floats("second.norm.mean")[c]) * scale +
                         (double)floats("second.norm.beta")[c];
        assert_true(fabs(y - (double)norm[i]) < 1e-4);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    float one[WANTED * 144], three[WANTED * 144];
    gn_explainer *a = gn_explainer_create(net, "block", .threads = 1);
    gn_explainer *b = gn_explainer_create(net, "block", .threads = 3);
    assert_int_equal(gn_grad_cam(a, floats("image"), wanted, WANTED, one), GN_OK);
    assert_int_equal(gn_grad_cam(b, floats("image"), wanted, WANTED, three), GN_OK);
    assert_memory_equal(one, three, sizeof one);
    gn_explainer_free(a);
    gn_explainer_free(b);
}

static void check_refused(gn_explainer *e, const char *part)
{
    assert_null(e);
    if (strstr(gn_error_message(), part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", gn_error_message(), part);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    float maps[144];
    const int beyond = CLASSES;
    check_refused(gn_explainer_create(net, "blok"), "did you mean \"block\"");
    check_refused(gn_explainer_create(net, NULL, .window = 25), "window is 25, it must be 1 to 24");
    check_refused(gn_explainer_create(net, NULL, .window = 3, .stride = 4), "stride is 4");
    gn_explainer *e = gn_explainer_create(net, "block");
    assert_int_equal(gn_grad_cam(e, floats("image"), &beyond, 1, maps), GN_STATUS_BAD_ARGUMENT);
    assert_string_equal(gn_error_message(), "explain: class 5 of 0 to 4");
    gn_explainer_free(e);
}

static void feature_files_are_whole_or_absent(void **state)
{
    (void)state;
    const float row[2] = { 0.1F, -2 };
    gn_features *f = gn_features_begin("x.csv", 1, 2);
    assert_int_equal(gn_features_add(f, "=1+1,a", 3, row), GN_OK);
    assert_int_equal(gn_features_add(f, "b", 3, row), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_features_end(f, true), GN_OK);
    static const char expected[] = "file,index,f0,f1\n\"'=1+1,a\",3,0.100000001,-2\n";
    assert_true(test_file_is("x.csv", expected, sizeof expected - 1));
    f = gn_features_begin("y.npy", 2, 2);
    assert_int_equal(gn_features_add(f, NULL, 0, row), GN_OK);
    assert_int_equal(gn_features_end(f, true), GN_STATUS_BAD_ARGUMENT);
    assert_false(test_exists("y.npy"));
    assert_null(gn_features_begin("z.txt", 1, 1));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(cams_are_those_of_pytorch),
        cmocka_unit_test(occlusion_is_that_of_pytorch),
        cmocka_unit_test(values_of_layers_are_what_the_next_ones_read),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(feature_files_are_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
