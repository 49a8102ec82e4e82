/* labels: quick
 *
 * Numbers as text: shortest, exact, and the same bytes in every locale. */
#include "file/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "support/check.h"
#include "support/locale.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static const double some_values[] = {
    0,      -0.0,    1,      -1,      0.1,        0.25,           DBL_MIN,
    5e-324, DBL_MAX, 1e-310, 2.0 / 3, 12345678.9, (double)0.485F, 1e6
};
enum { VALUES = sizeof some_values / sizeof some_values[0] };

/* Runs `check` in the C locale, then in each locale with another decimal point. */
static void in_every_locale(void (*check)(void))
{
    int made = 0;
    check();
    for (int i = 0; test_locales[i] != NULL; i++) {
        if (!test_enter_locale(test_locales[i]))
            continue;
        check();
        test_leave_locale();
        made++;
    }
    if (made == 0)
        skip();
}

static void check_hexadecimal(void)
{
    static const char *const bad[] = { "",
                                       "1",
                                       "0x1.8p+1",
                                       "0x1.8000000000000p1",
                                       "0x1.8000000000000p+1024",
                                       "0x1.8000000000000p+",
                                       "0x2.8000000000000p+1",
                                       "0x1.800000000000gp+1",
                                       "0x1.8000000000000p+1x",
                                       "0x1,8000000000000p+1",
                                       "nan",
                                       "0x1.8000000000000p+01",
                                       "0x1.8000000000000p-0",
                                       "0x0.8000000000000p+1" };
    for (int i = 0; i < VALUES; i++) {
        char text[GN_NUMBER_TEXT];
        double back;
        assert_true(gn_hex_parse(gn_hex_text(some_values[i], text), &back));
        assert_memory_equal(&back, &some_values[i], sizeof back);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value;
        assert_false(gn_hex_parse(bad[i], &value));
    }
}

static void hexadecimal_texts_return_every_bit(void **state)
{
    (void)state;
    in_every_locale(check_hexadecimal);
}

/* Model files of earlier versions were written with printf, and equal runs must give equal bytes. */
static void short_hexadecimal_texts_are_those_of_printf(void **state)
{
    (void)state;
    for (int i = 0; i < VALUES; i++) {
        char ours[GN_NUMBER_TEXT], theirs[GN_NUMBER_TEXT];
        (void)snprintf(theirs, sizeof theirs, "%a", some_values[i]);
        assert_string_equal(gn_short_hex_text(some_values[i], ours), theirs);
    }
}

static void check_short_hexadecimal(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = { { 0, "0x0p+0" },
                  { 1, "0x1p+0" },
                  { -0.5, "-0x1p-1" },
                  { (double)0.485F, "0x1.f0a3d8p-2" },
                  { 0.1, "0x1.999999999999ap-4" },
                  { 1e308, "0x1.1ccf385ebc8ap+1023" },
                  { 5e-324, "0x0.0000000000001p-1022" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[GN_NUMBER_TEXT];
        double back;
        assert_string_equal(gn_short_hex_text(cases[i].value, text), cases[i].text);
        assert_true(gn_short_hex_parse(text, &back));
        assert_memory_equal(&back, &cases[i].value, sizeof back);
        assert_true(gn_short_hex_parse(gn_hex_text(cases[i].value, text), &back));
        assert_memory_equal(&back, &cases[i].value, sizeof back);
    }
    static const char *const bad[] = { "",
                                       "0x",
                                       "0x1",
                                       "0x1.p+0",
                                       "0x1,8p+0",
                                       "0.5",
                                       "inf",
                                       "nan",
                                       "0x1.8p",
                                       "0x1.8p+0 ",
                                       "0x2p+0",
                                       "+0x1p+0",
                                       "0x1.8p+1024",
                                       "0x1.8p+01",
                                       "0x18p+0",
                                       "--0x1p+0",
                                       "0x1.99999999999999p+0",
                                       "0x1.8P+0",
                                       "p",
                                       "-p" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double back;
        if (gn_short_hex_parse(bad[i], &back))
            fail_msg("\"%s\" was read as %a", bad[i], back);
    }
}

static void short_hexadecimal_texts_return_every_bit_of_a_float(void **state)
{
    (void)state;
    in_every_locale(check_short_hexadecimal);
}

static void check_decimal(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = { { 0.05, "0.05" },  { 2.302585092994046, "2.302585092994046" },
                  { 1, "1" },        { 1.0 / 3, "0.3333333333333333" },
                  { 1e-7, "1e-07" }, { 0.1 + 0.2, "0.30000000000000004" },
                  { 1e6, "1e+06" },  { 1234567.5, "1234567.5" },
                  { -2, "-2" },      { (double)INFINITY, "inf" } };
    char text[GN_NUMBER_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(gn_decimal_text(cases[i].value, text), cases[i].text);
    for (int i = 0; i < VALUES; i++) {
        double back = 7;
        assert_true(gn_real_parse(gn_decimal_text(some_values[i], text), &back));
        assert_memory_equal(&back, &some_values[i], sizeof back);
    }
    assert_string_equal(gn_digits_text(0.1234567, 3, text), "0.123");
    assert_string_equal(gn_digits_text(1e-9, 2, text), "1e-09");
    assert_string_equal(gn_fixed_text(1234567.125, 2, text), "1234567.12");
    assert_string_equal(gn_fixed_text(-0.5, 0, text), "-0");
    assert_string_equal(gn_fixed_text(1e300, 2, text), "1.0000000000000001e+300");
}

static void decimal_texts_are_short_and_exact(void **state)
{
    (void)state;
    in_every_locale(check_decimal);
}

static void check_reading(void)
{
    static const char *const bad[] = { "",     " 1",          "1 ",    "+",   ".",     "1,5",
                                       "1.5.", "0x1",         "nan",   "inf", "1e",    "e1",
                                       "--1",  "1.234.567,5", "1e999", "1e+", "1_000", "0x1p3" };
    double value = 7;
    assert_true(gn_real_parse("+.5", &value) && value == 0.5);
    assert_true(gn_real_parse("-5.", &value) && value == -5);
    assert_true(gn_real_parse("2.5E-1", &value) && value == 0.25);
    value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(!gn_real_parse(bad[i], &value) && value == 7);
    const char *list = "0.5,0.25:x";
    list = gn_real_scan(list, &value);
    assert_string_equal(list, ",0.25:x");
    assert_string_equal(gn_real_scan(list + 1, &value), ":x");
    assert_true(value == 0.25);
}

static void decimal_numbers_are_read_whole_and_with_a_point(void **state)
{
    (void)state;
    in_every_locale(check_reading);
}

static void whole_numbers_are_read_within_their_range(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "-1", "+1", " 1", "1.0", "18446744073709551616", "1e3" };
    uint64_t whole = 7;
    int number = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(!gn_whole_parse(bad[i], &whole) && whole == 7);
    assert_true(gn_whole_parse("18446744073709551615", &whole) && whole == UINT64_MAX);
    assert_true(gn_whole_parse("007", &whole) && whole == 7);
    assert_true(gn_int_parse("-2147483648", INT_MIN, INT_MAX, &number) && number == INT_MIN);
    assert_true(gn_int_parse("+12", 1, 12, &number) && number == 12);
    assert_false(gn_int_parse("2147483648", INT_MIN, INT_MAX, &number));
    assert_false(gn_int_parse("0", 1, 12, &number));
    assert_false(gn_int_parse("13", 1, 12, &number));
    assert_false(gn_int_parse("- 1", -9, 12, &number));
    assert_false(gn_int_parse("--1", -9, 12, &number));
    assert_int_equal(number, 12);
}

static void check_sizes(void)
{
    char text[GN_NUMBER_TEXT];
    assert_string_equal(gn_bytes_text(0, text), "0 bytes");
    assert_string_equal(gn_bytes_text(1023, text), "1023 bytes");
    assert_string_equal(gn_bytes_text(1536, text), "1.5 KiB");
    assert_string_equal(gn_bytes_text(UINT64_C(2000000000), text), "1.9 GiB");
    assert_string_equal(gn_bytes_text(UINT64_MAX, text), "16.0 EiB");
}

static void sizes_have_one_style(void **state)
{
    (void)state;
    in_every_locale(check_sizes);
}

static void check_sentence(void)
{
    char text[GN_NUMBER_TEXT], read[64] = "";
    gn_format(text, sizeof text, "%.1f%% of %d", 12.5, 1234567);
    assert_string_equal(text, "12.5% of 1234567");
    FILE *file = tmpfile();
    assert_non_null(file);
    gn_print(file, "%g, %.2e", 0.5, 1234.5);
    rewind(file);
    assert_non_null(fgets(read, sizeof read, file));
    assert_string_equal(read, "0.5, 1.23e+03");
    (void)fclose(file);
    (void)gn_fail(GN_STATUS_BAD_DATA, "lr %g, loss %.2f", 0.05, 1234.5);
    gn_hint("try %g", 0.005);
    check_error(GN_STATUS_BAD_DATA, "lr 0.05, loss 1234.50\n  hint: try 0.005");
}

static void numbers_in_sentences_have_a_point(void **state)
{
    (void)state;
    in_every_locale(check_sentence);
}

static void check_json(void)
{
    static const char text[] = "{\"a\":[0.5,-1.25e-07,3]}";
    json_t *root;
    assert_int_equal(gn_json_parse(text, &root), GN_OK);
    assert_non_null(root);
    char *back = gn_json_text(root, JSON_COMPACT | JSON_REAL_PRECISION(15), "a test");
    assert_string_equal(back, "{\"a\":[0.5,-1.25e-7,3]}");
    gn_free(back);
}

static void json_has_points_and_reads_them(void **state)
{
    (void)state;
    in_every_locale(check_json);
}

static void *print_in_another_thread(void *text)
{
    (void)snprintf(text, 8, "%.1f", 0.5);
    return NULL;
}

static void only_the_calling_thread_leaves_its_locale(void **state)
{
    (void)state;
    char text[GN_NUMBER_TEXT];
    pthread_t thread;
    if (!test_enter_locale("de_DE"))
        skip();
    const locale_t before = gn_locale_enter();
    assert_int_equal(pthread_create(&thread, NULL, print_in_another_thread, text), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(text, "0,5");
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0.5");
    gn_locale_leave(before);
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5");
    test_leave_locale();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_texts_return_every_bit),
        cmocka_unit_test(short_hexadecimal_texts_are_those_of_printf),
        cmocka_unit_test(short_hexadecimal_texts_return_every_bit_of_a_float),
        cmocka_unit_test(decimal_texts_are_short_and_exact),
        cmocka_unit_test(decimal_numbers_are_read_whole_and_with_a_point),
        cmocka_unit_test(whole_numbers_are_read_within_their_range),
        cmocka_unit_test(sizes_have_one_style),
        cmocka_unit_test(numbers_in_sentences_have_a_point),
        cmocka_unit_test(json_has_points_and_reads_them),
        cmocka_unit_test(only_the_calling_thread_leaves_its_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
