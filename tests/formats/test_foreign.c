/* labels: quick
 *
 * Weights from other tools: files without our metadata, in any precision and order. */
#include "formats/model.h"
#include "base/endian.h"
#include "formats/small_net.h"
#include "support/check.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* The value as an element of the dtype; returns its width. */
static size_t encode(enum gn_dtype dtype, float value, void *out)
{
    const double wide = (double)value;
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if (dtype == GN_F64)
        gn_copy_little(out, &wide, 1, 8);
    else if (dtype == GN_F32)
        gn_copy_little(out, &value, 1, 4);
    else if (dtype == GN_BF16)
        gn_copy_little(out, &(uint16_t){ (uint16_t)(bits >> 16) }, 1, 2);
    else {
        /* float16 of a value that it holds exactly: the tests take small multiples of 1/64. */
        const uint16_t half =
            (uint16_t)(bits << 1 == 0 ? bits >> 16
                                      : (bits >> 16 & 0x8000) | ((bits >> 23 & 255) - 112) << 10 |
                                            (bits >> 13 & 0x3ff));
        gn_copy_little(out, &half, 1, 2);
    }
    return dtype == GN_F64 ? 8 : dtype == GN_F32 ? 4 : 2;
}

/* A file as another tool writes it: no metadata, any dtype, the order of the net. */
static void write_foreign(const gn_net *net, const char *path, enum gn_dtype dtype)
{
    json_t *root = json_object();
    uint8_t element[8];
    const size_t width = encode(dtype, 0, element);
    size_t begin = 0;
    for (int i = 0; i < net->graph->n_tensors; i++) {
        const struct gn_tensor *tensor = &net->graph->tensors[i];
        const size_t end = begin + tensor->count * width;
        json_t *shape = json_array();
        for (int d = 0; d < tensor->rank; d++)
            json_array_append_new(shape, json_integer(tensor->shape[d]));
        json_object_set_new(root, tensor->name,
                            json_pack("{s:s,s:o,s:[I,I]}", "dtype", gn_dtype_name(dtype), "shape",
                                      shape, "data_offsets", (json_int_t)begin, (json_int_t)end));
        begin = end;
    }
    char *json = json_dumps(root, JSON_COMPACT);
    assert_non_null(json);
    uint64_t length = strlen(json), stored;
    gn_copy_little(&stored, &length, 1, sizeof length);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(&stored, 8, 1, f), 1);
    assert_int_equal(fwrite(json, (size_t)length, 1, f), 1);
    for (int i = 0; i < net->graph->n_tensors; i++)
        for (size_t k = 0; k < net->graph->tensors[i].count; k++) {
            (void)encode(dtype, net->params[net->graph->tensors[i].offset + k], element);
            assert_int_equal(fwrite(element, width, 1, f), 1);
        }
    assert_int_equal(fclose(f), 0);
    free(json);
    json_decref(root);
}

/* Every dtype of the tests holds these values exactly. */
static void fill_with_simple_values(gn_net *net)
{
    for (int i = 0; i < net->graph->n_tensors; i++) {
        const struct gn_tensor *tensor = &net->graph->tensors[i];
        for (size_t k = 0; k < tensor->count; k++)
            net->params[tensor->offset + k] = (float)((int)(k * 7 + (size_t)i) % 129 - 64) / 64;
    }
}

static void foreign_weights_load_in_any_precision(void **state)
{
    (void)state;
    static const enum gn_dtype dtypes[] = { GN_F32, GN_F16, GN_BF16, GN_F64 };
    gn_net *net = preset_net(1);
    fill_with_simple_values(net);
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        write_foreign(net, "foreign", dtypes[i]);
        gn_net *loaded = gn_load("foreign", .preset = "googlenet", .size = 32);
        assert_non_null(loaded);
        assert_int_equal(loaded->input.h, 32);
        assert_int_equal(loaded->resize, GN_RESIZE_TF1_LEGACY);
        /* bfloat16 has 8 significant bits, enough for all of the values. */
        assert_int_equal(gn_net_hash(loaded), gn_net_hash(net));
        gn_free_net(loaded);
    }
    gn_free_net(net);
}

/* They were trained on pictures that became numbers as the preset says. */
static void foreign_weights_take_the_presets_pixels(void **state)
{
    (void)state;
    char theirs[1024], preset[1024];
    gn_net *net = gn_preset("googlenet-torchvision", .size = 32, .classes = 3);
    write_foreign(net, "foreign", GN_F32);
    gn_net *loaded =
        gn_load("foreign", .preset = "googlenet-torchvision", .size = 32, .classes = 3);
    assert_int_equal(gn_net_preprocess(net, preset, sizeof preset), GN_OK);
    assert_int_equal(gn_net_preprocess(loaded, theirs, sizeof theirs), GN_OK);
    assert_string_equal(theirs, preset);
    assert_non_null(strstr(theirs, "\"short\":36,"));
    gn_free_net(net);
    gn_free_net(loaded);
}

static void foreign_weights_need_a_preset(void **state)
{
    (void)state;
    gn_net *net = preset_net(1);
    write_foreign(net, "foreign", GN_F32);
    assert_null(gn_load("foreign"));
    assert_non_null(strstr(gn_error_message(), "\n  hint: give .preset, and .size, .channels, "
                                               ".classes and .resize"));
    check_error(GN_STATUS_BAD_ARGUMENT, "foreign: safetensors: the file does not say which");
    assert_null(gn_load("foreign", .preset = "gogglenet"));
    check_error(GN_STATUS_BAD_MODEL, "did you mean googlenet?");
    assert_null(gn_load("foreign", .preset = "googlenet", .classes = 12));
    check_error(GN_STATUS_BAD_MODEL,
                "tensor \"dense.weight\" has shape [1024,10], this network needs [1024,12]");
    assert_null(gn_load("foreign", .preset = "googlenet", .channels = 3));
    check_error(GN_STATUS_BAD_MODEL,
                "tensor \"b1.conv.weight\" has shape [7,7,1,64], this network needs [7,7,3,64]");
    gn_free_net(net);
}

static void foreign_values_are_not_judged(void **state)
{
    (void)state;
    gn_net *net = block_net(1), *target = block_net(2);
    const size_t at = net->graph->tensors[0].offset;
    net->params[at] = INFINITY;
    write_foreign(net, "foreign", GN_F32);
    assert_int_equal(gn_load_weights(target, "foreign"), GN_OK);
    assert_true(isinf(target->params[at]));
    gn_free_net(net);
    gn_free_net(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_weights_load_in_any_precision),
        cmocka_unit_test(foreign_weights_take_the_presets_pixels),
        cmocka_unit_test(foreign_weights_need_a_preset),
        cmocka_unit_test(foreign_values_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
