/*
 * The table of a training's options: each is read as it is written, ranges and names are checked, and
 * a checkpoint's record of a run is what version 0.1.0 wrote.
 *
 * labels: quick
 */
#include "base/enums.h"
#include "support/check.h"
#include "train/options.h"

#include <stdlib.h>
#include <string.h>

static const struct gn_option *option_of(const char *name)
{
    const struct gn_option *option;
    for (int i = 0; (option = gn_fit_option(i)) != NULL; i++)
        if (strcmp(option->name, name) == 0)
            return option;
    fail_msg("no option is called %s", name);
    return NULL;
}

static void set(struct gn_fit_options *o, const char *name, const char *text)
{
    assert_int_equal(gn_option_set(option_of(name), o, text), GN_OK);
}

/* A text that the option takes. */
static const char *example(const struct gn_option *option)
{
    switch (option->kind) {
    case GN_OPTION_SWITCH:
        return "true";
    case GN_OPTION_REAL:
    case GN_OPTION_SECONDS:
        return option->high < 1 ? "0.3" : "2.5";
    case GN_OPTION_INT:
    case GN_OPTION_COUNT:
    case GN_OPTION_SEED:
        return "7";
    case GN_OPTION_TEXT:
    case GN_OPTION_LIST:
        return "mirror";
    case GN_OPTION_CHOICE:
        return option->choice(1);
    case GN_OPTION_SHUFFLE:
        return "window:5";
    case GN_OPTION_PLATEAU:
        return "0.5:3";
    case GN_OPTION_LOOKAHEAD:
        return "5:0.5";
    case GN_OPTION_HEADING:
        break;
    }
    return "";
}

static void every_option_is_read_as_it_is_written(void **state)
{
    (void)state;
    const struct gn_option *option;
    int n = 0;
    for (int i = 0; (option = gn_fit_option(i)) != NULL; i++) {
        struct gn_fit_options a = { .train = NULL }, b = { .train = NULL };
        char text[64], again[64];
        if (option->kind == GN_OPTION_HEADING)
            continue;
        n++;
        set(&a, option->name, example(option));
        assert_int_equal(gn_option_text(option, &a, text, sizeof text), GN_OK);
        assert_string_equal(text, example(option));
        set(&b, option->name, text);
        assert_int_equal(gn_option_text(option, &b, again, sizeof again), GN_OK);
        assert_string_equal(again, text);
        assert_int_equal(gn_options_check(&a), GN_OK);
    }
    assert_true(n > 30);
}

static void a_zero_that_is_meant_is_kept(void **state)
{
    (void)state;
    struct gn_fit_options o = { .optimizer = GN_ADAMW };
    char text[64];
    assert_int_equal(gn_fit_defaults(&o), GN_OK);
    assert_int_equal(gn_option_text(option_of("lr"), &o, text, sizeof text), GN_OK);
    assert_string_equal(text, "0.001");
    set(&o, "lr", "0");
    set(&o, "weight-decay", "0");
    set(&o, "limit-val", "0");
    assert_true(o.zero_lr && o.no_weight_decay && o.no_validation);
    assert_int_equal(gn_fit_defaults(&o), GN_OK);
    assert_int_equal(gn_option_text(option_of("lr"), &o, text, sizeof text), GN_OK);
    assert_string_equal(text, "0");
    assert_int_equal(gn_option_text(option_of("limit-val"), &o, text, sizeof text), GN_OK);
    assert_string_equal(text, "0");
    set(&o, "limit-val", "3");
    assert_true(!o.no_validation && o.limit_val == 3);
    o = (struct gn_fit_options){ .optimizer = GN_LARS };
    assert_int_equal(gn_fit_defaults(&o), GN_OK);
    assert_true(o.lr > 0.9 && o.momentum > 0.89 && o.weight_decay < 0.0006 && o.lars_trust < 0.002);
    set(&o, "momentum", "0");
    assert_int_equal(gn_fit_defaults(&o), GN_OK);
    assert_true(o.no_momentum && !(o.momentum > 0));
    o = (struct gn_fit_options){ .optimizer = GN_MUON, .nesterov = true };
    assert_int_equal(gn_fit_defaults(&o), GN_OK);
    assert_true(o.lr < 0.03 && o.momentum > 0.94 && o.weight_decay < 1e-9 && o.muon_others > 9);
}

static void texts_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        { "batch", "0", "out of range" },
        { "batch", "-1", "-1 is out of range" },
        { "batch", "3x", "not a whole number" },
        { "batch", "4294967297", "out of range" },
        { "seed", "18446744073709551616", "out of range" },
        { "lr", "nan", "not a finite number" },
        { "lr", "1,5", "not a finite number" },
        { "momentum", "1", "out of range" },
        { "optimizer", "adam", "not one of sgd, adamw, lars, muon" },
        { "shuffle", "window", "is not one of" },
        { "shuffle", "window:0", "out of range" },
        { "max-time", "soon", "is not a time" },
        { "plateau", "0.5", "FACTOR:PATIENCE" },
        { "lookahead", "5", "STEPS:SHARE" },
        { "lookahead", "0:0.5", "out of range" },
        { "lookahead", "5:1.5", "out of range" },
        { "lookahead", "5:0", "out of range" },
        { "freeze", "", "is empty" },
        { "nesterov", "yes", "is not true or false" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gn_fit_options o = { .train = NULL };
        assert_int_not_equal(gn_option_set(option_of(cases[i][0]), &o, cases[i][1]), GN_OK);
        check_error(GN_STATUS_BAD_ARGUMENT, cases[i][2]);
    }
}

/* Keys and values as gn.train of version 0.1.0 has them. */
static void the_record_is_that_of_version_0_1_0(void **state)
{
    (void)state;
    struct gn_fit_options o = { .schedule = GN_SCHEDULE_COSINE,
                                .momentum = 0.5,
                                .weight_decay = 0.25,
                                .no_decay = "dense",
                                .step_epochs = 3,
                                .adam_eps = 1e-5,
                                .ema = 0.5,
                                .plateau_factor = 0.5,
                                .plateau_patience = 2,
                                .seed = UINT64_MAX };
    assert_int_equal(gn_fit_defaults(&o), GN_OK);
    json_t *ours = json_object();
    gn_options_record(&o, ours);
    json_t *theirs = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:b, s:s, s:s, s:s, s:i, s:s}", "batch", 128,
        "seed", "18446744073709551615", "shuffle", "full", "optimizer", "sgd", "lr",
        "0x1.999999999999ap-5", "weight_decay", "0x1.0000000000000p-2", "decay_all", 0, "no_decay",
        "dense", "momentum", "0x1.0000000000000p-1", "nesterov", 0, "schedule", "cosine", "lr_min",
        "0x0.0000000000000p-1022", "plateau_factor", "0x1.0000000000000p-1", "plateau_patience", 2,
        "ema", "0x1.0000000000000p-1");
    char *text = json_dumps(ours, JSON_SORT_KEYS);
    if (!json_equal(ours, theirs))
        fail_msg("the record is %s", text);
    free(text);
    json_decref(ours);
    json_decref(theirs);
}

static void names_of_enumerations_are_found(void **state)
{
    (void)state;
    assert_int_equal(gn_enum_find(gn_resize_name, 1, "half-pixel"), GN_RESIZE_HALF_PIXEL);
    assert_int_equal(gn_enum_find(gn_resize_name, 1, "default"), -1);
    assert_int_equal(gn_enum_find(gn_schedule_name, 0, "one-cycle"), GN_SCHEDULE_ONE_CYCLE);
    assert_int_equal(gn_enum_find(gn_optimizer_name, 0, ""), -1);
    assert_null(gn_algorithm_name(-1));
    assert_null(gn_algorithm_name(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_read_as_it_is_written),
        cmocka_unit_test(a_zero_that_is_meant_is_kept),
        cmocka_unit_test(texts_that_make_no_sense_are_refused),
        cmocka_unit_test(the_record_is_that_of_version_0_1_0),
        cmocka_unit_test(names_of_enumerations_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
