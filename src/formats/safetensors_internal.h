/* What the files of the safetensors reader share. */
#ifndef GN_FORMATS_SAFETENSORS_INTERNAL_H
#define GN_FORMATS_SAFETENSORS_INTERNAL_H

#include "file/file.h"
#include "file/json.h"
#include "formats/safetensors.h"

/* Limits of one file: beyond them it is refused before anything of that size is asked for. */
enum {
    GN_ST_LENGTH_BYTES = 8,
    GN_ST_MAX_HEADER = 16 << 20,
    GN_ST_MAX_METADATA = 8 << 20,
    GN_ST_MAX_TENSORS = 16384,
    GN_ST_MAX_RANK = 8,
    GN_ST_MAX_NAME = 255,
    GN_ST_MAX_DEPTH = 4,
    GN_ST_MAX_VALUES = 1000000
};
#define GN_ST_MAX_FILE (UINT64_C(4) << 30)

/* How our files begin after the length: the digits of the header's checksum stand at bytes 45 to
 * 52 of the file. */
#define GN_ST_OUR_START "{\"__metadata__\":{\"gn.header_crc32c\":\""
enum { GN_ST_DIGITS_AT = 45, GN_ST_DIGITS = 8, GN_ST_ALIGN = 64 };

struct gn_st_entry {
    struct gn_st_tensor tensor;
    uint64_t begin, end; /* within the data */
};

struct gn_st_file {
    char text[GN_PATH_TEXT];         /* the path, for messages */
    uint8_t *header;                 /* the 8 length bytes and the JSON text */
    uint64_t header_size, data_size; /* of the JSON text; of the bytes after it */
    uint8_t *data;
    json_t *root;           /* owns the names and the metadata */
    const json_t *metadata; /* NULL: none */
    bool ours;              /* any key "gn.*" */
    int n;
    struct gn_st_entry *entries; /* by offset */
    const struct gn_st_entry **by_name;
};

/* Bytes of one element; the dtype of a name such as "F32", false for others. */
uint64_t gn_dtype_size(enum gn_dtype dtype);
bool gn_dtype_parse(const char *name, enum gn_dtype *dtype);

/* Checks file->header and fills root, metadata, ours, n and entries: everything that can be known
 * without the data, in the order of the format's rules. BAD_MODEL or NO_MEMORY. */
gn_status gn_st_parse_header(struct gn_st_file *file);

/* The checksum of a header of `size` JSON bytes after its length, its digits taken as zeros. */
uint32_t gn_st_header_crc(const uint8_t *header, size_t size);

/* Names what a file that is no safetensors file is (pickle, HDF5, ONNX, ...), judged by its first
 * bytes and, where these say nothing, the end of its name: BAD_MODEL with the sentence, or GN_OK
 * when it is nothing known. */
gn_status gn_st_recognise(const char *path, const char *text, const uint8_t *head, size_t n);

#endif
