/* Members one after the other, each with its sizes before it, and the directory at the end (APPNOTE, 4.3). Times
 * are the format's first day, so that equal content gives equal bytes. */
#include "foreign/zip.h"

#include "base/memory.h"
#include "file/gzip.h"

#include <string.h>

enum { LOCAL = 30, CENTRAL = 46, END = 22, VERSION = 20, FIRST_DAY = 0x21, MOST = 65535 };

struct gn_zip_writer {
    struct gn_file_writer *file;
    const char *path;
    uint64_t at;
    uint8_t *directory;
    size_t size, room;
    unsigned n;
    gn_status status;
};

static void put(uint8_t *to, int n, uint64_t value)
{
    for (int i = 0; i < n; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

/* What is the same in both headers of a member, from the version that is needed on. */
static void put_common(uint8_t *to, uint32_t crc, uint64_t size, size_t name)
{
    memset(to, 0, 26);
    put(to, 2, VERSION);
    put(to + 8, 2, FIRST_DAY);
    put(to + 10, 4, crc);
    put(to + 14, 4, size);
    put(to + 18, 4, size);
    put(to + 22, 2, name);
}

struct gn_zip_writer *gn_zip_create(const char *path, const char *kind, uint64_t bytes)
{
    struct gn_zip_writer *w = gn_calloc(1, sizeof *w, "an archive");
    if (w == NULL)
        return NULL;
    w->path = path;
    w->file = gn_file_begin(path, kind, bytes);
    if (w->file != NULL)
        return w;
    gn_free(w);
    return NULL;
}

static gn_status remember(struct gn_zip_writer *w, const char *name, uint32_t crc, uint64_t size)
{
    const size_t length = strlen(name), wanted = w->size + CENTRAL + length;
    if (wanted > w->room) {
        const size_t room = 2 * wanted + 4096;
        uint8_t *grown = gn_realloc(w->directory, room, "the directory of an archive");
        if (grown == NULL)
            return gn_last_status();
        w->directory = grown;
        w->room = room;
    }
    uint8_t *to = w->directory + w->size;
    memset(to, 0, CENTRAL);
    memcpy(to, "PK\1\2", 4);
    put(to + 4, 2, VERSION);
    put_common(to + 6, crc, size, length);
    put(to + 42, 4, w->at);
    memcpy(to + CENTRAL, name, length);
    w->size = wanted;
    w->n++;
    return GN_OK;
}

static gn_status add(struct gn_zip_writer *w, const char *name, const struct gn_bytes *head,
                     const struct gn_bytes *rest)
{
    uint8_t local[LOCAL] = "PK\3\4";
    const size_t length = strlen(name);
    const uint64_t size = head->size + (uint64_t)(rest == NULL ? 0 : rest->size);
    uint32_t crc = gn_crc32(0, head->data, head->size);
    if (rest != NULL)
        crc = gn_crc32(crc, rest->data, rest->size);
    if (w->at + size > UINT32_MAX - (1U << 20) || w->n == MOST || length > MOST)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: zip: more than 4 GB or %d members", w->path, MOST);
    put_common(local + 4, crc, size, length);
    GN_TRY(remember(w, name, crc, size));
    GN_TRY(gn_file_append(w->file, local, sizeof local));
    GN_TRY(gn_file_append(w->file, name, length));
    GN_TRY(gn_file_append(w->file, head->data, head->size));
    if (rest != NULL)
        GN_TRY(gn_file_append(w->file, rest->data, rest->size));
    w->at += LOCAL + length + size;
    return GN_OK;
}

gn_status gn_zip_add(struct gn_zip_writer *w, const char *name, const struct gn_bytes *head,
                     const struct gn_bytes *rest)
{
    if (w->status == GN_OK)
        w->status = add(w, name, head, rest);
    return w->status;
}

gn_status gn_zip_commit(struct gn_zip_writer *w, gn_status status)
{
    uint8_t end[END] = "PK\5\6";
    put(end + 8, 2, w->n);
    put(end + 10, 2, w->n);
    put(end + 12, 4, w->size);
    put(end + 16, 4, w->at);
    if (status == GN_OK)
        status = w->status;
    if (status == GN_OK)
        status = gn_file_append(w->file, w->directory, w->size);
    if (status == GN_OK)
        status = gn_file_append(w->file, end, sizeof end);
    if (status == GN_OK)
        status = gn_file_commit(w->file, NULL);
    else
        gn_file_abort(w->file);
    gn_free(w->directory);
    gn_free(w);
    return status;
}
