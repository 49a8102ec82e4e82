/*
 * Protocol buffers, pulled field by field out of bytes in memory: no tree is built and nothing is
 * copied, so time and memory are in proportion to the file, and messages nest only as deep as the
 * caller's code does.
 */
#ifndef GN_FILE_PROTOBUF_READ_H
#define GN_FILE_PROTOBUF_READ_H

#include "file/reader.h"

struct gn_pb_slice {
    const uint8_t *bytes; /* NULL: none */
    size_t n;
};

struct gn_pb_field {
    int number;
    bool is_slice;  /* text, bytes, message, packed numbers; otherwise a number */
    uint64_t value; /* the bits of a number of any kind */
    struct gn_pb_slice slice;
};

/* The next field of a message. False at its end, and when it is damaged: then *bad is set (groups,
 * which nobody writes, are damage). */
bool gn_pb_next(struct gn_reader *message, struct gn_pb_field *field, bool *bad);

struct gn_reader gn_pb_message(struct gn_pb_slice slice);

/* The next of a field's whole numbers, packed or one alone; `rest` begins as the field's slice. False
 * when there is none. */
bool gn_pb_whole(const struct gn_pb_field *field, struct gn_reader *rest, uint64_t *value);

/* A whole number in groups of seven bits, as messages and LevelDB's tables have them. */
bool gn_pb_varint(struct gn_reader *reader, uint64_t *value);

/* Whether the slice is this text. */
bool gn_pb_is(struct gn_pb_slice slice, const char *text);

#endif
