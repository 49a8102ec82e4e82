/* labels: quick
 *
 * Networks from text files: what they build, their model files, and every fault with its line. */
#include "file/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "net/net.h"
#include "plan/plan.h"
#include "support/check.h"

#include <string.h>
#include <unistd.h>

static gn_net *build(const char *text, bool aux)
{
    return gn_preset_with(
        &(struct gn_preset_options){ .preset = "some/test.net", .net_text = text, .aux = aux });
}

/* Two networks with the same layers and weights; frees both. */
static void are_same(gn_net *net, gn_net *original)
{
    char ours[17], theirs[17];
    assert_true(net != NULL && original != NULL);
    assert_int_equal(gn_net_fingerprint(net, ours), GN_OK);
    assert_int_equal(gn_net_fingerprint(original, theirs), GN_OK);
    assert_string_equal(ours, theirs);
    assert_int_equal(gn_net_hash(net), gn_net_hash(original));
    gn_free_net(net);
    gn_free_net(original);
}

static void the_example_is_what_it_says(void **state)
{
    (void)state;
    gn_net *net = gn_preset(GN_SOURCE_DIR "/examples/tiny.net");
    struct gn_net_info info;
    struct gn_layer_info layer;
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_string_equal(info.preset, "tiny.net");
    assert_int_equal(info.size_h, 28);
    assert_int_equal(info.classes, 10);
    assert_int_equal(info.stages, 4);
    assert_int_equal(gn_net_stage(net, 1, &layer), GN_OK);
    assert_int_equal(layer.shape[0], 7);
    assert_int_equal(layer.shape[2], 112);
    assert_true(info.params == 68202 && info.statistics == 960);
    gn_free_net(net);
    net = gn_preset(GN_SOURCE_DIR "/examples/tiny.net", .size = 32, .channels = 3, .classes = 7);
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_int_equal(info.size_h + info.channels + info.classes, 32 + 3 + 7);
    gn_free_net(net);
}

/* The notebook's network again: the same table of layers, so the same weights fit. */
static void the_notebooks_network_can_be_written(void **state)
{
    (void)state;
    gn_net *net = build("stage b1\nconv conv 64 7 2\nmax pool 3 2\nstage b2\nconv conv1 64 1\n"
                        "conv conv2 192 3\nmax pool 3 2\nstage b3\n"
                        "inception inception3a 64 96 128 16 32 32\n"
                        "inception inception3b 128 128 192 32 96 64\nmax pool 3 2\nstage b4\n"
                        "inception inception4a 192 96 208 16 48 64\n"
                        "inception inception4b 160 112 224 24 64 64\n"
                        "inception inception4c 128 128 256 24 64 64\n"
                        "inception inception4d 112 144 288 32 64 64\n"
                        "inception inception4e 256 160 320 32 128 128\nmax pool 3 2\nstage b5\n"
                        "inception inception5a 256 160 320 32 128 128\n"
                        "inception inception5b 384 192 384 48 128 128\nmean\noutput",
                        false);
    gn_net *original = gn_googlenet();
    assert_true(net != NULL && original != NULL);
    char ours[17], theirs[17];
    gn_net_old_fingerprint(net, ours);
    gn_net_old_fingerprint(original, theirs);
    assert_string_equal(ours, theirs);
    are_same(net, original);
}

/* A network without pads, which are none of a block's: the same layers again, by names, shapes and weights. */
static void layers_may_have_no_pads(void **state)
{
    (void)state;
    gn_net *net = build(
        "input 28 1\nnorm keras\npads valid\nstage b1\nconv conv 32 5\npads same\nmax pool 2 2\n"
        "stage b3\ninception inception3a 16 48 96 16 16 16\nmax pool 2 2\nstage b4\n"
        "inception inception4a 32 96 160 16 32 32\n"
        "inception inception4b 32 128 192 16 32 32\nmax pool 2 2\nstage b5\n"
        "inception inception5a 64 128 256 16 64 64\nmean\noutput",
        false);
    gn_net *original = gn_preset("googlenet-24");
    are_same(net, original);
    net = build("input 10 1\npads valid\nconv c 4 3 2\nmax p 3 1\navg q 2 1\noutput\n", false);
    static const int sides[] = { 10, 4, 4, 2,
                                 1 }; /* floor((n - kernel) / stride) + 1; the second 4 is a ReLU */
    assert_non_null(net);
    for (int i = 0; i < 5; i++)
        assert_int_equal(net->graph->layers[i].out.h, sides[i]);
    gn_free_net(net);
}

/* Height and width apart, in kernels and strides; SAME padding along both axes. */
static void windows_need_not_be_square(void **state)
{
    (void)state;
    gn_net *net = build("input 9 1\nclasses 3\nconv a 4 1x7 2x1\nconv b 4 7x1 1x3\nmax p 2x1\n"
                        "pads caffe\nconv c 4 3x5 1\navg q 3x1 1x1\noutput\n",
                        false);
    static const int shapes[][3] = {
        { 5, 9, 4 }, { 5, 3, 4 }, { 3, 3, 4 }, { 3, 3, 4 }, { 3, 3, 4 }
    };
    static const uint64_t params[] = { 7 * 4 + 4, 7 * 4 * 4 + 4, 0, 15 * 4 * 4 + 4, 0 };
    assert_non_null(net);
    for (int i = 0; i < 5; i++) {
        struct gn_layer_info layer;
        assert_int_equal(gn_net_layer(net, i, &layer), GN_OK);
        assert_memory_equal(layer.shape, shapes[i], sizeof shapes[i]);
        assert_true(layer.params == params[i]);
    }
    const struct gn_geometry *a = &net->graph->layers[1].window;
    assert_true(a->kh == 1 && a->kw == 7 && a->pad_top == 0 && a->pad_left == 3);
    assert_int_equal(gn_save(net, "rectangular.safetensors"), GN_OK);
    gn_net *again = gn_load("rectangular.safetensors");
    assert_non_null(again);
    assert_int_equal(gn_net_hash(again), gn_net_hash(net));
    gn_free_net(again);
    gn_free_net(net);
}

/* Steps of plain descent on one batch, by the kernels of this CPU. */
static void a_network_of_rectangular_windows_learns(void **state)
{
    (void)state;
    enum { N = 12, STEPS = 200 };
    gn_net *net = build("input 12 1\nclasses 3\nconv a 8 1x5 1x2\nconv b 8 5x1 2x1\nmax p 3x2 2x1\n"
                        "conv c 16 3x2\navg q 1x2 1x1\nmean\noutput\n",
                        false);
    struct gn_plan *plan =
        gn_plan_create(net, &(struct gn_plan_options){ .train = true, .batch = N });
    assert_true(net != NULL && plan != NULL);
    static float images[N * 12 * 12];
    int32_t labels[N];
    gn_net_init(net, 7);
    for (int i = 0; i < N; i++) { /* a class is a place of bright columns */
        labels[i] = i % 3;
        for (int p = 0; p < 144; p++)
            images[i * 144 + p] =
                (p % 12 / 4 == i % 3 ? 1.0F : 0.0F) +
                0.2F * gn_random_unit(1, GN_RANDOM_TEST, (uint64_t)i, (uint64_t)p);
    }
    float *grads = gn_calloc(net->graph->n_floats, sizeof *grads, "gradients");
    assert_non_null(grads);
    const struct gn_plan_batch batch = { .images = images, .labels = labels, .n = N };
    struct gn_plan_sums sums;
    double before = 0;
    for (int step = 0; step < STEPS; step++) {
        assert_int_equal(gn_plan_gradients(plan, &batch, grads, &sums), GN_OK);
        before = step == 0 ? sums.loss : before;
        for (size_t k = 0; k < net->graph->n_floats; k++)
            net->params[k] -= 0.1F * grads[k];
        gn_plan_params_changed(plan);
    }
    if (!(sums.loss < 0.2 * before) || sums.correct != N)
        fail_msg("loss %g, then %g, %d of %d right", before, sums.loss, sums.correct, (int)N);
    gn_free(grads);
    gn_plan_free(plan);
    gn_free_net(net);
}

static const char *const everything =
    "input 32 3\nclasses 4\npads caffe\nweights xavier 0.2\nstage s # a stage\nconv c 8 3 2\n"
    "lrn norm 3\nmax p 3 2\nnorm pytorch\ninception i 4 4 8 2 4 4 3\navg a 2 1\n"
    "aux 0.3 2 6 5 0.5\nweights normal 0 0.01\nnorm none\nmean\ndense d 9\ndropout drop "
    "0.5\noutput out\n";

static void a_model_file_needs_no_net_file(void **state)
{
    (void)state;
    gn_net *net = build(everything, true);
    assert_non_null(net);
    assert_string_equal(gn_net_head(net, 0), "aux1");
    assert_int_equal(gn_save(net, "net.safetensors"), GN_OK);
    gn_net *again = gn_load("net.safetensors", .aux = true), *answer = gn_load("net.safetensors");
    assert_true(again != NULL);
    assert_int_equal(gn_net_hash(again), gn_net_hash(net));
    assert_true(answer != NULL);
    assert_null(gn_net_head(answer, 0));
    gn_free_net(net);
    gn_free_net(again);
    gn_free_net(answer);
}

static int index_of(const gn_net *net, const char *name)
{
    for (int i = 0; i < net->graph->n_layers; i++)
        if (strcmp(net->graph->layers[i].name, name) == 0)
            return i;
    fail_msg("no layer %s", name);
    return -1;
}

/* A sum reads what it names, the last of that name; a line after `from` reads that one. */
static void lines_may_go_back(void **state)
{
    (void)state;
    gn_net *net = build("input 8 3\nconv a 4 3\nlinear b 4 3\nsum s a\nstage t\nfrom s\n"
                        "linear a 6 3 2\nfrom s\nlinear c 6 1 2\nfrom input\nlinear d 6 1 2\n"
                        "sum u a c\nstage\nmean\noutput\n",
                        false);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    const struct gn_layer *layers = net->graph->layers;
    const struct gn_layer *s = &layers[index_of(net, "s")], *u = &layers[index_of(net, "t.u")];
    assert_int_equal(s->n_inputs, 2);
    assert_int_equal(s->inputs[0], index_of(net, "b")); /* linear: no ReLU */
    assert_string_equal(layers[s->inputs[1]].op->name, "relu");
    assert_int_equal(u->n_inputs, 3);
    assert_int_equal(u->inputs[0], index_of(net, "t.d"));
    assert_int_equal(u->inputs[1], index_of(net, "t.a"));
    assert_int_equal(u->inputs[2], index_of(net, "t.c"));
    assert_int_equal(layers[index_of(net, "t.d")].inputs[0], 0);
    assert_string_equal(layers[layers[index_of(net, "t.c")].inputs[0]].op->name, "relu");
    gn_free_net(net);
    net = gn_preset(GN_SOURCE_DIR "/examples/residual.net");
    assert_non_null(net);
    gn_free_net(net);
}

static void faults_name_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        { "", "some/test.net:0: the file ends without an output" },
        { "conv c 8 3\n", "test.net:1: the file ends without an output" },
        { "# nothing\n\ncnv c 8 3\n", "test.net:3: \"cnv\" is not an instruction (conv?)" },
        { "conv a 4 3\nfrom b\n", "test.net:2: from: no line before it has the name \"b\"" },
        { "conv a 4 3\nsum s c\n", "test.net:2: sum: no line before it has the name \"c\"" },
        { "conv a 4 3\nlinear b 5 3\nsum s a\n", "test.net:3: s: input 1 is 96x96x4, input 0 is" },
        { "conv a 4 3\nsum s\n", "1 values after \"sum\", it is: sum NAME OTHER..." },
        { "xyzzy\n", "test.net:1: \"xyzzy\" is not an instruction" },
        { "conv c 8\n", "test.net:1: 2 values after \"conv\", it is: conv NAME CHANNELS" },
        { "conv c 8 3 1 1\n", "5 values after \"conv\"" },
        { "conv c eight 3\n", "conv: the number of channels is \"eight\" (a whole number" },
        { "conv c 0 3\n", "is \"0\"" },
        { "conv c -1 3\n", "is \"-1\"" },
        { "conv c 8x 3\n", "is \"8x\"" },
        { "conv c 8 1x\n", "conv: the kernel is \"1x\" (HEIGHTxWIDTH, each from 1 to 64)" },
        { "conv c 8 0x3\n", "the kernel is \"0x3\"" },
        { "conv c 8 3x3x3\n", "the kernel is \"3x3x3\"" },
        { "conv c 8 3 2x-1\n", "the stride is \"2x-1\"" },
        { "max p 1x9\n", "test.net:1: p: pooling window 1x9 (1 to 8" },
        { "pads caffe\ninput 4 1\nmax p 1x5 2x1\n", "p: kernel 1x5 exceeds the padded input 4x4" },
        { "conv c 99999999999999999999 3\n", "is \"99999999999999999999\"" },
        { "conv c 8 3\nconv c 8 3\n", "test.net:2: c: two layers have this name" },
        { "conv c 8 3\ninput 32 1\n", "test.net:2: input: it must come before" },
        { "norm batch\n", "test.net:1: norm: \"batch\" is unknown" },
        { "pads none\n", "pads: \"none\" is unknown" },
        { "weights normal 0\n", "needs its deviation" },
        { "weights glorot x\n", "weights: the biases is \"x\"" },
        { "max p 9\n", "test.net:1: p: pooling window 9" },
        { "pads valid\ninput 4 1\nconv c 8 5\n", "c: kernel 5 exceeds the padded input 4x4" },
        { "pads caffe\ninput 4 1\nconv c 8 7\nmax p 5\n", "test.net:4: p: kernel 5 exceeds" },
        { "lrn l 4\n", "test.net:1: l: a window of 4 channels" },
        { "dropout d 1\n", "test.net:1: d: a rate of 1" },
        { "dropout d nan\n", "the rate is \"nan\"" },
        { "inception i 1 2 3 4 5\n", "6 values after \"inception\"" },
        { "mean\noutput\nmean\n", "test.net:3: mean: nothing may follow the output" },
        { "conv c 8 3\noutput\n", "test.net:2: dense: a dense layer takes" },
        { "aux 0 1 2 3 0.5\n", "aux: weight 0 and dropout rate 0.5" },
        { "conv 1 2 3 4 5 6 7 8 9 10\n", "more than 10 words" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_null(build(cases[i].text, true));
        check_error(GN_STATUS_BAD_ARGUMENT, cases[i].part);
    }
    char line[400];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    assert_null(build(line, false));
    check_error(GN_STATUS_BAD_ARGUMENT, "test.net:1: the line has 399 bytes");
    assert_null(gn_preset("missing.net"));
    check_error(GN_STATUS_BAD_MODEL, "missing.net: network: ");
    assert_int_equal(gn_file_write("zero.net", "test", "mean\0", 6, NULL), GN_OK);
    assert_null(gn_preset("zero.net"));
    check_error(GN_STATUS_BAD_ARGUMENT, "zero.net: network: holds a zero byte");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_what_it_says),
        cmocka_unit_test(the_notebooks_network_can_be_written),
        cmocka_unit_test(layers_may_have_no_pads),
        cmocka_unit_test(windows_need_not_be_square),
        cmocka_unit_test(a_network_of_rectangular_windows_learns),
        cmocka_unit_test(a_model_file_needs_no_net_file),
        cmocka_unit_test(lines_may_go_back),
        cmocka_unit_test(faults_name_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
