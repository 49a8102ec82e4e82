/* A zip archive in memory, whose members are stored or deflated, and one that is written. */
#ifndef GN_FOREIGN_ZIP_H
#define GN_FOREIGN_ZIP_H

#include "file/file.h"

/* ---- Reading ---- */

/* Copies the member of this name, at most `limit` bytes of it. False and GN_OK: there is none. BAD_MODEL for
 * an archive that contradicts itself, has a member twice, or packs it in another way. */
gn_status gn_zip_read(const struct gn_bytes *archive, const char *file, const char *name,
                      uint64_t limit, bool *found, struct gn_bytes *member);

/* A walk over all members in the order of the directory. */
struct gn_zip_walk {
    const struct gn_bytes *archive;
    const char *file; /* its name for sentences */
    size_t at;        /* in the directory */
    unsigned left;
    uint64_t packed; /* bytes of the members so far: none belongs to two */
};

/* A member; `content` lies in the archive, or in `unpacked` (free with gn_free, NULL is fine). */
struct gn_zip_member {
    char name[256]; /* the bytes of the archive, which may be anything but zeros */
    const uint8_t *content;
    size_t size;
    uint8_t *unpacked;
};

gn_status gn_zip_begin(struct gn_zip_walk *walk, const struct gn_bytes *archive, const char *file);

/* The next member, of which at most `limit` bytes are unpacked; *end without one after the last. */
gn_status gn_zip_next(struct gn_zip_walk *walk, uint64_t limit, struct gn_zip_member *member,
                      bool *end);

/* ---- Writing ---- */

struct gn_zip_writer;

/* Begins an archive whose members are stored, at `path`, atomically (gn_file_begin). NULL: IO, NO_MEMORY. */
struct gn_zip_writer *gn_zip_create(const char *path, const char *kind, uint64_t bytes);

/* Adds a member of two parts (the second may be NULL). The first error is kept. UNSUPPORTED beyond 4 GB. */
gn_status gn_zip_add(struct gn_zip_writer *writer, const char *name, const struct gn_bytes *head,
                     const struct gn_bytes *rest);

/* Ends the archive, or gives it up if `status` is an error, which is returned then; frees the writer in every
 * case. */
gn_status gn_zip_commit(struct gn_zip_writer *writer, gn_status status);

#endif
