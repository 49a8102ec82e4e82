/*
 * The footer says where the index block is, whose entries say where the data blocks are. In a block each key
 * begins with some bytes of the one before it, and a checksum follows it.
 */
#include "tensorflow/table.h"

#include "file/crc32c.h"

#include <string.h>

enum { FOOTER = 48, TRAILER = 5, MOST_ENTRIES = 1 << 16 };

static const char kind[] = "TensorFlow";
static const uint8_t magic[] = { 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb };

struct walk {
    const char *name;
    const struct gn_bytes *table;
    gn_table_visitor *visit;
    void *argument;
    int entries;    /* of all data blocks */
    uint64_t bytes; /* of all blocks: none is there twice */
};

static gn_status damaged(const struct walk *w, const char *what)
{
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: %s: take another copy of the file", w->name, kind, what);
}

/* The content of the block that a handle names, without its restart points. */
static gn_status open_block(struct walk *w, struct gn_reader *handle, struct gn_reader *block)
{
    struct gn_reader r;
    uint64_t at, size;
    const uint8_t *bytes;
    uint32_t sum, restarts = 0;
    gn_rd_init(&r, w->table->data, w->table->size);
    if (!gn_pb_varint(handle, &at) || !gn_pb_varint(handle, &size) || !gn_rd_seek(&r, at) ||
        size > gn_rd_left(&r) || (w->bytes += size + TRAILER) > w->table->size ||
        !gn_rd_bytes(&r, size + 1, &bytes) || !gn_rd_le32(&r, &sum))
        return damaged(w, "a block of the table lies outside of the file");
    if (!GN_SKIP_CHECKSUMS &&
        gn_crc32c_masked(gn_crc32c(0, bytes, (size_t)size + TRAILER - 4)) != sum)
        return damaged(w, "a block of the table has another checksum");
    if (bytes[size] != 0)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: %s: the table is compressed, which is not read",
                w->name, kind);
    gn_rd_init(&r, bytes, (size_t)size);
    if (size < 4 || !gn_rd_seek(&r, size - 4) || !gn_rd_le32(&r, &restarts) ||
        restarts > (size - 4) / 4)
        return damaged(w, "a block of the table has no end");
    gn_rd_init(block, bytes, (size_t)size - 4 - 4 * (size_t)restarts);
    return GN_OK;
}

/* The next entry of a block, whose key takes the place of the one before it. */
static gn_status next_entry(const struct walk *w, struct gn_reader *block, char key[GN_TABLE_KEY],
                            size_t *length, struct gn_pb_slice *value)
{
    uint64_t shared, added, size;
    const uint8_t *bytes;
    if (!gn_pb_varint(block, &shared) || !gn_pb_varint(block, &added) ||
        !gn_pb_varint(block, &size) || shared > *length || added >= GN_TABLE_KEY - shared ||
        !gn_rd_bytes(block, added, &bytes))
        return damaged(w, "a key of the table is damaged, or longer than 1023 bytes");
    if (added > 0)
        memcpy(key + shared, bytes, (size_t)added);
    *length = (size_t)(shared + added);
    key[*length] = '\0';
    if (!gn_rd_bytes(block, size, &value->bytes))
        return damaged(w, "a value of the table is cut off");
    value->n = (size_t)size;
    return GN_OK;
}

static gn_status walk_block(struct walk *w, struct gn_reader *handle)
{
    struct gn_reader block;
    struct gn_pb_slice value;
    char key[GN_TABLE_KEY] = "";
    size_t length = 0;
    GN_TRY(open_block(w, handle, &block));
    while (gn_rd_left(&block) > 0) {
        GN_TRY(next_entry(w, &block, key, &length, &value));
        if (strlen(key) != length)
            return damaged(w, "a key of the table has zeros in it");
        if (++w->entries > MOST_ENTRIES)
            return damaged(w, "the table has more than 65536 entries");
        GN_TRY(w->visit(w->argument, key, value));
    }
    return GN_OK;
}

gn_status gn_table_each(const char *name, const struct gn_bytes *table, gn_table_visitor *visit,
                        void *argument)
{
    struct walk w = { .name = name, .table = table, .visit = visit, .argument = argument };
    struct gn_reader r, index;
    struct gn_pb_slice handle;
    char key[GN_TABLE_KEY] = "";
    size_t length = 0;
    uint64_t at;
    gn_rd_init(&r, table->data, table->size);
    if (table->size < FOOTER || !gn_rd_seek(&r, table->size - sizeof magic) ||
        !gn_rd_match(&r, magic, sizeof magic))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: %s: this is no checkpoint's table, or it is cut off (%zu bytes)", name, kind,
                table->size);
    (void)gn_rd_seek(&r, table->size - FOOTER);
    if (!gn_pb_varint(&r, &at) || !gn_pb_varint(&r, &at))
        return damaged(&w, "the end of the table is damaged");
    GN_TRY(open_block(&w, &r, &index));
    while (gn_rd_left(&index) > 0) {
        GN_TRY(next_entry(&w, &index, key, &length, &handle));
        struct gn_reader place = gn_pb_message(handle);
        GN_TRY(walk_block(&w, &place));
    }
    return GN_OK;
}
