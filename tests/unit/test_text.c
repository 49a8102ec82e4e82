/*
 * Names out of hostile files: nothing that is printed steers a terminal or turns the direction of
 * writing, and everything that people write comes through.
 * labels: quick
 */
#include "base/text.h"
#include "base/width.h"

#include "support/check.h"
#include "support/locale.h"

static const char *shown(const char *text)
{
    static char buffer[64];
    return gn_printable(buffer, sizeof buffer, text);
}

static void letters_of_every_alphabet_are_shown(void **state)
{
    (void)state;
    static const char *const texts[] = { "plain",
                                         "T-shirt/top",
                                         "\xc2\xa9 caf\xc3\xa9",
                                         "\xe9\x9e\x8b\xe5\xad\x90",
                                         "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
                                         "\xf0\x9f\x91\x9f" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_string_equal(shown(texts[i]), texts[i]);
        assert_true(gn_is_printable(texts[i]));
    }
}

static void what_steers_a_terminal_becomes_a_question_mark(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        { "a\033[2Jb", "a?[2Jb" },  /* C0 */
        { "a\nb\r\t\v", "a?b???" }, /* lines */
        { "a\x7f", "a?" },          /* DEL */
        { "a\xc2\x9b"
          "2J",
          "a??2J" }, /* C1: CSI in one character */
        { "a\x9b"
          "2J",
          "a?2J" }, /* the same as a byte of Latin-1 */
        { "evil\xe2\x80\xae"
          "gpj.exe",
          "evil???gpj.exe" }, /* right-to-left override */
        { "a\xe2\x81\xa6"
          "b",
          "a???b" }, /* isolate */
        { "a\xe2\x80\xa8"
          "b",
          "a???b" }, /* line separator */
        { "a\xc0\xaf"
          "b",
          "a??b" }, /* a slash, overlong */
        { "a\xed\xa0\x80"
          "b",
          "a???b" },            /* a surrogate */
        { "a\xe2\x82", "a??" }, /* cut off */
        { "a\xf4\x90\x80\x80"
          "b",
          "a????b" }, /* beyond Unicode */
        { "a\xf3\xa0\x81\x81"
          "b",
          "a????b" }, /* a tag, invisible */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(shown(cases[i].text), cases[i].shown);
        assert_false(gn_is_printable(cases[i].text));
    }
}

static void long_texts_end_in_dots_between_characters(void **state)
{
    char small[8];
    (void)state;
    assert_string_equal(gn_printable(small, sizeof small, "1234567"), "1234...");
    assert_string_equal(gn_printable(small, sizeof small, "\xe9\x9e\x8b\xe9\x9e\x8b\xe9\x9e\x8b"),
                        "\xe9\x9e\x8b...");
    assert_string_equal(gn_printable(small, sizeof small, "1234"), "1234");
}

static void sentences_are_printable_whatever_they_quote(void **state)
{
    (void)state;
    (void)gn_fail(GN_STATUS_BAD_DATA, "%s: bad", "x\033]0;title\007\n  forged");
    gn_hint("try %s", "\xe2\x80\xae");
    assert_string_equal(gn_error_message(), "x?]0;title??  forged: bad\n  hint: try ???");
    (void)gn_fail(GN_STATUS_BAD_MODEL, "file: %s", gn_error_message());
    assert_string_equal(gn_error_message(), "file: x?]0;title??  forged: bad\n  hint: try ???");
    gn_clear_error();
}

/* In Turkish, i and I are different letters. */
static void case_is_that_of_ascii_in_every_locale(void **state)
{
    (void)state;
    for (int i = -1; i < 0 || test_locales[i] != NULL; i++) {
        if (i >= 0 && !test_enter_locale(test_locales[i]))
            continue;
        assert_true(gn_same_word("VALIDATION", "validation") && gn_same_word("", ""));
        assert_false(gn_same_word("validation", "validatio") || gn_same_word("val", "val_"));
        assert_false(gn_same_word("@[`{", "`{@["));
        assert_true(gn_same_letters(".GIF and more", ".gif", 4));
        assert_false(gn_same_letters(".GIF", ".gif ", 5));
        test_leave_locale();
    }
}

static void tables_are_aligned_by_what_is_seen(void **state)
{
    static const struct {
        const char *text;
        int width;
    } cases[] = {
        { "", 0 },
        { "plain", 5 },
        { "caf\xc3\xa9", 4 },              /* one character of two bytes */
        { "cafe\xcc\x81", 4 },             /* the same with a combining accent */
        { "\xe9\x9e\x8b\xe5\xad\x90", 4 }, /* two wide ones */
        { "\xec\x8b\xa0\xeb\xb0\x9c", 4 }, /* Hangul */
        { "\xd7\xa9\xd7\x9c", 2 },         /* Hebrew */
        { "\xf0\x9f\x91\x9f", 2 },         /* a running shoe */
        { "a\xff\xc3", 3 },                /* bytes that are no characters */
        { "\xe0\xb8\x81\xe0\xb8\xb4", 1 }, /* Thai with a vowel above */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gn_width(cases[i].text), cases[i].width);
        assert_int_equal(gn_padding(cases[i].text, 10), 10 - cases[i].width);
        assert_int_equal(gn_padding(cases[i].text, 0), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_every_alphabet_are_shown),
        cmocka_unit_test(what_steers_a_terminal_becomes_a_question_mark),
        cmocka_unit_test(long_texts_end_in_dots_between_characters),
        cmocka_unit_test(tables_are_aligned_by_what_is_seen),
        cmocka_unit_test(sentences_are_printable_whatever_they_quote),
        cmocka_unit_test(case_is_that_of_ascii_in_every_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
