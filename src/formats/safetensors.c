/* Opening a safetensors file: sizes, header, data, checksums, in this order; and looking into
 * it. */
#include "formats/safetensors_internal.h"

#include "base/endian.h"
#include "file/crc32c.h"
#include "base/memory.h"
#include "file/reader.h"
#include "base/team.h"
#include "base/threads.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char kind[] = "safetensors";

/* Reads the length and says why the file cannot be one of this format. */
static gn_status read_length(struct gn_st_file *file, const struct gn_file *from)
{
    uint8_t head[512];
    const uint64_t size = from->size;
    const size_t n = size < sizeof head ? (size_t)size : sizeof head;
    GN_TRY(gn_file_pread(from, head, n, 0));
    struct gn_reader reader;
    uint64_t length = 0;
    gn_rd_init(&reader, head, n);
    const bool has_length = gn_rd_le64(&reader, &length);
    if (has_length && length >= 2 && length <= GN_ST_MAX_HEADER &&
        length <= size - GN_ST_LENGTH_BYTES && gn_rd_match(&reader, "{", 1)) {
        file->header_size = length;
        file->data_size = size - GN_ST_LENGTH_BYTES - length;
        return GN_OK;
    }
    GN_TRY(gn_st_recognise(from->path, file->text, head, n));
    if (!has_length)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: %s: truncated (%" PRIu64 " bytes, the length alone has %d) at byte 0",
                file->text, kind, size, GN_ST_LENGTH_BYTES);
    if (length > GN_ST_MAX_HEADER)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: %s: this is no model file (header length %" PRIu64 ", limit %d) at byte 0",
                file->text, kind, length, GN_ST_MAX_HEADER);
    if (length > size - GN_ST_LENGTH_BYTES)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: %s: truncated (header length %" PRIu64 ", file holds %" PRIu64
                " bytes) at byte 0",
                file->text, kind, length, size);
    GN_FAIL(GN_STATUS_BAD_MODEL,
            "%s: %s: this is no model file (the header does not start with \"{\") at byte %d",
            file->text, kind, GN_ST_LENGTH_BYTES);
}

enum { PIECE = 2 << 20 };

struct block {
    uint8_t *to;
    size_t n;
    const struct gn_file *from;
    uint64_t offset;
    atomic_bool failed;
};

static void read_piece(void *argument, size_t i)
{
    struct block *b = argument;
    const size_t at = i * PIECE;
    if (gn_file_pread(b->from, b->to + at, b->n - at < PIECE ? b->n - at : PIECE, b->offset + at) !=
        GN_OK)
        atomic_store(&b->failed, true);
}

/* Pieces on all threads: most of the time is the first touch of the memory. A thread's error stays
 * with it, so after a failure the block is read once more by this one. */
static gn_status read_block(uint8_t *to, size_t n, const struct gn_file *from, uint64_t offset)
{
    struct block b = { .to = to, .n = n, .from = from, .offset = offset };
    gn_parallel(gn_usable_threads(NULL), (n + PIECE - 1) / PIECE, read_piece, &b);
    return atomic_load(&b.failed) ? gn_file_pread(from, to, n, offset) : GN_OK;
}

/* The data in one block, so that every tensor of our files is aligned. */
static gn_status read_data(struct gn_st_file *file, const struct gn_file *from)
{
    size_t n;
    if (!gn_to_size(file->data_size, &n))
        GN_FAIL(GN_STATUS_NO_MEMORY, "%s: %s: too large for this machine", file->text, kind);
    file->data = gn_alloc(n, "the tensors of a model file");
    if (file->data == NULL)
        return gn_last_status();
    GN_TRY(read_block(file->data, n, from, GN_ST_LENGTH_BYTES + file->header_size));
    struct gn_reader reader;
    gn_rd_init(&reader, file->data, n);
    for (int i = 0; i < file->n; i++) {
        struct gn_st_entry *entry = &file->entries[i];
        const uint8_t *bytes;
        if (!gn_rd_seek(&reader, entry->begin) ||
            !gn_rd_bytes(&reader, entry->end - entry->begin, &bytes))
            GN_FAIL(GN_STATUS_INTERNAL, "%s: %s: a tensor lies outside the data", file->text, kind);
        entry->tensor.data = bytes;
    }
    return GN_OK;
}

static gn_status check_tensor_crc(const struct gn_st_file *file, const json_t *sums,
                                  const struct gn_st_entry *entry, uint32_t sum)
{
    char name[128], shown[32], computed[GN_ST_DIGITS + 1];
    const char *stored = json_string_value(json_object_get(sums, entry->tensor.name));
    (void)gn_printable(name, sizeof name, entry->tensor.name);
    if (stored == NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: tensor \"%s\" has no checksum at byte %" PRIu64,
                file->text, kind, name, gn_st_header_offset(file, entry->tensor.name));
    (void)snprintf(computed, sizeof computed, "%08" PRIx32, sum);
    if (GN_SKIP_CHECKSUMS || strcmp(stored, computed) == 0)
        return GN_OK;
    (void)gn_fail(GN_STATUS_BAD_MODEL,
                  "%s: %s: tensor \"%s\" is damaged (CRC32C %s, stored %s) at byte %" PRIu64,
                  file->text, kind, name, computed, gn_printable(shown, sizeof shown, stored),
                  GN_ST_LENGTH_BYTES + file->header_size + entry->begin);
    gn_hint("take another copy of the file");
    return GN_STATUS_BAD_MODEL;
}

struct sums {
    const struct gn_st_file *file;
    uint32_t *computed;
};

static void sum_tensor(void *argument, size_t i)
{
    const struct sums *s = argument;
    const struct gn_st_entry *e = &s->file->entries[i];
    s->computed[i] = gn_crc32c(0, e->tensor.data, (size_t)(e->end - e->begin));
}

/* "gn.crc32c" must hold exactly one sum for every tensor. */
static gn_status check_data(const struct gn_st_file *file)
{
    json_t *sums;
    gn_status status = gn_json_parse(gn_st_metadata(file, "gn.crc32c"), &sums);
    if (status == GN_OK && (!json_is_object(sums) || json_object_size(sums) != (size_t)file->n))
        status = gn_fail(GN_STATUS_BAD_MODEL,
                         "%s: %s: the metadata \"gn.crc32c\" does not hold a checksum for each of "
                         "the %d tensors at byte %" PRIu64,
                         file->text, kind, file->n, gn_st_header_offset(file, "gn.crc32c"));
    uint32_t *computed = gn_calloc((size_t)file->n + 1, sizeof *computed, "checksums");
    if (status == GN_OK && computed == NULL)
        status = gn_last_status();
    struct sums all = { file, computed };
    if (status == GN_OK)
        gn_parallel(gn_usable_threads(NULL), (size_t)file->n, sum_tensor, &all);
    for (int i = 0; i < file->n && status == GN_OK; i++)
        status = check_tensor_crc(file, sums, &file->entries[i], computed[i]);
    gn_free(computed);
    json_decref(sums);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct gn_st_entry *const *x = a, *const *y = b;
    return strcmp((*x)->tensor.name, (*y)->tensor.name);
}

static gn_status make_index(struct gn_st_file *file)
{
    file->by_name = gn_calloc((size_t)file->n, sizeof *file->by_name, "the index of tensors");
    if (file->by_name == NULL)
        return gn_last_status();
    for (int i = 0; i < file->n; i++)
        file->by_name[i] = &file->entries[i];
    qsort(file->by_name, (size_t)file->n, sizeof *file->by_name, by_name);
    return GN_OK;
}

static gn_status load(struct gn_st_file *file, const struct gn_file *from)
{
    if (from->size > GN_ST_MAX_FILE)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: %s: too large (%" PRIu64 " bytes, limit %" PRIu64 ") at byte 0", file->text,
                kind, from->size, GN_ST_MAX_FILE);
    GN_TRY(read_length(file, from));
    const size_t n = GN_ST_LENGTH_BYTES + (size_t)file->header_size;
    file->header = gn_alloc(n, "the header of a model file");
    if (file->header == NULL)
        return gn_last_status();
    GN_TRY(gn_file_pread(from, file->header, n, 0));
    GN_TRY(gn_st_parse_header(file));
    GN_TRY(read_data(file, from));
    if (file->ours)
        GN_TRY(check_data(file));
    for (int i = 0; i < file->n; i++)
        gn_turn_little(file->data + file->entries[i].begin, (size_t)file->entries[i].tensor.count,
                       (size_t)gn_dtype_size(file->entries[i].tensor.dtype));
    return make_index(file);
}

static struct gn_st_file *open_file(const struct gn_file *from)
{
    struct gn_st_file *file = gn_calloc(1, sizeof *file, "a model file");
    if (file == NULL)
        return NULL;
    (void)gn_printable(file->text, sizeof file->text, from->path);
    if (load(file, from) == GN_OK)
        return file;
    gn_st_close(file);
    return NULL;
}

struct gn_st_file *gn_st_open(const char *path)
{
    struct gn_file from;
    if (path == NULL) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "the path of the model file is missing");
        return NULL;
    }
    if (gn_file_open(&from, path, kind, GN_STATUS_BAD_MODEL) != GN_OK)
        return NULL;
    struct gn_st_file *file = open_file(&from);
    gn_file_close(&from);
    return file;
}

struct gn_st_file *gn_st_of_bytes(const void *bytes, size_t n, const char *name)
{
    struct gn_file from;
    gn_file_of_bytes(&from, bytes, n, name, kind, GN_STATUS_BAD_MODEL);
    return open_file(&from);
}

void gn_st_close(struct gn_st_file *file)
{
    if (file == NULL)
        return;
    json_decref(file->root);
    gn_free(file->header);
    gn_free(file->data);
    gn_free(file->entries);
    gn_free(file->by_name);
    gn_free(file);
}

int gn_st_count(const struct gn_st_file *file)
{
    return file->n;
}

const struct gn_st_tensor *gn_st_tensor(const struct gn_st_file *file, int i)
{
    return i >= 0 && i < file->n ? &file->entries[i].tensor : NULL;
}

const struct gn_st_tensor *gn_st_find(const struct gn_st_file *file, const char *name)
{
    for (int low = 0, high = file->n; low < high;) {
        const int middle = low + (high - low) / 2;
        const struct gn_st_tensor *tensor = &file->by_name[middle]->tensor;
        const int order = strcmp(name, tensor->name);
        if (order == 0)
            return tensor;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *gn_st_metadata(const struct gn_st_file *file, const char *key)
{
    return json_string_value(json_object_get(file->metadata, key));
}

bool gn_st_is_ours(const struct gn_st_file *file)
{
    return file->ours;
}
