/* labels: quick
 *
 * Records of CIFAR-10 and CIFAR-100: which byte is the label, and where each pixel's colours are. */
#include "data/dataset.h"
#include "data/files.h"
#include "support/check.h"

#include <sys/stat.h>

enum { PLANE = 32 * 32, RECORDS = 3 };

/* Record i: coarse label i + 1 where there is one, label 2 i + 3, and planes of i, 100 + i, 200 + i whose
 * first byte is one more. */
static void write_records(const char *folder, const char *name, bool coarse)
{
    struct bytes b = { 0 };
    for (int i = 0; i < RECORDS; i++) {
        const uint8_t labels[2] = { (uint8_t)(i + 1), (uint8_t)(2 * i + 3) };
        bytes_add(&b, coarse ? labels : labels + 1, coarse ? 2 : 1);
        for (int c = 0; c < 3; c++)
            for (int k = 0; k < PLANE; k++) {
                const uint8_t value = (uint8_t)(100 * c + i + (k == 0));
                bytes_add(&b, &value, 1);
            }
    }
    write_bytes(folder, name, &b);
    bytes_free(&b);
}

static void check_set(const char *folder, gn_split split, int classes)
{
    gn_dataset *data = gn_open_dataset(folder, .split = split);
    if (data == NULL)
        fail_msg("%s", gn_error_message());
    const int files = split == GN_TRAIN && classes == 10 ? 5 : 1;
    assert_int_equal(data->samples, files * RECORDS);
    assert_int_equal(data->classes, classes);
    for (uint64_t s = 0; s < data->samples; s++) {
        const int i = (int)s % RECORDS;
        assert_int_equal(data->labels[s], 2 * i + 3);
        for (int k = 0; k < 3 * PLANE; k++)
            assert_int_equal(data->pixels[s * 3 * PLANE + (size_t)k], 100 * (k % 3) + i + (k < 3));
    }
    gn_close_dataset(data);
}

static void labels_and_pixels_are_where_they_belong(void **state)
{
    (void)state;
    assert_int_equal(mkdir("ten", 0777), 0);
    assert_int_equal(mkdir("hundred", 0777), 0);
    for (int k = 1; k <= 5; k++) {
        char name[32];
        (void)snprintf(name, sizeof name, "data_batch_%d.bin", k);
        write_records("ten", name, false);
    }
    write_records("ten", "test_batch.bin", false);
    write_records("hundred", "train.bin", true);
    write_records("hundred", "test.bin", true);
    check_set("ten", GN_TRAIN, 10);
    check_set("ten", GN_TEST, 10);
    check_set("hundred", GN_TRAIN, 100);
    check_set("hundred", GN_TEST, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_and_pixels_are_where_they_belong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
