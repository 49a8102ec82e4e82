/* labels: push
 *
 * Model files of version 0.1.0, which do not hold their graph: they load with the logits that version
 * 0.1.0 computed, and saved again they are files of this version with the same weights. */
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <zlib.h>

enum { CLASSES = 3 };

struct old_file {
    const char *name;
    int size, channels, heads, packed; /* packed: how many times */
    float logits[CLASSES];
    uint32_t hash; /* of all weights without the heads' */
};

static const struct old_file files[] = {
    { "googlenet", 32, 1, 0, 2, { -0.4435132F, -0.2722788F, -0.32116F }, 0x80f29686 },
    { "googlenet-bn", 32, 1, 0, 2, { 3.320743F, 3.14959F, 0.1349763F }, 0xf3e19734 },
    { "googlenet-paper", 80, 3, 2, 2, { -5.226023F, -12.82417F, -4.756006F }, 0x3db68603 },
    { "googlenet-small", 28, 1, 0, 2, { 1.678449F, 0.5333652F, -0.6070207F }, 0x59431f7f },
    { "googlenet-torchvision", 80, 3, 2, 2, { 2.958669F, 7.278772F, 7.855535F }, 0x8517adab },
    { "net-file", 16, 1, 1, 1, { -0.1383759F, -0.08616722F, -0.03395857F }, 0x45d9e704 },
};
enum { FILES = sizeof files / sizeof files[0] };

static void gunzip(const char *from, const char *to)
{
    static char block[1 << 16];
    gzFile in = gzopen(from, "rb");
    FILE *out = fopen(to, "wb");
    if (in == NULL || out == NULL)
        fail_msg("%s or %s cannot be opened", from, to);
    int n;
    while ((n = gzread(in, block, sizeof block)) > 0)
        assert_int_equal(fwrite(block, 1, (size_t)n, out), n);
    assert_int_equal(n, 0);
    assert_int_equal(gzclose(in), Z_OK);
    assert_int_equal(fclose(out), 0);
}

/* The model file "old" in the working folder. */
static void unpack(const char *name, int packed)
{
    char from[512];
    (void)snprintf(from, sizeof from, GN_SOURCE_DIR "/tests/formats/v0.1.0/%s.safetensors%s", name,
                   packed == 2 ? ".gz.gz" : ".gz");
    gunzip(from, packed == 2 ? "once" : "old");
    if (packed == 2)
        gunzip("once", "old");
}

static void check_logits(gn_net *net, const struct old_file *file)
{
    const int n = file->size * file->size * file->channels;
    uint8_t *pixels = malloc((size_t)n);
    float logits[CLASSES];
    assert_non_null(pixels);
    for (int i = 0; i < n; i++)
        pixels[i] = (uint8_t)(i * 37 % 251);
    assert_int_equal(gn_predict(net, logits, pixels, .n = 1, .height = file->size,
                                .width = file->size, .channels = file->channels),
                     GN_OK);
    for (int i = 0; i < CLASSES; i++)
        /* The weights of the formula make large sums that cancel: without fused multiply-add version
         * 0.1.0, too, differs from itself by 4.6e-4 (googlenet-paper). */
        if (!(fabsf(logits[i] - file->logits[i]) <= 1e-3F * (1 + fabsf(file->logits[i]))))
            fail_msg("%s: logit %d is %.7g, version 0.1.0 had %.7g", file->name, i,
                     (double)logits[i], (double)file->logits[i]);
    free(pixels);
}

static void check_net(gn_net *net, const struct old_file *file)
{
    static const char *const labels[CLASSES] = { "cat", "f\xc3\xbcnf", "two words" };
    struct gn_net_info info;
    if (net == NULL)
        fail_msg("%s: %s", file->name, gn_error_message());
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_string_equal(info.preset, file->packed == 2 ? file->name : "old.net");
    assert_int_equal(info.size_h, file->size);
    assert_int_equal(info.channels, file->channels);
    assert_int_equal(info.classes, CLASSES);
    for (int i = 0; i < CLASSES && file->packed == 2; i++)
        assert_string_equal(info.labels[i], labels[i]);
}

static void old_models_answer_as_before(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++) {
        unpack(files[i].name, files[i].packed);
        gn_net *net = gn_load("old");
        check_net(net, &files[i]);
        assert_int_equal(gn_net_hash(net), files[i].hash);
        check_logits(net, &files[i]);
        gn_free_net(net);
    }
}

static void old_models_become_new_ones(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++) {
        struct gn_net_info info;
        unpack(files[i].name, files[i].packed);
        gn_net *net = gn_load("old", .aux = true);
        check_net(net, &files[i]);
        assert_int_equal(gn_net_describe(net, &info), GN_OK);
        assert_int_equal(info.heads, files[i].heads);
        assert_int_equal(gn_save(net, "new"), GN_OK);
        gn_net *again = gn_load("new", .aux = true);
        check_net(again, &files[i]);
        assert_int_equal(gn_net_hash(again), gn_net_hash(net));
        check_logits(again, &files[i]);
        gn_free_net(net);
        gn_free_net(again);
    }
}

/* A file of another size, and another number of classes. */
static void old_models_take_other_sizes_and_classes(void **state)
{
    (void)state;
    int drawn = 0;
    struct gn_net_info info;
    unpack("googlenet-small", 2);
    gn_net *net = gn_load("old", .size = 40, .classes = 7, .new_head = true, .drawn = &drawn);
    assert_non_null(net);
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_int_equal(info.size_h, 40);
    assert_int_equal(info.classes, 7);
    assert_null(info.labels);
    assert_int_equal(drawn, 2);
    gn_free_net(net);
}

static gn_net *builders_network(int stride)
{
    gn_graph *g = gn_graph_create();
    gn_stage(g, "b1");
    gn_node x =
        gn_inception(g, gn_input(g, 8, 8, 3), "block", 4, (gn_pair){ 2, 4 }, (gn_pair){ 2, 3 }, 5);
    gn_stage(g, NULL);
    x = stride == 1 ? x : gn_max_pool(g, x, 2, .stride = stride);
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), CLASSES, "dense"), 2);
    assert_non_null(net);
    return net;
}

/* Old files of networks of the caller: weights for the same network built again. */
static void old_weights_go_into_an_own_network(void **state)
{
    (void)state;
    unpack("custom", 1);
    gn_net *net = builders_network(1);
    assert_int_equal(gn_load_weights(net, "old"), GN_OK);
    assert_int_equal(gn_net_hash(net), 0x72819ecc);
    gn_free_net(net);
    assert_null(gn_load("old"));
    check_error(GN_STATUS_BAD_MODEL,
                "old: safetensors: the file holds weights of a network of your");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_models_answer_as_before),
        cmocka_unit_test(old_models_become_new_ones),
        cmocka_unit_test(old_models_take_other_sizes_and_classes),
        cmocka_unit_test(old_weights_go_into_an_own_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
