/* labels: quick
 *
 * IDX files of every bad kind, plain and packed: cut short, with flipped bits, headers that lie, members and
 * bytes that do not belong there, bombs. */
#include "base/threads.h"
#include "data/dataset.h"
#include "data/idx_sets.h"
#include "support/check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static void every_truncation_of_a_plain_file_is_refused(void **state)
{
    (void)state;
    struct bytes b = idx_labels();
    for (size_t n = 0; n < b.size; n++) {
        const struct bytes cut = { .data = b.data, .size = n };
        write_bytes(idx_folder, TRAIN_LABELS, &cut);
        idx_refused_train(TRAIN_LABELS, n < 4 || n >= 8 ? "file holds" : "truncated");
    }
    bytes_free(&b);
}

static void every_truncation_of_a_packed_file_is_refused(void **state)
{
    (void)state;
    struct bytes b = idx_labels(), gz = gzip_bytes(&b);
    for (size_t n = 0; n < gz.size; n++) {
        const struct bytes cut = { .data = gz.data, .size = n };
        idx_write_packed(TRAIN_LABELS, &cut);
        idx_refused_train(TRAIN_LABELS ".gz", n >= 4 ? "truncated" : "at byte");
    }
    bytes_free(&b);
    bytes_free(&gz);
}

static void every_flipped_byte_of_a_packed_file_is_harmless(void **state)
{
    (void)state;
    struct bytes b = idx_labels(), gz = gzip_bytes(&b);
    int refused = 0;
    for (size_t i = 0; i < gz.size; i++) {
        gz.data[i] ^= 0xff;
        idx_write_packed(TRAIN_LABELS, &gz);
        gn_dataset *data = gn_open_dataset(idx_folder);
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
    idx_write(TRAIN_IMAGES, 8, 3, huge, 4096);
    idx_refused_train(TRAIN_IMAGES,
                      "size mismatch (count=4294967295 rows=28 cols=28 need 3367254359296 "
                      "bytes, file holds 4112) at byte 4");
    const uint32_t overflow[] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, 3 };
    idx_write(TRAIN_IMAGES, 8, 4, overflow, 4096);
    idx_refused_train(TRAIN_IMAGES, "and more bytes, file holds 4116");
    struct bytes b = idx_bytes(8, 3, huge, NULL, 0), gz = gzip_bytes(&b);
    idx_write_packed(TRAIN_IMAGES, &gz);
    idx_refused_train(TRAIN_IMAGES ".gz", "packed) at byte 4");
    bytes_free(&b);
    bytes_free(&gz);
}

static void a_packed_file_may_unpack_to_less_than_it_claims(void **state)
{
    (void)state;
    const uint32_t dims[] = { 7, 4, 5 };
    const uint8_t pixels[100] = { 0 };
    struct bytes b = idx_bytes(8, 3, dims, pixels, sizeof pixels), gz = gzip_bytes(&b);
    idx_write_packed(TRAIN_IMAGES, &gz);
    idx_refused_train(TRAIN_IMAGES ".gz", "unpacks to fewer bytes");
    bytes_free(&b);
    bytes_free(&gz);
}

static void images_and_labels_must_be_as_many(void **state)
{
    (void)state;
    const uint32_t dims[] = { 6 };
    idx_write(TRAIN_LABELS, 8, 1, dims, 6);
    idx_refused_train(TRAIN_IMAGES, "counts differ (7 images, but 6 labels in ");
}

static void a_label_outside_the_classes_is_refused(void **state)
{
    (void)state;
    const struct gn_dataset_options options = { .data = idx_folder, .classes = 2 };
    idx_refused(&options, TRAIN_LABELS,
                "label outside the classes (label=2 of sample 2, classes=2) at byte 10");
    gn_dataset *data = gn_open_dataset(idx_folder, .classes = 3);
    assert_non_null(data);
    gn_close_dataset(data);
}

static void an_empty_set_is_refused(void **state)
{
    (void)state;
    const uint32_t none[] = { 0, 4, 5 };
    idx_write(TRAIN_IMAGES, 8, 3, none, 0);
    idx_write(TRAIN_LABELS, 8, 1, none, 0);
    idx_refused_train(TRAIN_IMAGES, "empty (count=0 rows=4 cols=5)");
    const uint32_t flat[] = { 7, 0, 5 };
    idx_write(TRAIN_IMAGES, 8, 3, flat, 0);
    idx_refused_train(TRAIN_IMAGES, "empty (count=7 rows=0 cols=5)");
}

static void wrong_magic_type_and_rank_are_named(void **state)
{
    (void)state;
    const uint32_t dims[] = { 7, 4, 5, 2 };
    struct bytes b = idx_bytes(8, 3, dims, NULL, 0);
    b.data[0] = 'P';
    write_bytes(idx_folder, TRAIN_IMAGES, &b);
    idx_refused_train(TRAIN_IMAGES, "wrong magic (0x50000803, IDX begins 0x0000) at byte 0");
    bytes_free(&b);
    idx_write(TRAIN_IMAGES, 0x0d, 3, dims, 560);
    idx_refused_train(TRAIN_IMAGES, "element type 0x0d (32-bit floats), unsigned bytes");
    idx_write(TRAIN_IMAGES, 0x07, 3, dims, 140);
    idx_refused_train(TRAIN_IMAGES, "element type 0x07 (unknown)");
    idx_write(TRAIN_IMAGES, 8, 2, dims, 28);
    idx_refused_train(TRAIN_IMAGES, "rank 2, images have 3 (or 4 with channels) at byte 3");
    idx_write(TRAIN_IMAGES, 8, 4, dims, 280);
    idx_refused_train(TRAIN_IMAGES, "2 channels, 1 or 3 wanted at byte 16");
    const uint32_t wide[] = { 7, 1, 70000 };
    idx_write(TRAIN_IMAGES, 8, 3, wide, 490000);
    idx_refused_train(TRAIN_IMAGES,
                      "image too large (count=7 rows=1 cols=70000, limit 65500 a side)");
    write_split(idx_folder, true, &idx_small, false);
    idx_write(TRAIN_LABELS, 8, 3, dims, 140);
    idx_refused_train(TRAIN_LABELS, "rank 3, labels have 1");
}

static void a_pipe_or_folder_in_place_of_a_file_is_named(void **state)
{
    (void)state;
    char path[PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/" TRAIN_IMAGES, idx_folder);
    remove_file(idx_folder, TRAIN_IMAGES);
    assert_int_equal(mkfifo(path, 0600), 0);
    idx_refused_train(TRAIN_IMAGES, "is a pipe");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    idx_refused_train(TRAIN_IMAGES, "is a folder");
}

static void bytes_behind_the_content_are_refused(void **state)
{
    (void)state;
    struct bytes b = idx_labels();
    bytes_add(&b, "x", 1);
    write_bytes(idx_folder, TRAIN_LABELS, &b);
    idx_refused_train(TRAIN_LABELS, "size mismatch (count=7 need 15 bytes, file holds 16)");
    struct bytes gz = gzip_bytes(&b);
    idx_write_packed(TRAIN_LABELS, &gz);
    idx_refused_train(TRAIN_LABELS ".gz", "unpacks to more bytes");
    bytes_free(&b);
    bytes_free(&gz);
}

static void only_zeros_or_members_may_follow_a_member(void **state)
{
    (void)state;
    struct bytes b = idx_labels();
    struct bytes first = { .data = b.data, .size = 10 },
                 second = { .data = b.data + 10, .size = b.size - 10 };
    struct bytes gz = gzip_bytes(&first), more = gzip_bytes(&second);
    bytes_add(&gz, more.data, more.size);
    const uint8_t padding[512] = { 0 };
    bytes_add(&gz, padding, sizeof padding);
    idx_write_packed(TRAIN_LABELS, &gz);
    gn_dataset *data = gn_open_dataset(idx_folder);
    assert_non_null(data);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(data->labels[i], b.data[8 + i]);
    gn_close_dataset(data);
    bytes_add(&gz, "x", 1);
    idx_write_packed(TRAIN_LABELS, &gz);
    idx_refused_train(TRAIN_LABELS ".gz", "bytes follow the last member");
    bytes_free(&b);
    bytes_free(&gz);
    bytes_free(&more);
}

static void endless_empty_members_are_refused(void **state)
{
    (void)state;
    struct bytes b = idx_labels(), gz = gzip_bytes(&b);
    const struct bytes none = { .data = b.data, .size = 0 };
    struct bytes empty = gzip_bytes(&none);
    for (int i = 0; i < 1100; i++)
        bytes_add(&gz, empty.data, empty.size);
    idx_write_packed(TRAIN_LABELS, &gz);
    idx_refused_train(TRAIN_LABELS ".gz", "more than 1024 members");
    bytes_free(&b);
    bytes_free(&gz);
    bytes_free(&empty);
}

static void long_header_fields_and_unknown_flags_are_refused(void **state)
{
    (void)state;
    struct bytes b = idx_labels(), gz = gzip_bytes(&b), bad = { .size = 0 };
    bytes_add(&bad, gz.data, 10);
    bad.data[3] = 0x08; /* a file name follows */
    for (int i = 0; i < 20000; i++)
        bytes_add(&bad, "nnnnnnnn", 8);
    bytes_add(&bad, "", 1);
    bytes_add(&bad, gz.data + 10, gz.size - 10);
    idx_write_packed(TRAIN_LABELS, &bad);
    idx_refused_train(TRAIN_LABELS ".gz", "header fields exceed 64 KiB");
    gz.data[3] = 0x20;
    idx_write_packed(TRAIN_LABELS, &gz);
    idx_refused_train(TRAIN_LABELS ".gz", "unknown header flags set");
    bytes_free(&b);
    bytes_free(&gz);
    bytes_free(&bad);
}

/* A megabyte of zeros that ends at a byte's border and refers to nothing before it can be repeated:
 * 2 GiB of content in about 2 MB. */
static void a_bomb_is_stopped_at_the_expected_size(void **state)
{
    (void)state;
    struct bytes head = idx_labels();
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
    idx_write_packed(TRAIN_LABELS, &bomb);
    const double start = gn_seconds();
    idx_refused_train(TRAIN_LABELS ".gz",
                      "unpacks to more bytes than its content claims (15 bytes");
    assert_true(gn_seconds() - start < 1);
    bytes_free(&head);
    bytes_free(&bomb);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, idx_setup, idx_teardown)
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
