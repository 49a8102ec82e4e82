/*
 * Folders of IDX files: good ones, plain and packed, and one of every kind of bad one.
 *
 * labels: quick
 */
#include "base/memory.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "data/files.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define TRAIN_IMAGES "train-images-idx3-ubyte"
#define TRAIN_LABELS "train-labels-idx1-ubyte"

static const struct shape small = { .n = 7, .height = 4, .width = 5, .channels = 1, .classes = 3 };

static char folder[PATH_BYTES];

static int setup(void **state)
{
    (void)state;
    make_folder(folder);
    write_split(folder, true, &small, false);
    write_split(folder, false, &small, false);
    gn_clear_error();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

/* Opening must fail as BAD_DATA with a sentence that holds `part` and names `file`. */
static void refuse(const struct gn_dataset_options *options, const char *file, const char *part)
{
    gn_clear_error();
    gn_dataset *data = gn_open_dataset_with(options);
    assert_null(data);
    if (gn_error_status() != GN_STATUS_BAD_DATA || strstr(gn_error_message(), part) == NULL ||
        strstr(gn_error_message(), file) == NULL)
        fail_msg("status %d, \"%s\" lacks \"%s\" or \"%s\"", (int)gn_error_status(),
                 gn_error_message(), file, part);
}

static void refuse_train(const char *file, const char *part)
{
    const struct gn_dataset_options options = { .data = folder };
    refuse(&options, file, part);
}

/* Replaces the training images (labels) by an IDX file of these dimensions and n elements. */
static void write_idx(const char *name, int type, int rank, const uint32_t *dims, size_t n)
{
    uint8_t *zeros = calloc(n + 1, 1);
    struct bytes b = idx_bytes(type, rank, dims, zeros, n);
    write_bytes(folder, name, &b);
    bytes_free(&b);
    free(zeros);
}

/* Replaces a plain file by a packed one of these bytes. */
static void write_packed(const char *name, const struct bytes *gz)
{
    char full[64];
    (void)snprintf(full, sizeof full, "%s.gz", name);
    remove_file(folder, name);
    write_bytes(folder, full, gz);
}

static struct bytes label_file(void)
{
    const uint32_t dims[] = { 7 };
    const uint8_t labels[] = { 0, 1, 2, 0, 1, 2, 0 };
    return idx_bytes(8, 1, dims, labels, sizeof labels);
}

static void a_plain_folder_opens(void **state)
{
    (void)state;
    gn_dataset *data = gn_open_dataset(folder, .split = GN_TRAIN);
    assert_non_null(data);
    struct gn_dataset_info info;
    assert_int_equal(gn_dataset_describe(data, &info), 0);
    assert_string_equal(info.name, folder);
    assert_string_equal(info.path, folder);
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
    gn_dataset *plain = gn_open_dataset(folder, .split = GN_TEST);
    assert_non_null(plain);
    char other[PATH_BYTES];
    make_folder(other);
    write_split(other, true, &small, true);
    write_split(other, false, &small, true);
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
    gn_dataset *all = gn_open_dataset(folder, .limit = 100),
               *some = gn_open_dataset(folder, .limit = 2);
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
    write_split(folder, true, &colour, false);
    gn_dataset *data = gn_open_dataset(folder);
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
    write_split(folder, false, &more, false);
    gn_dataset *train = gn_open_dataset(folder), *test = gn_open_dataset(folder, .split = GN_TEST);
    assert_int_equal(train->classes, 5);
    assert_int_equal(test->classes, 5);
    gn_close_dataset(train);
    gn_close_dataset(test);
}

static void a_split_needs_only_its_own_files(void **state)
{
    (void)state;
    remove_file(folder, "t10k-images-idx3-ubyte");
    remove_file(folder, "t10k-labels-idx1-ubyte");
    gn_dataset *train = gn_open_dataset(folder);
    assert_non_null(train);
    gn_close_dataset(train);
    const struct gn_dataset_options test = { .data = folder, .split = GN_TEST };
    refuse(&test, folder, "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte are missing");
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    char path[PATH_BYTES + 16];
    (void)snprintf(path, sizeof path, "%s/nowhere", folder);
    const struct gn_dataset_options options = { .data = path };
    refuse(&options, path, "there is no such folder");
}

static void an_unknown_name_gets_the_nearest(void **state)
{
    (void)state;
    const struct gn_dataset_options near = { .data = "fashion-mnits" };
    refuse(&near, "fashion-mnits", "did you mean fashion-mnist?");
    const struct gn_dataset_options far = { .data = "pictures-of-cats" };
    refuse(&far, "pictures-of-cats",
           "known are fashion-mnist, mnist, kmnist, cifar-10 and cifar-100");
}

static void a_file_is_not_a_folder(void **state)
{
    (void)state;
    char path[PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/" TRAIN_LABELS, folder);
    const struct gn_dataset_options options = { .data = path };
    refuse(&options, path, "is not a folder");
}

static void missing_files_are_all_named(void **state)
{
    (void)state;
    remove_file(folder, TRAIN_LABELS);
    refuse_train(folder, TRAIN_LABELS " is missing");
    remove_file(folder, "t10k-images-idx3-ubyte");
    refuse_train(folder, TRAIN_LABELS ", t10k-images-idx3-ubyte are missing");
}

static void folders_of_pictures_are_told_apart(void **state)
{
    (void)state;
    char other[PATH_BYTES], path[PATH_BYTES + 16];
    make_folder(other);
    const struct gn_dataset_options options = { .data = other };
    refuse(&options, other, "are missing");
    (void)snprintf(path, sizeof path, "%s/train", other);
    assert_int_equal(mkdir(path, 0700), 0);
    refuse(&options, other, "holds no folder of a class");
    remove_folder(other);
}

static void every_truncation_of_a_plain_file_is_refused(void **state)
{
    (void)state;
    struct bytes b = label_file();
    for (size_t n = 0; n < b.size; n++) {
        const struct bytes cut = { .data = b.data, .size = n };
        write_bytes(folder, TRAIN_LABELS, &cut);
        refuse_train(TRAIN_LABELS, n < 4 || n >= 8 ? "file holds" : "truncated");
    }
    bytes_free(&b);
}

static void every_truncation_of_a_packed_file_is_refused(void **state)
{
    (void)state;
    struct bytes b = label_file(), gz = gzip_bytes(&b);
    for (size_t n = 0; n < gz.size; n++) {
        const struct bytes cut = { .data = gz.data, .size = n };
        write_packed(TRAIN_LABELS, &cut);
        refuse_train(TRAIN_LABELS ".gz", n >= 4 ? "truncated" : "at byte");
    }
    bytes_free(&b);
    bytes_free(&gz);
}

static void every_flipped_byte_of_a_packed_file_is_harmless(void **state)
{
    (void)state;
    struct bytes b = label_file(), gz = gzip_bytes(&b);
    int refused = 0;
    for (size_t i = 0; i < gz.size; i++) {
        gz.data[i] ^= 0xff;
        write_packed(TRAIN_LABELS, &gz);
        gn_dataset *data = gn_open_dataset(folder);
        refused += data == NULL;
        gn_close_dataset(data);
        gz.data[i] ^= 0xff;
    }
    /* Only time, extra flags and system of the gzip header (bytes 4 to 9) mean nothing to us. */
    assert_int_equal(refused, (int)gz.size - 6);
    bytes_free(&b);
    bytes_free(&gz);
}

static void a_header_may_not_claim_more_than_the_file_holds(void **state)
{
    (void)state;
    const uint32_t huge[] = { UINT32_MAX, 28, 28 };
    write_idx(TRAIN_IMAGES, 8, 3, huge, 4096);
    refuse_train(TRAIN_IMAGES, "size mismatch (count=4294967295 rows=28 cols=28 need 3367254359296 "
                               "bytes, file holds 4112) at byte 4");
    const uint32_t overflow[] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, 3 };
    write_idx(TRAIN_IMAGES, 8, 4, overflow, 4096);
    refuse_train(TRAIN_IMAGES, "and more bytes, file holds 4116");
    struct bytes b = idx_bytes(8, 3, huge, NULL, 0), gz = gzip_bytes(&b);
    write_packed(TRAIN_IMAGES, &gz);
    refuse_train(TRAIN_IMAGES ".gz", "packed) at byte 4");
    bytes_free(&b);
    bytes_free(&gz);
}

static void a_packed_file_may_unpack_to_less_than_it_claims(void **state)
{
    (void)state;
    const uint32_t dims[] = { 7, 4, 5 };
    const uint8_t pixels[100] = { 0 };
    struct bytes b = idx_bytes(8, 3, dims, pixels, sizeof pixels), gz = gzip_bytes(&b);
    write_packed(TRAIN_IMAGES, &gz);
    refuse_train(TRAIN_IMAGES ".gz", "unpacks to fewer bytes");
    bytes_free(&b);
    bytes_free(&gz);
}

static void images_and_labels_must_be_as_many(void **state)
{
    (void)state;
    const uint32_t dims[] = { 6 };
    write_idx(TRAIN_LABELS, 8, 1, dims, 6);
    refuse_train(TRAIN_IMAGES, "counts differ (7 images, but 6 labels in ");
}

static void a_label_outside_the_classes_is_refused(void **state)
{
    (void)state;
    const struct gn_dataset_options options = { .data = folder, .classes = 2 };
    refuse(&options, TRAIN_LABELS,
           "label outside the classes (label=2 of sample 2, classes=2) at byte 10");
    gn_dataset *data = gn_open_dataset(folder, .classes = 3);
    assert_non_null(data);
    gn_close_dataset(data);
}

static void an_empty_set_is_refused(void **state)
{
    (void)state;
    const uint32_t none[] = { 0, 4, 5 };
    write_idx(TRAIN_IMAGES, 8, 3, none, 0);
    write_idx(TRAIN_LABELS, 8, 1, none, 0);
    refuse_train(TRAIN_IMAGES, "empty (count=0 rows=4 cols=5)");
    const uint32_t flat[] = { 7, 0, 5 };
    write_idx(TRAIN_IMAGES, 8, 3, flat, 0);
    refuse_train(TRAIN_IMAGES, "empty (count=7 rows=0 cols=5)");
}

static void wrong_magic_type_and_rank_are_named(void **state)
{
    (void)state;
    const uint32_t dims[] = { 7, 4, 5, 2 };
    struct bytes b = idx_bytes(8, 3, dims, NULL, 0);
    b.data[0] = 'P';
    write_bytes(folder, TRAIN_IMAGES, &b);
    refuse_train(TRAIN_IMAGES, "wrong magic (0x50000803, IDX begins 0x0000) at byte 0");
    bytes_free(&b);
    write_idx(TRAIN_IMAGES, 0x0d, 3, dims, 560);
    refuse_train(TRAIN_IMAGES, "element type 0x0d (32-bit floats), unsigned bytes");
    write_idx(TRAIN_IMAGES, 0x07, 3, dims, 140);
    refuse_train(TRAIN_IMAGES, "element type 0x07 (unknown)");
    write_idx(TRAIN_IMAGES, 8, 2, dims, 28);
    refuse_train(TRAIN_IMAGES, "rank 2, images have 3 (or 4 with channels) at byte 3");
    write_idx(TRAIN_IMAGES, 8, 4, dims, 280);
    refuse_train(TRAIN_IMAGES, "2 channels, 1 or 3 wanted at byte 16");
    const uint32_t wide[] = { 7, 1, 70000 };
    write_idx(TRAIN_IMAGES, 8, 3, wide, 490000);
    refuse_train(TRAIN_IMAGES, "image too large (count=7 rows=1 cols=70000, limit 65500 a side)");
    write_split(folder, true, &small, false);
    write_idx(TRAIN_LABELS, 8, 3, dims, 140);
    refuse_train(TRAIN_LABELS, "rank 3, labels have 1");
}

static void a_pipe_or_folder_in_place_of_a_file_is_named(void **state)
{
    (void)state;
    char path[PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/" TRAIN_IMAGES, folder);
    remove_file(folder, TRAIN_IMAGES);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse_train(TRAIN_IMAGES, "is a pipe");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    refuse_train(TRAIN_IMAGES, "is a folder");
}

static void bytes_behind_the_content_are_refused(void **state)
{
    (void)state;
    struct bytes b = label_file();
    bytes_add(&b, "x", 1);
    write_bytes(folder, TRAIN_LABELS, &b);
    refuse_train(TRAIN_LABELS, "size mismatch (count=7 need 15 bytes, file holds 16)");
    struct bytes gz = gzip_bytes(&b);
    write_packed(TRAIN_LABELS, &gz);
    refuse_train(TRAIN_LABELS ".gz", "unpacks to more bytes");
    bytes_free(&b);
    bytes_free(&gz);
}

static void only_zeros_or_members_may_follow_a_member(void **state)
{
    (void)state;
    struct bytes b = label_file();
    struct bytes first = { .data = b.data, .size = 10 },
                 second = { .data = b.data + 10, .size = b.size - 10 };
    struct bytes gz = gzip_bytes(&first), more = gzip_bytes(&second);
    bytes_add(&gz, more.data, more.size);
    const uint8_t padding[512] = { 0 };
    bytes_add(&gz, padding, sizeof padding);
    write_packed(TRAIN_LABELS, &gz);
    gn_dataset *data = gn_open_dataset(folder);
    assert_non_null(data);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(data->labels[i], b.data[8 + i]);
    gn_close_dataset(data);
    bytes_add(&gz, "x", 1);
    write_packed(TRAIN_LABELS, &gz);
    refuse_train(TRAIN_LABELS ".gz", "bytes follow the last member");
    bytes_free(&b);
    bytes_free(&gz);
    bytes_free(&more);
}

static void endless_empty_members_are_refused(void **state)
{
    (void)state;
    struct bytes b = label_file(), gz = gzip_bytes(&b);
    const struct bytes none = { .data = b.data, .size = 0 };
    struct bytes empty = gzip_bytes(&none);
    for (int i = 0; i < 1100; i++)
        bytes_add(&gz, empty.data, empty.size);
    write_packed(TRAIN_LABELS, &gz);
    refuse_train(TRAIN_LABELS ".gz", "more than 1024 members");
    bytes_free(&b);
    bytes_free(&gz);
    bytes_free(&empty);
}

static void long_header_fields_and_unknown_flags_are_refused(void **state)
{
    (void)state;
    struct bytes b = label_file(), gz = gzip_bytes(&b), bad = { .size = 0 };
    bytes_add(&bad, gz.data, 10);
    bad.data[3] = 0x08; /* a file name follows */
    for (int i = 0; i < 20000; i++)
        bytes_add(&bad, "nnnnnnnn", 8);
    bytes_add(&bad, "", 1);
    bytes_add(&bad, gz.data + 10, gz.size - 10);
    write_packed(TRAIN_LABELS, &bad);
    refuse_train(TRAIN_LABELS ".gz", "header fields exceed 64 KiB");
    gz.data[3] = 0x20;
    write_packed(TRAIN_LABELS, &gz);
    refuse_train(TRAIN_LABELS ".gz", "unknown header flags set");
    bytes_free(&b);
    bytes_free(&gz);
    bytes_free(&bad);
}

/* A megabyte of zeros that ends at a byte's border and refers to nothing before it can be repeated:
 * 2 GiB of content in about 2 MB. */
static void a_bomb_is_stopped_at_the_expected_size(void **state)
{
    (void)state;
    struct bytes head = label_file();
    uint8_t *zeros = calloc(1, 1 << 20), out[8192];
    z_stream z = { .next_in = head.data, .avail_in = (uInt)head.size };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out;
    z.avail_out = sizeof out;
    assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
    struct bytes bomb = { .size = 0 };
    bytes_add(&bomb, out, sizeof out - z.avail_out);
    z.next_in = zeros;
    z.avail_in = 1 << 20;
    z.next_out = out;
    z.avail_out = sizeof out;
    assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
    for (int i = 0; i < 2048; i++)
        bytes_add(&bomb, out, sizeof out - z.avail_out);
    (void)deflateEnd(&z);
    write_packed(TRAIN_LABELS, &bomb);
    const double start = gn_seconds();
    refuse_train(TRAIN_LABELS ".gz", "unpacks to more bytes than its content claims (15 bytes");
    assert_true(gn_seconds() - start < 1);
    bytes_free(&head);
    bytes_free(&bomb);
    free(zeros);
}

static void a_failed_allocation_is_an_error_and_no_leak(void **state)
{
    (void)state;
    char other[PATH_BYTES];
    make_folder(other);
    write_split(other, true, &small, true);
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
    assert_null(gn_open_dataset(folder, .classes = -1));
    assert_int_equal(gn_error_status(), GN_STATUS_BAD_ARGUMENT);
    assert_null(gn_open_dataset(folder, .size = -96));
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_plain_folder_opens),
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
        TEST(every_truncation_of_a_plain_file_is_refused),
        TEST(every_truncation_of_a_packed_file_is_refused),
        TEST(every_flipped_byte_of_a_packed_file_is_harmless),
        TEST(a_header_may_not_claim_more_than_the_file_holds),
        TEST(a_packed_file_may_unpack_to_less_than_it_claims),
        TEST(images_and_labels_must_be_as_many),
        TEST(a_label_outside_the_classes_is_refused),
        TEST(an_empty_set_is_refused),
        TEST(wrong_magic_type_and_rank_are_named),
        TEST(a_pipe_or_folder_in_place_of_a_file_is_named),
        TEST(bytes_behind_the_content_are_refused),
        TEST(only_zeros_or_members_may_follow_a_member),
        TEST(endless_empty_members_are_refused),
        TEST(long_header_fields_and_unknown_flags_are_refused),
        TEST(a_bomb_is_stopped_at_the_expected_size),
        TEST(a_failed_allocation_is_an_error_and_no_leak),
        TEST(bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
