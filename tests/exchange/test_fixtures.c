/* labels: quick
 *
 * Files that PyTorch (both exporters) and tf2onnx wrote give ONNX Runtime's answers here, and one of them
 * is trained with PyTorch's losses. tools/exchange/make_onnx_torch.py, make_onnx_tf.py and
 * make_golden.py made them; the images are a formula. */
#include "file/file.h"
#include "base/memory.h"
#include "net/net.h"
#include "plan/plan.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 16, CLASSES = 5, IMAGES = 2, VALUES = SIDE * SIDE * 3, STEPS = 20, BATCH = 8 };

#define FIXTURES GN_SOURCE_DIR "/tests/exchange/fixtures/"

static float inputs[STEPS * BATCH * VALUES];

static int fill_inputs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        inputs[i] = (float)((i * 2654435761U >> 7) % 1000) / 1000;
    return 0;
}

/* What the file does to its input first is preprocessing of ours. */
static void apply_pixels(const gn_net *net, const float *from, float *to, size_t n)
{
    const struct gn_pixel_rule *p = &net->pixels;
    for (size_t i = 0; i < n; i++) {
        const size_t c = i % 3;
        to[i] = p->affine ? from[i] * (float)p->factor[c] + (float)p->summand[c] : from[i];
    }
}

static gn_net *import_fixture(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, FIXTURES "%s.onnx", name);
    gn_net *net = gn_import(path, .size = SIDE);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

static void compare(const gn_net *net, const float *found, const float *golden, const char *name)
{
    double error = 0, largest = 0;
    for (int i = 0; i < IMAGES * net->classes; i++) {
        error = fmax(error, fabs((double)found[i] - (double)golden[i]));
        largest = fmax(largest, fabs((double)golden[i]));
    }
    if (!(error <= 1e-4 * largest))
        fail_msg("%s: differs by %g of %g", name, error, largest);
}

/* Logits, or with what the file ends in: a log-softmax is left out, so both are normalised. */
static void normalise(float *logits)
{
    for (int i = 0; i < IMAGES; i++) {
        double sum = 0;
        for (int k = 0; k < CLASSES; k++)
            sum += exp((double)logits[i * CLASSES + k]);
        for (int k = 0; k < CLASSES; k++)
            logits[i * CLASSES + k] -= (float)log(sum);
    }
}

static void files_of_others_give_their_answers(void **state)
{
    (void)state;
    static const char *const names[] = {
        "torch_resnet", "torch_resnet_norms", "torch_resnet_dynamo", "torch_inception", "tf_nhwc",
        "tf_nchw"
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        static float prepared[IMAGES * VALUES];
        float found[IMAGES * CLASSES], golden[IMAGES * CLASSES];
        char path[512];
        size_t size;
        gn_net *net = import_fixture(names[i]);
        (void)snprintf(path, sizeof path, FIXTURES "%s.golden", names[i]);
        uint8_t *bytes = test_read_file(path, &size);
        assert_int_equal(size, sizeof golden);
        memcpy(golden, bytes, size);
        free(bytes);
        apply_pixels(net, inputs, prepared, sizeof prepared / sizeof prepared[0]);
        assert_int_equal(gn_predict(net, found, NULL, .inputs = prepared, .n = IMAGES), GN_OK);
        if (strcmp(names[i], "torch_inception") == 0)
            normalise(found);
        compare(net, found, golden, names[i]);
        gn_free_net(net);
    }
}

/* Plain SGD with a rate of 0.05; batch k holds images k * BATCH and the following, classes in turn. */
static void an_imported_network_is_trained_as_there(void **state)
{
    (void)state;
    static float prepared[STEPS * BATCH * VALUES];
    size_t size;
    float golden[STEPS];
    gn_net *net = import_fixture("torch_inception");
    uint8_t *bytes = test_read_file(FIXTURES "torch_inception.losses", &size);
    assert_int_equal(size, sizeof golden);
    memcpy(golden, bytes, size);
    free(bytes);
    apply_pixels(net, inputs, prepared, sizeof prepared / sizeof prepared[0]);
    struct gn_plan *plan =
        gn_plan_create(net, &(struct gn_plan_options){ .train = true, .batch = BATCH });
    assert_non_null(plan);
    float *grads = gn_calloc(net->graph->n_floats, sizeof *grads, "gradients");
    assert_non_null(grads);
    for (int k = 0; k < STEPS; k++) {
        struct gn_plan_sums sums = { 0 };
        int32_t labels[BATCH];
        for (int i = 0; i < BATCH; i++)
            labels[i] = (k * BATCH + i) % CLASSES;
        const struct gn_plan_batch batch = { .images = prepared + (size_t)k * BATCH * VALUES,
                                             .labels = labels,
                                             .n = BATCH };
        assert_int_equal(gn_plan_gradients(plan, &batch, grads, &sums), GN_OK);
        if (!(fabs(sums.loss / BATCH - (double)golden[k]) <= 1e-3))
            fail_msg("step %d: loss %g, PyTorch's %g", k, sums.loss / BATCH, (double)golden[k]);
        for (size_t i = 0; i < net->graph->n_floats; i++)
            net->params[i] -= 0.05F * grads[i];
        gn_plan_params_changed(plan);
    }
    gn_free(grads);
    gn_plan_free(plan);
    gn_free_net(net);
}

/* ---- Values in another file ---- */

#define OTHER "torch_resnet_dynamo.onnx.data"

/* The fixture with another name of the file that holds its values, as long as the true one. */
static void write_model(const char *location)
{
    size_t size;
    uint8_t *bytes = test_read_file(FIXTURES "torch_resnet_dynamo.onnx", &size);
    for (size_t i = 0; i + strlen(OTHER) <= size; i++)
        if (memcmp(bytes + i, OTHER, strlen(OTHER)) == 0)
            memcpy(bytes + i, location, strlen(OTHER));
    test_write_file("other.onnx", bytes, size);
    free(bytes);
}

static void refused(const char *location, const char *part)
{
    write_model(location);
    gn_net *net = gn_import("other.onnx", .size = SIDE);
    assert_null(net);
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_MODEL);
    if (strstr(gn_error_message(), part) == NULL)
        fail_msg("%s lacks \"%s\"", gn_error_message(), part);
}

static void values_elsewhere_are_read_by_strict_rules(void **state)
{
    (void)state;
    size_t size;
    (void)unlink(OTHER);
    uint8_t *bytes = test_read_file(FIXTURES OTHER, &size);
    refused(OTHER, OTHER ": ONNX: there is no such file");
    refused("../ch_resnet_dynamo.onnx.data", "is not the plain name of a file in the same folder");
    refused("/orch_resnet_dynamo.onnx.data", "is not the plain name of a file in the same folder");
    test_write_file("real.data", bytes, size);
    assert_int_equal(symlink("real.data", OTHER), 0);
    refused(OTHER, "cannot be opened");
    assert_int_equal(unlink(OTHER), 0);
    assert_int_equal(link("real.data", OTHER), 0);
    refused(OTHER, "several names");
    assert_int_equal(unlink(OTHER), 0);
    test_write_file(OTHER, bytes, size - 8);
    refused(OTHER, "beyond the end of the file");
    test_write_file(OTHER, bytes, size);
    write_model(OTHER);
    gn_net *net = gn_import("other.onnx", .size = SIDE);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    gn_free_net(net);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_others_give_their_answers),
        cmocka_unit_test(values_elsewhere_are_read_by_strict_rules),
        cmocka_unit_test(an_imported_network_is_trained_as_there),
    };
    return cmocka_run_group_tests(tests, fill_inputs, NULL);
}
