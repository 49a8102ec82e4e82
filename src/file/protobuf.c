/* Fields one after the other. The length of a message goes before it once it is known. */
#include "file/protobuf.h"

#include "base/endian.h"
#include "base/memory.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5, MOST_VARINT = 10, FIRST_ROOM = 4096 };

static uint8_t *add(struct gn_pb *pb, size_t n)
{
    if (pb->failed)
        return NULL;
    if (pb->size + n > pb->room) {
        const size_t room = (pb->size + n) * 3 / 2 + FIRST_ROOM;
        uint8_t *grown = gn_realloc(pb->bytes, room, "a message");
        if (grown == NULL) {
            pb->failed = true;
            return NULL;
        }
        pb->bytes = grown;
        pb->room = room;
    }
    pb->size += n;
    return pb->bytes + pb->size - n;
}

static size_t encode(uint64_t value, uint8_t out[MOST_VARINT])
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

static void varint(struct gn_pb *pb, uint64_t value)
{
    uint8_t bytes[MOST_VARINT];
    const size_t n = encode(value, bytes);
    uint8_t *to = add(pb, n);
    if (to != NULL)
        memcpy(to, bytes, n);
}

static void tag(struct gn_pb *pb, int field, int kind)
{
    varint(pb, (uint64_t)field << 3 | (uint64_t)kind);
}

void gn_pb_int(struct gn_pb *pb, int field, int64_t value)
{
    tag(pb, field, VARINT);
    varint(pb, (uint64_t)value);
}

void gn_pb_float(struct gn_pb *pb, int field, float value)
{
    tag(pb, field, FIXED32);
    uint8_t *to = add(pb, sizeof value);
    if (to != NULL)
        gn_copy_little(to, &value, 1, sizeof value);
}

void gn_pb_double(struct gn_pb *pb, int field, double value)
{
    tag(pb, field, FIXED64);
    uint8_t *to = add(pb, sizeof value);
    if (to != NULL)
        gn_copy_little(to, &value, 1, sizeof value);
}

void gn_pb_doubles(struct gn_pb *pb, int field, const double *values, size_t n)
{
    uint8_t *to = gn_pb_bytes(pb, field, n * sizeof *values);
    if (to != NULL && n > 0)
        gn_copy_little(to, values, n, sizeof *values);
}

void gn_pb_append(struct gn_pb *pb, const void *bytes, size_t n)
{
    uint8_t *to = add(pb, n);
    if (to != NULL && n > 0)
        memcpy(to, bytes, n);
}

uint8_t *gn_pb_bytes(struct gn_pb *pb, int field, size_t n)
{
    tag(pb, field, LENGTH);
    varint(pb, n);
    return add(pb, n);
}

void gn_pb_text(struct gn_pb *pb, int field, const char *text)
{
    const size_t n = strlen(text);
    uint8_t *to = gn_pb_bytes(pb, field, n);
    if (to != NULL)
        memcpy(to, text, n);
}

size_t gn_pb_begin(struct gn_pb *pb, int field)
{
    tag(pb, field, LENGTH);
    return pb->size;
}

void gn_pb_end(struct gn_pb *pb, size_t begin)
{
    uint8_t bytes[MOST_VARINT];
    const size_t length = pb->size - begin, n = encode(length, bytes);
    if (add(pb, n) == NULL)
        return;
    memmove(pb->bytes + begin + n, pb->bytes + begin, length);
    memcpy(pb->bytes + begin, bytes, n);
}
