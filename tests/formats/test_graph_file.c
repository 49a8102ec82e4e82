/* labels: quick
 *
 * The graph in the file: any network of the builders comes back, at other sizes and with other classes
 * too. */
#include "base/memory.h"
#include "formats/model.h"
#include "formats/random_net.h"
#include "graph/text.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

static void predict(gn_net *net, float *logits)
{
    struct gn_net_info info;
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    const int n = info.size_h * info.size_w * info.channels;
    uint8_t *pixels = malloc((size_t)n);
    assert_non_null(pixels);
    for (int i = 0; i < n; i++)
        pixels[i] = (uint8_t)(i * 37 % 251);
    if (gn_predict(net, logits, pixels, .n = 1, .height = info.size_h, .width = info.size_w,
                   .channels = info.channels) != GN_OK)
        fail_msg("%s", gn_error_message());
    free(pixels);
}

static void check_equal_answers(gn_net *a, gn_net *b)
{
    float ours[RANDOM_CLASSES], theirs[RANDOM_CLASSES];
    predict(a, ours);
    predict(b, theirs);
    assert_memory_equal(ours, theirs, sizeof ours);
}

static void write_summary(const gn_net *net, const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(gn_summary(net, f), GN_OK);
    assert_int_equal(gn_walk(net, f), GN_OK);
    assert_int_equal(fclose(f), 0);
}

static void check_same_file(const char *a, const char *b)
{
    size_t size;
    uint8_t *bytes = test_read_file(a, &size);
    assert_true(test_file_is(b, bytes, size));
    free(bytes);
}

static gn_net *must_load(gn_net *net)
{
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

/* Windows, strides and pads of all shapes are among the random networks. */
static void random_networks_have_rectangular_windows(void **state)
{
    (void)state;
    int windows = 0, strides = 0, pads = 0;
    for (int i = 0; i < RANDOM_NETS; i++) {
        gn_net *net = random_net(i, 17, 17);
        for (int k = 0; k < net->graph->n_layers; k++) {
            const struct gn_geometry *w = &net->graph->layers[k].window;
            if (!net->graph->layers[k].op->has_window)
                continue;
            windows += w->kh != w->kw;
            strides += w->stride_h != w->stride_w;
            pads += w->pad_top != w->pad_left;
        }
        gn_free_net(net);
    }
    assert_true(windows > RANDOM_NETS / 2 && strides > RANDOM_NETS / 2 && pads > RANDOM_NETS / 2);
}

static void any_network_comes_back(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_NETS; i++) {
        gn_net *net = random_net(i, 17, 17 + i % 4);
        assert_int_equal(gn_save(net, "m"), GN_OK);
        gn_net *loaded = must_load(gn_load("m", .aux = true));
        check_equal_answers(net, loaded);
        assert_int_equal(gn_net_hash(net), gn_net_hash(loaded));
        write_summary(net, "a.txt");
        write_summary(loaded, "b.txt");
        check_same_file("a.txt", "b.txt");
        assert_int_equal(gn_save(loaded, "again"), GN_OK);
        check_same_file("m", "again");
        gn_free_net(loaded);
        /* Without heads the answer is the same. */
        loaded = must_load(gn_load("m"));
        check_equal_answers(net, loaded);
        assert_null(gn_net_head(loaded, 0));
        gn_free_net(loaded);
        gn_free_net(net);
    }
}

static void any_network_takes_other_sizes(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 17, 17 }, { 24, 24 }, { 16, 29 }, { 31, 18 } };
    for (int i = 0; i < RANDOM_NETS; i++) {
        gn_net *net = random_net(i, 20, 20);
        assert_int_equal(gn_save(net, "m"), GN_OK);
        gn_free_net(net);
        const int *size = sizes[i % 4];
        net = random_net(i, size[0], size[1]);
        if (gn_load_weights(net, "m") != GN_OK)
            fail_msg("network %d: %s", i, gn_error_message());
        gn_net *loaded = must_load(gn_load("m", .size = size[0], .width = size[1]));
        assert_int_equal(loaded->input.h, size[0]);
        assert_int_equal(loaded->input.w, size[1]);
        check_equal_answers(net, loaded);
        gn_free_net(loaded);
        gn_free_net(net);
    }
}

static void any_network_takes_other_classes(void **state)
{
    (void)state;
    for (int i = 0; i < RANDOM_NETS; i++) {
        gn_net *net = random_net(i, 20, 20);
        struct gn_net_info info;
        int drawn = -1;
        assert_int_equal(gn_net_describe(net, &info), GN_OK);
        const int heads = info.heads;
        assert_int_equal(gn_save(net, "m"), GN_OK);
        assert_null(gn_load("m", .classes = 7));
        check_error(GN_STATUS_BAD_MODEL, "\"answer.weight\" has shape [");
        gn_net *loaded = must_load(
            gn_load("m", .classes = 7, .new_head = true, .drawn = &drawn, .seed = 5, .aux = true));
        assert_int_equal(drawn, 2 + 2 * heads);
        assert_int_equal(gn_net_describe(loaded, &info), GN_OK);
        assert_int_equal(info.classes, 7);
        assert_int_equal(info.heads, heads);
        for (int k = 0; k < net->graph->n_tensors; k++) {
            const struct gn_tensor *t = &net->graph->tensors[k], *u = &loaded->graph->tensors[k];
            if (t->count == u->count)
                assert_memory_equal(net->params + t->offset, loaded->params + u->offset,
                                    t->count * sizeof(float));
        }
        gn_free_net(loaded);
        gn_free_net(net);
    }
}

/* ---- Logits that are no dense layer's ---- */

static gn_net *convolutional(int classes)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv_relu(g, gn_input(g, 9, 12, 2), 3, .kernel = 3, .name = "first");
    x = gn_conv(g, x, classes, .kernel = 1, .name = "last");
    gn_net *net = gn_compile(g, gn_global_avg_pool(g, gn_batch_norm(g, x, .eps = 0)), 3);
    assert_non_null(net);
    return net;
}

static void logits_may_come_from_a_convolution(void **state)
{
    (void)state;
    int drawn = 0;
    gn_net *net = convolutional(3);
    assert_int_equal(gn_save(net, "m"), GN_OK);
    gn_net *loaded = must_load(gn_load("m", .classes = 8, .new_head = true, .drawn = &drawn));
    assert_int_equal(loaded->classes, 8);
    assert_int_equal(drawn, 6); /* weight, bias, and the normalisation's four */
    gn_free_net(loaded);
    gn_free_net(net);
}

static void joined_logits_keep_their_number(void **state)
{
    (void)state;
    gn_graph *g = gn_graph_create();
    const gn_node x = gn_global_avg_pool(g, gn_input(g, 8, 8, 3));
    const gn_node two[2] = { gn_dense(g, x, 2, "left"), gn_dense(g, x, 3, "right") };
    gn_net *net = gn_compile(g, gn_concat(g, two, 2, "both"), 1);
    assert_int_equal(gn_save(net, "m"), GN_OK);
    gn_net *loaded = must_load(gn_load("m"));
    assert_int_equal(loaded->classes, 5);
    gn_free_net(loaded);
    assert_null(gn_load("m", .classes = 6, .new_head = true));
    check_error(GN_STATUS_BAD_ARGUMENT, "m: both: the number of classes cannot become 6");
    gn_free_net(net);
}

static void other_channels_do_not_fit_the_first_layer(void **state)
{
    (void)state;
    gn_net *net = convolutional(3);
    assert_int_equal(gn_save(net, "m"), GN_OK);
    assert_null(gn_load("m", .channels = 1));
    check_error(GN_STATUS_BAD_MODEL,
                "tensor \"first.weight\" has shape [3,3,2,3], this network needs [3,3,1,3]");
    gn_net *wider = must_load(gn_load("m", .width = 15));
    assert_int_equal(wider->input.h, 9);
    assert_int_equal(wider->input.w, 15);
    gn_free_net(wider);
    assert_null(gn_load("m", .size = 9000));
    check_error(GN_STATUS_BAD_SHAPE, "m: input: 9000x9000x2");
    gn_free_net(net);
}

/* ---- Fingerprints ---- */

static void fingerprint_of(const gn_net *net, char *hex)
{
    assert_int_equal(gn_graph_fingerprint(net->graph, (gn_node){ net->output }, hex), GN_OK);
}

static void fingerprints_tell_what_weights_mean(void **state)
{
    (void)state;
    char a[GN_FINGERPRINT_BYTES], b[GN_FINGERPRINT_BYTES];
    for (int i = 0; i < RANDOM_NETS; i++) {
        gn_net *net = random_net(i, 20, 20), *other = random_net(i, 33, 18),
               *next = random_net(i + 1, 20, 20);
        fingerprint_of(net, a);
        fingerprint_of(other, b);
        assert_string_equal(a, b);
        fingerprint_of(next, b);
        assert_string_not_equal(a, b);
        gn_free_net(other);
        gn_free_net(next);
        assert_int_equal(gn_save(net, "m"), GN_OK);
        gn_free_net(net);
        net = must_load(gn_load("m")); /* without heads */
        fingerprint_of(net, b);
        gn_free_net(net);
        net = random_net(i, 20, 20);
        fingerprint_of(net, a);
        assert_string_equal(a, b);
        gn_free_net(net);
    }
    gn_net *small = gn_googlenet(.size = 32), *large = gn_googlenet();
    fingerprint_of(small, a);
    fingerprint_of(large, b);
    assert_string_equal(a, b);
    gn_free_net(small);
    gn_free_net(large);
}

static void every_failing_allocation_of_a_graph_is_survived(void **state)
{
    (void)state;
    gn_net *net = random_net(3, 18, 18);
    assert_int_equal(gn_save(net, "m"), GN_OK);
    const uint64_t before = gn_alloc_count();
    gn_free_net(must_load(gn_load("m")));
    const uint64_t loading = gn_alloc_count() - before;
    for (uint64_t k = 1; k <= loading; k++) {
        gn_alloc_fail_after(k, true);
        assert_null(gn_load("m"));
        gn_alloc_fail_after(0, false);
        check_error(GN_STATUS_NO_MEMORY, "no memory");
    }
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_networks_have_rectangular_windows),
        cmocka_unit_test(any_network_comes_back),
        cmocka_unit_test(any_network_takes_other_sizes),
        cmocka_unit_test(any_network_takes_other_classes),
        cmocka_unit_test(logits_may_come_from_a_convolution),
        cmocka_unit_test(joined_logits_keep_their_number),
        cmocka_unit_test(other_channels_do_not_fit_the_first_layer),
        cmocka_unit_test(fingerprints_tell_what_weights_mean),
        cmocka_unit_test(every_failing_allocation_of_a_graph_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
