/* The directory at the end says where members are (PKWARE's APPNOTE, 4.3). */
#include "foreign/zip.h"

#include "base/memory.h"
#include "file/crc32c.h"
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

/* The bytes of a member as they lie in the archive. */
static gn_status find_data(const struct gn_bytes *a, const char *file, const struct entry *e,
                           uint64_t limit, const uint8_t **data)
{
    struct gn_reader r;
    uint16_t name, extra;
    gn_rd_init(&r, a->data, a->size);
    if (!gn_rd_seek(&r, e->at) || !gn_rd_match(&r, "PK\3\4", 4) || !gn_rd_skip(&r, 22) ||
        !gn_rd_le16(&r, &name) || !gn_rd_le16(&r, &extra) ||
        !gn_rd_skip(&r, (uint64_t)name + extra) || !gn_rd_bytes(&r, e->packed, data))
        return bad(file, "a member lies outside of the file");
    if ((e->flags & 1) != 0 || (e->method != STORED && e->method != DEFLATED))
        return bad(file, "a member is encrypted, or packed in a way that is not read");
    if (e->size > limit || (e->method == STORED && e->packed != e->size) ||
        (e->method == DEFLATED && e->size / 1100 > e->packed))
        return bad(file, "a member is larger than it can be");
    if (e->method == STORED && !GN_SKIP_CHECKSUMS && gn_crc32(0, *data, e->size) != e->crc)
        return bad(file, "a member is damaged: its CRC-32 is another");
    return GN_OK;
}

static gn_status unpack_new(const char *file, const struct entry *e, const uint8_t *data,
                            struct gn_bytes *member)
{
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
    const uint8_t *data;
    if (!*found)
        return GN_OK;
    GN_TRY(find_data(archive, file, &chosen, limit, &data));
    return unpack_new(file, &chosen, data, member);
}

gn_status gn_zip_begin(struct gn_zip_walk *walk, const struct gn_bytes *archive, const char *file)
{
    struct gn_reader r;
    uint16_t entries;
    *walk = (struct gn_zip_walk){ .archive = archive, .file = file };
    if (!find_directory(archive, &r, &entries))
        return bad(file, "no directory at its end: the file is cut off or no zip");
    walk->at = r.at;
    walk->left = entries;
    return GN_OK;
}

gn_status gn_zip_next(struct gn_zip_walk *walk, uint64_t limit, struct gn_zip_member *member,
                      bool *end)
{
    struct gn_reader r;
    struct entry e;
    const uint8_t *name, *data;
    struct gn_bytes bytes;
    member->unpacked = NULL;
    *end = walk->left == 0;
    if (*end)
        return GN_OK;
    gn_rd_init(&r, walk->archive->data, walk->archive->size);
    if (!gn_rd_seek(&r, walk->at) || !read_entry(&r, &e, &name))
        return bad(walk->file, "its directory is damaged");
    walk->at = r.at;
    walk->left--;
    walk->packed += e.packed;
    if (walk->packed > walk->archive->size)
        return bad(walk->file, "its members have more bytes than the file");
    if (e.name >= sizeof member->name || memchr(name, 0, e.name) != NULL)
        return bad(walk->file, "the name of a member is longer than 255 bytes, or has zeros in it");
    memcpy(member->name, name, e.name);
    member->name[e.name] = '\0';
    GN_TRY(find_data(walk->archive, walk->file, &e, limit, &data));
    member->content = data;
    member->size = e.size;
    if (e.method == STORED)
        return GN_OK;
    GN_TRY(unpack_new(walk->file, &e, data, &bytes));
    member->content = member->unpacked = bytes.data;
    return GN_OK;
}
