/* The checked reader and the checked arithmetic of numbers that came from a file. */
#include "file/reader.h"

#include <limits.h>
#include <string.h>

void gn_rd_init(struct gn_reader *reader, const void *data, size_t size)
{
    reader->data = data;
    reader->size = size;
    reader->at = 0;
}

size_t gn_rd_left(const struct gn_reader *reader)
{
    return reader->size - reader->at;
}

bool gn_rd_bytes(struct gn_reader *reader, uint64_t n, const uint8_t **bytes)
{
    if (n > gn_rd_left(reader))
        return false;
    *bytes = reader->data + reader->at;
    reader->at += (size_t)n;
    return true;
}

bool gn_rd_skip(struct gn_reader *reader, uint64_t n)
{
    const uint8_t *bytes;
    return gn_rd_bytes(reader, n, &bytes);
}

bool gn_rd_seek(struct gn_reader *reader, uint64_t at)
{
    if (at > reader->size)
        return false;
    reader->at = (size_t)at;
    return true;
}

bool gn_rd_match(struct gn_reader *reader, const void *bytes, size_t n)
{
    if (n > gn_rd_left(reader) || memcmp(reader->data + reader->at, bytes, n) != 0)
        return false;
    reader->at += n;
    return true;
}

/* The next n (at most 8) bytes as a number. */
static bool read_number(struct gn_reader *reader, unsigned n, bool big_endian, uint64_t *value)
{
    const uint8_t *bytes;
    if (!gn_rd_bytes(reader, n, &bytes))
        return false;
    uint64_t number = 0;
    for (unsigned i = 0; i < n; i++)
        number = number << 8 | bytes[big_endian ? i : n - 1 - i];
    *value = number;
    return true;
}

bool gn_rd_u8(struct gn_reader *reader, uint8_t *value)
{
    uint64_t number;
    if (!read_number(reader, 1, false, &number))
        return false;
    *value = (uint8_t)number;
    return true;
}

bool gn_rd_le16(struct gn_reader *reader, uint16_t *value)
{
    uint64_t number;
    if (!read_number(reader, 2, false, &number))
        return false;
    *value = (uint16_t)number;
    return true;
}

bool gn_rd_le32(struct gn_reader *reader, uint32_t *value)
{
    uint64_t number;
    if (!read_number(reader, 4, false, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

bool gn_rd_le64(struct gn_reader *reader, uint64_t *value)
{
    return read_number(reader, 8, false, value);
}

bool gn_rd_be16(struct gn_reader *reader, uint16_t *value)
{
    uint64_t number;
    if (!read_number(reader, 2, true, &number))
        return false;
    *value = (uint16_t)number;
    return true;
}

bool gn_rd_be32(struct gn_reader *reader, uint32_t *value)
{
    uint64_t number;
    if (!read_number(reader, 4, true, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

bool gn_rd_be64(struct gn_reader *reader, uint64_t *value)
{
    return read_number(reader, 8, true, value);
}

bool gn_add_u64(uint64_t a, uint64_t b, uint64_t *result)
{
    if (a > UINT64_MAX - b)
        return false;
    *result = a + b;
    return true;
}

bool gn_mul_u64(uint64_t a, uint64_t b, uint64_t *result)
{
    if (b != 0 && a > UINT64_MAX / b)
        return false;
    *result = a * b;
    return true;
}

bool gn_to_size(uint64_t value, size_t *result)
{
    if (value > SIZE_MAX)
        return false;
    *result = (size_t)value;
    return true;
}

bool gn_to_int(uint64_t value, int *result)
{
    if (value > INT_MAX)
        return false;
    *result = (int)value;
    return true;
}

bool gn_product(const uint64_t *dims, int n, uint64_t *result)
{
    uint64_t product = 1;
    for (int i = 0; i < n; i++)
        if (!gn_mul_u64(product, dims[i], &product))
            return false;
    *result = product;
    return true;
}
