#define _XOPEN_SOURCE 700 /* realpath */
#include "support/locale.h"

#include "support/check.h"

#include <locale.h>
#include <stdlib.h>

const char *const test_locales[] = { "de_DE", "fr_FR", "ungrouped", "ps_AF", NULL };

/* A whole locale takes localedef seconds; only its numbers matter here. */
static void write_source(const char *name)
{
    static const char *const others[] = { "CTYPE",     "COLLATE",     "MONETARY",      "TIME",
                                          "MESSAGES",  "PAPER",       "NAME",          "ADDRESS",
                                          "TELEPHONE", "MEASUREMENT", "IDENTIFICATION" };
    FILE *file = fopen("locale.source", "w");
    assert_non_null(file);
    (void)fputs("comment_char %\nescape_char /\nLC_NUMERIC\n", file);
    if (strcmp(name, "ungrouped") == 0)
        (void)fputs("decimal_point \",\"\nthousands_sep \"\"\ngrouping -1\n", file);
    else
        (void)fprintf(file, "copy \"%s\"\n", name);
    (void)fputs("END LC_NUMERIC\n", file);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        (void)fprintf(file, "LC_%s\ncopy \"POSIX\"\nEND LC_%s\n", others[i], others[i]);
    assert_int_equal(fclose(file), 0);
}

/* Compiled once for all tests of a build; two tests may do it at the same time. */
static const char make[] = "cd \"${GN_BUILD_DIR:-.}\" && mkdir -p tests/locales && "
                           "{ [ -d tests/locales/$NAME ] || { localedef -c --no-archive -f UTF-8 "
                           "-i \"$SOURCE\" tests/locales/tmp.$$ >/dev/null 2>&1; "
                           "mv -T tests/locales/tmp.$$ tests/locales/$NAME 2>/dev/null || "
                           "rm -rf tests/locales/tmp.$$; [ -d tests/locales/$NAME ]; }; }";

bool test_enter_locale(const char *name)
{
    const char *build = getenv("GN_BUILD_DIR");
    char full[64], path[4096], text[16];
    write_source(name);
    (void)snprintf(full, sizeof full, "%s.UTF-8", name);
    assert_non_null(realpath("locale.source", path));
    assert_int_equal(setenv("SOURCE", path, 1) | setenv("NAME", full, 1), 0);
    if (system(make) != 0) {
        print_message("skipped: localedef cannot make %s (Debian: package locales)\n", full);
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/tests/locales", build == NULL ? "." : build);
    assert_int_equal(setenv("LOCPATH", path, 1), 0);
    assert_non_null(setlocale(LC_ALL, full));
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_not_equal(text, "0.5");
    return true;
}

void test_leave_locale(void)
{
    assert_non_null(setlocale(LC_ALL, "C"));
}
