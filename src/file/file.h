/*
 * Files: opening one without being caught by a folder, pipe or device, reading it whole below a
 * limit, and replacing one atomically, so that a crash at any instant leaves either the old file
 * or the new one, complete.
 *
 * Sentences begin "PATH: KIND: ", where kind is the format's name ("IDX", "safetensors").
 */
#ifndef GN_FILE_FILE_H
#define GN_FILE_FILE_H

#include "base/status.h"

enum { GN_PATH_TEXT = 256 };

/* ---- Reading ---- */

/* Bytes of a file in memory. */
struct gn_bytes {
    uint8_t *data; /* free with gn_free */
    size_t size;
};

/* A file that is read: a regular one of the disk, or bytes in memory in its place. */
struct gn_file {
    const char *path, *kind; /* the caller's, for sentences */
    gn_status bad;           /* BAD_DATA, BAD_MODEL: the file is to blame */
    uint64_t size;
    int fd;               /* -1: in memory */
    const uint8_t *bytes; /* there */
};

/* Opens a regular file. `bad` when there is no such file, it is a folder, pipe, socket or device, or
 * may not be read; IO when the system is at fault. Then *file needs no closing. */
gn_status gn_file_open(struct gn_file *file, const char *path, const char *kind, gn_status bad);

/* The same for a file that another one names: it must lie in the folder of `path` under the plain name
 * `name` (no folders, no link, no second name on the disk). file->path becomes `path`. */
gn_status gn_file_open_beside(struct gn_file *file, const char *path, const char *name,
                              const char *kind, gn_status bad);

/* What opening gave (-1: errno says why not) becomes *file if it is a regular file of `names` names at most; it is
 * called `name`. For the two functions above. */
gn_status gn_file_examine(struct gn_file *file, int fd, const char *name, uint64_t names);

/* Bytes that stay the caller's; `name` is called what a path would be. */
void gn_file_of_bytes(struct gn_file *file, const void *bytes, size_t n, const char *name,
                      const char *kind, gn_status bad);

/* Reads n bytes at `offset`, all of them: `bad` when the file ends before. */
gn_status gn_file_pread(const struct gn_file *file, void *buffer, size_t n, uint64_t offset);

void gn_file_close(struct gn_file *file);

/* Reads a whole regular file of at most `limit` bytes, otherwise `bad`. */
gn_status gn_file_read(const char *path, const char *kind, gn_status bad, uint64_t limit,
                       struct gn_bytes *bytes);

/* ---- Replacing atomically ---- */

struct gn_file_writer;

/* Begins a new version of `path` in PATH.tmp.PID next to it. `bytes` is the expected size, which
 * must fit on the disk (0: unknown). NULL with IO when the folder is missing or not writable, the
 * disk too full, or `path` is there and not a regular file. */
struct gn_file_writer *gn_file_begin(const char *path, const char *kind, uint64_t bytes);

/* Appends. An error is kept and reported by gn_file_commit too. */
gn_status gn_file_append(struct gn_file_writer *writer, const void *data, size_t n);

/* Makes the file durable (fsync, close, read back and compared) and gives it its name; the file
 * of before stays under the name `keep_previous` in the same folder when that is not NULL. Frees
 * the writer in every case. On an error the file of before is untouched and the temporary file
 * gone. */
gn_status gn_file_commit(struct gn_file_writer *writer, const char *keep_previous);

/* Gives up: removes the temporary file and frees the writer. NULL is fine. */
void gn_file_abort(struct gn_file_writer *writer);

/* The three steps for bytes in memory. */
gn_status gn_file_write(const char *path, const char *kind, const void *data, size_t n,
                        const char *keep_previous);

/* ---- For tests ---- */

enum gn_file_call {
    GN_FILE_CALL_NONE,
    GN_FILE_CALL_OPEN,
    GN_FILE_CALL_WRITE,
    GN_FILE_CALL_FSYNC,
    GN_FILE_CALL_CLOSE,
    GN_FILE_CALL_LINK,
    GN_FILE_CALL_RENAME,
    GN_FILE_CALL_ANY
};

/* The k-th next call of this kind fails with errno `number` (1: the next one). A write with number
 * 0 is short instead: half of its bytes. NONE switches this off. */
void gn_file_fail_after(enum gn_file_call call, uint64_t k, int number);

/* Calls of any kind so far: how many points of failure an action has. */
uint64_t gn_file_calls(void);

#endif
