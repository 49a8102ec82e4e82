/* labels: quick
 *
 * Caffe's files come in: small networks made and computed by tools/exchange/check_caffe.py, of old and of new
 * layers, with a description next to the weights and without; text that is damaged is refused with line and
 * column; a file cut off anywhere is an error. */
#include "base/memory.h"
#include "caffe/prototxt.h"
#include "file/file.h"
#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 21, CLASSES = 4, VALUES = SIDE * SIDE * 3 };

static char *fixture(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = 1 - turn;
    (void)snprintf(path[turn], sizeof path[turn], "%s/tests/exchange/caffe/%s", GN_SOURCE_DIR,
                   name);
    return path[turn];
}

static void copy(const char *from, const char *to)
{
    size_t n;
    uint8_t *bytes = test_read_file(from, &n);
    assert_int_equal(gn_file_write(to, "test", bytes, n, NULL), GN_OK);
    free(bytes);
}

static gn_net *must_import(const char *path, char *note, size_t size)
{
    gn_net *net = gn_import(path, .note = note, .note_size = size);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

static void check_answers(gn_net *net, const char *raw)
{
    size_t n;
    float logits[CLASSES];
    uint8_t *bytes = test_read_file(fixture(raw), &n);
    assert_int_equal(n, (VALUES + CLASSES) * sizeof(float));
    float *values = (float *)(void *)bytes;
    assert_int_equal(gn_predict(net, logits, NULL, .inputs = values, .n = 1), GN_OK);
    for (int i = 0; i < CLASSES; i++)
        if (!(fabsf(logits[i] - values[VALUES + i]) < 1e-5F))
            fail_msg("%s: logit %d is %g, not %g", raw, i, (double)logits[i],
                     (double)values[VALUES + i]);
    free(bytes);
}

static void networks_answer_as_caffe_does(void **state)
{
    (void)state;
    static const char *const names[] = { "old", "new" };
    for (int i = 0; i < 2; i++) {
        char weights[32], raw[32], note[1024];
        (void)snprintf(weights, sizeof weights, "%s.caffemodel", names[i]);
        (void)snprintf(raw, sizeof raw, "%s.raw", names[i]);
        gn_net *net = must_import(fixture(weights), note, sizeof note);
        assert_non_null(strstr(note, "prototxt"));
        assert_int_equal(net->graph->n_heads, 0);
        check_answers(net, raw);
        gn_free_net(net);
        /* Without a description: the training network, whose second loss is a head. */
        copy(fixture(weights), "alone.caffemodel");
        net = must_import("alone.caffemodel", note, sizeof note);
        assert_non_null(strstr(note, "in the file of weights"));
        assert_int_equal(net->graph->n_heads, 1);
        assert_true(net->pixels.bgr && net->pixels.bytes && net->pixels.mean[1] == 117);
        assert_true(net->input.h == SIDE && net->input.c == 3);
        check_answers(net, raw);
        assert_int_equal(gn_save(net, "ours.safetensors"), GN_OK);
        gn_net *back = gn_load("ours.safetensors", .aux = true);
        assert_non_null(back);
        assert_int_equal(gn_net_hash(net), gn_net_hash(back));
        gn_free_net(back);
        gn_free_net(net);
    }
}

static void means_are_the_callers_or_a_files(void **state)
{
    (void)state;
    char note[1024];
    gn_net *net = gn_import(fixture("old.caffemodel"), .mean = "1,2.5,3");
    assert_non_null(net);
    assert_true(net->pixels.mean[0] == 1 && net->pixels.mean[1] == 2.5F);
    gn_free_net(net);
    /* A BlobProto of 1x3x1x2. */
    static const char mean[] = "\x08\x01\x10\x03\x18\x01\x20\x02\x2a\x18"
                               "\0\0\x80\x3f\0\0\x40\x40\0\0\0\0\0\0\0\0\0\0\x20\x41\0\0\x20\x41";
    assert_int_equal(gn_file_write("m.binaryproto", "test", mean, sizeof mean - 1, NULL), GN_OK);
    net = gn_import(fixture("old.caffemodel"), .mean = "m.binaryproto", .note = note,
                    .note_size = sizeof note);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    assert_true(net->pixels.mean[0] == 2 && net->pixels.mean[1] == 0 && net->pixels.mean[2] == 10);
    assert_non_null(strstr(note, "mean colour"));
    gn_free_net(net);
}

static void a_fault_of_the_text_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "name: \"a\"\nlayer {\n  frobnicate: 3\n}\n", "f:3:3: Caffe: this field is not known" },
        { "layer {\n name: \"a\n\" }", "does not end in its line" },
        { "layer { name: \"a\"", "ends within a message" },
        { "}", "a brace too much" },
        { "layer { convolution_param { num_output: many } }", "whole number" },
        { "layer { convolution_param: 3 }", "a brace" },
        { "layers { type: FROB }", "word is not known" },
        { "layer { param { a: 1 b { c: 2 }", "ends within a message" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gn_pb pb = { 0 };
        assert_int_equal(gn_prototxt_read("f", cases[i].text, strlen(cases[i].text), &pb),
                         GN_STATUS_BAD_MODEL);
        if (strstr(gn_error_message(), cases[i].says) == NULL)
            fail_msg("%s", gn_error_message());
        gn_free(pb.bytes);
    }
}

static void layers_that_are_not_read_are_named(void **state)
{
    (void)state;
    static const char text[] = "input: \"data\" input_shape { dim: 1 dim: 3 dim: 21 dim: 21 }\n"
                               "layer { name: \"odd\" type: \"Permute\" bottom: \"data\" }";
    assert_int_equal(gn_file_write("x.prototxt", "test", text, sizeof text - 1, NULL), GN_OK);
    assert_null(gn_import(fixture("new.caffemodel"), .prototxt = "x.prototxt"));
    assert_int_equal(gn_error_status(), GN_STATUS_UNSUPPORTED);
    assert_non_null(strstr(gn_error_message(), "\"odd\" (type Permute)"));
}

static void a_file_cut_off_is_an_error(void **state)
{
    (void)state;
    size_t n;
    uint8_t *bytes = test_read_file(fixture("new.caffemodel"), &n);
    for (size_t cut = 0; cut < n; cut += 1 + n / 60) {
        assert_int_equal(gn_file_write("cut.caffemodel", "test", bytes, cut, NULL), GN_OK);
        gn_net *net = gn_import("cut.caffemodel");
        if (net == NULL)
            assert_true(gn_error_message()[0] != '\0');
        gn_free_net(net);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_answer_as_caffe_does),
        cmocka_unit_test(means_are_the_callers_or_a_files),
        cmocka_unit_test(a_fault_of_the_text_has_its_place),
        cmocka_unit_test(layers_that_are_not_read_are_named),
        cmocka_unit_test(a_file_cut_off_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
