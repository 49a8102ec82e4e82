/* labels: quick
 *
 * The numerical contract of the network, layer by layer and block by block: shapes, parameters,
 * multiply-adds, tensor names and their order, Glorot bounds, the shape walk as text; other sizes,
 * channels and classes; and what a graph says about shapes that do not fit. */
#include "base/memory.h"
#include "net/net.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

/* One layer: height = width of its output for both sizes, what it holds and costs. */
struct row {
    const char *name, *type;
    int at_96, at_224, channels; /* height = width */
    uint64_t params, macs_96, macs_224;
};

#define CONV "Conv2D"
#define POOL "MaxPooling2D"

/* Rows in graph order. */
static const struct row rows[] = {
    { "b1.conv", CONV, 48, 112, 64, 3200, 7225344, 39337984 },
    { "b1.pool", POOL, 24, 56, 64, 0, 0, 0 },
    { "b2.conv1", CONV, 24, 56, 64, 4160, 2359296, 12845056 },
    { "b2.conv2", CONV, 24, 56, 192, 110784, 63700992, 346816512 },
    { "b2.pool", POOL, 12, 28, 192, 0, 0, 0 },
    { "b3.inception3a.p1_1", CONV, 12, 28, 64, 12352, 1769472, 9633792 },
    { "b3.inception3a.p2_1", CONV, 12, 28, 96, 18528, 2654208, 14450688 },
    { "b3.inception3a.p2_2", CONV, 12, 28, 128, 110720, 15925248, 86704128 },
    { "b3.inception3a.p3_1", CONV, 12, 28, 16, 3088, 442368, 2408448 },
    { "b3.inception3a.p3_2", CONV, 12, 28, 32, 12832, 1843200, 10035200 },
    { "b3.inception3a.p4_1", POOL, 12, 28, 192, 0, 0, 0 },
    { "b3.inception3a.p4_2", CONV, 12, 28, 32, 6176, 884736, 4816896 },
    { "b3.inception3a", "Concatenate", 12, 28, 256, 0, 0, 0 },
    { "b3.inception3b.p1_1", CONV, 12, 28, 128, 32896, 4718592, 25690112 },
    { "b3.inception3b.p2_1", CONV, 12, 28, 128, 32896, 4718592, 25690112 },
    { "b3.inception3b.p2_2", CONV, 12, 28, 192, 221376, 31850496, 173408256 },
    { "b3.inception3b.p3_1", CONV, 12, 28, 32, 8224, 1179648, 6422528 },
    { "b3.inception3b.p3_2", CONV, 12, 28, 96, 76896, 11059200, 60211200 },
    { "b3.inception3b.p4_1", POOL, 12, 28, 256, 0, 0, 0 },
    { "b3.inception3b.p4_2", CONV, 12, 28, 64, 16448, 2359296, 12845056 },
    { "b3.inception3b", "Concatenate", 12, 28, 480, 0, 0, 0 },
    { "b3.pool", POOL, 6, 14, 480, 0, 0, 0 },
    { "b4.inception4a.p1_1", CONV, 6, 14, 192, 92352, 3317760, 18063360 },
    { "b4.inception4a.p2_1", CONV, 6, 14, 96, 46176, 1658880, 9031680 },
    { "b4.inception4a.p2_2", CONV, 6, 14, 208, 179920, 6469632, 35223552 },
    { "b4.inception4a.p3_1", CONV, 6, 14, 16, 7696, 276480, 1505280 },
    { "b4.inception4a.p3_2", CONV, 6, 14, 48, 19248, 691200, 3763200 },
    { "b4.inception4a.p4_1", POOL, 6, 14, 480, 0, 0, 0 },
    { "b4.inception4a.p4_2", CONV, 6, 14, 64, 30784, 1105920, 6021120 },
    { "b4.inception4a", "Concatenate", 6, 14, 512, 0, 0, 0 },
    { "b4.inception4b.p1_1", CONV, 6, 14, 160, 82080, 2949120, 16056320 },
    { "b4.inception4b.p2_1", CONV, 6, 14, 112, 57456, 2064384, 11239424 },
    { "b4.inception4b.p2_2", CONV, 6, 14, 224, 226016, 8128512, 44255232 },
    { "b4.inception4b.p3_1", CONV, 6, 14, 24, 12312, 442368, 2408448 },
    { "b4.inception4b.p3_2", CONV, 6, 14, 64, 38464, 1382400, 7526400 },
    { "b4.inception4b.p4_1", POOL, 6, 14, 512, 0, 0, 0 },
    { "b4.inception4b.p4_2", CONV, 6, 14, 64, 32832, 1179648, 6422528 },
    { "b4.inception4b", "Concatenate", 6, 14, 512, 0, 0, 0 },
    { "b4.inception4c.p1_1", CONV, 6, 14, 128, 65664, 2359296, 12845056 },
    { "b4.inception4c.p2_1", CONV, 6, 14, 128, 65664, 2359296, 12845056 },
    { "b4.inception4c.p2_2", CONV, 6, 14, 256, 295168, 10616832, 57802752 },
    { "b4.inception4c.p3_1", CONV, 6, 14, 24, 12312, 442368, 2408448 },
    { "b4.inception4c.p3_2", CONV, 6, 14, 64, 38464, 1382400, 7526400 },
    { "b4.inception4c.p4_1", POOL, 6, 14, 512, 0, 0, 0 },
    { "b4.inception4c.p4_2", CONV, 6, 14, 64, 32832, 1179648, 6422528 },
    { "b4.inception4c", "Concatenate", 6, 14, 512, 0, 0, 0 },
    { "b4.inception4d.p1_1", CONV, 6, 14, 112, 57456, 2064384, 11239424 },
    { "b4.inception4d.p2_1", CONV, 6, 14, 144, 73872, 2654208, 14450688 },
    { "b4.inception4d.p2_2", CONV, 6, 14, 288, 373536, 13436928, 73156608 },
    { "b4.inception4d.p3_1", CONV, 6, 14, 32, 16416, 589824, 3211264 },
    { "b4.inception4d.p3_2", CONV, 6, 14, 64, 51264, 1843200, 10035200 },
    { "b4.inception4d.p4_1", POOL, 6, 14, 512, 0, 0, 0 },
    { "b4.inception4d.p4_2", CONV, 6, 14, 64, 32832, 1179648, 6422528 },
    { "b4.inception4d", "Concatenate", 6, 14, 528, 0, 0, 0 },
    { "b4.inception4e.p1_1", CONV, 6, 14, 256, 135424, 4866048, 26492928 },
    { "b4.inception4e.p2_1", CONV, 6, 14, 160, 84640, 3041280, 16558080 },
    { "b4.inception4e.p2_2", CONV, 6, 14, 320, 461120, 16588800, 90316800 },
    { "b4.inception4e.p3_1", CONV, 6, 14, 32, 16928, 608256, 3311616 },
    { "b4.inception4e.p3_2", CONV, 6, 14, 128, 102528, 3686400, 20070400 },
    { "b4.inception4e.p4_1", POOL, 6, 14, 528, 0, 0, 0 },
    { "b4.inception4e.p4_2", CONV, 6, 14, 128, 67712, 2433024, 13246464 },
    { "b4.inception4e", "Concatenate", 6, 14, 832, 0, 0, 0 },
    { "b4.pool", POOL, 3, 7, 832, 0, 0, 0 },
    { "b5.inception5a.p1_1", CONV, 3, 7, 256, 213248, 1916928, 10436608 },
    { "b5.inception5a.p2_1", CONV, 3, 7, 160, 133280, 1198080, 6522880 },
    { "b5.inception5a.p2_2", CONV, 3, 7, 320, 461120, 4147200, 22579200 },
    { "b5.inception5a.p3_1", CONV, 3, 7, 32, 26656, 239616, 1304576 },
    { "b5.inception5a.p3_2", CONV, 3, 7, 128, 102528, 921600, 5017600 },
    { "b5.inception5a.p4_1", POOL, 3, 7, 832, 0, 0, 0 },
    { "b5.inception5a.p4_2", CONV, 3, 7, 128, 106624, 958464, 5218304 },
    { "b5.inception5a", "Concatenate", 3, 7, 832, 0, 0, 0 },
    { "b5.inception5b.p1_1", CONV, 3, 7, 384, 319872, 2875392, 15654912 },
    { "b5.inception5b.p2_1", CONV, 3, 7, 192, 159936, 1437696, 7827456 },
    { "b5.inception5b.p2_2", CONV, 3, 7, 384, 663936, 5971968, 32514048 },
    { "b5.inception5b.p3_1", CONV, 3, 7, 48, 39984, 359424, 1956864 },
    { "b5.inception5b.p3_2", CONV, 3, 7, 128, 153728, 1382400, 7526400 },
    { "b5.inception5b.p4_1", POOL, 3, 7, 832, 0, 0, 0 },
    { "b5.inception5b.p4_2", CONV, 3, 7, 128, 106624, 958464, 5218304 },
    { "b5.inception5b", "Concatenate", 3, 7, 1024, 0, 0, 0 },
    { "b5.global_pool", "GlobalAveragePooling2D", 1, 1, 1024, 0, 0, 0 },
    { "dense", "Dense", 1, 1, 10, 10250, 10240, 10240 },
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void check_rows(int size)
{
    gn_net *net = gn_googlenet(.size = size);
    struct gn_net_info info;
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_int_equal(info.layers, N_ROWS);
    for (int i = 0; i < (int)N_ROWS; i++) {
        const struct row *r = &rows[i];
        struct gn_layer_info layer;
        assert_int_equal(gn_net_layer(net, i, &layer), GN_OK);
        assert_string_equal(layer.name, r->name);
        assert_string_equal(layer.type, r->type);
        const int side = size == 96 ? r->at_96 : r->at_224;
        const bool vector = side == 1;
        assert_int_equal(layer.rank, vector ? 1 : 3);
        assert_int_equal(layer.shape[0], vector ? r->channels : side);
        assert_int_equal(layer.shape[1], vector ? 0 : side);
        assert_int_equal(layer.shape[2], vector ? 0 : r->channels);
        assert_int_equal(layer.params, r->params);
        assert_int_equal(layer.macs, size == 96 ? r->macs_96 : r->macs_224);
    }
    struct gn_layer_info beyond;
    assert_int_equal(gn_net_layer(net, N_ROWS, &beyond), GN_STATUS_BAD_ARGUMENT);
    check_error(GN_STATUS_BAD_ARGUMENT, "layer 81 does not exist");
    assert_int_equal(gn_net_layer(net, -1, &beyond), GN_STATUS_BAD_ARGUMENT);
    gn_free_net(net);
}

static void every_layer_has_shape_parameters_and_cost_of_the_contract(void **state)
{
    (void)state;
    check_rows(96);
    check_rows(224);
}

static void stages_add_up_to_the_contract(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t params, macs_96, macs_224;
    } stages[] = {
        { "b1", 3200, 7225344, 39337984 },      { "b2", 114944, 66060288, 359661568 },
        { "b3", 552432, 79405056, 432316416 },  { "b4", 2809168, 100998144, 549878784 },
        { "b5", 2487536, 22367232, 121777152 }, { "dense", 10250, 10240, 10240 },
    };
    for (int size = 96; size <= 224; size += 128) {
        gn_net *net = gn_googlenet(.size = size);
        struct gn_net_info info;
        assert_int_equal(gn_net_describe(net, &info), GN_OK);
        assert_int_equal(info.params, 5977530);
        assert_int_equal(info.macs, size == 96 ? 276066304 : 1502982144);
        assert_int_equal(info.tensors, 116);
        assert_int_equal(info.stages, 6);
        assert_string_equal(info.preset, "googlenet");
        assert_int_equal(info.resize, GN_RESIZE_TF1_LEGACY);
        for (int i = 0; i < 6; i++) {
            struct gn_layer_info stage;
            assert_int_equal(gn_net_stage(net, i, &stage), GN_OK);
            assert_string_equal(stage.name, stages[i].name);
            assert_int_equal(stage.params, stages[i].params);
            assert_int_equal(stage.macs, size == 96 ? stages[i].macs_96 : stages[i].macs_224);
        }
        struct gn_layer_info beyond;
        assert_int_equal(gn_net_stage(net, 6, &beyond), GN_STATUS_BAD_ARGUMENT);
        assert_int_equal(gn_net_stage(net, -1, &beyond), GN_STATUS_BAD_ARGUMENT);
        gn_free_net(net);
    }
}

static void channels_and_classes_change_only_both_ends(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet(.size = 224, .channels = 3, .classes = 1000);
    struct gn_net_info info;
    assert_int_equal(gn_net_describe(net, &info), GN_OK);
    assert_int_equal(info.params, 6998552);
    assert_int_equal(info.macs, 1582671872);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.classes, 1000);
    gn_free_net(net);
}

static void tensors_stand_in_graph_order_weight_before_bias(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet();
    assert_non_null(net);
    int t = 0;
    for (int i = 0; i < (int)N_ROWS; i++) {
        if (rows[i].params == 0)
            continue;
        struct gn_tensor_info weight, bias;
        char name[80];
        assert_int_equal(gn_net_tensor(net, t++, &weight), GN_OK);
        assert_int_equal(gn_net_tensor(net, t++, &bias), GN_OK);
        (void)snprintf(name, sizeof name, "%s.weight", rows[i].name);
        assert_string_equal(weight.name, name);
        (void)snprintf(name, sizeof name, "%s.bias", rows[i].name);
        assert_string_equal(bias.name, name);
        assert_int_equal(bias.rank, 1);
        assert_int_equal(bias.shape[0], rows[i].channels);
        assert_int_equal(bias.count, rows[i].channels);
        assert_int_equal(weight.count + bias.count, rows[i].params);
        const bool dense = strcmp(rows[i].type, "Dense") == 0;
        assert_int_equal(weight.rank, dense ? 2 : 4);
        assert_int_equal(weight.shape[weight.rank - 1], rows[i].channels);
        if (!dense) /* [kh][kw][in][out] */
            assert_int_equal(weight.shape[0], weight.shape[1]);
    }
    assert_int_equal(t, 116);
    struct gn_tensor_info beyond;
    assert_int_equal(gn_net_tensor(net, 116, &beyond), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_net_tensor(net, -1, &beyond), GN_STATUS_BAD_ARGUMENT);
    struct gn_tensor_info kernel;
    assert_int_equal(gn_net_tensor(net, 0, &kernel), GN_OK);
    const int first[4] = { 7, 7, 1, 64 };
    assert_memory_equal(kernel.shape, first, sizeof first);
    assert_int_equal(gn_net_tensor(net, 114, &kernel), GN_OK);
    assert_int_equal(kernel.shape[0], 1024);
    assert_int_equal(kernel.shape[1], 10);
    gn_free_net(net);
}

/* Mean 0 and variance limit^2 / 3 within five standard errors, and nothing beyond the limit. */
static void check_uniform(const struct gn_tensor_info *t, double limit)
{
    double sum = 0, squares = 0, most = 0;
    for (size_t i = 0; i < t->count; i++) {
        const double v = (double)t->values[i];
        sum += v;
        squares += v * v;
        most = fmax(most, fabs(v));
    }
    const double n = (double)t->count, variance = limit * limit / 3;
    assert_true(most <= limit * (1 + 1e-6));
    assert_true(most > limit * (1 - 20 / n));
    assert_true(fabs(sum / n) < 5 * sqrt(variance / n));
    assert_true(fabs(squares / n / variance - 1) < 5 * sqrt(0.8 / n));
}

static void weights_begin_glorot_uniform_and_biases_zero(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double limit;
    } known[] = {
        { "b1.conv.weight", 0.04340312 },
        { "b2.conv1.weight", 0.21650635 },
        { "b2.conv2.weight", 0.05103104 },
        { "b3.inception3a.p3_1.weight", 0.16984156 },
        { "b3.inception3a.p3_2.weight", 0.07071068 },
        { "b4.inception4e.p4_2.weight", 0.09563651 },
        { "b5.inception5b.p2_2.weight", 0.03402069 },
        { "dense.weight", 0.07617551 },
    };
    gn_net *net = gn_googlenet(.seed = 3);
    assert_non_null(net);
    size_t found = 0;
    for (int i = 0; i < 116; i++) {
        struct gn_tensor_info t;
        assert_int_equal(gn_net_tensor(net, i, &t), GN_OK);
        for (size_t k = 0; i % 2 == 1 && k < t.count; k++)
            assert_true(t.values[k] == 0);
        if (i % 2 == 1)
            continue;
        const double taps = t.rank == 4 ? t.shape[0] * t.shape[1] : 1;
        const double fans = taps * (t.shape[t.rank - 2] + t.shape[t.rank - 1]);
        check_uniform(&t, sqrt(6 / fans));
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
            if (strcmp(known[k].name, t.name) != 0)
                continue;
            assert_true(fabs(sqrt(6 / fans) - known[k].limit) < 6e-9);
            found++;
        }
    }
    assert_int_equal(found, sizeof known / sizeof known[0]);
    gn_free_net(net);
}

static void weights_depend_on_the_seed_alone(void **state)
{
    (void)state;
    gn_net *a = gn_googlenet(.seed = 1), *b = gn_googlenet(.seed = 1, .size = 224);
    gn_net *c = gn_googlenet(.seed = 2);
    assert_true(a != NULL && b != NULL && c != NULL);
    assert_int_equal(gn_net_hash(a), gn_net_hash(b));
    assert_int_not_equal(gn_net_hash(a), gn_net_hash(c));
    gn_free_net(a);
    gn_free_net(b);
    gn_free_net(c);
}

static void check_walk(int size, const char *expected)
{
    gn_net *net = gn_googlenet(.size = size);
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_true(net != NULL && out != NULL);
    assert_int_equal(gn_walk(net, out), GN_OK);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
    gn_free_net(net);
}

static void walk_prints_the_notebooks_lines(void **state)
{
    (void)state;
    check_walk(96, "b1 output shape:\t (1, 24, 24, 64)\n"
                   "b2 output shape:\t (1, 12, 12, 192)\n"
                   "b3 output shape:\t (1, 6, 6, 480)\n"
                   "b4 output shape:\t (1, 3, 3, 832)\n"
                   "b5 output shape:\t (1, 1024)\n"
                   "dense output shape:\t (1, 10)\n");
    check_walk(28, "b1 output shape:\t (1, 7, 7, 64)\n"
                   "b2 output shape:\t (1, 4, 4, 192)\n"
                   "b3 output shape:\t (1, 2, 2, 480)\n"
                   "b4 output shape:\t (1, 1, 1, 832)\n"
                   "b5 output shape:\t (1, 1024)\n"
                   "dense output shape:\t (1, 10)\n");
}

static void summary_holds_every_layer_and_the_totals(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet();
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_true(net != NULL && out != NULL);
    assert_int_equal(gn_summary(net, out), GN_OK);
    assert_int_equal(fclose(out), 0);
    for (int i = 0; i < (int)N_ROWS; i++)
        assert_non_null(strstr(text, rows[i].name));
    assert_non_null(strstr(text, "Total params: 5,977,530"));
    assert_non_null(strstr(text, "276,066,304"));
    free(text);
    gn_free_net(net);
}

/* With SAME padding every size n ends in ceil(n / 32) before the global pool. */
static void any_size_from_1_on_has_a_network(void **state)
{
    (void)state;
    static const int sizes[] = { 1, 2, 3, 17, 28, 31, 32, 33, 65, 95, 97, 100, 225, 8192 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        gn_net *net = gn_googlenet(.size = sizes[i]);
        assert_non_null(net);
        struct gn_layer_info last;
        assert_int_equal(gn_net_layer(net, N_ROWS - 3, &last), GN_OK);
        assert_string_equal(last.name, "b5.inception5b");
        assert_int_equal(last.rank, 3);
        assert_int_equal(last.shape[0], (sizes[i] + 31) / 32);
        struct gn_net_info info;
        assert_int_equal(gn_net_describe(net, &info), GN_OK);
        assert_int_equal(info.params, 5977530);
        gn_free_net(net);
    }
}

static void absurd_options_are_refused_with_their_numbers(void **state)
{
    (void)state;
    assert_null(gn_googlenet(.size = 8193));
    check_error(GN_STATUS_BAD_SHAPE, "8193x8193x1");
    assert_null(gn_googlenet(.size = -1));
    check_error(GN_STATUS_BAD_ARGUMENT, "-1");
    assert_null(gn_googlenet(.channels = 65537));
    check_error(GN_STATUS_BAD_SHAPE, "65537");
    assert_null(gn_googlenet(.classes = 65537));
    check_error(GN_STATUS_BAD_SHAPE, "dense: 65537 units");
    assert_null(gn_preset("gogglenet"));
    check_error(GN_STATUS_BAD_MODEL, "did you mean googlenet?");
    assert_null(gn_preset_name(-1));
    assert_string_equal(gn_preset_name(0), "googlenet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_has_shape_parameters_and_cost_of_the_contract),
        cmocka_unit_test(stages_add_up_to_the_contract),
        cmocka_unit_test(channels_and_classes_change_only_both_ends),
        cmocka_unit_test(tensors_stand_in_graph_order_weight_before_bias),
        cmocka_unit_test(weights_begin_glorot_uniform_and_biases_zero),
        cmocka_unit_test(weights_depend_on_the_seed_alone),
        cmocka_unit_test(walk_prints_the_notebooks_lines),
        cmocka_unit_test(summary_holds_every_layer_and_the_totals),
        cmocka_unit_test(any_size_from_1_on_has_a_network),
        cmocka_unit_test(absurd_options_are_refused_with_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
