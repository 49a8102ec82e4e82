/* Readers of data sets: IDX, gzip, CIFAR, lists of pictures. */
#include "fuzz.h"

#include "base/memory.h"
#include "file/gzip.h"
#include "data/idx.h"
#include "data/open.h"

#include <string.h>
#include <zlib.h>

enum { MOST_UNPACKED = 1 << 20, CIFAR_RECORD = 3073 };

/* ---- IDX and gzip ---- */

static void read_idx(const uint8_t *bytes, size_t n, bool images)
{
    struct gn_idx idx;
    const gn_status status = gn_idx_of_bytes(&idx, bytes, n, "fuzz", images);
    uint8_t *values = NULL;
    fuzz_told(status);
    if (status != GN_OK)
        return;
    if (idx.bytes <= MOST_UNPACKED)
        fuzz_told(gn_idx_read(&idx, &values, NULL));
    gn_free(values);
    gn_idx_close(&idx);
}

static void idx(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    read_idx(bytes, n, true);
    read_idx(bytes, n, false);
}

static void idx_seeds(const struct fuzz_target *target)
{
    (void)target;
    fuzz_seed("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02"
              "abcdefgh",
              24);
    fuzz_seed("\0\0\x08\x04\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\x03"
              "abcdef",
              26);
    fuzz_seed("\0\0\x08\x01\0\0\0\x03\0\x01\x02", 11);
}

/* The content in pieces of any length, then its end. */
static void gzip(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    static uint8_t unpacked[1 << 12];
    struct gn_stream *s = gn_stream_of_bytes(bytes, n, "fuzz", "IDX");
    fuzz_told(s == NULL ? gn_error_status() : GN_OK);
    if (s == NULL)
        return;
    gn_status status = GN_OK;
    for (size_t got = 0, piece = 1; status == GN_OK && got < MOST_UNPACKED;
         piece = piece * 2 % 4095) {
        status = gn_stream_read(s, unpacked, piece + 1);
        fuzz_told(status);
        got += piece + 1;
    }
    gn_stream_close(s);
    s = gn_stream_of_bytes(bytes, n, "fuzz", "IDX");
    if (s != NULL)
        fuzz_told(gn_stream_end(s));
    gn_clear_error();
    gn_stream_close(s);
}

static void gzip_seeds(const struct fuzz_target *target)
{
    (void)target;
    static const char name[] = "labels", content[] = "\0\0\x08\x01\0\0\0\x03\0\x01\x02";
    uint8_t packed[256];
    z_stream z = { 0 };
    gz_header header = { .name = (Bytef *)(uintptr_t)name };
    FUZZ_REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    FUZZ_REQUIRE(deflateSetHeader(&z, &header) == Z_OK);
    z.next_in = (Bytef *)(uintptr_t)content;
    z.avail_in = sizeof content - 1;
    z.next_out = packed;
    z.avail_out = sizeof packed;
    FUZZ_REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    const size_t n = sizeof packed - z.avail_out;
    FUZZ_REQUIRE(deflateEnd(&z) == Z_OK);
    fuzz_seed(packed, n);
    memcpy(packed + n, packed, n < sizeof packed - n ? n : 0); /* two members */
    fuzz_seed(packed, 2 * n);
}

/* ---- CIFAR ---- */

/* A first byte of 0: the rest is the file of names, otherwise that of the records. */
static void cifar(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    static const uint8_t record[CIFAR_RECORD];
    (void)target;
    const bool names = n > 0 && bytes[0] == 0;
    (void)fuzz_folder("cifar");
    (void)fuzz_file("cifar/data_batch_1.bin", record, sizeof record);
    (void)fuzz_file("cifar/batches.meta.txt", names ? bytes + 1 : record, names ? n - 1 : 0);
    (void)fuzz_file("cifar/test_batch.bin", names || n == 0 ? record : bytes + 1,
                    names    ? sizeof record
                    : n == 0 ? 0
                             : n - 1);
    gn_dataset *data = gn_open_dataset(fuzz_folder("cifar"), .split = GN_TEST);
    fuzz_told(data == NULL ? gn_error_status() : GN_OK);
    gn_close_dataset(data);
}

static const char *const cifar_names[] = { "\x01"
                                           "x",
                                           NULL };

static void cifar_seeds(const struct fuzz_target *target)
{
    (void)target;
    static const char names[] = "\0cat\ndog\nc\nd\ne\nf\ng\nh\ni\r\nj\n";
    uint8_t records[1 + 2 * CIFAR_RECORD] = { 1, 9 };
    fuzz_seed(names, sizeof names - 1);
    fuzz_seed(records, sizeof records);
}

/* ---- Lists ---- */

static const uint8_t grey_pgm[] = "P5 1 1 255\nx";

static void list(const struct fuzz_target *target, const uint8_t *bytes, size_t n)
{
    (void)target;
    (void)fuzz_folder("list");
    (void)fuzz_file("list/a.pgm", grey_pgm, sizeof grey_pgm - 1);
    for (int skip = 0; skip < 2; skip++) {
        gn_dataset *data = gn_open_dataset(fuzz_file("list/list.txt", bytes, n), .offline = true,
                                           .on_bad_image = skip ? GN_BAD_SKIP : GN_BAD_STOP);
        fuzz_told(data == NULL ? gn_error_status() : GN_OK);
        gn_close_dataset(data);
    }
}

static const char *const lists[] = { "a.pgm 0\na.pgm\t1\r\n\na.pgm 0\n",
                                     "\xef\xbb\xbf"
                                     "a.pgm cat\na.pgm dog\n",
                                     "./a.pgm 3\n../a.pgm 4\n", "/etc/passwd 1\na.pgm\n", NULL };

const struct fuzz_target fuzz_data_targets[] = {
    { .name = "idx", .run = idx, .make_seeds = idx_seeds },
    { .name = "gzip", .run = gzip, .make_seeds = gzip_seeds },
    { .name = "cifar",
      .run = cifar,
      .texts = cifar_names,
      .make_seeds = cifar_seeds,
      .divisor = 4 },
    { .name = "list", .run = list, .texts = lists },
    { .name = NULL },
};
