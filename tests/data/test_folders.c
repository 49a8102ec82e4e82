/*
 * Folders of pictures, lists and CIFAR files: classes, labels, division, and what is refused; the
 * words of an augmentation. No picture is decoded here, so that any bytes do.
 *
 * labels: quick
 */
#include "base/path.h"
#include "picture/augment.h"
#include "data/dataset.h"
#include "data/files.h"
#include "support/check.h"

#include <stdlib.h>
#include <sys/stat.h>

static char folder[PATH_BYTES];

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

/* Makes the folders of a path below the set's and an empty file at its end. */
static void touch(const char *name)
{
    const struct bytes none = { NULL, 0 };
    char path[2 * PATH_BYTES];
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(path, sizeof path, "%s/%.*s", folder, (int)(slash - name), name);
        (void)mkdir(path, 0700);
    }
    write_bytes(folder, name, &none);
}

static gn_dataset *open_set(gn_split split, double fraction, uint64_t seed)
{
    gn_dataset *data =
        gn_open_dataset(folder, .split = split, .val_fraction = fraction, .seed = seed);
    if (data == NULL)
        fail_msg("%s", gn_error_message());
    return data;
}

static void refuse(gn_split split, const char *sentence)
{
    assert_null(gn_open_dataset(folder, .split = split));
    check_error(GN_STATUS_BAD_DATA, sentence);
}

static void classes_are_folders_in_byte_order(void **state)
{
    (void)state;
    touch("train/b/2.jpg");
    touch("train/b/1.PNG");
    touch("train/b/deep/er/0.jpeg");
    touch("train/a/x.png");
    touch("train/Z/x.png");
    touch("train/Z/notes.txt");
    touch("train/.hidden/x.png");
    touch("val/a/y.png");
    gn_dataset *data = open_set(GN_TRAIN, 0, 0);
    assert_int_equal(data->samples, 5);
    assert_int_equal(data->classes, 3);
    assert_false(data->divided);
    static const char *const files[] = { "Z/x.png", "a/x.png", "b/1.PNG", "b/2.jpg",
                                         "b/deep/er/0.jpeg" };
    static const int labels[] = { 0, 1, 2, 2, 2 };
    for (uint64_t i = 0; i < 5; i++) {
        assert_string_equal(gn_dataset_file(data, i), files[i]);
        assert_int_equal(data->labels[i], labels[i]);
    }
    assert_string_equal(data->label_names[0], "Z");
    gn_close_dataset(data);
    data = open_set(GN_TEST, 0, 0);
    assert_int_equal(data->samples, 1);
    assert_int_equal(data->labels[0], 1);
    assert_int_equal(data->classes, 3);
    gn_close_dataset(data);
    /* A model's own order of the same names counts. */
    static const char *const names[] = { "b", "Z", "a", "other" };
    data = gn_open_dataset(folder, .classes = 4, .labels = names);
    assert_non_null(data);
    assert_int_equal(data->labels[0], 1);
    assert_int_equal(data->labels[1], 2);
    assert_int_equal(data->labels[2], 0);
    gn_close_dataset(data);
    static const char *const others[] = { "b", "Z", "dog" };
    assert_null(gn_open_dataset(folder, .classes = 3, .labels = others));
    check_error(GN_STATUS_BAD_DATA, "the class \"a\" is not one that the model knows");
    touch("val/unknown/y.png");
    refuse(GN_TEST, "the class \"unknown\" has no training pictures");
}

static void a_set_is_divided_by_fraction_and_seed(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < 90; i++) {
        (void)snprintf(name, sizeof name, "c%d/%02d.jpg", i % 3, i);
        touch(name);
    }
    gn_dataset *train = open_set(GN_TRAIN, 0, 0), *test = open_set(GN_TEST, 0, 0);
    gn_dataset *again = open_set(GN_TEST, 0, 0), *other = open_set(GN_TEST, 0, 1);
    assert_true(test->divided);
    assert_int_equal(train->samples, 81);
    assert_int_equal(test->samples, 9);
    int of_class[3] = { 0 }, same = 0, equal = 0;
    for (uint64_t i = 0; i < 9; i++) {
        of_class[test->labels[i]]++;
        equal += strcmp(gn_dataset_file(test, i), gn_dataset_file(again, i)) == 0;
        same += strcmp(gn_dataset_file(test, i), gn_dataset_file(other, i)) == 0;
        for (uint64_t k = 0; k < train->samples; k++)
            assert_string_not_equal(gn_dataset_file(test, i), gn_dataset_file(train, k));
    }
    assert_true(of_class[0] == 3 && of_class[1] == 3 && of_class[2] == 3);
    assert_int_equal(equal, 9);
    assert_true(same < 9);
    gn_close_dataset(train);
    gn_close_dataset(test);
    gn_close_dataset(again);
    gn_close_dataset(other);
    test = open_set(GN_TEST, 1, 0);
    assert_int_equal(test->samples, 90);
    gn_close_dataset(test);
    train = gn_open_dataset(folder, .no_val_fraction = true);
    assert_int_equal(train->samples, 90);
    gn_close_dataset(train);
    assert_null(gn_open_dataset(folder, .val_fraction = 1));
    check_error(GN_STATUS_BAD_DATA, "leaves no picture for training");
    assert_null(gn_open_dataset(folder, .val_fraction = 1.5));
    check_error(GN_STATUS_BAD_ARGUMENT, "it must be 0 to 1");
}

static void empty_classes_and_missing_splits_are_refused(void **state)
{
    (void)state;
    touch("a/x.jpg");
    touch("b/readme.txt");
    refuse(GN_TRAIN, "the class \"b\" holds no picture");
    touch("test/a/x.jpg");
    refuse(GN_TRAIN, "holds test/, which looks like a split, next to a/");
}

static void splits_are_known_by_many_names(void **state)
{
    (void)state;
    touch("Training/a/1.jpg");
    touch("Training/a/2.jpg");
    touch("VALID/a/3.jpg");
    gn_dataset *data = gn_open_dataset(folder, .split = GN_VAL);
    assert_non_null(data);
    assert_string_equal(gn_path_name(data->path), "VALID");
    gn_close_dataset(data);
    data = gn_open_dataset(folder, .split = GN_TEST); /* the one that there is */
    assert_string_equal(gn_path_name(data->path), "VALID");
    gn_close_dataset(data);
    touch("test/a/4.jpg");
    data = gn_open_dataset(folder, .split = GN_TEST);
    assert_string_equal(gn_path_name(data->path), "test");
    gn_close_dataset(data);
    data = gn_open_dataset(folder, .split = GN_VAL);
    assert_string_equal(gn_path_name(data->path), "VALID");
    gn_close_dataset(data);
    data = gn_open_dataset(folder);
    assert_int_equal(data->samples, 2);
    gn_close_dataset(data);
    touch("dev/a/5.jpg");
    refuse(GN_TRAIN, "VALID/ and dev/, which both look like the same split");
}

static void classes_named_like_splits_are_refused(void **state)
{
    (void)state;
    touch("Test/1.jpg");
    refuse(GN_TRAIN, "holds Test/ but no train/");
    touch("Train/2.jpg");
    refuse(GN_TRAIN, "it holds no folder of a class; a class must have another name");
}

static void write_list(const char *text)
{
    struct bytes b = { NULL, 0 };
    bytes_add(&b, text, strlen(text));
    write_bytes(folder, "list.txt", &b);
    bytes_free(&b);
}

static void lists_hold_paths_and_labels(void **state)
{
    (void)state;
    char path[PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/list.txt", folder);
    touch("a b/1.jpg");
    touch("x.png");
    touch("y.png");
    touch("a.jpg");
    touch("b.jpg");
    write_list("\xef\xbb\xbf"
               "a b/1.jpg cat\r\nx.png\tdog\n\ny.png cat\n");
    gn_dataset *data = gn_open_dataset(path, .no_val_fraction = true);
    assert_non_null(data);
    assert_int_equal(data->samples, 3);
    assert_int_equal(data->classes, 2);
    assert_string_equal(gn_dataset_file(data, 0), "a b/1.jpg");
    assert_true(data->labels[0] == 0 && data->labels[1] == 1 && data->labels[2] == 0);
    gn_close_dataset(data);
    write_list("a.jpg 3\nb.jpg 0\n");
    data = gn_open_dataset(path, .no_val_fraction = true);
    assert_non_null(data);
    assert_int_equal(data->classes, 4);
    assert_int_equal(data->labels[0], 3);
    gn_close_dataset(data);
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        { "a.jpg 0\nnowhere.jpg 1\n", "names nowhere.jpg, which does not exist" },
        { "a.jpg 0\n../b.jpg 1\n", "leaves the list's folder in line 2" },
        { "/etc/passwd 1\n", "leaves the list's folder in line 1" },
        { "a/../../b 1\n", "leaves the list's folder in line 1" },
        { "a.jpg\n", "no label after a tab or space in line 1" },
        { "a\x01.jpg 1\n", "a control character in line 1" },
        { "\n", "0 pictures" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_list(bad[i].text);
        assert_null(gn_open_dataset(path));
        check_error(GN_STATUS_BAD_DATA, bad[i].sentence);
    }
    write_list("a.jpg 7\n");
    assert_null(gn_open_dataset(path, .classes = 5));
    check_error(GN_STATUS_BAD_DATA, "holds class 7, but only 5");
}

/* n records of CIFAR-10, label i % 11, pixels by formula. */
static void write_cifar(const char *name, int n, bool whole, int labels)
{
    struct bytes b = { NULL, 0 };
    for (int i = 0; i < n; i++) {
        uint8_t record[3073] = { (uint8_t)(i % labels) };
        for (int k = 1; k < 3073; k++)
            record[k] = pixel_value((uint64_t)i * 3073 + (uint64_t)k);
        bytes_add(&b, record, sizeof record - (whole || i + 1 < n ? 0 : 1));
    }
    write_bytes(folder, name, &b);
    bytes_free(&b);
}

static void cifar_planes_become_pixels(void **state)
{
    (void)state;
    char name[32];
    for (int i = 1; i <= 5; i++) {
        (void)snprintf(name, sizeof name, "data_batch_%d.bin", i);
        write_cifar(name, 3, true, 10);
    }
    write_cifar("test_batch.bin", 2, true, 10);
    gn_dataset *data = open_set(GN_TRAIN, 0, 0);
    uint8_t pixels[3072];
    int label;
    assert_int_equal(data->samples, 15);
    assert_int_equal(data->classes, 10);
    assert_int_equal(gn_dataset_sample(data, 4, pixels, &label), GN_OK);
    assert_int_equal(label, 1);
    for (uint64_t c = 0; c < 3; c++)
        assert_int_equal(pixels[3 * 77 + c], pixel_value(3073 + 1 + c * 1024 + 77));
    gn_close_dataset(data);
    data = gn_open_dataset("cifar-10", .split = GN_TEST, .data_dir = folder);
    assert_non_null(data);
    assert_int_equal(data->samples, 2);
    gn_close_dataset(data);
    assert_null(gn_open_dataset("cifar-100", .data_dir = folder, .offline = true));
    check_error(GN_STATUS_BAD_DATA, "not on this machine");
    write_cifar("data_batch_3.bin", 2, false, 10);
    refuse(GN_TRAIN, "size mismatch");
    write_cifar("data_batch_3.bin", 11, true, 11);
    refuse(GN_TRAIN, "label outside the classes (label=10, classes=10)");
}

static void augmentations_are_words_with_numbers(void **state)
{
    (void)state;
    struct gn_augment a;
    assert_int_equal(gn_augment_parse(&a, "mirror,shift:2,erase:0.25,mixup"), GN_OK);
    assert_true(a.mirror && a.shift == 2 && a.erase > 0.24 && a.mixup > 0.99 && !a.trivial);
    assert_int_equal(gn_augment_parse(&a, NULL), GN_OK);
    assert_false(gn_augment_touches(&a) || gn_augment_mixes(&a) || a.crop > 0);
    static const struct {
        const char *list, *sentence;
    } bad[] = {
        { "miror", "did you mean mirror?" },
        { "shift", "shift needs a number, as in shift:2" },
        { "shift:1.5", "shift:1.5 is out of range (whole pixels from 1 to 1000)" },
        { "mirror:2", "mirror takes no number" },
        { "rotate:200", "out of range" },
        { "erase:nan", "out of range" },
        { "brightness:0.3x", "out of range" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(gn_check_augment(bad[i].list), GN_STATUS_BAD_ARGUMENT);
        check_error(GN_STATUS_BAD_ARGUMENT, bad[i].sentence);
    }
}

static void draws_belong_to_seed_epoch_and_sample(void **state)
{
    (void)state;
    enum { SIDE = 9, BYTES = SIDE * SIDE * 3 };
    struct gn_augment a;
    uint8_t images[4][BYTES], spare[BYTES];
    assert_int_equal(gn_augment_parse(&a, "mirror,shift:3,rotate:30,brightness:0.5,erase:1"), 0);
    const struct gn_draws draws[] = { gn_draws_of(1, 2, 3), gn_draws_of(1, 2, 3),
                                      gn_draws_of(1, 3, 3), gn_draws_of(2, 2, 3) };
    for (int i = 0; i < 4; i++) {
        for (uint64_t k = 0; k < BYTES; k++)
            images[i][k] = pixel_value(k);
        gn_augment_bytes(&a, &draws[i], images[i], spare, SIDE, SIDE, 3);
    }
    assert_memory_equal(images[0], images[1], BYTES);
    assert_memory_not_equal(images[0], images[2], BYTES);
    assert_memory_not_equal(images[0], images[3], BYTES);
    for (uint32_t i = 0; i < 200; i++) {
        const struct gn_draws d = gn_draws_of(5, 0, i);
        const struct gn_augment crop = { .crop = 0.1 };
        const struct gn_box box = gn_augment_crop(&crop, &d, 40, 71);
        assert_true(box.h >= 1 && box.w >= 1 && box.y >= 0 && box.x >= 0);
        assert_true(box.y + box.h <= 40 && box.x + box.w <= 71);
    }
}

static void mixing_keeps_the_sum_of_shares(void **state)
{
    (void)state;
    enum { N = 3, SIDE = 8, FLOATS = SIDE * SIDE };
    static const struct gn_augment kinds[] = { { .mixup = 0.4 }, { .cutmix = 1 } };
    for (int kind = 0; kind < 2; kind++) {
        float images[N * FLOATS], first[FLOATS], shares[N];
        int32_t labels[N] = { 4, 5, 6 }, others[N];
        struct gn_draws draws[N];
        for (int i = 0; i < N; i++) {
            draws[i] = gn_draws_of(1, 0, (uint32_t)i);
            for (int k = 0; k < FLOATS; k++)
                images[i * FLOATS + k] = (float)i;
        }
        memcpy(first, images, sizeof first);
        gn_augment_mix(&kinds[kind], draws, images, N, SIDE, SIDE, 1, first, labels[0], labels,
                       others, shares);
        for (int i = 0; i < N; i++) {
            float sum = 0;
            for (int k = 0; k < FLOATS; k++)
                sum += images[i * FLOATS + k];
            const float other = (float)((i + 1) % N);
            const float mean = (1 - shares[i]) * (float)i + shares[i] * other;
            assert_true(shares[i] >= 0 && shares[i] <= 1);
            assert_int_equal(others[i], labels[(i + 1) % N]);
            assert_true(sum / FLOATS - mean < 1e-4F && mean - sum / FLOATS < 1e-4F);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(classes_are_folders_in_byte_order),
        TEST(a_set_is_divided_by_fraction_and_seed),
        TEST(empty_classes_and_missing_splits_are_refused),
        TEST(splits_are_known_by_many_names),
        TEST(classes_named_like_splits_are_refused),
        TEST(lists_hold_paths_and_labels),
        TEST(cifar_planes_become_pixels),
        TEST(augmentations_are_words_with_numbers),
        TEST(draws_belong_to_seed_epoch_and_sample),
        TEST(mixing_keeps_the_sum_of_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
