/* labels: quick
 *
 * Model files in a program whose locale has a decimal comma: the same bytes are written and read as
 * in the C locale. */
#include "base/number.h"
#include "support/check.h"
#include "support/files.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

/* German, made for this test where the system has none. */
static bool take_comma_locale(void)
{
    if (setlocale(LC_ALL, "de_DE.UTF-8") != NULL)
        return true;
    /* NOLINTNEXTLINE(cert-env33-c): a fixed command of a test */
    if (system("localedef -i de_DE -f UTF-8 ./de_DE.UTF-8 >localedef.log 2>&1") != 0)
        return false;
    return setenv("LOCPATH", ".", 1) == 0 && setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

static void numbers_are_the_same_texts(void **state)
{
    (void)state;
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

static void model_files_have_the_same_bytes(void **state)
{
    (void)state;
    static const char *const presets[] = { "googlenet-torchvision", "googlenet-small" };
    for (int i = 0; i < 2; i++) {
        size_t size;
        assert_non_null(setlocale(LC_ALL, "C"));
        gn_net *net = gn_preset(presets[i], .size = 64, .classes = 3);
        assert_int_equal(gn_save(net, "plain"), GN_OK);
        assert_non_null(setlocale(LC_ALL, "de_DE.UTF-8"));
        assert_int_equal(gn_save(net, "comma"), GN_OK);
        uint8_t *bytes = test_read_file("plain", &size);
        assert_true(test_file_is("comma", bytes, size));
        free(bytes);
        gn_net *loaded = gn_load("plain");
        if (loaded == NULL)
            fail_msg("%s", gn_error_message());
        struct gn_pixel_options ours, theirs;
        assert_int_equal(gn_net_pixels(net, &ours), GN_OK);
        assert_int_equal(gn_net_pixels(loaded, &theirs), GN_OK);
        assert_memory_equal(&ours, &theirs, sizeof ours);
        gn_free_net(loaded);
        gn_free_net(net);
    }
}

int main(void)
{
    if (!take_comma_locale()) {
        (void)fputs("skipped: there is no German locale and localedef cannot make one\n", stderr);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_same_texts),
        cmocka_unit_test(model_files_have_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
