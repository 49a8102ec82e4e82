/* labels: quick
 *
 * Descriptions of models that lie or contradict themselves: each is refused with a sentence that names
 * the field. */
#include "formats/model.h"
#include "support/check.h"

#define OK_STEPS                                                                                   \
    "[{\"step\":\"div\",\"by\":255},{\"step\":\"resize\",\"h\":96,\"w\":96,\"rule\":"              \
    "\"tf1-legacy\"}]"
#define MODEL(input, classes, rest) MODEL_OF("googlenet", input, classes, rest, OK_STEPS)
#define MODEL_OF(name, input, classes, rest, steps)                                                \
    "{\"preset\":\"" name "\",\"layers\":\"0\",\"output\":\"logits\",\"input\":" input             \
    ",\"classes\":" classes rest ",\"preprocess\":" steps "}"

/* The steps behind those of the preset. */
#define LIST_OF(steps)                                                                             \
    MODEL_OF("googlenet", "[96,96,1]", "10", "",                                                   \
             "[{\"step\":\"div\",\"by\":255},{\"step\":\"resize\",\"h\":96,\"w\":96,\"rule\":"     \
             "\"tf1-legacy\"}," steps "]")

static const struct {
    const char *model;
    gn_status status;
    const char *part;
} lies[] = {
    { "", GN_STATUS_BAD_MODEL, "\"gn.model\" is not a JSON object" },
    { "[1]", GN_STATUS_BAD_MODEL, "\"gn.model\" is not a JSON object" },
    { "{}", GN_STATUS_BAD_MODEL, "\"preset\" of \"gn.model\" is not a text" },
    { "{\"preset\":\"googlenet\"}", GN_STATUS_BAD_MODEL, "\"layers\" of \"gn.model\"" },
    { MODEL("[96,96]", "10", ""), GN_STATUS_BAD_MODEL, "\"input\" of \"gn.model\" is not" },
    { MODEL("[0,96,1]", "10", ""), GN_STATUS_BAD_MODEL, "\"input\" of" },
    { MODEL("[-1,96,1]", "10", ""), GN_STATUS_BAD_MODEL, "\"input\" of" },
    { MODEL("[96.0,96,1]", "10", ""), GN_STATUS_BAD_MODEL, "\"input\" of" },
    { MODEL("[96,4294967392,1]", "10", ""), GN_STATUS_BAD_MODEL, "\"input\" of" },
    { MODEL("[96,96,1000000]", "10", ""), GN_STATUS_BAD_MODEL, "\"input\" of" },
    { MODEL("[96,96,1]", "0", ""), GN_STATUS_BAD_MODEL, "\"classes\" of" },
    { MODEL("[96,96,1]", "2147483647", ""), GN_STATUS_BAD_MODEL, "\"classes\" of" },
    { MODEL("[96,96,1]", "\"10\"", ""), GN_STATUS_BAD_MODEL, "\"classes\" of" },
    { MODEL("[96,96,1]", "2", ",\"labels\":[\"a\"]"), GN_STATUS_BAD_MODEL, "\"labels\" of" },
    { MODEL("[96,96,1]", "1", ",\"labels\":[1]"), GN_STATUS_BAD_MODEL, "\"labels\" of" },
    { MODEL_OF("googlenet", "[96,96,1]", "10", "", "null"), GN_STATUS_BAD_MODEL,
      "\"preprocess\" of \"gn.model\" is not an array" },
    { MODEL_OF("googlenet", "[96,96,1]", "10", "", "[]"), GN_STATUS_UNSUPPORTED,
      "the model needs \"preprocess\" = []" },
    { MODEL_OF("googlenet", "[96,96,1]", "10", "", "[{}]"), GN_STATUS_BAD_MODEL,
      "has a step without a name" },
    { MODEL_OF("googlenet", "[96,96,1]", "10", "", "[{\"step\":\"crop\"}]"), GN_STATUS_UNSUPPORTED,
      "{\"step\":\"crop\"}, which this version cannot do" },
    { MODEL_OF("googlenet", "[96,96,1]", "10", "", "[{\"step\":\"decode\",\"channels\":\"bgr\"}]"),
      GN_STATUS_UNSUPPORTED, "\"channels\":\"bgr\"" },
    { MODEL_OF("googlenet", "[96,96,1]", "10", "",
               "[{\"step\":\"resize\",\"h\":96,\"w\":96,\"rule\":\"tf1-legacy\"},"
               "{\"step\":\"div\",\"by\":255}]"),
      GN_STATUS_UNSUPPORTED, "{\"step\":\"div\",\"by\":255}, which" },
    { MODEL_OF("googlenet", "[96,96,1]", "10", "",
               "[{\"step\":\"resize\",\"h\":95,\"w\":96,\"rule\":\"tf1-legacy\"}]"),
      GN_STATUS_BAD_MODEL, "resizes neither to the network's input nor to a square" },
    { MODEL_OF("googlenet", "[96,96,1]", "10", "",
               "[{\"step\":\"resize\",\"h\":128,\"w\":128,\"rule\":\"half-pixel\"}]"),
      GN_STATUS_UNSUPPORTED, "\"preprocess\"" }, /* a square, but no crop */
    { MODEL_OF("googlenet", "[96,96,1]", "10", "",
               "[{\"step\":\"resize\",\"h\":64,\"w\":64,\"rule\":\"half-pixel\"}]"),
      GN_STATUS_BAD_MODEL, "resizes to less than the network's input" },
    { LIST_OF("{\"step\":\"divc\",\"by\":[2]}"), GN_STATUS_UNSUPPORTED, "divc" },
    { LIST_OF("{\"step\":\"sub\",\"by\":[\"nan\"]}"), GN_STATUS_UNSUPPORTED, "nan" },
    { LIST_OF("{\"step\":\"sub\",\"by\":[1,2]}"), GN_STATUS_UNSUPPORTED, "[1,2]" },
    { LIST_OF("{\"step\":\"sub\",\"by\":[1]},{\"step\":\"sub\",\"by\":[1]}"), GN_STATUS_UNSUPPORTED,
      "\"sub\"" },
    { LIST_OF("{\"step\":\"sub\",\"by\":[1]},{\"step\":\"divc\",\"by\":[0]}"),
      GN_STATUS_UNSUPPORTED, "\"divc\"" },
    { LIST_OF("{\"step\":\"affine\",\"mul\":[1]}"), GN_STATUS_UNSUPPORTED, "\"affine\"" },
    { LIST_OF("{\"step\":\"affine\",\"mul\":[1],\"add\":[1]},{\"step\":\"sub\",\"by\":[1]}"),
      GN_STATUS_UNSUPPORTED, "\"sub\"" },
    { LIST_OF("{\"step\":\"gamma\",\"by\":[1]}"), GN_STATUS_UNSUPPORTED, "gamma" },
    { MODEL_OF("nonet", "[96,96,1]", "10", "", OK_STEPS), GN_STATUS_BAD_MODEL,
      "lie: nonet: no preset has this name" },
    { MODEL("[96,96,1]", "10", ""), GN_STATUS_BAD_MODEL,
      "lie: safetensors: the file is of an"
      "other network" },
    { MODEL_OF("googlenet", "[96,64,1]", "10", "",
               "[{\"step\":\"div\",\"by\":255},{\"step\":\"resize\",\"h\":96,\"w\":64,"
               "\"rule\":\"half-pixel\"}]"),
      GN_STATUS_BAD_MODEL, "lie: safetensors: the file is of another network" },
};

static void descriptions_that_lie_are_named(void **state)
{
    (void)state;
    const float value = 1;
    const struct gn_st_tensor tensor = {
        .name = "dense.bias", .dtype = GN_F32, .rank = 1, .shape = { 1 }, .count = 1, .data = &value
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        const struct gn_st_text text = { "gn.model", lies[i].model };
        assert_int_equal(gn_st_write("lie", &tensor, 1, &text, 1, NULL), GN_OK);
        assert_null(gn_load("lie"));
        check_error(lies[i].status, lies[i].part);
    }
    assert_int_equal(gn_st_write("lie", &tensor, 1, NULL, 0, NULL), GN_OK);
    assert_null(gn_load("lie"));
    check_error(GN_STATUS_BAD_MODEL, "lie: safetensors: the metadata \"gn.model\" is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptions_that_lie_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
