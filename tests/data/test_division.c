/* labels: quick
 *
 * How folders of pictures are divided, to the picture: the default share, rounding over all classes, and
 * what changes the fingerprint by which a resumed run knows its data. */
#include "data/dataset.h"
#include "data/files.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Three classes of 30 pictures, empty files by name. */
static int setup(void **state)
{
    (void)state;
    assert_int_equal(mkdir("set", 0777), 0);
    for (int c = 0; c < 3; c++) {
        char name[32];
        const struct bytes none = { NULL, 0 };
        (void)snprintf(name, sizeof name, "set/c%d", c);
        assert_int_equal(mkdir(name, 0777), 0);
        for (int k = 0; k < 30; k++) {
            (void)snprintf(name, sizeof name, "set/c%d/%02d.ppm", c, k);
            write_bytes(".", name, &none);
        }
    }
    return 0;
}

/* Pictures of each class that are for testing. */
static void check_shares(double fraction, int first, int second, int third)
{
    const int wanted[3] = { first, second, third };
    int counts[3] = { 0 };
    gn_dataset *test = gn_open_dataset("set", .split = GN_TEST, .val_fraction = fraction);
    if (test == NULL)
        fail_msg("%s", gn_error_message());
    for (uint64_t i = 0; i < test->samples; i++)
        counts[test->labels[i]]++;
    assert_memory_equal(counts, wanted, sizeof counts);
    gn_dataset *train = gn_open_dataset("set", .split = GN_TRAIN, .val_fraction = fraction);
    assert_int_equal(train->samples + test->samples, 90);
    gn_close_dataset(train);
    gn_close_dataset(test);
}

/* What is due after each class is rounded: 7.5, 15, 22.5 of a quarter. */
static void shares_are_rounded_over_all_classes(void **state)
{
    (void)state;
    check_shares(0, 3, 3, 3);
    check_shares(0.25, 8, 7, 8);
    check_shares(0.02, 1, 0, 1);
    check_shares(0.5, 15, 15, 15);
}

/* ---- Fingerprints ---- */

static uint32_t fingerprint(const char *folder)
{
    gn_dataset *data = gn_open_dataset(folder, .split = GN_TRAIN);
    if (data == NULL)
        fail_msg("%s", gn_error_message());
    const uint32_t value = data->fingerprint;
    gn_close_dataset(data);
    return value;
}

/* A copy of the set "idx" in which one byte of a file is another. */
static uint32_t changed(const char *file, size_t at, uint8_t value)
{
    char path[128];
    size_t n;
    assert_int_equal(system("rm -rf other && cp -r idx other"), 0);
    (void)snprintf(path, sizeof path, "other/%s", file);
    uint8_t *bytes = test_read_file(path, &n);
    assert_true(at < n && bytes[at] != value);
    bytes[at] = value;
    test_write_file(path, bytes, n);
    free(bytes);
    return fingerprint("other");
}

static void every_pixel_and_label_is_in_the_fingerprint(void **state)
{
    (void)state;
    enum { N = 20, IMAGES = 16, LABELS = 8, LAST = IMAGES + N * TINY_SIZE * TINY_SIZE - 1 };
    tiny_write_data("idx", N, N);
    const uint32_t all = fingerprint("idx");
    assert_int_equal(fingerprint("idx"), all);
    assert_int_not_equal(changed("train-images-idx3-ubyte", IMAGES, 255), all);
    assert_int_not_equal(changed("train-images-idx3-ubyte", LAST, 255), all);
    assert_int_not_equal(changed("train-labels-idx1-ubyte", LABELS + 1, 2), all);
    assert_int_not_equal(changed("train-labels-idx1-ubyte", LABELS + N - 1, 0), all);
    assert_int_equal(changed("t10k-images-idx3-ubyte", LAST, 255), all); /* the other split's */
    gn_dataset *fewer = gn_open_dataset("idx", .split = GN_TRAIN, .limit = N - 1);
    assert_int_not_equal(fewer->fingerprint, all);
    gn_close_dataset(fewer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_rounded_over_all_classes),
        cmocka_unit_test(every_pixel_and_label_is_in_the_fingerprint),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
