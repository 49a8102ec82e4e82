/*
 * Writing a safetensors file: the order of tensors, the header with its checksums, the bytes.
 * Nothing in it depends on time, place or threads, so equal content gives equal bytes.
 */
#include "formats/safetensors_internal.h"

#include "base/endian.h"
#include "file/crc32c.h"
#include "file/json.h"
#include "base/memory.h"
#include "file/reader.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char kind[] = "safetensors", header_text[] = "the header of a model file";

struct item {
    const struct gn_st_tensor *tensor;
    uint64_t bytes;
};

/* Wide elements first, so that every tensor is aligned to its own. */
static int by_width_and_name(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    const uint64_t width_x = gn_dtype_size(x->tensor->dtype);
    const uint64_t width_y = gn_dtype_size(y->tensor->dtype);
    if (width_x != width_y)
        return width_x > width_y ? -1 : 1;
    return strcmp(x->tensor->name, y->tensor->name);
}

/* Fills and sorts the items; *total gets the bytes of all. */
static gn_status sort_items(struct item *items, const struct gn_st_tensor *tensors, int n,
                            uint64_t *total)
{
    *total = 0;
    for (int i = 0; i < n; i++) {
        items[i].tensor = &tensors[i];
        if (!gn_mul_u64(tensors[i].count, gn_dtype_size(tensors[i].dtype), &items[i].bytes) ||
            !gn_add_u64(*total, items[i].bytes, total) || *total > GN_ST_MAX_FILE)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the tensors are too large for one model file");
    }
    qsort(items, (size_t)n, sizeof *items, by_width_and_name);
    for (int i = 1; i < n; i++)
        if (strcmp(items[i - 1].tensor->name, items[i].tensor->name) == 0)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "two tensors have the name \"%s\"",
                    items[i].tensor->name);
    return GN_OK;
}

/* Names and texts come from the caller. */
static gn_status check_texts(const struct item *items, int n, const struct gn_st_text *metadata,
                             int n_metadata)
{
    for (int i = 0; i < n; i++)
        if (!gn_is_utf8(items[i].tensor->name))
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the name of a tensor is not UTF-8: \"%s\"",
                    items[i].tensor->name);
    for (int i = 0; i < n_metadata; i++)
        if (!gn_is_utf8(metadata[i].key) || !gn_is_utf8(metadata[i].value))
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the metadata \"%s\" of a model file is not UTF-8",
                    metadata[i].key);
    return GN_OK;
}

/* The text of "gn.crc32c". */
static char *checksums(const struct item *items, int n)
{
    json_t *sums = json_object();
    for (int i = 0; i < n; i++) {
        char digits[GN_ST_DIGITS + 1];
        (void)snprintf(digits, sizeof digits, "%08" PRIx32,
                       gn_crc32c_numbers(0, items[i].tensor->data, items[i].tensor->count,
                                         gn_dtype_size(items[i].tensor->dtype)));
        gn_json_set(sums, items[i].tensor->name, json_string(digits));
    }
    return gn_json_text(sums, JSON_COMPACT, header_text);
}

/* `sums` NULL: a file for other programs, without checksums. */
static json_t *make_metadata(const char *sums, const struct gn_st_text *metadata, int n_metadata)
{
    json_t *object = json_object();
    if (sums != NULL) {
        gn_json_set(object, "gn.header_crc32c", json_string("00000000"));
        gn_json_set(object, "gn.format", json_string("1"));
        gn_json_set(object, "gn.crc32c", json_string(sums));
    }
    for (int i = 0; i < n_metadata; i++)
        gn_json_set(object, metadata[i].key, json_string(metadata[i].value));
    return object;
}

static json_t *make_entry(const struct item *item, uint64_t begin)
{
    json_t *shape = json_array();
    for (int i = 0; i < item->tensor->rank; i++)
        gn_json_add(shape, json_integer((json_int_t)item->tensor->shape[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", gn_dtype_name(item->tensor->dtype), "shape",
                     shape, "data_offsets", (json_int_t)begin, (json_int_t)(begin + item->bytes));
}

/* The header's JSON text without padding. */
static char *make_header(const struct item *items, int n, const struct gn_st_text *metadata,
                         int n_metadata, bool plain)
{
    if (check_texts(items, n, metadata, n_metadata) != GN_OK)
        return NULL;
    char *sums = plain ? NULL : checksums(items, n);
    if (sums == NULL && !plain)
        return NULL;
    json_t *root = json_object();
    gn_json_set(root, "__metadata__", make_metadata(sums, metadata, n_metadata));
    gn_free(sums);
    uint64_t begin = 0;
    for (int i = 0; i < n; i++) {
        gn_json_set(root, items[i].tensor->name, make_entry(&items[i], begin));
        begin += items[i].bytes;
    }
    return gn_json_text(root, JSON_COMPACT, header_text);
}

/* The first bytes of the file up to the data: length, JSON, spaces, checksum. */
static gn_status make_start(const char *json, bool plain, struct gn_bytes *start)
{
    const size_t length = strlen(json);
    if (length > GN_ST_MAX_HEADER - GN_ST_ALIGN)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the header of the model file is too large (%zu bytes)",
                length);
    const size_t size = (GN_ST_LENGTH_BYTES + length + GN_ST_ALIGN - 1) / GN_ST_ALIGN * GN_ST_ALIGN;
    uint8_t *bytes = gn_alloc(size, header_text);
    if (bytes == NULL)
        return gn_last_status();
    const uint64_t padded = size - GN_ST_LENGTH_BYTES;
    gn_copy_little(bytes, &padded, 1, GN_ST_LENGTH_BYTES);
    memcpy(bytes + GN_ST_LENGTH_BYTES, json, length);
    memset(bytes + GN_ST_LENGTH_BYTES + length, ' ', (size_t)padded - length);
    if (!plain) {
        char digits[GN_ST_DIGITS + 1];
        (void)snprintf(digits, sizeof digits, "%08" PRIx32,
                       gn_st_header_crc(bytes, (size_t)padded));
        memcpy(bytes + GN_ST_DIGITS_AT, digits, GN_ST_DIGITS);
    }
    start->data = bytes;
    start->size = size;
    return GN_OK;
}

/* The numbers of a tensor as a file has them. */
static gn_status append(struct gn_file_writer *writer, const struct item *item)
{
    enum { CHUNK = 8192 };
    if (!gn_big_endian)
        return gn_file_append(writer, item->tensor->data, (size_t)item->bytes);
    const uint8_t *at = item->tensor->data;
    uint8_t chunk[CHUNK];
    for (uint64_t left = item->bytes; left > 0;) {
        const size_t n = left < CHUNK ? (size_t)left : CHUNK;
        const size_t size = (size_t)gn_dtype_size(item->tensor->dtype);
        gn_copy_little(chunk, at, n / size, size);
        GN_TRY(gn_file_append(writer, chunk, n));
        at += n;
        left -= n;
    }
    return GN_OK;
}

static gn_status write_items(const char *path, const struct gn_bytes *start,
                             const struct item *items, int n, uint64_t total,
                             const char *keep_previous)
{
    struct gn_file_writer *writer = gn_file_begin(path, kind, start->size + total);
    if (writer == NULL)
        return gn_last_status();
    gn_status status = gn_file_append(writer, start->data, start->size);
    for (int i = 0; i < n && status == GN_OK; i++)
        status = append(writer, &items[i]);
    return gn_file_commit(writer, keep_previous);
}

static gn_status write_file(const char *path, const struct gn_st_tensor *tensors, int n,
                            const struct gn_st_text *metadata, int n_metadata, bool plain,
                            const char *keep_previous)
{
    if (path == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the path of the model file is missing");
    if (n < 0 || n > GN_ST_MAX_TENSORS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d tensors do not fit in a model file (limit %d)", n,
                GN_ST_MAX_TENSORS);
    struct item *items = gn_calloc((size_t)n, sizeof *items, "the order of tensors");
    if (items == NULL)
        return gn_last_status();
    uint64_t total;
    struct gn_bytes start = { NULL, 0 };
    char *json = NULL;
    gn_status status = sort_items(items, tensors, n, &total);
    if (status == GN_OK) {
        json = make_header(items, n, metadata, n_metadata, plain);
        status = json == NULL ? gn_last_status() : make_start(json, plain, &start);
    }
    if (status == GN_OK)
        status = write_items(path, &start, items, n, total, keep_previous);
    gn_free(json);
    gn_free(start.data);
    gn_free(items);
    return status;
}

gn_status gn_st_write(const char *path, const struct gn_st_tensor *tensors, int n,
                      const struct gn_st_text *metadata, int n_metadata, const char *keep_previous)
{
    return write_file(path, tensors, n, metadata, n_metadata, false, keep_previous);
}

gn_status gn_st_write_plain(const char *path, const struct gn_st_tensor *tensors, int n,
                            const struct gn_st_text *metadata, int n_metadata)
{
    return write_file(path, tensors, n, metadata, n_metadata, true, NULL);
}
