/* labels: quick
 *
 * Folders of IDX files: good ones, plain and packed, names that are no folder, wrong arguments. */
#include "base/memory.h"
#include "data/dataset.h"
#include "data/idx_sets.h"
#include "support/check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* As programs that unpack MNIST call them. */
static void names_may_have_a_dot(void **state)
{
    static const char *const names[] = { "train-images", "train-labels", "t10k-images",
                                         "t10k-labels" };
    char from[PATH_BYTES + 64], to[PATH_BYTES + 64];
    (void)state;
    for (int i = 0; i < 4; i++) {
        const int rank = i % 2 == 0 ? 3 : 1;
        (void)snprintf(from, sizeof from, "%s/%s-idx%d-ubyte", idx_folder, names[i], rank);
        (void)snprintf(to, sizeof to, "%s/%s.idx%d-ubyte", idx_folder, names[i], rank);
        assert_int_equal(rename(from, to), 0);
    }
    gn_dataset *data = gn_open_dataset(idx_folder, .split = GN_TRAIN);
    if (data == NULL)
        fail_msg("%s", gn_error_message());
    assert_int_equal(data->samples, 7);
    gn_close_dataset(data);
    gn_close_dataset(gn_open_dataset(idx_folder, .split = GN_TEST));
    assert_int_equal(gn_error_status(), GN_OK);
}

static void a_plain_folder_opens(void **state)
{
    (void)state;
    gn_dataset *data = gn_open_dataset(idx_folder, .split = GN_TRAIN);
    assert_non_null(data);
    struct gn_dataset_info info;
    assert_int_equal(gn_dataset_describe(data, &info), 0);
    assert_string_equal(info.name, idx_folder);
    assert_string_equal(info.path, idx_folder);
    assert_int_equal(info.samples, 7);
    assert_int_equal(info.height, 4);
    assert_int_equal(info.width, 5);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.classes, 3);
    assert_null(info.labels);
    uint8_t pixels[20];
    int label;
    for (uint64_t i = 0; i < 7; i++) {
        assert_int_equal(gn_dataset_sample(data, i, pixels, &label), 0);
        assert_int_equal(label, i % 3);
        for (uint64_t k = 0; k < 20; k++)
            assert_int_equal(pixels[k], pixel_value(20 * i + k));
    }
    assert_int_equal(gn_dataset_sample(data, 7, pixels, &label), GN_STATUS_BAD_ARGUMENT);
    gn_close_dataset(data);
}

static void packed_files_hold_the_same(void **state)
{
    (void)state;
    gn_dataset *plain = gn_open_dataset(idx_folder, .split = GN_TEST);
    assert_non_null(plain);
    char other[PATH_BYTES];
    make_folder(other);
    write_split(other, true, &idx_small, true);
    write_split(other, false, &idx_small, true);
    gn_dataset *packed = gn_open_dataset(other, .split = GN_TEST);
    assert_non_null(packed);
    assert_int_equal(packed->fingerprint, plain->fingerprint);
    assert_int_not_equal(packed->fingerprint, 0);
    gn_close_dataset(packed);
    gn_close_dataset(plain);
    remove_folder(other);
}

static void a_limit_keeps_the_first_samples(void **state)
{
    (void)state;
    gn_dataset *all = gn_open_dataset(idx_folder, .limit = 100),
               *some = gn_open_dataset(idx_folder, .limit = 2);
    assert_non_null(all);
    assert_non_null(some);
    assert_int_equal(all->samples, 7);
    assert_int_equal(some->samples, 2);
    assert_int_equal(some->classes, 3);
    assert_int_not_equal(some->fingerprint, all->fingerprint);
    gn_close_dataset(all);
    gn_close_dataset(some);
}

static void colour_images_have_rank_four(void **state)
{
    (void)state;
    const struct shape colour = { .n = 3, .height = 2, .width = 6, .channels = 3, .classes = 2 };
    write_split(idx_folder, true, &colour, false);
    gn_dataset *data = gn_open_dataset(idx_folder);
    assert_non_null(data);
    assert_int_equal(data->channels, 3);
    assert_int_equal(data->width, 6);
    uint8_t pixels[36];
    assert_int_equal(gn_dataset_sample(data, 2, pixels, NULL), 0);
    assert_int_equal(pixels[35], pixel_value(107));
    gn_close_dataset(data);
}

static void both_splits_count_the_same_classes(void **state)
{
    (void)state;
    const struct shape more = { .n = 7, .height = 4, .width = 5, .channels = 1, .classes = 5 };
    write_split(idx_folder, false, &more, false);
    gn_dataset *train = gn_open_dataset(idx_folder),
               *test = gn_open_dataset(idx_folder, .split = GN_TEST);
    assert_int_equal(train->classes, 5);
    assert_int_equal(test->classes, 5);
    gn_close_dataset(train);
    gn_close_dataset(test);
}

static void a_split_needs_only_its_own_files(void **state)
{
    (void)state;
    remove_file(idx_folder, "t10k-images-idx3-ubyte");
    remove_file(idx_folder, "t10k-labels-idx1-ubyte");
    gn_dataset *train = gn_open_dataset(idx_folder);
    assert_non_null(train);
    gn_close_dataset(train);
    const struct gn_dataset_options test = { .data = idx_folder, .split = GN_TEST };
    idx_refused(&test, idx_folder, "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte are missing");
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    char path[PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/nowhere", idx_folder);
    const struct gn_dataset_options options = { .data = path };
    idx_refused(&options, path, "there is no such folder");
}

static void an_unknown_name_gets_the_nearest(void **state)
{
    (void)state;
    const struct gn_dataset_options near = { .data = "fashion-mnits" };
    idx_refused(&near, "fashion-mnits", "did you mean fashion-mnist?");
    const struct gn_dataset_options far = { .data = "pictures-of-cats" };
    idx_refused(&far, "pictures-of-cats",
                "known are fashion-mnist, mnist, kmnist, cifar-10 and cifar-100");
}

static void a_file_is_not_a_folder(void **state)
{
    (void)state;
    char path[PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/" TRAIN_LABELS, idx_folder);
    const struct gn_dataset_options options = { .data = path };
    idx_refused(&options, path, "is not a folder");
}

static void missing_files_are_all_named(void **state)
{
    (void)state;
    remove_file(idx_folder, TRAIN_LABELS);
    idx_refused_train(idx_folder, TRAIN_LABELS " is missing");
    remove_file(idx_folder, "t10k-images-idx3-ubyte");
    idx_refused_train(idx_folder, TRAIN_LABELS ", t10k-images-idx3-ubyte are missing");
}

static void folders_of_pictures_are_told_apart(void **state)
{
    (void)state;
    char other[PATH_BYTES], path[PATH_BYTES + 16];
    make_folder(other);
    const struct gn_dataset_options options = { .data = other };
    idx_refused(&options, other, "are missing");
    (void)snprintf(path, sizeof path, "%s/train", other);
    assert_int_equal(mkdir(path, 0700), 0);
    idx_refused(&options, other, "holds no folder of a class");
    remove_folder(other);
}

static void a_failed_allocation_is_an_error_and_no_leak(void **state)
{
    (void)state;
    char other[PATH_BYTES];
    make_folder(other);
    write_split(other, true, &idx_small, true);
    gn_dataset *data = NULL;
    uint64_t k = 0;
    for (; data == NULL && k < 200; k++) {
        gn_alloc_fail_after(k + 1, false);
        data = gn_open_dataset(other);
        gn_alloc_fail_after(0, false);
        if (data == NULL)
            assert_int_equal(gn_error_status(), GN_STATUS_NO_MEMORY);
    }
    assert_true(k > 5);
    assert_non_null(data);
    gn_close_dataset(data);
    remove_folder(other);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    assert_null(gn_open_dataset_with(NULL));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_ARGUMENT);
    assert_null(gn_open_dataset(idx_folder, .classes = -1));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_ARGUMENT);
    assert_null(gn_open_dataset(idx_folder, .size = -96));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_ARGUMENT);
    assert_null(gn_open_dataset(NULL));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_ARGUMENT);
    /* The NULL of a failed constructor does nothing and keeps the first message. */
    struct gn_dataset_info info;
    assert_int_equal(gn_dataset_describe(NULL, &info), GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_dataset_sample(NULL, 0, NULL, NULL), GN_STATUS_BAD_ARGUMENT);
    gn_close_dataset(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, idx_setup, idx_teardown)
        TEST(a_plain_folder_opens),
        TEST(names_may_have_a_dot),
        TEST(packed_files_hold_the_same),
        TEST(a_limit_keeps_the_first_samples),
        TEST(colour_images_have_rank_four),
        TEST(both_splits_count_the_same_classes),
        TEST(a_split_needs_only_its_own_files),
        TEST(a_missing_folder_is_named),
        TEST(an_unknown_name_gets_the_nearest),
        TEST(a_file_is_not_a_folder),
        TEST(missing_files_are_all_named),
        TEST(folders_of_pictures_are_told_apart),
        TEST(a_failed_allocation_is_an_error_and_no_leak),
        TEST(bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
