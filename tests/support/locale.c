#include "support/locale.h"

#include "support/check.h"

#include <locale.h>
#include <stdlib.h>

const char *const test_locales[] = { "de_DE", "fr_FR", "ungrouped", "ps_AF", NULL };

bool test_enter_locale(const char *name)
{
    const char *build = getenv("GN_BUILD_DIR");
    char full[64], path[4096], text[16];
    (void)snprintf(path, sizeof path, "sh '%s/tests/support/locale.sh' %s", GN_SOURCE_DIR, name);
    if (system(path) != 0) { /* NOLINT(cert-env33-c): a script of ours */
        print_message("skipped: locale %s\n", name);
        return false;
    }
    (void)snprintf(full, sizeof full, "%s.UTF-8", name);
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
