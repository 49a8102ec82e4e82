/*
 * The safetensors format (huggingface/safetensors, README): a length, a JSON header, the bytes of
 * the tensors. Ours adds metadata keys "gn.*" with checksums. Reading verifies the whole file
 * before anything of it is used.
 */
#ifndef GN_FORMATS_SAFETENSORS_H
#define GN_FORMATS_SAFETENSORS_H

#include "base/status.h"

enum gn_dtype { GN_F64, GN_F32, GN_F16, GN_BF16, GN_I64, GN_I32, GN_I8, GN_U8 };

struct gn_st_tensor {
    const char *name;
    enum gn_dtype dtype;
    int rank;
    uint64_t shape[8];
    uint64_t count; /* elements */
    const void *data;
};

struct gn_st_text {
    const char *key, *value;
};

/* Reading. NULL with BAD_MODEL (4) and a sentence naming file, numbers and offset; IO for a file
 * that cannot be read. A missing file is BAD_MODEL. */
struct gn_st_file;
struct gn_st_file *gn_st_open(const char *path);

/* The same for bytes of a file in memory, which are copied; `name` is called like a path. */
struct gn_st_file *gn_st_of_bytes(const void *bytes, size_t n, const char *name);
void gn_st_close(struct gn_st_file *file);
int gn_st_count(const struct gn_st_file *file);
const struct gn_st_tensor *gn_st_tensor(const struct gn_st_file *file, int i);
const struct gn_st_tensor *gn_st_find(const struct gn_st_file *file, const char *name);
const char *gn_st_metadata(const struct gn_st_file *file, const char *key); /* NULL: absent */
bool gn_st_is_ours(const struct gn_st_file *file); /* has gn.format, checksums were verified */

/* Element-wise conversion to float32 of any floating dtype; false for integer dtypes. */
bool gn_st_to_float(const struct gn_st_tensor *tensor, float *out);

/* False when an element is NaN or infinite as float32; *where gets the index of the first one.
 * Integer dtypes are always finite. */
bool gn_st_is_finite(const struct gn_st_tensor *tensor, uint64_t *where);

/* Parts of messages: "F32"; "[7,7,1,64]" written to `buffer`, which is returned; the byte at which
 * the header speaks of a tensor or key. */
const char *gn_dtype_name(enum gn_dtype dtype);
const char *gn_st_shape_text(char *buffer, size_t size, const uint64_t *shape, int rank);
uint64_t gn_st_header_offset(const struct gn_st_file *file, const char *name);

/* Writes atomically: temporary file in the same folder, fsync, rename, fsync of the folder.
 * Metadata is written in the order given after the keys of the format itself; tensors are ordered
 * by dtype size, then name, as the reference writer does. Adds gn.header_crc32c, gn.format and
 * gn.crc32c. Equal content gives equal bytes. `keep_previous` (may be NULL): the path that the file
 * being replaced is kept under. IO when the disk is full or the folder not writable; then the old
 * file is intact and the temporary file is gone. */
gn_status gn_st_write(const char *path, const struct gn_st_tensor *tensors, int n,
                      const struct gn_st_text *metadata, int n_metadata, const char *keep_previous);

/* The same for other programs: without the keys "gn.*". */
gn_status gn_st_write_plain(const char *path, const struct gn_st_tensor *tensors, int n,
                            const struct gn_st_text *metadata, int n_metadata);

#endif
