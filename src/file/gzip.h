/*
 * The bytes of a file in order, unpacked on the way when the file is gzip (RFC 1952; recognised by
 * its first two bytes, not by its name). The caller says how many bytes it wants, so a stream that
 * unpacks to more than its reader expects is stopped right there, however small it looks.
 */
#ifndef GN_FILE_GZIP_H
#define GN_FILE_GZIP_H

#include "base/status.h"

#include "file/md5.h"

struct gn_stream;

/* Opens a regular file; `kind` ("IDX") names the format in sentences and is kept, as is `path`.
 * With `digest` the MD5 of all delivered bytes is computed. NULL: BAD_DATA when the file is not
 * there, is not a regular file or has a damaged gzip header; NO_MEMORY, IO. */
struct gn_stream *gn_stream_open(const char *path, const char *kind, bool digest);

/* The same for bytes of a file in memory, which stay the caller's; `name` is called like a path. */
struct gn_stream *gn_stream_of_bytes(const void *bytes, size_t n, const char *name,
                                     const char *kind);

/* NULL is fine. */
void gn_stream_close(struct gn_stream *stream);

/* The next n bytes, all of them; BAD_DATA when the file is damaged or ends before. */
gn_status gn_stream_read(struct gn_stream *stream, void *buffer, size_t n);

/* Requires that nothing follows: BAD_DATA for further bytes, also after the last gzip member
 * (zeros of a padded tape or disk block are fine), and for a wrong checksum. */
gn_status gn_stream_end(struct gn_stream *stream);

/* MD5 of the bytes delivered so far; once, last of all. */
void gn_stream_digest(struct gn_stream *stream, char hex[GN_MD5_HEX]);

/* An upper bound of the bytes that the whole file can deliver. */
uint64_t gn_stream_most(const struct gn_stream *stream);

/* CRC-32 of gzip and zip; continues `crc`, 0 at the start. */
uint32_t gn_crc32(uint32_t crc, const void *data, size_t n);

bool gn_stream_is_packed(const struct gn_stream *stream);
uint64_t gn_stream_file_bytes(const struct gn_stream *stream);

#endif
