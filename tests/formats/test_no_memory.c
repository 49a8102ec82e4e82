/* labels: quick
 *
 * An allocation that fails inside the JSON library is lack of memory and nothing else: never a fault
 * of the file, of a name or of the network, and never a file that lacks something. */
#include "file/json.h"
#include "base/memory.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

static long left; /* allocations until one fails; 0: none */

/* Blocks of 32, 64, 128... bytes are given: one of them is the buffer of the text that is read, where
 * jansson (2.14) ignores a failure, goes on without the character and may abort. */
static void *failing(size_t size)
{
    const bool may_fail = size < 32 || (size & (size - 1)) != 0;
    return may_fail && left > 0 && --left == 0 ? NULL : malloc(size);
}

static gn_net *tiny(void)
{
    static const char *const labels[] = { "cat", "dog", "\xc3\xa9l\xc3\xa9phant" };
    gn_graph *g = gn_graph_create();
    gn_node x = gn_conv(g, gn_input(g, 8, 8, 3), 4, .kernel = 3, .name = "conv");
    gn_net *net = gn_compile(g, gn_dense(g, gn_global_avg_pool(g, x), 3, "dense"), 1);
    assert_non_null(net);
    assert_int_equal(gn_net_set_labels(net, labels, 3), GN_OK);
    return net;
}

/* True when the k-th allocation was never asked for: all have failed once. */
static bool done(long k)
{
    const bool is_done = left > 0;
    left = 0;
    assert_true(k < 100000);
    return is_done;
}

static void a_save_is_whole_or_out_of_memory(void **state)
{
    (void)state;
    gn_net *net = tiny();
    size_t size;
    assert_int_equal(gn_save(net, "whole"), GN_OK);
    uint8_t *bytes = test_read_file("whole", &size);
    for (long k = 1;; k++) {
        left = k;
        const gn_status status = gn_save(net, "saved");
        if (done(k))
            break;
        if (status == GN_OK)
            assert_true(test_file_is("saved", bytes, size));
        else
            check_error(GN_STATUS_NO_MEMORY, "");
    }
    free(bytes);
    gn_free_net(net);
}

static void a_load_is_whole_or_out_of_memory(void **state)
{
    (void)state;
    gn_net *net = tiny();
    assert_int_equal(gn_save(net, "file"), GN_OK);
    for (long k = 1;; k++) {
        left = k;
        gn_net *loaded = gn_load("file");
        if (done(k)) {
            gn_free_net(loaded);
            break;
        }
        if (loaded == NULL)
            check_error(GN_STATUS_NO_MEMORY, "");
        gn_free_net(loaded);
    }
    gn_free_net(net);
}

static void a_text_that_lacks_something_is_not_made(void **state)
{
    (void)state;
    json_t *object = json_object();
    gn_json_set(object, "a", json_integer(1));
    left = 1;
    gn_json_set(object, "b", json_integer(2));
    assert_null(gn_json_text(object, JSON_COMPACT, "a test"));
    check_error(GN_STATUS_NO_MEMORY, "no memory for a test");
    object = json_object();
    gn_json_set(object, "a", json_integer(1));
    char *text = gn_json_text(object, JSON_COMPACT, "a test");
    assert_string_equal(text, "{\"a\":1}");
    gn_free(text);
}

int main(void)
{
    json_set_alloc_funcs(failing, free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_save_is_whole_or_out_of_memory),
        cmocka_unit_test(a_load_is_whole_or_out_of_memory),
        cmocka_unit_test(a_text_that_lacks_something_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
