/*
 * The IDX reader. Every claim of the header is checked before it is used, and memory is asked for
 * only as far as the file can fill it: see the limits in the enum.
 */
#include "data/idx.h"

#include "file/file.h"
#include "base/memory.h"
#include "file/reader.h"
#include "file/gzip.h"

#include <inttypes.h>
#include <string.h>

enum {
    UNSIGNED_BYTE = 0x08,
    SIDE_LIMIT = 65500,     /* height and width, as for JPEG */
    FIRST_BLOCK = 64 << 20, /* of a packed file, which may hold less than it claims */
    PREFIX_BYTES = 4,       /* two zeros, type, rank */
    DIMENSION_BYTES = 4,
    TEXT_BYTES = 128
};
#define PAYLOAD_LIMIT (UINT64_C(16) << 30)

static gn_status bad(const struct gn_idx *idx, const char *what, int at)
{
    char name[GN_PATH_TEXT];
    return gn_fail(GN_STATUS_BAD_DATA, "%s: IDX: %s at byte %d",
                   gn_printable(name, sizeof name, idx->path), what, at);
}

/* "count=60000 rows=28 cols=28" */
static const char *claims(const struct gn_idx *idx, char text[TEXT_BYTES])
{
    static const char *const names[GN_IDX_RANK] = { "count", "rows", "cols", "channels" };
    int used = 0;
    for (int i = 0; i < idx->rank; i++)
        used += snprintf(text + used, (size_t)(TEXT_BYTES - used), "%s%s=%" PRIu64,
                         i > 0 ? " " : "", names[i], idx->dims[i]);
    return text;
}

static const char *type_name(int type)
{
    switch (type) {
    case UNSIGNED_BYTE:
        return "unsigned bytes";
    case 0x09:
        return "signed bytes";
    case 0x0B:
        return "16-bit integers";
    case 0x0C:
        return "32-bit integers";
    case 0x0D:
        return "32-bit floats";
    case 0x0E:
        return "64-bit floats";
    default:
        return NULL;
    }
}

/* The first four bytes. */
static gn_status check_prefix(struct gn_idx *idx, const uint8_t prefix[PREFIX_BYTES], bool images)
{
    char what[TEXT_BYTES];
    if (prefix[0] != 0 || prefix[1] != 0) {
        (void)snprintf(what, sizeof what, "wrong magic (0x%02x%02x%02x%02x, IDX begins 0x0000)",
                       (unsigned)prefix[0], (unsigned)prefix[1], (unsigned)prefix[2],
                       (unsigned)prefix[3]);
        return bad(idx, what, 0);
    }
    const char *type = type_name(prefix[2]);
    if (prefix[2] != UNSIGNED_BYTE) {
        (void)snprintf(what, sizeof what, "element type 0x%02x (%s), unsigned bytes (0x08) wanted",
                       (unsigned)prefix[2], type == NULL ? "unknown" : type);
        return bad(idx, what, 2);
    }
    idx->rank = prefix[3];
    const bool fits = images ? idx->rank == 3 || idx->rank == 4 : idx->rank == 1;
    if (!fits) {
        (void)snprintf(what, sizeof what, "rank %d, %s", idx->rank,
                       images ? "images have 3 (or 4 with channels)" : "labels have 1");
        return bad(idx, what, 3);
    }
    return GN_OK;
}

/* A claim that the file cannot fulfil: the sentence with all numbers. */
static gn_status too_large(const struct gn_idx *idx, uint64_t need, bool overflow)
{
    char what[3 * TEXT_BYTES], text[TEXT_BYTES], bytes[32];
    (void)snprintf(bytes, sizeof bytes, "%" PRIu64 "%s", need, overflow ? " and more" : "");
    (void)snprintf(what, sizeof what, "size mismatch (%s need %s bytes, file holds %" PRIu64 "%s)",
                   claims(idx, text), bytes, gn_stream_file_bytes(idx->stream),
                   gn_stream_is_packed(idx->stream) ? " packed" : "");
    return bad(idx, what, PREFIX_BYTES);
}

/* Order of the checks: product, then the file's size, then what an image may be. */
static gn_status check_dimensions(struct gn_idx *idx)
{
    char what[2 * TEXT_BYTES], text[TEXT_BYTES];
    const uint64_t header = PREFIX_BYTES + (uint64_t)idx->rank * DIMENSION_BYTES;
    uint64_t product, need;
    if (!gn_product(idx->dims, idx->rank, &product) || !gn_add_u64(product, header, &need))
        return too_large(idx, UINT64_MAX, true);
    const uint64_t size = gn_stream_file_bytes(idx->stream);
    const bool packed = gn_stream_is_packed(idx->stream);
    if (packed ? need > gn_stream_most(idx->stream) : need != size)
        return too_large(idx, need, false);
    if (product > PAYLOAD_LIMIT || !gn_to_size(product, &idx->bytes)) {
        (void)snprintf(what, sizeof what, "too large (%s, limit 16 GiB)", claims(idx, text));
        return bad(idx, what, PREFIX_BYTES);
    }
    if (product == 0) {
        (void)snprintf(what, sizeof what, "empty (%s)", claims(idx, text));
        return bad(idx, what, PREFIX_BYTES);
    }
    for (int i = 1; i < idx->rank && i < 3; i++)
        if (idx->dims[i] > SIDE_LIMIT) {
            (void)snprintf(what, sizeof what, "image too large (%s, limit %d a side)",
                           claims(idx, text), SIDE_LIMIT);
            return bad(idx, what, PREFIX_BYTES + i * DIMENSION_BYTES);
        }
    if (idx->dims[3] != 1 && idx->dims[3] != 3) {
        (void)snprintf(what, sizeof what, "%" PRIu64 " channels, 1 or 3 wanted", idx->dims[3]);
        return bad(idx, what, PREFIX_BYTES + 3 * DIMENSION_BYTES);
    }
    return GN_OK;
}

static gn_status read_header(struct gn_idx *idx, bool images)
{
    char what[TEXT_BYTES];
    const uint64_t most = gn_stream_most(idx->stream);
    if (most < PREFIX_BYTES) {
        (void)snprintf(what, sizeof what, "truncated (file holds %" PRIu64 " bytes, the header 4)",
                       gn_stream_file_bytes(idx->stream));
        return bad(idx, what, 0);
    }
    uint8_t bytes[PREFIX_BYTES + GN_IDX_RANK * DIMENSION_BYTES];
    GN_TRY(gn_stream_read(idx->stream, bytes, PREFIX_BYTES));
    GN_TRY(check_prefix(idx, bytes, images));
    const size_t n = (size_t)idx->rank * DIMENSION_BYTES;
    if (most < PREFIX_BYTES + n) {
        (void)snprintf(what, sizeof what,
                       "truncated (rank %d makes a header of %zu bytes, file holds %" PRIu64 ")",
                       idx->rank, PREFIX_BYTES + n, gn_stream_file_bytes(idx->stream));
        return bad(idx, what, PREFIX_BYTES);
    }
    GN_TRY(gn_stream_read(idx->stream, bytes, n));
    struct gn_reader reader;
    gn_rd_init(&reader, bytes, n);
    for (int i = 0; i < GN_IDX_RANK; i++) {
        uint32_t dim = 1;
        (void)(i < idx->rank && gn_rd_be32(&reader, &dim));
        idx->dims[i] = dim;
    }
    return check_dimensions(idx);
}

/* Goes on with a stream that could be opened. */
static gn_status begin(struct gn_idx *idx, bool images)
{
    const gn_status status = idx->stream == NULL ? gn_last_status() : read_header(idx, images);
    if (status != GN_OK)
        gn_idx_close(idx);
    return status;
}

gn_status gn_idx_open(struct gn_idx *idx, const char *path, bool images, bool digest)
{
    *idx = (struct gn_idx){ .path = gn_strdup(path) };
    if (idx->path != NULL)
        idx->stream = gn_stream_open(idx->path, "IDX", digest);
    return begin(idx, images);
}

gn_status gn_idx_of_bytes(struct gn_idx *idx, const void *bytes, size_t n, const char *name,
                          bool images)
{
    *idx = (struct gn_idx){ .path = gn_strdup(name) };
    if (idx->path != NULL)
        idx->stream = gn_stream_of_bytes(bytes, n, idx->path, "IDX");
    return begin(idx, images);
}

void gn_idx_limit(struct gn_idx *idx, uint64_t n)
{
    if (n >= idx->dims[0])
        return;
    idx->bytes = idx->bytes / (size_t)idx->dims[0] * (size_t)n;
    idx->partial = true;
}

/* A packed file may hold less than its header claims, so memory grows with what really came: at
 * most twice as much is asked for. */
static gn_status read_values(struct gn_idx *idx, uint8_t **values)
{
    size_t room = idx->bytes, done = 0;
    if (gn_stream_is_packed(idx->stream) && room > FIRST_BLOCK)
        room = FIRST_BLOCK;
    while (done < idx->bytes) {
        uint8_t *grown = gn_realloc(*values, room, "the data set");
        if (grown == NULL)
            return gn_last_status();
        *values = grown;
        GN_TRY(gn_stream_read(idx->stream, grown + done, room - done));
        done = room;
        room = idx->bytes - done < done ? idx->bytes : 2 * done;
    }
    return idx->partial ? GN_OK : gn_stream_end(idx->stream);
}

gn_status gn_idx_read(struct gn_idx *idx, uint8_t **values, char md5[GN_MD5_HEX])
{
    const uint64_t limit = gn_memory_limit();
    if (idx->bytes > limit) {
        char name[GN_PATH_TEXT], text[TEXT_BYTES];
        GN_FAIL(GN_STATUS_NO_MEMORY,
                "%s: IDX: does not fit in memory (%s: %zu bytes, %" PRIu64 " may be used)",
                gn_printable(name, sizeof name, idx->path), claims(idx, text), idx->bytes, limit);
    }
    *values = NULL;
    const gn_status status = read_values(idx, values);
    if (status != GN_OK) {
        gn_free(*values);
        *values = NULL;
    } else if (md5 != NULL) {
        md5[0] = '\0';
        if (!idx->partial)
            gn_stream_digest(idx->stream, md5);
    }
    return status;
}

void gn_idx_close(struct gn_idx *idx)
{
    gn_stream_close(idx->stream);
    gn_free(idx->path);
    *idx = (struct gn_idx){ .rank = 0 };
}
