/* labels: quick
 *
 * Model files: what they say, what loads, what is refused with which sentence. A small network of
 * one block stands for most; the preset's own files are made where its name matters. */
#include "base/memory.h"
#include "formats/model.h"
#include "formats/small_net.h"
#include "graph/text.h"
#include "support/check.h"
#include "support/files.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* ---- Nets and files ---- */

/* The tensors of a net as the writer wants them. */
struct table {
    struct gn_st_tensor *tensors;
    char *names;
    int n;
};

static struct table make_table(const gn_net *net, const char *prefix)
{
    const int n = net->graph->n_tensors;
    struct table table = { calloc((size_t)n + 1, sizeof(struct gn_st_tensor)),
                           calloc((size_t)n, GN_ST_NAME_BYTES), n };
    assert_non_null(table.tensors);
    assert_non_null(table.names);
    gn_model_tensors(net, net->params, prefix, table.names, table.tensors);
    return table;
}

static void free_table(struct table *table)
{
    free(table->tensors);
    free(table->names);
}

/* Writes the table with the net's own description. */
static void write_table(const gn_net *net, const struct table *table, const char *path)
{
    char *model = gn_model_metadata(net);
    char *graph = gn_graph_text(net->graph, (gn_node){ net->output });
    const struct gn_st_text texts[] = { { "gn.model", model }, { "gn.graph", graph } };
    assert_int_equal(gn_st_write(path, table->tensors, table->n, texts, 2, NULL), GN_OK);
    gn_free(model);
    gn_free(graph);
}

/* ---- What a file says ---- */

static void describes_the_preset(void **state)
{
    (void)state;
    static const char *const expected[] = {
        [GN_RESIZE_TF1_LEGACY] =
            "[{\"step\":\"decode\",\"channels\":\"gray\"},{\"step\":\"div\",\"by\":255},"
            "{\"step\":\"resize\",\"h\":96,\"w\":96,\"rule\":\"tf1-legacy\",\"antialias\":false}]",
        [GN_RESIZE_HALF_PIXEL] =
            "[{\"step\":\"decode\",\"channels\":\"gray\"},{\"step\":\"div\",\"by\":255},"
            "{\"step\":\"resize\",\"h\":96,\"w\":96,\"rule\":\"half-pixel\",\"antialias\":false}]",
        [GN_RESIZE_PIL_BILINEAR] =
            "[{\"step\":\"decode\",\"channels\":\"gray\"},{\"step\":\"resize\",\"h\":96,\"w\":96,"
            "\"rule\":\"pil-bilinear\",\"antialias\":true},{\"step\":\"div\",\"by\":255}]",
    };
    for (int rule = GN_RESIZE_TF1_LEGACY; rule <= GN_RESIZE_PIL_BILINEAR; rule++) {
        gn_net *net = gn_googlenet(.resize = (gn_resize)rule);
        assert_non_null(net);
        static const char start[] =
            "{\"preset\":\"googlenet\",\"padding\":\"same\",\"input\":[96,96,1],"
            "\"classes\":10,\"labels\":null,\"output\":\"logits\",\"heads\":[\"main\"],"
            "\"preprocess\":";
        char *text = gn_model_metadata(net);
        assert_non_null(text);
        assert_int_equal(strncmp(text, start, strlen(start)), 0);
        assert_int_equal(strncmp(text + strlen(start), expected[rule], strlen(expected[rule])), 0);
        gn_free(text);
        gn_free_net(net);
    }
}

static void a_net_comes_back_whole(void **state)
{
    (void)state;
    static const char *const labels[] = { "zero",        "one", "two",   "three", "four \"4\"",
                                          "f\xc3\xbcnf", "six", "seven", "eight", "nine" };
    gn_net *net = gn_googlenet(.size = 40, .seed = 3, .resize = GN_RESIZE_HALF_PIXEL);
    assert_int_equal(gn_net_set_labels(net, labels, 10), GN_OK);
    assert_int_equal(gn_save(net, "m"), GN_OK);
    gn_net *loaded = gn_load("m");
    assert_non_null(loaded);
    assert_string_equal(loaded->preset, "googlenet");
    assert_int_equal(loaded->input.h, 40);
    assert_int_equal(loaded->resize, GN_RESIZE_HALF_PIXEL);
    assert_int_equal(gn_net_hash(loaded), gn_net_hash(net));
    for (int i = 0; i < 10; i++)
        assert_string_equal(loaded->labels[i], labels[i]);
    /* Saved again it has the same bytes. */
    size_t size;
    uint8_t *bytes = test_read_file("m", &size);
    assert_int_equal(gn_save(loaded, "again"), GN_OK);
    assert_true(test_file_is("again", bytes, size));
    free(bytes);
    gn_free_net(loaded);
    /* The caller may have another size and rule. */
    loaded = gn_load("m", .size = 64, .resize = GN_RESIZE_TF1_LEGACY);
    assert_non_null(loaded);
    assert_int_equal(loaded->input.h, 64);
    assert_int_equal(loaded->resize, GN_RESIZE_TF1_LEGACY);
    assert_int_equal(gn_net_hash(loaded), gn_net_hash(net));
    gn_free_net(loaded);
    gn_free_net(net);
}

static void the_time_is_written_only_on_request(void **state)
{
    (void)state;
    gn_net *net = block_net(1);
    assert_int_equal(gn_save(net, "plain"), GN_OK);
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1700000000", 1), 0);
    assert_int_equal(gn_save(net, "dated"), GN_OK);
    assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
    struct gn_st_file *plain = gn_st_open("plain"), *dated = gn_st_open("dated");
    assert_null(gn_st_metadata(plain, "gn.created"));
    assert_string_equal(gn_st_metadata(dated, "gn.created"), "2023-11-14T22:13:20Z");
    gn_st_close(plain);
    gn_st_close(dated);
    gn_free_net(net);
}

static void extra_texts_are_kept(void **state)
{
    (void)state;
    const struct gn_st_text extra = { "gn.metrics", "{\"n\":5}" };
    gn_net *net = block_net(1);
    assert_int_equal(gn_model_write(net, "m", &extra, 1), GN_OK);
    struct gn_st_file *file = gn_st_open("m");
    assert_string_equal(gn_st_metadata(file, "gn.metrics"), "{\"n\":5}");
    gn_st_close(file);
    assert_int_equal(gn_load_weights(net, "m"), GN_OK);
    gn_free_net(net);
}

static void a_model_in_memory_is_that_of_its_file(void **state)
{
    (void)state;
    gn_net *net = block_net(1);
    size_t n;
    assert_int_equal(gn_save(net, "m"), GN_OK);
    uint8_t *bytes = test_read_file("m", &n);
    struct gn_file_bytes whole = { bytes, n }, cut = { bytes, n - 1 }, begin = { bytes, 3 };
    gn_net *loaded = gn_load(NULL, .bytes = &whole);
    assert_non_null(loaded);
    assert_int_equal(gn_net_hash(loaded), gn_net_hash(net));
    gn_free_net(loaded);
    assert_null(gn_load(NULL, .bytes = &cut));
    check_error(GN_STATUS_BAD_MODEL, "model in memory: safetensors: truncated");
    assert_null(gn_load("embedded", .bytes = &begin));
    check_error(GN_STATUS_BAD_MODEL, "embedded: safetensors: truncated");
    free(bytes);
    gn_free_net(net);
}

/* ---- Networks of the caller ---- */

static void weights_go_into_an_own_network(void **state)
{
    (void)state;
    gn_net *net = block_net(1), *other = block_net(2);
    assert_true(gn_net_hash(net) != gn_net_hash(other));
    assert_int_equal(gn_save(net, "m"), GN_OK);
    assert_int_equal(gn_load_weights(other, "m"), GN_OK);
    assert_int_equal(gn_net_hash(net), gn_net_hash(other));
    gn_net *loaded = gn_load("m");
    assert_non_null(loaded);
    assert_int_equal(gn_net_hash(net), gn_net_hash(loaded));
    gn_free_net(loaded);
    gn_free_net(net);
    gn_free_net(other);
}

static void another_network_is_told_apart(void **state)
{
    (void)state;
    gn_graph *g = gn_graph_create();
    gn_net *strided =
        gn_compile(g,
                   gn_dense(g,
                            gn_global_avg_pool(g, gn_conv(g, gn_input(g, 8, 8, 3), 4, .kernel = 3,
                                                          .stride = 2, .name = "conv")),
                            7, "dense"),
                   1);
    g = gn_graph_create();
    gn_net *plain = gn_compile(g,
                               gn_dense(g,
                                        gn_global_avg_pool(g, gn_conv(g, gn_input(g, 8, 8, 3), 4,
                                                                      .kernel = 3, .name = "conv")),
                                        7, "dense"),
                               2);
    assert_non_null(strided);
    assert_non_null(plain);
    const uint32_t hash = gn_net_hash(plain);
    assert_int_equal(gn_save(strided, "m"), GN_OK);
    assert_int_equal(gn_load_weights(plain, "m"), GN_STATUS_BAD_MODEL);
    check_error(GN_STATUS_BAD_MODEL, "m: safetensors: the file is of another network");
    assert_int_equal(gn_net_hash(plain), hash);
    gn_free_net(strided);
    gn_free_net(plain);
}

/* One defect in the tensors: a sentence, and the net stays as it was. */
static void defects_of_tensors_are_named(void **state)
{
    (void)state;
    enum { MISSING, EXTRA, MISSHAPEN, RANK, INTEGER, NOT_A_NUMBER, INFINITE, CASES };
    static const char *const parts[] = {
        [MISSING] = "m: safetensors: tensor \"b1.block.p1_1.weight\" of shape [1,1,3,4] is missing",
        [EXTRA] = "m: safetensors: tensor \"b9.conv.weight\" is none of this network's (1 such in",
        [MISSHAPEN] =
            "tensor \"b1.block.p1_1.weight\" has shape [1,1,4,3], this network needs [1,1",
        [RANK] = "tensor \"b1.block.p1_1.weight\" has shape [12], this network needs [1,1,3,4]",
        [INTEGER] = "tensor \"b1.block.p1_1.weight\" has dtype I32, weights are F64, F32, F16 or",
        [NOT_A_NUMBER] = "tensor \"b1.block.p1_1.weight\" is NaN or infinite at element 5",
        [INFINITE] = "tensor \"b1.block.p1_1.weight\" is NaN or infinite at element 5",
    };
    gn_net *net = block_net(1), *target = block_net(2);
    const uint32_t hash = gn_net_hash(target);
    for (int i = 0; i < CASES; i++) {
        struct table table = make_table(net, "");
        struct gn_st_tensor *first = &table.tensors[0];
        float *values = net->params + net->graph->tensors[0].offset;
        const float kept = values[5];
        assert_string_equal(first->name, "b1.block.p1_1.weight");
        if (i == MISSING)
            *first = table.tensors[--table.n];
        if (i == EXTRA)
            table.tensors[table.n++] = (struct gn_st_tensor){ .name = "b9.conv.weight",
                                                              .dtype = GN_F32,
                                                              .rank = 1,
                                                              .shape = { 2 },
                                                              .count = 2,
                                                              .data = values };
        if (i == MISSHAPEN) {
            first->shape[2] = 4;
            first->shape[3] = 3;
        }
        if (i == RANK) {
            first->rank = 1;
            first->shape[0] = 12;
        }
        if (i == INTEGER)
            first->dtype = GN_I32;
        if (i == NOT_A_NUMBER || i == INFINITE)
            values[5] = i == INFINITE ? -INFINITY : NAN;
        write_table(net, &table, "m");
        values[5] = kept;
        free_table(&table);
        assert_int_equal(gn_load_weights(target, "m"), GN_STATUS_BAD_MODEL);
        check_error(GN_STATUS_BAD_MODEL, parts[i]);
        assert_int_equal(gn_net_hash(target), hash);
    }
    gn_free_net(net);
    gn_free_net(target);
}

/* A checkpoint is a model with training state; each part is read by its prefix. */
static void training_state_lies_beside_the_weights(void **state)
{
    (void)state;
    gn_net *net = block_net(1), *momentum = block_net(2), *target = block_net(3);
    struct table a = make_table(net, ""), b = make_table(momentum, "train/momentum/");
    struct gn_st_tensor *both = calloc((size_t)(a.n + b.n), sizeof *both);
    assert_non_null(both);
    memcpy(both, a.tensors, (size_t)a.n * sizeof *both);
    memcpy(both + a.n, b.tensors, (size_t)b.n * sizeof *both);
    const struct table all = { both, NULL, a.n + b.n };
    write_table(net, &all, "m");
    assert_int_equal(gn_load_weights(target, "m"), GN_OK);
    assert_int_equal(gn_net_hash(target), gn_net_hash(net));
    struct gn_st_file *file = gn_st_open("m");
    assert_non_null(file);
    assert_int_equal(gn_model_read_tensors(target, file, "m", "train/momentum/", target->params),
                     GN_OK);
    assert_int_equal(gn_net_hash(target), gn_net_hash(momentum));
    assert_int_equal(gn_model_read_tensors(target, file, "m", "train/ema/", target->params),
                     GN_STATUS_BAD_MODEL);
    check_error(GN_STATUS_BAD_MODEL, "tensor \"train/ema/b1.block.p1_1.weight\" of shape");
    gn_st_close(file);
    free(both);
    free_table(&a);
    free_table(&b);
    gn_free_net(net);
    gn_free_net(momentum);
    gn_free_net(target);
}

static void nothing_that_diverged_is_saved(void **state)
{
    (void)state;
    gn_net *net = block_net(1);
    assert_int_equal(gn_save(net, "m"), GN_OK);
    size_t size;
    uint8_t *bytes = test_read_file("m", &size);
    net->params[net->graph->tensors[3].offset] = NAN;
    assert_int_equal(gn_save(net, "m"), GN_STATUS_DIVERGED);
    check_error(GN_STATUS_DIVERGED, "m: safetensors: not saved, because tensor \"");
    assert_true(test_file_is("m", bytes, size));
    free(bytes);
    gn_free_net(net);
}

/* ---- Wrong calls, failing machine ---- */

static void wrong_calls_are_answered(void **state)
{
    (void)state;
    gn_net *net = block_net(1);
    (void)gn_load_with(NULL);
    check_error(GN_STATUS_BAD_ARGUMENT, "path of the model file is missing");
    assert_null(gn_load("m", .size = -1));
    check_error(GN_STATUS_BAD_ARGUMENT, "size -1");
    assert_null(gn_load("m", .resize = (gn_resize)77));
    check_error(GN_STATUS_BAD_ARGUMENT, "77 is not a resize rule");
    assert_int_equal(gn_save(net, NULL), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_load_weights(net, NULL), GN_STATUS_BAD_ARGUMENT);
    assert_null(gn_load("nowhere/m"));
    check_error(GN_STATUS_BAD_MODEL, "nowhere/m: safetensors: there is no such file");
    assert_int_equal(gn_save(net, "nowhere/m"), GN_STATUS_IO);
    check_error(GN_STATUS_IO, "nowhere/m: safetensors: cannot save, the folder \"nowhere\"");
    /* The first message of a failed constructor stays. */
    (void)gn_fail(GN_STATUS_BAD_DATA, "the first fault");
    assert_int_equal(gn_save(NULL, "m"), GN_STATUS_BAD_DATA);
    assert_int_equal(gn_load_weights(NULL, "m"), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "the first fault");
    gn_free_net(net);
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    gn_net *net = block_net(1), *target = block_net(2);
    const uint32_t hash = gn_net_hash(target);
    uint64_t before = gn_alloc_count();
    assert_int_equal(gn_save(net, "m"), GN_OK);
    const uint64_t saving = gn_alloc_count() - before;
    before = gn_alloc_count();
    assert_int_equal(gn_load_weights(net, "m"), GN_OK);
    const uint64_t loading = gn_alloc_count() - before;
    for (uint64_t k = 1; k <= saving; k++) {
        gn_alloc_fail_after(k, true);
        assert_int_equal(gn_save(net, "m"), GN_STATUS_NO_MEMORY);
        gn_alloc_fail_after(0, false);
    }
    for (uint64_t k = 1; k <= loading; k++) {
        gn_alloc_fail_after(k, true);
        assert_int_equal(gn_load_weights(target, "m"), GN_STATUS_NO_MEMORY);
        gn_alloc_fail_after(0, false);
        assert_int_equal(gn_net_hash(target), hash);
    }
    gn_free_net(net);
    gn_free_net(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes_the_preset),
        cmocka_unit_test(a_net_comes_back_whole),
        cmocka_unit_test(the_time_is_written_only_on_request),
        cmocka_unit_test(extra_texts_are_kept),
        cmocka_unit_test(a_model_in_memory_is_that_of_its_file),
        cmocka_unit_test(weights_go_into_an_own_network),
        cmocka_unit_test(another_network_is_told_apart),
        cmocka_unit_test(defects_of_tensors_are_named),
        cmocka_unit_test(training_state_lies_beside_the_weights),
        cmocka_unit_test(nothing_that_diverged_is_saved),
        cmocka_unit_test(wrong_calls_are_answered),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
