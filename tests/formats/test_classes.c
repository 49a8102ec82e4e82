/* labels: quick
 *
 * Fine-tuning on other classes: weights go with the names of the classes, in the answer and in heads,
 * through dense layers and convolutions; nothing is ever matched by number where both sides have names. */
#include "net/net.h"
#include "support/check.h"

enum { CLASSES = 4, WIDTH = 6 };

static const char *const own[CLASSES] = { "ant", "bee", "cat", "dog" };

/* Its answer is made by a convolution and a normalisation, or by a dense layer. */
static gn_net *network(int classes, bool by_conv)
{
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv_relu(g, gn_input(g, 8, 8, 1), WIDTH, .kernel = 3, .name = "first");
    gn_head(g, gn_dense(g, gn_global_avg_pool(g, x), classes, "side"), 0.3, "side");
    if (by_conv) {
        x = gn_conv(g, x, classes, .kernel = 3, .name = "last", .no_bias = true);
        x = gn_global_avg_pool(g, gn_batch_norm(g, x, .name = "norm"));
    } else {
        x = gn_dense(g, gn_global_avg_pool(g, x), classes, "last");
    }
    gn_net *net = gn_compile(g, x, 3);
    assert_non_null(net);
    return net;
}

/* Every value of the network is a number of its own. */
static void save(bool by_conv, const char *const *labels)
{
    gn_net *net = network(CLASSES, by_conv);
    struct gn_tensor_info t;
    float value = 1;
    for (int i = 0; gn_net_tensor(net, i, &t) == GN_OK; i++)
        for (size_t k = 0; k < t.count; k++)
            t.values[k] = value++;
    gn_clear_error();
    assert_int_equal(gn_net_set_labels(net, labels, labels == NULL ? 0 : CLASSES), GN_OK);
    assert_int_equal(gn_save(net, "model.safetensors"), GN_OK);
    gn_free_net(net);
}

static gn_net *load(const char *const *labels, int classes, int *drawn, char *note)
{
    gn_net *net =
        gn_load("model.safetensors", .new_head = true, .labels = labels, .aux = true,
                .classes = classes, .drawn = drawn, .note = note, .note_size = 512, .seed = 9);
    if (net == NULL)
        fail_msg("%s", gn_error_message());
    return net;
}

/* Each value of `net` is that of the file's class from[i] (all other dimensions alike), or, where that
 * is -1, what a fresh network of the seed has. */
static void check_values(gn_net *net, const int *from, int classes)
{
    gn_net *file = gn_load("model.safetensors", .aux = true);
    gn_net *fresh = gn_load("model.safetensors", .new_head = true, .aux = true, .seed = 9,
                            .classes = classes == CLASSES ? 0 : classes);
    struct gn_tensor_info a, b, c;
    assert_int_equal(gn_net_init(fresh, 9), GN_OK);
    for (int i = 0; gn_net_tensor(net, i, &a) == GN_OK; i++) {
        assert_int_equal(gn_net_tensor(file, i, &b), GN_OK);
        assert_int_equal(gn_net_tensor(fresh, i, &c), GN_OK);
        const bool is_head = strstr(a.name, "first") == NULL;
        const size_t width = is_head ? (size_t)classes : a.count;
        const size_t held = is_head ? CLASSES : a.count;
        for (size_t k = 0; k < a.count; k++) {
            const int source = is_head ? from[k % width] : (int)k;
            const float wanted =
                source < 0 ? c.values[k] : b.values[k / width * held + (size_t)source];
            if (a.values[k] > wanted || a.values[k] < wanted)
                fail_msg("%s[%zu] is %g, not %g", a.name, k, (double)a.values[k], (double)wanted);
        }
    }
    gn_clear_error();
    gn_free_net(file);
    gn_free_net(fresh);
}

static void known_classes_keep_their_weights(void **state)
{
    static const struct {
        const char *labels[6];
        int classes, from[6], drawn[2]; /* of dense layers; of a convolution with a normalisation */
        const char *note;
    } cases[] = {
        { { "ant", "bee", "cat", "dog" }, 4, { 0, 1, 2, 3 }, { 0, 0 }, "" },
        { { "dog", "ant", "cat", "bee" },
          4,
          { 3, 0, 2, 1 },
          { 0, 0 },
          "has the same classes in another order: its last layer is kept by name, dog, ant" },
        { { "bee", "cat", "dog", "eel" },
          4,
          { 1, 2, 3, -1 },
          { 4, 7 },
          "keeps by name the weights of bee, cat, dog; begins anew with eel; leaves out ant" },
        { { "cat", "eel", "ant", "fox", "bee", "dog" },
          6,
          { 2, -1, 0, -1, 1, 3 },
          { 4, 7 },
          "weights of cat, ant, bee, dog; begins anew with eel, fox" },
        { { "dog" }, 1, { 3 }, { 0, 0 }, "weights of dog; leaves out ant, bee, cat" },
        { { "eel", "fox" },
          2,
          { -1, -1 },
          { 4, 7 },
          "knows none of the classes eel, fox (its own are ant, bee, cat, dog)" },
    };
    (void)state;
    for (int by_conv = 0; by_conv < 2; by_conv++) {
        save(by_conv == 1, own);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            char note[512] = "?";
            int drawn = -1;
            struct gn_net_info info;
            gn_net *net = load(cases[i].labels, cases[i].classes, &drawn, note);
            check_values(net, cases[i].from, cases[i].classes);
            if (cases[i].note[0] == '\0')
                assert_string_equal(note, "");
            else if (strstr(note, cases[i].note) == NULL)
                fail_msg("\"%s\" lacks \"%s\"", note, cases[i].note);
            assert_int_equal(drawn, cases[i].drawn[by_conv]);
            assert_int_equal(gn_net_describe(net, &info), GN_OK);
            for (int k = 0; k < cases[i].classes; k++)
                assert_string_equal(info.labels[k], cases[i].labels[k]);
            gn_free_net(net);
        }
    }
}

/* Without names on one side there is nothing but the number. */
static void classes_without_names_go_by_number(void **state)
{
    char note[512];
    int drawn;
    static const int same[] = { 0, 1, 2, 3 }, none[] = { -1, -1 };
    (void)state;
    save(false, NULL);
    gn_net *net = load(own, CLASSES, &drawn, note);
    check_values(net, same, CLASSES);
    assert_non_null(strstr(note, "does not name its classes"));
    gn_free_net(net);
    save(false, own);
    net = load(NULL, CLASSES, &drawn, note);
    check_values(net, same, CLASSES);
    assert_int_equal(drawn, 0);
    gn_free_net(net);
    net = load(NULL, 2, &drawn, note);
    check_values(net, none, 2);
    assert_non_null(strstr(note, "has another number of classes: its last layer (4 tensors)"));
    gn_free_net(net);
    assert_null(gn_load("model.safetensors", .labels = own, .new_head = true));
    check_error(GN_STATUS_BAD_ARGUMENT, "without their number");
}

/* Long lists of long names are cut, and between characters. */
static void sentences_about_many_classes_are_bounded(void **state)
{
    enum { MANY = 900 };
    static char texts[MANY][128];
    static const char *labels[MANY];
    char note[512];
    int drawn;
    (void)state;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(texts[i], sizeof texts[i],
                       "%d \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                       "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                       "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
                       i);
        labels[i] = texts[i];
    }
    labels[MANY - 1] = "bee";
    save(false, own);
    gn_net *net = load(labels, MANY, &drawn, note);
    char shown[1024];
    assert_non_null(strstr(note, " more)"));
    assert_string_equal(gn_printable(shown, sizeof shown, note), note);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_classes_keep_their_weights),
        cmocka_unit_test(classes_without_names_go_by_number),
        cmocka_unit_test(sentences_about_many_classes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
