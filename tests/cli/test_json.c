/*
 * What the commands print with --json is one JSON value with the promised keys, and agrees with
 * what is known about the network.
 *
 * labels: quick
 * timeout: 180
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

/* Runs the program and parses what it prints: one JSON value, nothing after it. */
static json_t *json_of(const char *arguments)
{
    static char text[1 << 20];
    char command[512];
    json_error_t fault;
    const char *program = getenv("GOOGLENET");
    assert_non_null(program);
    snprintf(command, sizeof command, "'%s' %s 2>stderr.txt", program, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t length = fread(text, 1, sizeof text - 1, pipe);
    text[length] = '\0';
    assert_int_equal(pclose(pipe), 0);
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &fault);
    if (!value)
        fail_msg("googlenet %s: %s in %.200s", arguments, fault.text, text);
    return value;
}

static long long whole(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("%s is no integer", key);
    return json_integer_value(value);
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static const char *word(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    if (!value)
        fail_msg("%s is no text", key);
    return value;
}

static void summary_holds_layers_params_and_macs(void **state)
{
    (void)state;
    json_t *root = json_of("summary --json");
    const json_t *layers = json_object_get(root, "layers");
    long long params = 0;
    int weighted = 0;
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        params += whole(layer, "params");
        weighted += whole(layer, "params") > 0;
        assert_true(json_is_array(json_object_get(layer, "output")));
        assert_true(word(layer, "type")[0] != '\0');
    }
    assert_int_equal(weighted, 58);
    assert_int_equal(params, 5977530);
    assert_int_equal(whole(root, "params"), 5977530);
    assert_int_equal(whole(root, "macs"), 276066304);
    assert_string_equal(word(json_array_get(layers, 0), "name"), "b1.conv");
    assert_string_equal(word(json_array_get(layers, json_array_size(layers) - 1), "name"), "dense");
    json_decref(root);
}

static void summary_follows_size_channels_and_classes(void **state)
{
    (void)state;
    json_t *root = json_of("summary googlenet --json --size 224 --channels 3 --classes=1000");
    const json_t *layers = json_object_get(root, "layers");
    const json_t *shape = json_object_get(json_array_get(layers, 0), "output");
    assert_int_equal(json_array_size(shape), 3);
    assert_int_equal(json_integer_value(json_array_get(shape, 0)), 112);
    assert_int_equal(json_integer_value(json_array_get(shape, 2)), 64);
    shape = json_object_get(json_array_get(layers, json_array_size(layers) - 1), "output");
    assert_int_equal(json_array_size(shape), 1);
    assert_int_equal(json_integer_value(json_array_get(shape, 0)), 1000);
    json_decref(root);
}

static void summary_tells_how_pictures_become_numbers(void **state)
{
    (void)state;
    json_t *root = json_of("summary googlenet-paper --json");
    const json_t *steps = json_object_get(root, "preprocess");
    assert_int_equal(json_array_size(steps), 4);
    assert_string_equal(word(json_array_get(steps, 0), "channels"), "bgr");
    assert_int_equal(whole(json_array_get(steps, 1), "w"), 256);
    json_decref(root);
    root = json_of("summary --json");
    assert_int_equal(json_array_size(json_object_get(root, "preprocess")), 3);
    json_decref(root);
}

static void bench_holds_the_promised_keys(void **state)
{
    (void)state;
    static const char *const modes[] = { "infer", "train" };
    for (int i = 0; i < 2; i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments,
                 "bench --json %s --size 32 --batch 4 --threads 1 --rounds 2 --layers",
                 i ? "--train" : "");
        json_t *root = json_of(arguments);
        assert_string_equal(word(root, "mode"), modes[i]);
        assert_int_equal(whole(root, "size"), 32);
        assert_int_equal(whole(root, "batch"), 4);
        assert_int_equal(whole(root, "threads"), 1);
        assert_true(word(root, "isa")[0] != '\0');
        assert_true(number(root, "ms_min") > 0.0);
        assert_true(number(root, "ms_median") >= number(root, "ms_min"));
        assert_true(number(root, "images_per_second") > 0.0);
        assert_true(whole(root, "peak_rss_bytes") > 20000000);
        assert_true(json_array_size(json_object_get(root, "layers")) > 57);
        json_decref(root);
    }
}

static void bench_scaling_has_a_row_for_each_count(void **state)
{
    (void)state;
    json_t *root = json_of("bench --json --train --scaling --size 32 --batch 4 --threads 3 "
                           "--rounds 1");
    json_t *rows = json_object_get(root, "scaling");
    assert_string_equal(word(root, "mode"), "train");
    assert_int_equal(whole(root, "batch"), 4);
    assert_int_equal(json_array_size(rows), 3);
    for (int i = 0; i < 3; i++) {
        const json_t *row = json_array_get(rows, (size_t)i);
        assert_int_equal(whole(row, "threads"), i + 1);
        assert_true(number(row, "ms_median") > 0.0);
        assert_true(number(row, "images_per_second") > 0.0);
        assert_true(number(row, "speedup") > 0.0);
    }
    assert_true(number(json_array_get(rows, 0), "speedup") <= 1.0);
    assert_true(number(json_array_get(rows, 0), "speedup") >= 1.0);
    json_decref(root);
}

static void info_and_data_list_are_json(void **state)
{
    (void)state;
    json_t *root = json_of("info --json");
    assert_true(word(root, "version")[0] != '\0');
    assert_true(word(root, "isa")[0] != '\0');
    assert_true(whole(root, "threads") >= 1);
    assert_true(whole(root, "memory_bytes") > 0);
    json_decref(root);
    root = json_of("data list --json --data-dir .");
    assert_string_equal(word(json_array_get(root, 0), "name"), "fashion-mnist");
    assert_int_equal(whole(json_array_get(root, 0), "classes"), 10);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_holds_layers_params_and_macs),
        cmocka_unit_test(summary_follows_size_channels_and_classes),
        cmocka_unit_test(summary_tells_how_pictures_become_numbers),
        cmocka_unit_test(bench_holds_the_promised_keys),
        cmocka_unit_test(bench_scaling_has_a_row_for_each_count),
        cmocka_unit_test(info_and_data_list_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
