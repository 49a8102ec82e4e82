/*
 * Small model files that describe large networks: the tensors are looked for before memory for them is
 * asked for. And what other tools write in "__metadata__".
 *
 * labels: quick no-sanitize
 */
#include "formats/model.h"
#include "graph/text.h"
#include "models/net_file.h"
#include "base/memory.h"
#include "support/check.h"
#include "st_files.h"

#include <stdlib.h>

/* The most address space that this process ever had, in MB. */
static long peak(void)
{
    size_t n = 0;
    char *status = NULL;
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");
    assert_non_null(f);
    while (getline(&status, &n, f) > 0)
        (void)sscanf(status, "VmPeak: %ld kB", &kb);
    free(status);
    (void)fclose(f);
    assert_true(kb > 0);
    return kb / 1024;
}

/* A file of ours with the description of a network of 2 GB, and not one tensor. */
static void write_description(const char *path)
{
    const struct gn_preset_options large = {
        .preset = "large.net",
        .net_text = "input 8 1\nconv a 16384 1\nconv b 16384 1\nconv c 16384 1\nmean\noutput\n"
    };
    gn_net *net = gn_net_file_blank(&large);
    assert_non_null(net);
    char *model = gn_model_metadata(net),
         *graph = gn_graph_text(net->graph, (gn_node){ net->output });
    assert_true(model != NULL && graph != NULL);
    const struct gn_st_text texts[] = { { "gn.model", model }, { "gn.graph", graph } };
    assert_int_equal(gn_st_write(path, NULL, 0, texts, 2, NULL), GN_OK);
    gn_free(model);
    gn_free(graph);
    gn_free_net(net);
}

static void tensors_are_looked_for_before_memory_is_taken(void **state)
{
    enum { ALLOWED = 64 };
    static const char *const presets[] = { NULL, "googlenet", "googlenet-torchvision" };
    (void)state;
    write_description("ours");
    st_make("foreign", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
    const long before = peak();
    for (int i = 0; i < 3; i++) {
        const char *path = presets[i] == NULL ? "ours" : "foreign";
        gn_net *net = gn_load(path, .preset = presets[i], .classes = presets[i] == NULL ? 0 : 65536,
                              .aux = true);
        assert_null(net);
        if (gn_error_status() != GN_STATUS_BAD_MODEL || peak() - before > ALLOWED)
            fail_msg("%s: error %d, %ld MB were asked for: %s", path, (int)gn_error_status(),
                     peak() - before, gn_error_message());
    }
    gn_clear_error();
}

static void metadata_may_be_null(void **state)
{
    (void)state;
    st_make("null",
            "{\"__metadata__\":null,"
            "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
            4);
    struct gn_st_file *opened = gn_st_open("null");
    if (opened == NULL)
        fail_msg("%s", gn_error_message());
    assert_int_equal(gn_st_count(opened), 1);
    assert_null(gn_st_metadata(opened, "format"));
    assert_false(gn_st_is_ours(opened));
    gn_st_close(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_looked_for_before_memory_is_taken),
        cmocka_unit_test(metadata_may_be_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
