/* labels: quick
 *
 * Weights under torchvision's names: what goes out comes back with the same bits; its names and shapes are
 * those of torchvision 0.28 (tools/exchange/check_torch.py compares answers with torchvision itself);
 * what does not fit is refused with both sides; a pickle is never read. */
#include "file/file.h"
#include "formats/safetensors.h"
#include "net/net.h"
#include "support/check.h"

#include <string.h>

enum { SIDE = 32, CLASSES = 3 };

static const char preset[] = "googlenet-torchvision";

static gn_net *make(bool aux)
{
    gn_net *net =
        gn_preset(preset, .size = SIDE, .channels = 3, .classes = CLASSES, .aux = aux, .seed = 5);
    assert_non_null(net);
    return net;
}

static gn_net *must_import(const char *path)
{
    gn_net *net = gn_import(path);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

static void weights_come_back_with_the_same_bits(void **state)
{
    (void)state;
    const char *const labels[CLASSES] = { "a", "b\xc3\xa4", "c" };
    for (int aux = 0; aux < 2; aux++) {
        gn_net *net = make(aux != 0);
        assert_int_equal(gn_net_set_labels(net, labels, CLASSES), GN_OK);
        assert_int_equal(gn_export(net, "t.safetensors", .names = "torchvision"), GN_OK);
        gn_net *back = must_import("t.safetensors");
        assert_int_equal(gn_net_hash(net), gn_net_hash(back));
        assert_int_equal(back->graph->n_heads, aux != 0 ? 2 : 0);
        assert_memory_equal(&net->pixels, &back->pixels, sizeof net->pixels);
        assert_string_equal(back->labels[1], labels[1]);
        assert_true(back->input.h == SIDE && back->input.w == SIDE);
        gn_free_net(back);
        gn_free_net(net);
    }
}

static void has(const struct gn_st_file *file, const char *name, const char *shape)
{
    char text[64];
    const struct gn_st_tensor *t = gn_st_find(file, name);
    if (t == NULL)
        fail_msg("%s is missing", name);
    else
        assert_string_equal(gn_st_shape_text(text, sizeof text, t->shape, t->rank), shape);
}

/* torchvision.models.GoogLeNet(num_classes=3).state_dict(): 364 keys. */
static void names_and_shapes_are_torchvisions(void **state)
{
    (void)state;
    gn_net *net = make(true);
    assert_int_equal(gn_export(net, "t.safetensors", .names = "torchvision"), GN_OK);
    struct gn_st_file *file = gn_st_open("t.safetensors");
    assert_non_null(file);
    assert_false(gn_st_is_ours(file));
    assert_int_equal(gn_st_count(file), 364);
    has(file, "conv1.conv.weight", "[64,3,7,7]");
    has(file, "conv1.bn.num_batches_tracked", "[]");
    has(file, "conv3.conv.weight", "[192,64,3,3]");
    has(file, "inception3a.branch3.1.conv.weight", "[32,16,3,3]");
    has(file, "inception4e.branch2.0.bn.running_var", "[160]");
    has(file, "inception5b.branch4.1.conv.weight", "[128,832,1,1]");
    has(file, "aux2.fc1.weight", "[1024,2048]");
    has(file, "aux1.conv.bn.running_mean", "[128]");
    has(file, "fc.weight", "[3,1024]");
    /* [out][in][h][w], and a flattened map as (c, h, w). */
    const float *theirs = gn_st_find(file, "conv1.conv.weight")->data;
    const float *ours = net->params + net->graph->tensors[0].offset;
    assert_true(theirs[((5 * 3 + 2) * 7 + 4) * 7 + 1] == ours[((4 * 7 + 1) * 3 + 2) * 64 + 5]);
    theirs = gn_st_find(file, "aux1.fc1.weight")->data;
    ours = net->params +
           net->graph->tensors[gn_graph_find_tensor(net->graph, "aux1.fc1.weight")].offset;
    assert_true(theirs[9 * 2048 + 100 * 16 + 2 * 4 + 3] ==
                ours[((2 * 4 + 3) * 128 + 100) * 1024 + 9]);
    gn_st_close(file);
    gn_free_net(net);
}

/* Copies the file with other names. */
static void rename_all(const char *from, const char *to, const char *prefix, int left_out)
{
    static struct gn_st_tensor tensors[400];
    static char names[400][128];
    struct gn_st_file *file = gn_st_open(from);
    assert_non_null(file);
    const int n = gn_st_count(file) - left_out;
    for (int i = 0; i < n; i++) {
        tensors[i] = *gn_st_tensor(file, i);
        (void)snprintf(names[i], sizeof names[i], "%s%s", prefix, tensors[i].name);
        tensors[i].name = names[i];
    }
    assert_int_equal(gn_st_write_plain(to, tensors, n, NULL, 0), GN_OK);
    gn_st_close(file);
}

static void wrapped_files_are_read_and_assumptions_said(void **state)
{
    (void)state;
    char note[1024];
    gn_net *net = make(false);
    assert_int_equal(gn_export(net, "t.safetensors", .names = "torchvision"), GN_OK);
    rename_all("t.safetensors", "w.safetensors", "module.", 0);
    gn_net *back = gn_import("w.safetensors", .note = note, .note_size = sizeof note, .size = SIDE);
    if (back == NULL)
        fail_msg("%s", gn_error_message());
    assert_int_equal(gn_net_hash(net), gn_net_hash(back));
    assert_true(back->pixels.affine && strstr(note, "transform_input is taken to be on") != NULL &&
                strstr(note, "assumed") != NULL);
    gn_free_net(back);
    back = gn_import("w.safetensors", .no_transform_input = true, .preprocess = "googlenet");
    assert_non_null(back);
    assert_true(!back->pixels.affine && !back->pixels.normalise && back->input.h == 224);
    gn_free_net(back);
    back = gn_import("w.safetensors", .no_transform_input = true);
    assert_non_null(back);
    assert_true(!back->pixels.affine && back->pixels.normalise);
    gn_free_net(back);
    gn_free_net(net);
}

static void what_does_not_fit_is_refused_with_both_sides(void **state)
{
    (void)state;
    static char table[1 << 16];
    gn_net *net = make(false);
    assert_int_equal(gn_export(net, "t.safetensors", .names = "torchvision"), GN_OK);
    rename_all("t.safetensors", "x.safetensors", "", 1);
    assert_null(gn_import("x.safetensors", .table = table, .table_size = sizeof table));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_MODEL);
    assert_non_null(strstr(gn_error_message(), "1 of 287 tensors"));
    assert_non_null(strstr(table, "! "));
    /* The whole network, with a table that is too small. */
    assert_null(
        gn_import("t.safetensors", .model = "googlenet", .table = table, .table_size = 100));
    assert_true(strlen(table) < 100);
    gn_free_net(net);
    net = gn_googlenet(.size = SIDE);
    assert_int_equal(gn_export(net, "y.safetensors", .names = "caffe"), GN_STATUS_BAD_ARGUMENT);
    gn_free_net(net);
}

static void a_pickle_is_refused_with_advice(void **state)
{
    (void)state;
    static const char *const starts[] = { "\x80\x02}q", "PK\x03\x04" };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(gn_file_write("p.pth", "test", starts[i], 4, NULL), GN_OK);
        assert_null(gn_import("p.pth"));
        assert_int_equal(gn_error_status(), GN_STATUS_BAD_MODEL);
    }
    assert_int_equal(gn_file_write("p.pt", "test", starts[0], 4, NULL), GN_OK);
    assert_null(gn_import("p.pt"));
    assert_non_null(strstr(gn_error_message(), "pth_to_safetensors.py"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_come_back_with_the_same_bits),
        cmocka_unit_test(names_and_shapes_are_torchvisions),
        cmocka_unit_test(wrapped_files_are_read_and_assumptions_said),
        cmocka_unit_test(what_does_not_fit_is_refused_with_both_sides),
        cmocka_unit_test(a_pickle_is_refused_with_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
