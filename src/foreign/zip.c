/* The directory at the end says where members are (PKWARE's APPNOTE, 4.3). */
#include "foreign/zip.h"

#include "base/memory.h"
#include "file/gzip.h"
#include "file/reader.h"

#include <string.h>

enum { END = 22, LONGEST_COMMENT = 65535, STORED = 0, DEFLATED = 8 };

struct entry {
    uint16_t flags, method, name, extra, comment;
    uint32_t crc, packed, size, at;
};

static gn_status bad(const char *file, const char *what)
{
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s: zip: %s", file, what);
}

/* The directory's place, from the record at the end. */
static bool find_directory(const struct gn_bytes *a, struct gn_reader *r, uint16_t *entries)
{
    uint32_t at;
    for (size_t i = END; i <= a->size && i <= END + LONGEST_COMMENT; i++) {
        gn_rd_init(r, a->data, a->size);
        if (gn_rd_seek(r, a->size - i) && gn_rd_match(r, "PK\5\6", 4))
            return gn_rd_skip(r, 6) && gn_rd_le16(r, entries) && gn_rd_skip(r, 4) &&
                   gn_rd_le32(r, &at) && gn_rd_seek(r, at);
    }
    return false;
}

static bool read_entry(struct gn_reader *r, struct entry *e, const uint8_t **name)
{
    return gn_rd_match(r, "PK\1\2", 4) && gn_rd_skip(r, 4) && gn_rd_le16(r, &e->flags) &&
           gn_rd_le16(r, &e->method) && gn_rd_skip(r, 4) && gn_rd_le32(r, &e->crc) &&
           gn_rd_le32(r, &e->packed) && gn_rd_le32(r, &e->size) && gn_rd_le16(r, &e->name) &&
           gn_rd_le16(r, &e->extra) && gn_rd_le16(r, &e->comment) && gn_rd_skip(r, 8) &&
           gn_rd_le32(r, &e->at) && gn_rd_bytes(r, e->name, name) &&
           gn_rd_skip(r, (uint64_t)e->extra + e->comment);
}

/* Deflated bytes become a gzip file, for the reader that knows limits and checks. */
static gn_status unpack(const char *file, const struct entry *e, const uint8_t *data,
                        struct gn_bytes *member)
{
    static const uint8_t head[10] = { 0x1f, 0x8b, 8 };
    uint8_t *packed = gn_alloc((size_t)e->packed + 18, "a packed member");
    if (packed == NULL)
        return gn_last_status();
    memcpy(packed, head, sizeof head);
    memcpy(packed + 10, data, e->packed);
    for (int i = 0; i < 4; i++) {
        packed[10 + e->packed + (size_t)i] = (uint8_t)(e->crc >> (8 * i));
        packed[14 + e->packed + (size_t)i] = (uint8_t)(e->size >> (8 * i));
    }
    struct gn_stream *stream =
        gn_stream_of_bytes(packed, (size_t)e->packed + 18, file, "zip member");
    gn_status status = stream == NULL ? gn_last_status() : GN_OK;
    if (status == GN_OK)
        status = gn_stream_read(stream, member->data, member->size);
    if (status == GN_OK)
        status = gn_stream_end(stream);
    gn_stream_close(stream);
    gn_free(packed);
    return status == GN_STATUS_BAD_DATA ? gn_fail(GN_STATUS_BAD_MODEL, "%s", gn_error_message())
                                        : status;
}

static gn_status take(const struct gn_bytes *a, const char *file, const struct entry *e,
                      uint64_t limit, struct gn_bytes *member)
{
    struct gn_reader r;
    uint16_t name, extra;
    const uint8_t *data;
    gn_rd_init(&r, a->data, a->size);
    if (!gn_rd_seek(&r, e->at) || !gn_rd_match(&r, "PK\3\4", 4) || !gn_rd_skip(&r, 22) ||
        !gn_rd_le16(&r, &name) || !gn_rd_le16(&r, &extra) ||
        !gn_rd_skip(&r, (uint64_t)name + extra) || !gn_rd_bytes(&r, e->packed, &data))
        return bad(file, "a member lies outside of the file");
    if ((e->flags & 1) != 0 || (e->method != STORED && e->method != DEFLATED))
        return bad(file, "a member is encrypted, or packed in a way that is not read");
    if (e->size > limit || (e->method == STORED && e->packed != e->size) ||
        (e->method == DEFLATED && e->size / 1100 > e->packed))
        return bad(file, "a member is larger than it can be");
    member->size = e->size;
    member->data = gn_alloc(member->size, "a member of an archive");
    if (member->data == NULL)
        return gn_last_status();
    gn_status status = GN_OK;
    if (e->method == STORED)
        memcpy(member->data, data, member->size);
    else
        status = unpack(file, e, data, member);
    if (status != GN_OK) {
        gn_free(member->data);
        member->data = NULL;
    }
    return status;
}

gn_status gn_zip_read(const struct gn_bytes *archive, const char *file, const char *wanted,
                      uint64_t limit, bool *found, struct gn_bytes *member)
{
    struct gn_reader r;
    struct entry e, chosen = { 0 };
    uint16_t entries;
    const uint8_t *name;
    *found = false;
    *member = (struct gn_bytes){ NULL, 0 };
    if (!find_directory(archive, &r, &entries))
        return bad(file, "no directory at its end: the file is cut off or no zip");
    for (int i = 0; i < entries; i++) {
        if (!read_entry(&r, &e, &name))
            return bad(file, "its directory is damaged");
        if (e.name != strlen(wanted) || memcmp(name, wanted, e.name) != 0)
            continue;
        if (*found)
            return bad(file, "a member is there twice");
        *found = true;
        chosen = e;
    }
    return *found ? take(archive, file, &chosen, limit, member) : GN_OK;
}
