/*
 * IDX, the format of MNIST: two zero bytes, element type, rank, then as many big-endian 32-bit
 * dimensions, then the elements. Read here: unsigned bytes of rank 1 (labels), 3 (gray images:
 * count, height, width) or 4 (count, height, width, channels), plain or packed with gzip.
 */
#ifndef GN_DATA_IDX_H
#define GN_DATA_IDX_H

#include "file/md5.h"
#include "base/status.h"

enum { GN_IDX_RANK = 4 };

struct gn_idx {
    char *path;
    int rank;
    uint64_t dims[GN_IDX_RANK]; /* dims[0] counts; those beyond the rank are 1 */
    size_t bytes;               /* product of dims, or less: see gn_idx_limit */
    bool partial;
    struct gn_stream *stream;
};

/* Opens a file and checks its header: all claims of size against what the file can hold, the rank
 * (images: 3 or 4 with 1 or 3 channels; otherwise 1), and that it is not empty. `digest`:
 * gn_idx_read must compute the MD5. BAD_DATA, NO_MEMORY or IO with a sentence; then *idx needs no
 * closing. */
gn_status gn_idx_open(struct gn_idx *idx, const char *path, bool images, bool digest);

/* The same for bytes of a file in memory, which stay the caller's; `name` is called like a path. */
gn_status gn_idx_of_bytes(struct gn_idx *idx, const void *bytes, size_t n, const char *name,
                          bool images);

/* Of `n` items along the first dimension, if there are more, gn_idx_read reads those alone: what follows
 * is neither unpacked nor verified. */
void gn_idx_limit(struct gn_idx *idx, uint64_t n);

/* Reads all elements and verifies that the file ends after them. *values (free with gn_free) has
 * idx->bytes bytes; `md5` (may be NULL) gets the digest of the unpacked file, "" when only a part was read. */
gn_status gn_idx_read(struct gn_idx *idx, uint8_t **values, char md5[GN_MD5_HEX]);

/* A closed or zeroed one is fine. */
void gn_idx_close(struct gn_idx *idx);

#endif
