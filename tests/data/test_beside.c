/*
 * Sets whose images are read concurrently with the caller: the same content, limits and sentences
 * as without, and nothing to be had before it is there.
 *
 * labels: quick
 */
#include "data/dataset.h"
#include "data/files.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGES "train-images-idx3-ubyte.gz"
#define LABELS "train-labels-idx1-ubyte"

static char folder[PATH_BYTES];
static const struct shape shape = {
    .n = 3000, .height = 28, .width = 28, .channels = 1, .classes = 7
};

static int setup(void **state)
{
    (void)state;
    make_folder(folder);
    write_split(folder, true, &shape, true);
    write_split(folder, false, &(struct shape){ 20, 28, 28, 1, 7 }, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

/* Takes the last bytes of the training images. */
static void damage(void)
{
    char path[2 * PATH_BYTES];
    struct stat about;
    (void)snprintf(path, sizeof path, "%s/" IMAGES, folder);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(truncate(path, about.st_size - 20), 0);
}

static void the_content_is_the_same(void **state)
{
    (void)state;
    uint8_t a[784], b[784];
    struct gn_dataset_info info;
    gn_dataset *plain = gn_open_dataset(folder), *beside = gn_open_dataset(folder, .beside = true);
    assert_non_null(plain);
    assert_non_null(beside);
    assert_int_equal(gn_dataset_describe(beside, &info), 0);
    assert_int_equal(info.samples, 3000);
    assert_int_equal(info.height, 28);
    assert_int_equal(info.classes, 7);
    assert_int_equal(gn_dataset_wait(beside), 0);
    assert_int_equal(gn_dataset_wait(beside), 0);
    assert_int_equal(gn_dataset_wait(plain), 0);
    assert_int_equal(beside->fingerprint, plain->fingerprint);
    for (uint64_t i = 0; i < 3000; i++) {
        int of_a, of_b;
        assert_int_equal(gn_dataset_sample(plain, i, a, &of_a), 0);
        assert_int_equal(gn_dataset_sample(beside, i, b, &of_b), 0);
        assert_memory_equal(a, b, sizeof a);
        assert_int_equal(of_a, of_b);
    }
    gn_close_dataset(plain);
    gn_close_dataset(beside);
}

static void a_limit_holds_at_once(void **state)
{
    (void)state;
    struct gn_dataset_info info;
    gn_dataset *plain = gn_open_dataset(folder, .limit = 100);
    gn_dataset *beside = gn_open_dataset(folder, .limit = 100, .beside = true);
    assert_int_equal(gn_dataset_describe(beside, &info), 0);
    assert_int_equal(info.samples, 100);
    assert_int_equal(gn_dataset_wait(beside), 0);
    assert_int_equal(beside->samples, 100);
    assert_int_equal(beside->fingerprint, plain->fingerprint);
    gn_close_dataset(plain);
    gn_close_dataset(beside);
}

static void nothing_is_given_before_it_is_there(void **state)
{
    (void)state;
    struct gn_image image;
    int label;
    gn_dataset *data = gn_open_dataset(folder, .beside = true);
    assert_int_equal(gn_dataset_sample(data, 0, NULL, &label), GN_STATUS_BAD_ARGUMENT);
    assert_non_null(strstr(gn_error_message(), "gn_dataset_wait waits for them"));
    assert_int_equal(gn_dataset_picture(data, 0, &image), GN_STATUS_BAD_ARGUMENT);
    gn_net *net = gn_googlenet(.classes = 7, .size = 32);
    assert_non_null(net);
    struct gn_score score;
    assert_int_equal(gn_evaluate(net, &score, data, .limit = 1), GN_STATUS_BAD_ARGUMENT);
    assert_null(gn_dataset_file(data, 0));
    gn_free_net(net);
    gn_close_dataset(data); /* without having waited */
}

/* Two steps on a set that may still be coming; the hash of the weights. */
static uint64_t train(bool beside, int threads)
{
    gn_net *net = gn_googlenet(.classes = 7, .size = 32);
    gn_dataset *data = gn_open_dataset(folder, .beside = beside);
    assert_true(net != NULL && data != NULL);
    gn_history *history =
        gn_fit(net, data, .max_steps = 2, .batch = 5, .threads = threads, .lr = 0.01);
    assert_non_null(history);
    const uint64_t hash = gn_net_hash(net);
    gn_free_history(history);
    gn_close_dataset(data);
    gn_free_net(net);
    return hash;
}

static void training_waits_for_images_itself(void **state)
{
    (void)state;
    const uint64_t hash = train(false, 1);
    for (int threads = 1; threads <= 2; threads++)
        assert_true(train(true, threads) == hash);
}

static void training_on_bad_images_leaves_nothing(void **state)
{
    (void)state;
    char out[2 * PATH_BYTES];
    struct stat about;
    (void)snprintf(out, sizeof out, "%s/run", folder);
    damage();
    gn_net *net = gn_googlenet(.classes = 7, .size = 32);
    gn_dataset *data = gn_open_dataset(folder, .beside = true);
    assert_true(net != NULL && data != NULL);
    assert_null(gn_fit(net, data, .max_steps = 1, .batch = 5, .out = out));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_DATA);
    assert_non_null(strstr(gn_error_message(), "truncated"));
    assert_int_not_equal(stat(out, &about), 0);
    gn_close_dataset(data);
    gn_free_net(net);
}

/* Opens the training split in both ways: both must have one error with one sentence. */
static void require_one_error(const char *part)
{
    char message[1024];
    assert_null(gn_open_dataset(folder));
    (void)snprintf(message, sizeof message, "%s", gn_error_message());
    assert_non_null(strstr(message, part));
    gn_dataset *data = gn_open_dataset(folder, .beside = true);
    for (int i = 0; i < 2; i++) {
        if (data != NULL)
            assert_int_equal(gn_dataset_wait(data), GN_STATUS_BAD_DATA);
        assert_int_equal(gn_error_status(), GN_STATUS_BAD_DATA);
        assert_string_equal(gn_error_message(), message);
    }
    int label;
    if (data != NULL)
        assert_int_equal(gn_dataset_sample(data, 0, NULL, &label), GN_STATUS_BAD_ARGUMENT);
    gn_close_dataset(data);
}

static void errors_are_the_same(void **state)
{
    (void)state;
    const uint32_t dims[] = { 3000, 28, 28 };
    uint8_t labels[3000] = { 0 };
    damage();
    require_one_error("truncated");
    struct bytes b = idx_bytes(8, 3, dims, NULL, 0), gz = gzip_bytes(&b);
    write_bytes(folder, IMAGES, &gz);
    require_one_error("IDX: ");
    bytes_free(&b);
    bytes_free(&gz);
    remove_file(folder, IMAGES);
    require_one_error("train-images-idx3-ubyte is missing");
    write_split(folder, true, &shape, true);
    assert_null(gn_open_dataset(folder, .classes = 6));
    labels[2999] = 6;
    b = idx_bytes(8, 1, dims, labels, 3000);
    remove_file(folder, LABELS ".gz");
    write_bytes(folder, LABELS, &b);
    gn_dataset *data = gn_open_dataset(folder, .classes = 6, .limit = 10, .beside = true);
    assert_int_equal(gn_dataset_wait(data), GN_STATUS_BAD_DATA);
    assert_non_null(strstr(gn_error_message(), "label=6 of sample 2999, classes=6"));
    gn_close_dataset(data);
    bytes_free(&b);
}

static void both_splits_at_once(void **state)
{
    (void)state;
    for (int damaged = 0; damaged < 2; damaged++) {
        if (damaged)
            damage();
        gn_dataset *train = gn_open_dataset(folder, .beside = true);
        gn_dataset *test = gn_open_dataset(folder, .split = GN_TEST, .beside = true);
        assert_int_equal(gn_dataset_wait(test), 0);
        assert_int_equal(gn_dataset_wait(train), damaged ? GN_STATUS_BAD_DATA : GN_OK);
        gn_close_dataset(train);
        gn_close_dataset(test);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(the_content_is_the_same),
        TEST(a_limit_holds_at_once),
        TEST(nothing_is_given_before_it_is_there),
        TEST(training_waits_for_images_itself),
        TEST(training_on_bad_images_leaves_nothing),
        TEST(errors_are_the_same),
        TEST(both_splits_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
