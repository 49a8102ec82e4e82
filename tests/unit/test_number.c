/* labels: quick
 *
 * Numbers as text: shortest, exact, and the same bytes in every locale. */
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
    char text[GN_NUMBER_TEXT];
    double back;
    assert_string_equal(gn_short_hex_text((double)0.485F, text), "0x1.f0a3d8p-2");
    assert_true(gn_short_hex_parse(text, &back) && back == (double)0.485F);
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
    (void)gn_fail(GN_STATUS_BAD_DATA, "lr %g, loss %.2f", 0.05, 1234.5);
    gn_hint("try %g", 0.005);
    check_error(GN_STATUS_BAD_DATA, "lr 0.05, loss 1234.50\n  hint: try 0.005");
}

static void numbers_in_error_sentences_have_a_point(void **state)
{
    (void)state;
    in_every_locale(check_sentence);
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
        cmocka_unit_test(numbers_in_error_sentences_have_a_point),
        cmocka_unit_test(only_the_calling_thread_leaves_its_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
