/* labels: quick
 *
 * Graphs from anywhere: texts that are no graph, are too deep or too long, or contradict their file are
 * refused with a sentence; names are such that a file can hold them. */
#include "formats/model.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

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
    gn_net *good = gn_load("m");
    assert_non_null(good);
    gn_free_net(good);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_from_anywhere_are_refused),
        cmocka_unit_test(deep_texts_are_refused),
        cmocka_unit_test(too_many_layers_are_refused),
        cmocka_unit_test(descriptions_that_contradict_the_graph_are_refused),
        cmocka_unit_test(memory_is_taken_after_the_tensors_are_found),
        cmocka_unit_test(tensors_must_be_those_of_the_graph),
        cmocka_unit_test(names_are_such_that_a_file_can_hold_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
