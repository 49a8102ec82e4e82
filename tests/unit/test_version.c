/* labels: quick
 *
 * The version that the header states, that CMake builds and that the library reports is the same. */
#include "support/check.h"

#include "gn_config.h"

static void macros_and_string_agree(void **state)
{
    (void)state;
    char numbers[40];
    (void)snprintf(numbers, sizeof numbers, "%d.%d.%d", GN_VERSION_MAJOR, GN_VERSION_MINOR,
                   GN_VERSION_PATCH);
    assert_string_equal(numbers, GN_VERSION_STRING);
}

static void the_header_has_the_version_of_the_build(void **state)
{
    (void)state;
    assert_string_equal(GN_VERSION_STRING, GN_CONFIG_VERSION);
    assert_string_equal(GN_VERSION_STRING, gn_version());
    assert_int_equal(GN_VERSION_NUMBER, gn_version_number());
    assert_true(GN_VERSION_NUMBER >= 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macros_and_string_agree),
        cmocka_unit_test(the_header_has_the_version_of_the_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
