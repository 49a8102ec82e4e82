/*
 * The one reader of bytes that came from outside: every read is checked against the bytes that
 * are really there, and numbers of a file are added, multiplied and narrowed through functions
 * that refuse to wrap. No other file does pointer arithmetic on input.
 */
#ifndef GN_FILE_READER_H
#define GN_FILE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a file in memory (the caller's) and the offset of the next one. */
struct gn_reader {
    const uint8_t *data;
    size_t size;
    size_t at; /* never larger than size */
};

void gn_rd_init(struct gn_reader *reader, const void *data, size_t size);

/* Bytes not yet read. */
size_t gn_rd_left(const struct gn_reader *reader);

/* Each read returns false, reads nothing and leaves *value alone when too few bytes are left. */
bool gn_rd_u8(struct gn_reader *reader, uint8_t *value);
bool gn_rd_le16(struct gn_reader *reader, uint16_t *value);
bool gn_rd_le32(struct gn_reader *reader, uint32_t *value);
bool gn_rd_le64(struct gn_reader *reader, uint64_t *value);
bool gn_rd_be16(struct gn_reader *reader, uint16_t *value);
bool gn_rd_be32(struct gn_reader *reader, uint32_t *value);
bool gn_rd_be64(struct gn_reader *reader, uint64_t *value);

/* *bytes gets the next n bytes, which stay the reader's. */
bool gn_rd_bytes(struct gn_reader *reader, uint64_t n, const uint8_t **bytes);
bool gn_rd_skip(struct gn_reader *reader, uint64_t n);

/* Moves to offset `at`, which may be the end. */
bool gn_rd_seek(struct gn_reader *reader, uint64_t at);

/* True when the next bytes are these, which are then read. */
bool gn_rd_match(struct gn_reader *reader, const void *bytes, size_t n);

/* Arithmetic on numbers of a file: false, and *result untouched, when the result does not fit. */
bool gn_add_u64(uint64_t a, uint64_t b, uint64_t *result);
bool gn_mul_u64(uint64_t a, uint64_t b, uint64_t *result);
bool gn_to_size(uint64_t value, size_t *result);
bool gn_to_int(uint64_t value, int *result);

/* Product of n dimensions; that of none is 1. */
bool gn_product(const uint64_t *dims, int n, uint64_t *result);

#endif
