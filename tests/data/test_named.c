/*
 * Named data sets: where they are looked for, and that only the right bytes pass.
 *
 * labels: quick
 */
#include "data/dataset.h"
#include "data/files.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEBIAN "/usr/share/datasets/fashion-mnist"

static char folder[PATH_BYTES];

static int setup(void **state)
{
    (void)state;
    make_folder(folder);
    (void)unsetenv("GOOGLENET_DATA");
    return setenv("XDG_CACHE_HOME", folder, 1);
}

static int teardown(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static bool exists(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0;
}

static void require_error(const char *part)
{
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_DATA);
    if (strstr(gn_error_message(), part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", gn_error_message(), part);
}

/* Four files as large as those of a 28x28 set, all zeros; the images are holes on the disk. */
static void write_false_set(const char *inner)
{
    static const struct {
        const char *name;
        int rank;
        uint32_t count;
    } files[] = { { "train-images-idx3-ubyte", 3, 60000 },
                  { "train-labels-idx1-ubyte", 1, 60000 },
                  { "t10k-images-idx3-ubyte", 3, 10000 },
                  { "t10k-labels-idx1-ubyte", 1, 10000 } };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const uint32_t dims[] = { files[i].count, 28, 28 };
        struct bytes b = idx_bytes(8, files[i].rank, dims, NULL, 0);
        char path[3 * PATH_BYTES];
        const off_t image = files[i].rank == 3 ? 784 : 1;
        write_bytes(inner, files[i].name, &b);
        (void)snprintf(path, sizeof path, "%s/%s", inner, files[i].name);
        assert_int_equal(truncate(path, (off_t)b.size + files[i].count * image), 0);
        bytes_free(&b);
    }
}

static void the_table_lists_the_sets(void **state)
{
    (void)state;
    static const char *const names[] = { "fashion-mnist", "mnist", "kmnist", "cifar-10",
                                         "cifar-100" };
    struct gn_known_dataset known;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(gn_dataset_known(i, NULL, false, &known), 0);
        assert_string_equal(known.name, names[i]);
        assert_int_equal(known.classes, i == 4 ? 100 : 10);
        assert_false(known.verified);
    }
    assert_int_equal(gn_dataset_known(5, NULL, false, &known), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_dataset_known(-1, NULL, false, &known), GN_STATUS_BAD_ARGUMENT);
}

static void wrong_bytes_under_a_known_name_are_refused(void **state)
{
    (void)state;
    char inner[PATH_BYTES + 32];
    (void)snprintf(inner, sizeof inner, "%s/mnist", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    write_false_set(inner);
    assert_null(gn_open_dataset("mnist", .data_dir = folder, .offline = true));
    require_error("train-labels-idx1-ubyte: IDX: not the file of mnist (MD5 ");
    require_error(", expected a25bea736e30d166cdddb491f175f624)");
    assert_int_equal(gn_dataset_get("mnist", folder, true, NULL, 0), GN_STATUS_BAD_DATA);
    require_error("train-images-idx3-ubyte: IDX: not the file of mnist (MD5 ");
    /* Another shape is seen before any digest. */
    const struct shape other = { .n = 5, .height = 28, .width = 28, .channels = 1, .classes = 5 };
    write_split(inner, true, &other, false);
    assert_null(gn_open_dataset("mnist", .data_dir = folder, .offline = true));
    require_error("not the file of mnist (holds 5x1x1, expected 60000x1x1)");
}

static void a_set_without_digests_is_known_by_its_packed_files(void **state)
{
    (void)state;
    uint8_t *labels = calloc(60000, 1);
    const uint32_t dims[] = { 60000 };
    struct bytes b = idx_bytes(8, 1, dims, labels, 60000), gz = gzip_bytes(&b);
    struct gn_known_dataset known;
    write_false_set(folder);
    assert_int_equal(gn_dataset_known(2, folder, true, &known), GN_OK); /* by their sizes alone */
    assert_false(known.verified);
    remove_file(folder, "train-labels-idx1-ubyte");
    write_bytes(folder, "train-labels-idx1-ubyte.gz", &gz);
    assert_null(gn_open_dataset("kmnist", .data_dir = folder, .offline = true));
    require_error("expected e144d726b3acfaa3e44228e80efcd344)");
    bytes_free(&b);
    bytes_free(&gz);
    free(labels);
}

static void a_set_that_is_nowhere_names_the_places(void **state)
{
    (void)state;
    char text[PATH_BYTES + 64];
    if (exists("/usr/share/datasets/kmnist"))
        skip();
    assert_null(gn_open_dataset("kmnist", .data_dir = "/nowhere/else", .offline = true));
    require_error("kmnist: data set: not found (looked in /nowhere/else/kmnist, /nowhere/else, "
                  "/usr/share/datasets/kmnist, ");
    (void)snprintf(text, sizeof text, "%s/googlenet/kmnist)", folder);
    require_error(text);
    assert_int_equal(gn_dataset_get("kmnits", NULL, true, NULL, 0), GN_STATUS_BAD_DATA);
    require_error("did you mean kmnist?");
}

static void places_are_searched_in_order(void **state)
{
    (void)state;
    char paths[4][PATH_BYTES + 64];
    struct gn_known_dataset known;
    static const char *const below[] = { "cache",    "cache/googlenet", "cache/googlenet/kmnist",
                                         "variable", "given",           "given/kmnist" };
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        (void)snprintf(paths[0], sizeof paths[0], "%s/%s", folder, below[i]);
        assert_int_equal(mkdir(paths[0], 0700), 0);
    }
    (void)snprintf(paths[0], sizeof paths[0], "%s/cache/googlenet/kmnist", folder);
    (void)snprintf(paths[1], sizeof paths[1], "%s/variable", folder);
    (void)snprintf(paths[2], sizeof paths[2], "%s/given", folder);
    (void)snprintf(paths[3], sizeof paths[3], "%s/given/kmnist", folder);
    char cache[PATH_BYTES + 64];
    (void)snprintf(cache, sizeof cache, "%s/cache", folder);
    assert_int_equal(setenv("XDG_CACHE_HOME", cache, 1), 0);
    assert_int_equal(setenv("GOOGLENET_DATA", paths[1], 1), 0);
    /* From the last place to the first, each filled one hides those before. */
    const int first = exists("/usr/share/datasets/kmnist") ? 1 : 0;
    for (int i = first; i < 4; i++) {
        write_false_set(paths[i]);
        assert_int_equal(gn_dataset_known(2, paths[2], false, &known), 0);
        assert_string_equal(known.where, paths[i]);
    }
    /* A folder that lacks a file is passed over. */
    remove_file(paths[3], "t10k-labels-idx1-ubyte");
    assert_int_equal(gn_dataset_known(2, paths[2], false, &known), 0);
    assert_string_equal(known.where, paths[2]);
    assert_int_equal(unsetenv("GOOGLENET_DATA"), 0);
}

static void the_packaged_set_opens_and_verifies(void **state)
{
    (void)state;
    if (!exists(DEBIAN))
        skip();
    struct gn_dataset_info info;
    gn_dataset *train = gn_open_dataset("fashion-mnist", .offline = true);
    assert_non_null(train);
    assert_int_equal(gn_dataset_describe(train, &info), 0);
    assert_string_equal(info.name, "fashion-mnist");
    assert_string_equal(info.path, DEBIAN);
    assert_int_equal(info.samples, 60000);
    assert_int_equal(info.height, 28);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.classes, 10);
    assert_string_equal(info.labels[9], "Ankle boot");
    int label;
    assert_int_equal(gn_dataset_sample(train, 0, NULL, &label), 0);
    assert_int_equal(label, 9);
    gn_close_dataset(train);
    gn_dataset *test = gn_open_dataset("fashion-mnist", .split = GN_TEST, .offline = true);
    assert_non_null(test);
    assert_int_equal(test->samples, 10000);
    gn_close_dataset(test);
    struct gn_known_dataset known;
    assert_int_equal(gn_dataset_known(0, NULL, true, &known), 0);
    assert_true(known.verified);
    char where[64];
    assert_int_equal(gn_dataset_get("fashion-mnist", NULL, true, where, sizeof where), 0);
    assert_string_equal(where, DEBIAN);
    assert_int_equal(gn_dataset_get("fashion-mnist", NULL, true, where, 5), GN_STATUS_BAD_ARGUMENT);
}

/* As happened to others: one set's files under another's name. */
static void another_known_set_is_recognised(void **state)
{
    (void)state;
    if (!exists(DEBIAN))
        skip();
    assert_null(gn_open_dataset("mnist", .data_dir = DEBIAN, .offline = true));
    require_error("not the file of mnist (MD5 9018921c3c673c538a1fc5bad174d6f9");
    require_error("this is train-labels-idx1-ubyte of fashion-mnist");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(the_table_lists_the_sets),
        TEST(wrong_bytes_under_a_known_name_are_refused),
        TEST(a_set_without_digests_is_known_by_its_packed_files),
        TEST(a_set_that_is_nowhere_names_the_places),
        TEST(places_are_searched_in_order),
        TEST(the_packaged_set_opens_and_verifies),
        TEST(another_known_set_is_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
