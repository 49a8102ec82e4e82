/*
 * CIFAR by name. What the authors publish is the digest of the archive, so that is what is verified,
 * before anything of it is unpacked; files that somebody else has unpacked have no digest to be compared
 * with.
 */
#include "data/archive.h"

#include "file/file.h"
#include "base/memory.h"
#include "file/download.h"
#include "file/gzip.h"
#include "data/known.h"
#include "os/files.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = 512, CHUNK_BLOCKS = 128, MOST_MEMBERS = 16, CACHE_PLACE = GN_KNOWN_PLACES - 1 };
#define ARCHIVE_LIMIT (UINT64_C(256) << 20)

static const char *const mirrors[] = { "https://www.cs.toronto.edu/~kriz/",
                                       "https://cave.cs.toronto.edu/kriz/", NULL };
static const char *const members_10[] = { "data_batch_1.bin", "data_batch_2.bin",
                                          "data_batch_3.bin", "data_batch_4.bin",
                                          "data_batch_5.bin", "test_batch.bin",
                                          "batches.meta.txt", NULL };
static const char *const members_100[] = { "train.bin", "test.bin", "fine_label_names.txt",
                                           "coarse_label_names.txt", NULL };

static const struct gn_archive sets[] = {
    { .name = "cifar-10",
      .classes = 10,
      .kind = GN_CIFAR_10,
      .file = "cifar-10-binary.tar.gz",
      .md5 = "c32a1d4ab5d03f1284b67883e8d87530",
      .folder = "cifar-10-batches-bin",
      .members = members_10,
      .mirrors = mirrors },
    { .name = "cifar-100",
      .classes = 100,
      .kind = GN_CIFAR_100,
      .file = "cifar-100-binary.tar.gz",
      .md5 = "03b5dce01913d631647c71ecec9e9cb8",
      .folder = "cifar-100-binary",
      .members = members_100,
      .mirrors = mirrors },
};
enum { SETS = sizeof sets / sizeof sets[0] };

const struct gn_archive *gn_archive_set(int i)
{
    return i >= 0 && i < SETS ? &sets[i] : NULL;
}

const struct gn_archive *gn_archive_find(const char *name)
{
    for (int i = 0; i < SETS; i++)
        if (strcmp(sets[i].name, name) == 0)
            return &sets[i];
    return NULL;
}

bool gn_archive_locate(char folder[GN_PATH_BYTES], const struct gn_archive *set,
                       const char *data_dir)
{
    char inner[GN_PATH_BYTES];
    for (int i = 0; i < GN_KNOWN_PLACES; i++)
        if (gn_known_place(folder, i, set->name, data_dir) &&
            gn_cifar_find(folder, inner) == set->kind)
            return true;
    return false;
}

/* ---- tar (POSIX.1-1988, "ustar") ---- */

struct unpacking {
    const struct gn_archive *set;
    struct gn_stream *stream;
    const char *path, *into;
    bool found[MOST_MEMBERS];
    uint8_t chunk[CHUNK_BLOCKS * BLOCK];
};

static gn_status damaged(const struct unpacking *u, const char *what)
{
    char name[GN_PATH_TEXT];
    GN_FAIL(GN_STATUS_BAD_DATA, "%s: archive: %s", gn_printable(name, sizeof name, u->path), what);
}

/* An octal number of up to n digits; false: it is none. */
static bool read_octal(const uint8_t *text, size_t n, uint64_t *value)
{
    size_t i = 0;
    *value = 0;
    while (i < n && text[i] == ' ')
        i++;
    const size_t first = i;
    for (; i < n && text[i] >= '0' && text[i] <= '7'; i++)
        *value = *value << 3 | (uint64_t)(text[i] - '0');
    return i > first && (i == n || text[i] == '\0' || text[i] == ' ');
}

/* The sum of all bytes of a header, its own digits counted as spaces. */
static bool sum_is_right(const uint8_t header[BLOCK])
{
    enum { AT = 148, DIGITS = 8 };
    uint64_t sum = 0, stored;
    for (int i = 0; i < BLOCK; i++)
        sum += i >= AT && i < AT + DIGITS ? (uint64_t)' ' : header[i];
    return read_octal(header + AT, DIGITS, &stored) && stored == sum;
}

/* Number of the member that a header names, -1: it is not wanted. */
static int wanted_member(const struct gn_archive *set, const uint8_t header[BLOCK])
{
    enum { NAME = 100, KIND = 156 };
    char name[NAME + 1], full[NAME + 1];
    (void)snprintf(name, sizeof name, "%.*s", NAME, (const char *)header);
    if (header[KIND] != '0' && header[KIND] != '\0')
        return -1;
    for (int i = 0; set->members[i] != NULL; i++) {
        (void)snprintf(full, sizeof full, "%s/%s", set->folder, set->members[i]);
        if (strcmp(full, name) == 0)
            return i;
    }
    return -1;
}

/* The blocks of a file of so many bytes, into `writer` unless it is NULL. */
static gn_status copy(struct unpacking *u, uint64_t bytes, struct gn_file_writer *writer)
{
    while (bytes > 0) {
        const size_t n = bytes < sizeof u->chunk ? (size_t)bytes : sizeof u->chunk;
        GN_TRY(gn_stream_read(u->stream, u->chunk, (n + BLOCK - 1) / BLOCK * BLOCK));
        if (writer != NULL)
            GN_TRY(gn_file_append(writer, u->chunk, n));
        bytes -= n;
    }
    return GN_OK;
}

static gn_status write_member(struct unpacking *u, int member, uint64_t bytes)
{
    char folder[GN_PATH_BYTES], path[GN_PATH_BYTES], name[GN_PATH_TEXT], reason[GN_ERRNO_TEXT];
    if (!gn_path_join(folder, u->into, u->set->folder) ||
        !gn_path_join(path, folder, u->set->members[member]))
        return damaged(u, "the folder's name is too long");
    const int number = gn_make_folders(folder, NULL);
    if (number != 0)
        GN_FAIL(GN_STATUS_IO, "%s: archive: the folder cannot be made: %s",
                gn_printable(name, sizeof name, folder), gn_errno_text(number, reason));
    struct gn_file_writer *writer = gn_file_begin(path, "archive", bytes);
    if (writer == NULL)
        return gn_last_status();
    const gn_status status = copy(u, bytes, writer);
    if (status != GN_OK) {
        gn_file_abort(writer);
        return status;
    }
    u->found[member] = true;
    return gn_file_commit(writer, NULL);
}

static gn_status unpack(struct unpacking *u)
{
    enum { SIZE = 124, SIZE_DIGITS = 12 };
    uint8_t header[BLOCK];
    uint64_t bytes;
    for (;;) {
        GN_TRY(gn_stream_read(u->stream, header, BLOCK));
        if (header[0] == '\0')
            break; /* two blocks of zeros end an archive */
        if (!sum_is_right(header) || !read_octal(header + SIZE, SIZE_DIGITS, &bytes) ||
            bytes > ARCHIVE_LIMIT)
            return damaged(u, "a header of a file in it is wrong");
        const int member = wanted_member(u->set, header);
        GN_TRY(member >= 0 ? write_member(u, member, bytes) : copy(u, bytes, NULL));
    }
    for (int i = 0; u->set->members[i] != NULL; i++)
        if (!u->found[i]) {
            char what[128];
            (void)snprintf(what, sizeof what, "holds no %s/%s", u->set->folder, u->set->members[i]);
            return damaged(u, what);
        }
    return GN_OK;
}

gn_status gn_archive_unpack(const struct gn_archive *set, const char *path, const char *into)
{
    struct unpacking *u = gn_calloc(1, sizeof *u, "unpacking an archive");
    if (u == NULL)
        return gn_last_status();
    u->set = set;
    u->path = path;
    u->into = into;
    u->stream = gn_stream_open(path, "archive", false);
    const gn_status status = u->stream == NULL ? gn_last_status() : unpack(u);
    if (u->stream != NULL)
        gn_stream_close(u->stream);
    gn_free(u);
    return status;
}

/* ---- Providing ---- */

gn_status gn_archive_provide(char folder[GN_PATH_BYTES], const struct gn_archive *set,
                             const char *data_dir, bool offline)
{
    char path[GN_PATH_BYTES];
    if (gn_archive_locate(folder, set, data_dir))
        return GN_OK;
    gn_status status = GN_STATUS_BAD_DATA;
    if (offline)
        (void)gn_fail(status, "%s: data set: not on this machine, and downloading is switched off",
                      set->name);
    else if (!gn_known_place(folder, CACHE_PLACE, set->name, data_dir) ||
             !gn_path_join(path, folder, set->file))
        (void)gn_fail(status,
                      "%s: data set: not found, and no place to keep a download: set HOME or "
                      "XDG_CACHE_HOME to an absolute path",
                      set->name);
    else
        status = gn_download(&(struct gn_download){ .what = set->name,
                                                    .mirrors = set->mirrors,
                                                    .file = set->file,
                                                    .md5 = set->md5,
                                                    .limit = ARCHIVE_LIMIT },
                             folder);
    if (status == GN_STATUS_BAD_DATA)
        gn_hint("unpack %s%s and name its folder", set->mirrors[0], set->file);
    GN_TRY(status);
    GN_TRY(gn_archive_unpack(set, path, folder));
    (void)gn_system_remove(path); /* as large as what was in it */
    return GN_OK;
}
