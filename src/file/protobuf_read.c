/* Tags, varints and lengths. */
#include "file/protobuf_read.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5, LARGEST_FIELD = (1 << 29) - 1 };

bool gn_pb_varint(struct gn_reader *r, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        uint8_t byte;
        if (!gn_rd_u8(r, &byte) || (shift == 63 && byte > 1))
            return false;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool read_value(struct gn_reader *r, int kind, struct gn_pb_field *field)
{
    uint32_t word;
    uint64_t n;
    switch (kind) {
    case VARINT:
        return gn_pb_varint(r, &field->value);
    case FIXED64:
        return gn_rd_le64(r, &field->value);
    case FIXED32:
        if (!gn_rd_le32(r, &word))
            return false;
        field->value = word;
        return true;
    case LENGTH:
        field->is_slice = true;
        if (!gn_pb_varint(r, &n) || !gn_rd_bytes(r, n, &field->slice.bytes))
            return false;
        field->slice.n = (size_t)n;
        return true;
    default:
        return false;
    }
}

bool gn_pb_next(struct gn_reader *message, struct gn_pb_field *field, bool *bad)
{
    uint64_t tag;
    *field = (struct gn_pb_field){ 0 };
    if (gn_rd_left(message) == 0)
        return false;
    if (gn_pb_varint(message, &tag) && tag >> 3 >= 1 && tag >> 3 <= LARGEST_FIELD) {
        field->number = (int)(tag >> 3);
        if (read_value(message, (int)(tag & 7), field))
            return true;
    }
    *bad = true;
    return false;
}

struct gn_reader gn_pb_message(struct gn_pb_slice slice)
{
    struct gn_reader r;
    gn_rd_init(&r, slice.bytes, slice.n);
    return r;
}

bool gn_pb_whole(const struct gn_pb_field *field, struct gn_reader *rest, uint64_t *value)
{
    if (field->is_slice)
        return gn_rd_left(rest) > 0 && gn_pb_varint(rest, value);
    if (rest->at != 0) /* a number alone was taken */
        return false;
    rest->at = 1;
    *value = field->value;
    return true;
}

bool gn_pb_is(struct gn_pb_slice slice, const char *text)
{
    const size_t n = strlen(text);
    return slice.n == n && (n == 0 || memcmp(slice.bytes, text, n) == 0);
}
