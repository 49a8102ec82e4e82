/* labels: quick
 *
 * The graph in the file: any network of the builders comes back, at other sizes too; texts that come
 * from anywhere are refused with a sentence. */
#include "base/memory.h"
#include "base/random.h"
#include "formats/model.h"
#include "graph/text.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

enum { NETWORKS = 30, CLASSES = 4, MOST_OPEN = 5 };

/* ---- Random networks ---- */

struct maker {
    gn_graph *g;
    uint64_t seed, draws;
    gn_node open[MOST_OPEN]; /* nodes that nothing has read yet */
    int n_open;
};

static int draw(struct maker *m, int low, int high)
{
    return low + (int)gn_random_below(m->seed, GN_RANDOM_TEST, 77, m->draws++,
                                      (uint32_t)(high - low + 1));
}

static gn_node convolution(struct maker *m, gn_node x)
{
    const int kernel = draw(m, 1, 5), stride = draw(m, 1, 4) == 1 ? 2 : 1, pad = kernel / 2;
    struct gn_conv_options o = { .channels = draw(m, 1, 9), .kernel = kernel, .stride = stride };
    if (draw(m, 0, 1) == 1) {
        o.explicit_pads = true;
        o.pad_top = o.pad_left = pad;
        o.pad_bottom = o.pad_right = draw(m, 0, pad);
    }
    gn_initialize(m->g, (gn_initial)draw(m, 0, 2), 0.125 * draw(m, 0, 2), 0.1 * draw(m, -1, 1));
    switch (draw(m, 0, 3)) {
    case 0:
        return gn_conv_with(m->g, x, &o);
    case 1:
        o.no_bias = true;
        x = gn_batch_norm(m->g, gn_conv_with(m->g, x, &o), .unbiased = draw(m, 0, 1) == 1,
                          .eps = 0.1 * draw(m, 0, 3), .momentum = 0.3 * draw(m, 0, 2));
        return gn_relu(m->g, x);
    default:
        return gn_conv_relu_with(m->g, x, &o);
    }
}

static gn_node pool(struct maker *m, gn_node x)
{
    struct gn_pool_options o = { .kernel = draw(m, 2, 3), .stride = draw(m, 1, 2) };
    if (draw(m, 0, 1) == 1) {
        o.explicit_pads = true;
        o.pad_top = o.pad_left = draw(m, 0, 1);
        o.ceil = draw(m, 0, 1) == 1;
    }
    if (draw(m, 0, 1) == 1)
        return gn_max_pool_with(m->g, x, &o);
    o.count_padding = !o.ceil && draw(m, 0, 1) == 1;
    return gn_avg_pool_with(m->g, x, &o);
}

/* Some layer after x, under a name of its own now and then. */
static gn_node some_layer(struct maker *m, gn_node x, int step)
{
    char name[32];
    (void)snprintf(name, sizeof name, "block %d \xc3\xbc\"", step);
    switch (draw(m, 0, 9)) {
    case 0:
        return gn_lrn(m->g, x, draw(m, 0, 2) * 2 + 1, .alpha = 0.01 * draw(m, 0, 3));
    case 1:
        return gn_dropout(m->g, x, 0.1 * draw(m, 0, 5), name);
    case 2:
        return gn_batch_norm(m->g, x, .name = draw(m, 0, 1) == 1 ? name : NULL);
    case 3:
        return gn_inception(m->g, x, name, draw(m, 1, 5), (gn_pair){ 2, draw(m, 1, 5) },
                            (gn_pair){ 1, 3 }, 2);
    case 4:
    case 5:
        return pool(m, x);
    default:
        return convolution(m, x);
    }
}

/* Takes one of the open nodes away. */
static gn_node take(struct maker *m, int i)
{
    const gn_node x = m->open[i];
    m->open[i] = m->open[--m->n_open];
    return x;
}

/* A number for the way from the input to layer i, as far as it changes the size: maps of equal numbers
 * have equal sizes, whatever the size of the input. */
static uint64_t size_class(const struct gn_graph *g, int i)
{
    static const char *const names[] = { "kernel",     "stride",   "explicit_pads", "pad_top",
                                         "pad_bottom", "pad_left", "pad_right",     "ceil" };
    const struct gn_layer *layer = &g->layers[i];
    if (layer->n_inputs == 0)
        return 1;
    const uint64_t before = size_class(g, layer->inputs[0]);
    uint64_t after = before;
    bool changes = false;
    for (size_t n = 0; n < sizeof names / sizeof names[0] && layer->op->has_window; n++)
        for (int a = 0; a < layer->op->n_attributes; a++) {
            if (strcmp(layer->op->attributes[a].name, names[n]) != 0)
                continue;
            const double value = gn_attribute_value(&layer->op->attributes[a], layer->attributes);
            after = after * 131 + (uint64_t)value;
            changes |= (n == 1 && value > 1) || (n == 2 && value > 0);
        }
    return changes ? after : before;
}

/* Joins the first two open nodes of equal size, so that concatenations nest. */
static void join(struct maker *m)
{
    for (int i = 0; i < m->n_open; i++)
        for (int k = i + 1; k < m->n_open; k++) {
            if (size_class(m->g, m->open[i].id) != size_class(m->g, m->open[k].id))
                continue;
            const gn_node both[2] = { take(m, k), take(m, i) };
            m->open[m->n_open++] = gn_concat(m->g, both, 2, NULL);
            return;
        }
}

static void head(struct maker *m, gn_node x, int i)
{
    char name[16];
    (void)snprintf(name, sizeof name, "side%d", i);
    gn_stage(m->g, name);
    x = gn_conv_relu(m->g, gn_avg_pool(m->g, x, 0, .adaptive = 2), 3, .kernel = 1);
    x = gn_dropout(m->g, gn_relu(m->g, gn_dense(m->g, x, 6, NULL)), 0.5, NULL);
    gn_head(m->g, gn_dense(m->g, x, CLASSES, "logits"), 0.1 * draw(m, 1, 5), name);
}

/* The same layers for every size of the input. */
static gn_net *random_net(uint64_t seed, int h, int w)
{
    struct maker m = { .g = gn_graph_create(), .seed = seed };
    m.open[m.n_open++] = gn_input(m.g, h, w, draw(&m, 1, 4));
    const int steps = draw(&m, 4, 14), heads = draw(&m, 0, 2);
    gn_node inner = m.open[0];
    for (int i = 0; i < steps; i++) {
        if (draw(&m, 0, 3) == 0)
            gn_stage(m.g, draw(&m, 0, 3) == 0 ? NULL : i % 2 == 0 ? "even" : "odd");
        const gn_node x = take(&m, draw(&m, 0, m.n_open - 1));
        m.open[m.n_open++] = inner = some_layer(&m, x, i);
        if (m.n_open < MOST_OPEN && draw(&m, 0, 1) == 1)
            m.open[m.n_open++] = some_layer(&m, x, i + 100);
        if (draw(&m, 0, 1) == 1)
            join(&m);
    }
    gn_stage(m.g, NULL);
    for (int i = 0; i < m.n_open; i++)
        m.open[i] = gn_global_avg_pool(m.g, m.open[i]);
    const gn_node x = gn_concat(m.g, m.open, m.n_open, "all");
    const gn_node answer = gn_dense(m.g, x, CLASSES, "answer");
    for (int i = 0; i < heads; i++)
        head(&m, inner, i);
    gn_stage(m.g, NULL);
    gn_net *net = gn_compile(m.g, answer, seed);
    if (net == NULL)
        fail_msg("network %d: %s", (int)seed, gn_error_message());
    return net;
}

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
    float ours[CLASSES], theirs[CLASSES];
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

static void any_network_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < NETWORKS; seed++) {
        gn_net *net = random_net(seed, 17, 17 + (int)seed % 4);
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
    for (uint64_t seed = 0; seed < NETWORKS; seed++) {
        gn_net *net = random_net(seed, 20, 20);
        assert_int_equal(gn_save(net, "m"), GN_OK);
        gn_free_net(net);
        const int *size = sizes[seed % 4];
        net = random_net(seed, size[0], size[1]);
        if (gn_load_weights(net, "m") != GN_OK)
            fail_msg("network %d: %s", (int)seed, gn_error_message());
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
    for (uint64_t seed = 0; seed < NETWORKS; seed++) {
        gn_net *net = random_net(seed, 20, 20);
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
        for (int i = 0; i < net->graph->n_tensors; i++) {
            const struct gn_tensor *t = &net->graph->tensors[i], *u = &loaded->graph->tensors[i];
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
    for (uint64_t seed = 0; seed < NETWORKS; seed++) {
        gn_net *net = random_net(seed, 20, 20), *other = random_net(seed, 33, 18),
               *next = random_net(seed + 1, 20, 20);
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
        net = random_net(seed, 20, 20);
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

/* ---- Texts from anywhere ---- */

#define LAYERS(rest)                                                                               \
    "{\"version\":1,\"stages\":[],\"layers\":[" rest "],\"output\":\"d\",\"heads\":[]}"
#define INPUT "{\"name\":\"i\",\"op\":\"input\",\"height\":8,\"width\":8,\"channels\":3}"
#define POOL  "{\"name\":\"p\",\"op\":\"global_avg_pool\",\"inputs\":[\"i\"]}"
#define DENSE "{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":2}"
#define GOOD  LAYERS(INPUT "," POOL "," DENSE)

static const struct {
    const char *text, *sentence;
    gn_status status;
} bad_texts[] = {
    { "", "the text is not a JSON object", GN_STATUS_BAD_MODEL },
    { "[]", "the text is not a JSON object", GN_STATUS_BAD_MODEL },
    { "{", "the text is not a JSON object", GN_STATUS_BAD_MODEL },
    { "{}", "\"version\" is not a whole number", GN_STATUS_BAD_MODEL },
    { "{\"version\":2}", "version 2, this program reads version 1", GN_STATUS_UNSUPPORTED },
    { "{\"version\":-1}", "version -1, this", GN_STATUS_UNSUPPORTED },
    { "{\"version\":99999999999999999999}", "not a JSON object", GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"version\":1}", "not a JSON object", GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"colour\":3}", "the key \"colour\" is not known", GN_STATUS_UNSUPPORTED },
    { "{\"version\":1}", "\"stages\" is not a list", GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"stages\":[]}", "\"layers\" is not a list", GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"stages\":[7],\"layers\":[]}", "a stage is not a text",
      GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"stages\":[\"a\\nb\"]}", "a stage is not a name", GN_STATUS_BAD_MODEL },
    { LAYERS(""), "the output, \"d\", is not a layer", GN_STATUS_BAD_MODEL },
    { LAYERS("5"), "layer 0 is not an object", GN_STATUS_BAD_MODEL },
    { LAYERS("{}"), "the name of layer 0 is not a text", GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"\"}"), "the name of layer 0 is not a name", GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"a\\u001bb\"}"), "the name of layer 0 is not a name",
      GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"a\\u0000b\"}"), "not a JSON object", GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"}"),
      "not a name of 1 to 63 bytes", GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"x\"}"), "x: \"op\" is not a text", GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"x\",\"op\":\"attention\"}"), "x: the operator \"attention\" is not known",
      GN_STATUS_UNSUPPORTED },
    { LAYERS("{\"name\":\"x\",\"op\":\"winograd\"}"), "x: the operator \"winograd\" is not known",
      GN_STATUS_UNSUPPORTED },
    { LAYERS("{\"name\":\"i\",\"op\":\"input\",\"depth\":3}"), "i: the attribute \"depth\" is not",
      GN_STATUS_UNSUPPORTED },
    { LAYERS("{\"name\":\"i\",\"op\":\"input\",\"height\":8,\"width\":8}"), "i: 8x8x0",
      GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"i\",\"op\":\"input\",\"height\":1e3}"), "i: \"height\" is not a whole",
      GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"i\",\"op\":\"input\",\"height\":\"8\"}"), "i: \"height\" is not a whole",
      GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"i\",\"op\":\"input\",\"height\":4294967304,\"width\":8,\"channels\":3}"),
      "i: \"height\" is not a whole number of 32 bits", GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"i\",\"op\":\"input\",\"height\":9000,\"width\":8,\"channels\":3}"),
      "i: 9000x8x3", GN_STATUS_BAD_MODEL },
    { LAYERS("{\"name\":\"i\",\"op\":\"input\",\"height\":-8,\"width\":8,\"channels\":3}"),
      "i: -8x8x3", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," INPUT), "i: two layers have this name", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"j\",\"op\":\"input\",\"height\":8,\"width\":8,\"channels\":3},"
                   "{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"i\"],\"units\":2}"),
      "exactly one input", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," DENSE), "d: its input \"p\" is not a layer before it", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"d\"],\"units\":2}"),
      "d: its input \"d\" is not a layer before it", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":\"i\"}"),
      "d: \"inputs\" is not a list", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"i\",\"i\"],\"units\":2}"),
      "d: 2 inputs", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"d\",\"op\":\"dense\",\"units\":2}"), "d: 0 inputs",
      GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"c\",\"op\":\"concat\",\"inputs\":[\"i\",\"i\",\"i\",\"i\",\"i\","
                   "\"i\",\"i\",\"i\",\"i\"]}"),
      "c: \"inputs\" is not a list of at most 8", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," POOL ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":0}"),
      "d: 0 units", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," POOL
                   ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":70000}"),
      "d: 70000 units", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," POOL ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":2,"
                   "\"stage\":0}"),
      "d: \"stage\" is not an index into the 0 stages", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," POOL ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":2,"
                   "\"hidden\":1}"),
      "d: \"hidden\" is not true or false", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," POOL ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":2,"
                   "\"tensors\":\"\\u0007\"}"),
      "d: \"tensors\" is not a name", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," POOL ",{\"name\":\"c\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":2},"
                   "{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":2,"
                   "\"tensors\":\"c\"}"),
      "d: two layers have a tensor \"c.weight\"", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT "," POOL ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":2,"
                   "\"initial\":{\"kernels\":\"magic\"}}"),
      "d: the initial rule \"magic\" is not known", GN_STATUS_UNSUPPORTED },
    { LAYERS(INPUT "," POOL ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":2,"
                   "\"initial\":{\"kernels\":\"normal\",\"deviation\":-1,\"biases\":0}}"),
      "d: \"initial\" has a deviation", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"n\",\"op\":\"batch_norm\",\"inputs\":[\"i\"],\"eps\":0.1}"),
      "n: \"eps\" is not a number in hexadecimal form", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"n\",\"op\":\"batch_norm\",\"inputs\":[\"i\"],\"eps\":\"nan\"}"),
      "n: \"eps\" is not a number in hexadecimal form", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT
             ",{\"name\":\"n\",\"op\":\"batch_norm\",\"inputs\":[\"i\"],\"eps\":\"0x1,8p+0\"}"),
      "n: \"eps\" is not a number in hexadecimal form", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"n\",\"op\":\"batch_norm\",\"inputs\":[\"i\"],\"unbiased\":1}"),
      "n: \"unbiased\" is not true or false", GN_STATUS_BAD_MODEL },
    { LAYERS(INPUT ",{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"i\"],\"channels\":1,\"kernel\":"
                   "65}"),
      "c: kernel 65", GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"stages\":[],\"layers\":[" INPUT "," POOL "," DENSE "],\"output\":\"p\","
      "\"heads\":{}}",
      "\"heads\" is not a list", GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"stages\":[],\"layers\":[" INPUT "," POOL "," DENSE "],\"output\":\"p\","
      "\"heads\":[{\"name\":\"h\",\"logits\":\"z\",\"weight\":1}]}",
      "the logits of a head, \"z\", is not a layer", GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"stages\":[],\"layers\":[" INPUT "," POOL "," DENSE "],\"output\":\"p\","
      "\"heads\":[{\"name\":\"h\",\"logits\":\"d\",\"weight\":0}]}",
      "h: a loss weight of 0", GN_STATUS_BAD_MODEL },
    { "{\"version\":1,\"stages\":[],\"layers\":[" INPUT "," POOL "," DENSE "],\"output\":\"i\","
      "\"heads\":[]}",
      "the answer must be a vector", GN_STATUS_BAD_MODEL },
};
enum { BAD_TEXTS = sizeof bad_texts / sizeof bad_texts[0] };

/* A file of one 3x2 dense layer, with any text as its graph. */
static void write_file(const char *graph, const char *input, int classes)
{
    static const float values[6] = { 1, 2, 3, 4, 5, 6 };
    const struct gn_st_tensor tensors[2] = {
        { .name = "d.weight",
          .dtype = GN_F32,
          .rank = 2,
          .shape = { 3, 2 },
          .count = 6,
          .data = values },
        { .name = "d.bias", .dtype = GN_F32, .rank = 1, .shape = { 2 }, .count = 2, .data = values }
    };
    char model[512];
    (void)snprintf(
        model, sizeof model,
        "{\"preset\":\"custom\",\"input\":%s,\"classes\":%d,\"output\":\"logits\","
        "\"preprocess\":[{\"step\":\"decode\",\"channels\":\"rgb\"},{\"step\":\"div\","
        "\"by\":255},{\"step\":\"resize\",\"short\":8000,\"rule\":\"half-pixel\"},"
        "{\"step\":\"crop\",\"mode\":\"center\",\"h\":8,\"w\":8,\"rounding\":\"round\"}]}",
        input, classes);
    const struct gn_st_text texts[2] = { { "gn.model", model }, { "gn.graph", graph } };
    assert_int_equal(gn_st_write("m", tensors, 2, texts, 2, NULL), GN_OK);
}

static void texts_from_anywhere_are_refused(void **state)
{
    (void)state;
    write_file(GOOD, "[8,8,3]", 2);
    gn_free_net(must_load(gn_load("m")));
    for (int i = 0; i < BAD_TEXTS; i++) {
        write_file(bad_texts[i].text, "[8,8,3]", 2);
        if (gn_load("m") != NULL)
            fail_msg("text %d was read: %s", i, bad_texts[i].text);
        assert_non_null(strstr(gn_error_message(), "m: safetensors: the network of the file: "));
        check_error(bad_texts[i].status, bad_texts[i].sentence);
    }
}

static void deep_texts_are_refused(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    char *text = malloc(2 * DEPTH + 64);
    assert_non_null(text);
    int n = sprintf(text, "{\"version\":1,\"stages\":");
    memset(text + n, '[', DEPTH);
    memset(text + n + DEPTH, ']', DEPTH);
    strcpy(text + n + 2 * DEPTH, "}");
    write_file(text, "[8,8,3]", 2);
    assert_null(gn_load("m"));
    check_error(GN_STATUS_BAD_MODEL, "the text is not a JSON object");
    free(text);
}

static void too_many_layers_are_refused(void **state)
{
    (void)state;
    enum { LAYERS_IN_TEXT = 1100, LONGEST = 96 };
    char *text = malloc(LAYERS_IN_TEXT * LONGEST);
    assert_non_null(text);
    int n = sprintf(text, "{\"version\":1,\"stages\":[],\"layers\":[" INPUT);
    for (int i = 0; i < LAYERS_IN_TEXT; i++)
        n += sprintf(text + n, ",{\"name\":\"r%d\",\"op\":\"relu\",\"inputs\":[\"i\"]}", i);
    strcpy(text + n, "]}");
    write_file(text, "[8,8,3]", 2);
    assert_null(gn_load("m"));
    check_error(GN_STATUS_BAD_MODEL, "\"layers\" is not a list of at most 1024");
    free(text);
}

static void descriptions_that_contradict_the_graph_are_refused(void **state)
{
    (void)state;
    write_file(GOOD, "[8,8,1]", 2);
    assert_null(gn_load("m"));
    gn_clear_error();
    write_file(GOOD, "[8,8,3]", 3);
    assert_null(gn_load("m"));
    check_error(GN_STATUS_BAD_MODEL, "input of 8x8x3 and 3 classes, the graph has 8x8x3 and 2");
}

/* Two gigabytes of weights in a file of a kilobyte. */
static void memory_is_taken_after_the_tensors_are_found(void **state)
{
    (void)state;
    write_file(
        "{\"version\":1,\"stages\":[],\"layers\":[" INPUT ","
        "{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"i\"],\"channels\":65536,\"kernel\":1},"
        "{\"name\":\"e\",\"op\":\"conv\",\"inputs\":[\"c\"],\"channels\":65536,\"kernel\":64},"
        "{\"name\":\"p\",\"op\":\"global_avg_pool\",\"inputs\":[\"e\"]}," DENSE
        "],\"output\":\"d\",\"heads\":[]}",
        "[8,8,3]", 2);
    assert_null(gn_load("m"));
    check_error(GN_STATUS_BAD_MODEL, "tensor \"c.weight\" of shape [1,1,3,65536] is missing");
    assert_null(gn_load("m", .new_head = true, .classes = 60000, .size = 8000));
    check_error(GN_STATUS_BAD_MODEL, "tensor \"c.weight\" of shape [1,1,3,65536] is missing");
}

static void tensors_must_be_those_of_the_graph(void **state)
{
    (void)state;
    write_file(
        LAYERS(INPUT "," POOL ",{\"name\":\"d\",\"op\":\"dense\",\"inputs\":[\"p\"],\"units\":3}"),
        "[8,8,3]", 3);
    assert_null(gn_load("m"));
    check_error(GN_STATUS_BAD_MODEL,
                "tensor \"d.weight\" has shape [3,2], this network needs [3,3]");
    write_file(
        "{\"version\":1,\"stages\":[],\"layers\":[" INPUT "," POOL
        ",{\"name\":\"e\",\"op\":\"relu\",\"inputs\":[\"p\"]}],\"output\":\"e\",\"heads\":[]}",
        "[8,8,3]", 3);
    assert_null(gn_load("m"));
    check_error(GN_STATUS_BAD_MODEL, "is none of this network's (2 such in the file)");
}

/* ---- Names ---- */

static void names_are_such_that_a_file_can_hold_them(void **state)
{
    (void)state;
    static const char *const bad[] = { "a\nb", "\x1b[1m", "\xff", "a\x7f", "" };
    for (int i = 0; i < 5; i++) {
        gn_graph *g = gn_graph_create();
        const gn_node x = gn_global_avg_pool(g, gn_input(g, 8, 8, 3));
        assert_null(gn_compile(g, gn_dense(g, x, 2, bad[i]), 1));
        check_error(GN_STATUS_BAD_ARGUMENT, "control characters");
        g = gn_graph_create();
        gn_stage(g, bad[i]);
        gn_stage(g, NULL);
        assert_null(gn_compile(g, gn_global_avg_pool(g, gn_input(g, 8, 8, 3)), 1));
        check_error(GN_STATUS_BAD_ARGUMENT, "control characters");
    }
    gn_graph *g = gn_graph_create();
    const gn_node x = gn_global_avg_pool(g, gn_input(g, 8, 8, 3));
    gn_head(g, gn_dense(g, x, 2, "side"), 0.5, "a\tb");
    assert_null(gn_compile(g, gn_dense(g, x, 2, "d"), 1));
    check_error(GN_STATUS_BAD_ARGUMENT, "control characters");
    /* "train/" begins the names of a checkpoint's other tensors. */
    g = gn_graph_create();
    const gn_node y = gn_global_avg_pool(g, gn_input(g, 8, 8, 3));
    assert_null(gn_compile(g, gn_dense(g, y, 2, "train/momentum/d"), 1));
    check_error(GN_STATUS_BAD_ARGUMENT, "train/");
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
        cmocka_unit_test(any_network_comes_back),
        cmocka_unit_test(any_network_takes_other_sizes),
        cmocka_unit_test(any_network_takes_other_classes),
        cmocka_unit_test(logits_may_come_from_a_convolution),
        cmocka_unit_test(joined_logits_keep_their_number),
        cmocka_unit_test(other_channels_do_not_fit_the_first_layer),
        cmocka_unit_test(fingerprints_tell_what_weights_mean),
        cmocka_unit_test(texts_from_anywhere_are_refused),
        cmocka_unit_test(deep_texts_are_refused),
        cmocka_unit_test(too_many_layers_are_refused),
        cmocka_unit_test(descriptions_that_contradict_the_graph_are_refused),
        cmocka_unit_test(memory_is_taken_after_the_tensors_are_found),
        cmocka_unit_test(tensors_must_be_those_of_the_graph),
        cmocka_unit_test(names_are_such_that_a_file_can_hold_them),
        cmocka_unit_test(every_failing_allocation_of_a_graph_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
