/* labels: quick
 *
 * Paths and the nearest word. */
#include "base/path.h"
#include "base/words.h"
#include "support/check.h"
#include "support/files.h"

#include <errno.h>

static void paths_are_joined_and_taken_apart(void **state)
{
    (void)state;
    char path[GN_PATH_BYTES], longest[GN_PATH_BYTES];
    assert_true(gn_path_join(path, "a/b", "c.txt"));
    assert_string_equal(path, "a/b/c.txt");
    assert_true(gn_path_join(path, "a", "") && strcmp(path, "a") == 0);
    assert_true(gn_path_join(path, "", "c") && strcmp(path, "c") == 0);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_true(gn_path_join(path, "", longest));
    assert_false(gn_path_join(path, "a", longest));
    assert_string_equal(gn_path_name("a/b.c/d"), "d");
    assert_string_equal(gn_path_name("d"), "d");
    assert_string_equal(gn_path_extension("a.b/c.tar.gz"), ".gz");
    assert_string_equal(gn_path_extension("a.b/c"), "");
    assert_string_equal(gn_path_extension("a/.hidden"), "");
}

static void folders_are_made_with_those_above_them(void **state)
{
    (void)state;
    int made = -1;
    assert_int_equal(gn_make_folders("x/y//z/", &made), 0);
    assert_int_equal(made, 3);
    assert_true(gn_path_is_folder("x/y/z"));
    assert_int_equal(gn_make_folders("x/y/z", &made), 0);
    assert_int_equal(made, 0);
    test_write_file("x/file", "", 0);
    assert_true(gn_path_exists("x/file") && !gn_path_is_folder("x/file"));
    assert_int_equal(gn_make_folders("x/file", NULL), ENOTDIR);
    assert_int_equal(gn_make_folders("x/file/below", NULL), ENOTDIR);
}

static void the_nearest_word_is_what_was_meant(void **state)
{
    (void)state;
    static const char *const names[] = { "momentum", "batch", "epochs", NULL };
    assert_string_equal(gn_nearest("momemtum", names), "momentum");
    assert_string_equal(gn_nearest("bacth", names), "batch");
    assert_string_equal(gn_nearest("mom", names), "momentum");
    assert_string_equal(gn_nearest("epochs-count", names), "epochs");
    assert_null(gn_nearest("colour", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_joined_and_taken_apart),
        cmocka_unit_test(folders_are_made_with_those_above_them),
        cmocka_unit_test(the_nearest_word_is_what_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
