/*
 * Archives of named sets: what is wanted of them comes out whole, and nothing else; damaged ones are
 * refused and leave no file under a wanted name.
 *
 * labels: quick
 */
#include "data/archive.h"

#include "data/files.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>

static char folder[PATH_BYTES];

static const char *const members[] = { "a.bin", "names.txt", NULL };
static const struct gn_archive set = {
    .name = "set", .classes = 2, .file = "set.tar.gz", .folder = "inner", .members = members
};

static int setup(void **state)
{
    (void)state;
    make_folder(folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

/* A file of n bytes by formula, as tar has it. */
static void add_file(struct bytes *tar, const char *name, char kind, size_t n)
{
    uint8_t header[512] = { 0 }, byte;
    unsigned sum = 0;
    (void)snprintf((char *)header, 100, "%s", name);
    (void)snprintf((char *)header + 100, 8, "0000644");
    (void)snprintf((char *)header + 124, 12, "%011zo", n);
    (void)snprintf((char *)header + 257, 6, "ustar");
    header[156] = (uint8_t)kind;
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < sizeof header; i++)
        sum += header[i];
    (void)snprintf((char *)header + 148, 8, "%06o", sum);
    bytes_add(tar, header, sizeof header);
    for (size_t i = 0; i < (n + 511) / 512 * 512; i++) {
        byte = i < n ? pixel_value(i) : 0;
        bytes_add(tar, &byte, 1);
    }
}

static void end(struct bytes *tar)
{
    static const uint8_t zeros[1024];
    bytes_add(tar, zeros, sizeof zeros);
}

static gn_status unpack(const struct bytes *tar)
{
    char path[PATH_BYTES + 16];
    write_bytes(folder, "set.tar.gz", tar);
    (void)snprintf(path, sizeof path, "%s/set.tar.gz", folder);
    return gn_archive_unpack(&set, path, folder);
}

static void check_file(const char *name, size_t n)
{
    char path[PATH_BYTES + 64];
    size_t bytes;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    uint8_t *data = test_read_file(path, &bytes);
    assert_int_equal(bytes, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(data[i], pixel_value(i));
    free(data);
}

static bool is_there(const char *name)
{
    char path[PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return test_exists(path);
}

static void wanted_members_come_out_and_nothing_else(void **state)
{
    (void)state;
    struct bytes tar = { NULL, 0 };
    add_file(&tar, "inner/", '5', 0);
    add_file(&tar, "inner/readme.html", '0', 700);
    add_file(&tar, "../escaped", '0', 10);
    add_file(&tar, "/tmp/absolute", '0', 10);
    add_file(&tar, "inner/a.bin", '2', 0); /* a link of that name */
    add_file(&tar, "inner/a.bin", '0', 100000);
    add_file(&tar, "inner/names.txt", '0', 512);
    end(&tar);
    struct bytes packed = gzip_bytes(&tar);
    for (int k = 0; k < 2; k++) {
        if (unpack(k == 0 ? &tar : &packed) != GN_OK)
            fail_msg("%s", gn_error_message());
        check_file("inner/a.bin", 100000);
        check_file("inner/names.txt", 512);
        assert_false(is_there("inner/readme.html"));
        assert_false(is_there("../escaped"));
    }
    bytes_free(&tar);
    bytes_free(&packed);
}

static void damaged_archives_are_refused(void **state)
{
    (void)state;
    struct bytes tar = { NULL, 0 };
    add_file(&tar, "inner/a.bin", '0', 2000);
    const size_t first = tar.size;
    add_file(&tar, "inner/names.txt", '0', 100);
    end(&tar);
    static const size_t cuts[] = { 0, 100, 512, 1500 };
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        tar.size = cuts[i];
        assert_int_equal(unpack(&tar), GN_STATUS_BAD_DATA);
        assert_false(is_there("inner/a.bin"));
    }
    tar.size = first;
    end(&tar); /* over what follows: bytes_add appends at size */
    assert_int_equal(unpack(&tar), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "holds no inner/names.txt");
    tar.data[130] ^= 1; /* a digit of the size */
    assert_int_equal(unpack(&tar), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "a header of a file in it is wrong");
    bytes_free(&tar);
}

static void a_set_that_is_nowhere_says_what_to_do(void **state)
{
    (void)state;
    assert_null(gn_open_dataset("cifar-10", .data_dir = folder, .offline = true));
    assert_non_null(strstr(gn_error_message(), "hint: unpack https://www.cs.toronto.edu/~kriz/"
                                               "cifar-10-binary.tar.gz and name its folder"));
    check_error(GN_STATUS_BAD_DATA, "cifar-10: data set: not on this machine");
    assert_int_equal(gn_dataset_get("cifar-100", folder, true, NULL, 0), GN_STATUS_BAD_DATA);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wanted_members_come_out_and_nothing_else),
        TEST(damaged_archives_are_refused),
        TEST(a_set_that_is_nowhere_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
