/*
 * Plain or gzip files as one kind of stream. This is the only file that knows zlib, which verifies
 * checksum and length of each member; what it leaves open is limited here: the output (by the
 * caller), the number of members, the length of header fields, and what may follow.
 */
#include "file/gzip.h"

#include "file/crc32c.h"
#include "file/file.h"
#include "base/memory.h"
#include "file/reader.h"
#include "base/task.h"

#include <inttypes.h>
#include <limits.h>
#include <zlib.h>

enum {
    INPUT_BYTES = 64 * 1024,
    HEADER_LIMIT = 64 * 1024 + 1024, /* name, comment and extra field, and the fixed part */
    MEMBER_LIMIT = 1024,
    MOST_PER_BYTE = 1032 /* deflate cannot unpack a byte to more */
};

struct gn_stream {
    struct gn_file file;
    uint64_t at;        /* bytes of the file read so far */
    uint64_t delivered; /* bytes given to the caller */
    bool packed, has_zlib, in_member, has_digest;
    int members;
    struct gn_md5 md5;
    z_stream z;
    uint8_t input[INPUT_BYTES];
};

static void *zlib_alloc(void *opaque, uInt items, uInt size)
{
    (void)opaque;
    return gn_calloc(items, size, "unpacking gzip");
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    gn_free(p);
}

/* Offset in the file of the next byte that zlib has not consumed. */
static uint64_t offset(const struct gn_stream *s)
{
    return s->at - s->z.avail_in;
}

static gn_status bad(const struct gn_stream *s, const char *what)
{
    char name[GN_PATH_TEXT];
    return gn_fail(
        GN_STATUS_BAD_DATA,
        "%s: gzip: %s (%" PRIu64 " bytes unpacked, file holds %" PRIu64 ") at byte %" PRIu64,
        gn_printable(name, sizeof name, s->file.path), what, s->delivered, s->file.size, offset(s));
}

/* Loads the next piece of the file after what zlib has consumed; only when all is consumed. */
static gn_status refill(struct gn_stream *s)
{
    const uint64_t left = s->file.size - s->at;
    if (left == 0)
        return bad(s, "truncated");
    const size_t n = left < INPUT_BYTES ? (size_t)left : INPUT_BYTES;
    GN_TRY(gn_file_pread(&s->file, s->input, n, s->at));
    s->at += n;
    s->z.next_in = s->input;
    s->z.avail_in = (uInt)n;
    return GN_OK;
}

/* Zeros up to the end of the file pad a tape or disk block; other bytes do not belong there. */
static gn_status only_zeros(struct gn_stream *s)
{
    for (;;) {
        for (; s->z.avail_in > 0; s->z.avail_in--, s->z.next_in++)
            if (*s->z.next_in != 0)
                return bad(s, "bytes follow the last member");
        if (s->at == s->file.size)
            return GN_OK;
        GN_TRY(refill(s));
    }
}

/* Between members: the next one begins, or *end is set. */
static gn_status next_member(struct gn_stream *s, bool *end)
{
    if (s->z.avail_in == 0 && s->at == s->file.size) {
        *end = true;
        return GN_OK;
    }
    if (s->z.avail_in == 0)
        GN_TRY(refill(s));
    if (*s->z.next_in == 0) {
        *end = true;
        return only_zeros(s);
    }
    if (*s->z.next_in != 0x1f)
        return bad(s, "bytes follow the last member");
    if (s->members >= MEMBER_LIMIT)
        return bad(s, "more than 1024 members");
    if (inflateReset(&s->z) != Z_OK)
        GN_FAIL(GN_STATUS_INTERNAL, "zlib: cannot begin another gzip member");
    s->in_member = true;
    return GN_OK;
}

/* Status of one call of zlib that came back with `code`. */
static gn_status check_inflate(struct gn_stream *s, int code)
{
    switch (code) {
    case Z_OK:
    case Z_BUF_ERROR: /* it wants more input */
        if (s->z.total_out == 0 && s->z.total_in > HEADER_LIMIT)
            return bad(s, "header fields exceed 64 KiB");
        return GN_OK;
    case Z_STREAM_END:
        s->in_member = false;
        s->members++;
        return GN_OK;
    case Z_MEM_ERROR:
        GN_FAIL(GN_STATUS_NO_MEMORY, "no memory for unpacking gzip");
    default:
        return bad(s, s->z.msg != NULL ? s->z.msg : "damaged");
    }
}

/* Unpacks at least one and at most n bytes, or sets *end. */
static gn_status inflate_some(struct gn_stream *s, uint8_t *out, size_t n, size_t *got, bool *end)
{
    *got = 0;
    *end = false;
    while (*got == 0) {
        if (!s->in_member)
            GN_TRY(next_member(s, end));
        if (*end)
            return GN_OK;
        if (s->z.avail_in == 0)
            GN_TRY(refill(s));
        const uInt room = n < UINT_MAX ? (uInt)n : UINT_MAX;
        s->z.next_out = out;
        s->z.avail_out = room;
        GN_TRY(check_inflate(s, inflate(&s->z, Z_NO_FLUSH)));
        *got = room - s->z.avail_out;
    }
    return GN_OK;
}

static gn_status read_packed(struct gn_stream *s, uint8_t *buffer, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t got;
        bool end;
        GN_TRY(inflate_some(s, buffer + done, n - done, &got, &end));
        if (end)
            return bad(s, "unpacks to fewer bytes than its content claims");
        done += got;
        s->delivered += got;
    }
    return GN_OK;
}

static gn_status read_some(struct gn_stream *s, uint8_t *buffer, size_t n)
{
    if (s->packed)
        return read_packed(s, buffer, n);
    GN_TRY(gn_file_pread(&s->file, buffer, n, s->at));
    s->at += n;
    s->delivered += n;
    return GN_OK;
}

/* Bytes for the digest. */
struct piece {
    struct gn_md5 *md5;
    const uint8_t *bytes;
    size_t n;
};

static gn_status digest(void *argument)
{
    const struct piece *piece = argument;
    gn_md5_update(piece->md5, piece->bytes, piece->n);
    return GN_OK;
}

/* Each piece is digested while the next one is read. */
static gn_status read_and_digest(struct gn_stream *s, uint8_t *buffer, size_t n)
{
    enum { PIECE = 1 << 20 };
    struct piece piece = { .md5 = &s->md5 };
    struct gn_task task = { .runs = false };
    gn_status status = GN_OK;
    for (size_t at = 0; at < n && status == GN_OK; at += piece.n) {
        const size_t bytes = n - at < PIECE ? n - at : PIECE;
        status = read_some(s, buffer + at, bytes);
        gn_task_wait(&task);
        piece.bytes = buffer + at;
        piece.n = bytes;
        if (status == GN_OK && n > PIECE)
            gn_task_start(&task, digest, &piece);
        else if (status == GN_OK)
            (void)digest(&piece);
    }
    gn_task_wait(&task);
    return status;
}

gn_status gn_stream_read(struct gn_stream *stream, void *buffer, size_t n)
{
    return stream->has_digest ? read_and_digest(stream, buffer, n) : read_some(stream, buffer, n);
}

gn_status gn_stream_end(struct gn_stream *stream)
{
    if (stream->packed) {
        uint8_t byte;
        size_t got;
        bool end;
        GN_TRY(inflate_some(stream, &byte, 1, &got, &end));
        return end ? GN_OK : bad(stream, "unpacks to more bytes than its content claims");
    }
    if (stream->at != stream->file.size) {
        char name[GN_PATH_TEXT];
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: %s: %" PRIu64 " bytes follow the content at byte %" PRIu64,
                gn_printable(name, sizeof name, stream->file.path), stream->file.kind,
                stream->file.size - stream->at, stream->at);
    }
    return GN_OK;
}

/* Looks at the first two bytes and makes zlib ready for a packed file. */
static gn_status begin(struct gn_stream *s)
{
    uint8_t magic[2] = { 0, 0 };
    if (s->file.size >= sizeof magic)
        GN_TRY(gn_file_pread(&s->file, magic, sizeof magic, 0));
    s->packed = magic[0] == 0x1f && magic[1] == 0x8b;
    if (s->has_digest)
        gn_md5_init(&s->md5);
    if (!s->packed)
        return GN_OK;
    s->z.zalloc = zlib_alloc;
    s->z.zfree = zlib_free;
    /* 16: a gzip header and trailer are wanted, and both checksum and length verified. */
    const int code = inflateInit2(&s->z, 16 + MAX_WBITS);
    if (code == Z_MEM_ERROR)
        return gn_last_status();
    if (code != Z_OK)
        GN_FAIL(GN_STATUS_INTERNAL, "zlib: does not start (code %d)", code);
#if GN_SKIP_CHECKSUMS
    (void)inflateValidate(&s->z, 0);
#endif
    s->has_zlib = s->in_member = true;
    return GN_OK;
}

/* Takes the file over, and closes it when it fails. */
static struct gn_stream *open_stream(struct gn_file *file, bool digest)
{
    struct gn_stream *s = gn_calloc(1, sizeof *s, "reading a file");
    if (s == NULL) {
        gn_file_close(file);
        return NULL;
    }
    s->file = *file;
    s->has_digest = digest;
    if (begin(s) != GN_OK) {
        gn_stream_close(s);
        return NULL;
    }
    return s;
}

struct gn_stream *gn_stream_open(const char *path, const char *kind, bool digest)
{
    struct gn_file file;
    if (gn_file_open(&file, path, kind, GN_STATUS_BAD_DATA) != GN_OK)
        return NULL;
    return open_stream(&file, digest);
}

struct gn_stream *gn_stream_of_bytes(const void *bytes, size_t n, const char *name,
                                     const char *kind)
{
    struct gn_file file;
    gn_file_of_bytes(&file, bytes, n, name, kind, GN_STATUS_BAD_DATA);
    return open_stream(&file, false);
}

void gn_stream_close(struct gn_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->has_zlib)
        (void)inflateEnd(&stream->z);
    gn_file_close(&stream->file);
    gn_free(stream);
}

void gn_stream_digest(struct gn_stream *stream, char hex[GN_MD5_HEX])
{
    GN_ASSERT(stream->has_digest);
    gn_md5_final(&stream->md5, hex);
}

uint64_t gn_stream_most(const struct gn_stream *stream)
{
    uint64_t most = stream->file.size;
    if (stream->packed && !gn_mul_u64(stream->file.size, MOST_PER_BYTE, &most))
        most = UINT64_MAX;
    return most;
}

bool gn_stream_is_packed(const struct gn_stream *stream)
{
    return stream->packed;
}

uint64_t gn_stream_file_bytes(const struct gn_stream *stream)
{
    return stream->file.size;
}

uint32_t gn_crc32(uint32_t crc, const void *data, size_t n)
{
    return n == 0 ? crc : (uint32_t)crc32_z(crc, data, n);
}
