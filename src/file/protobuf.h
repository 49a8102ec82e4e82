/* Protocol buffers, written into memory: https://protobuf.dev/programming-guides/encoding/. The same
 * content gives the same bytes: lengths take as few bytes as they can. */
#ifndef GN_FILE_PROTOBUF_H
#define GN_FILE_PROTOBUF_H

#include "base/status.h"

/* Begin with zeros. Lack of memory is kept in `failed`, and nothing is written from then on. */
struct gn_pb {
    uint8_t *bytes; /* free with gn_free */
    size_t size, room;
    bool failed;
};

void gn_pb_int(struct gn_pb *pb, int field, int64_t value);
void gn_pb_float(struct gn_pb *pb, int field, float value);
void gn_pb_double(struct gn_pb *pb, int field, double value);
void gn_pb_doubles(struct gn_pb *pb, int field, const double *values, size_t n); /* packed */
void gn_pb_text(struct gn_pb *pb, int field, const char *text);

/* A field of n bytes that the caller fills: NULL after a failure. Valid until the next call. */
uint8_t *gn_pb_bytes(struct gn_pb *pb, int field, size_t n);

/* A message: what is written between the two belongs to it. gn_pb_end takes what gn_pb_begin gave. */
size_t gn_pb_begin(struct gn_pb *pb, int field);
void gn_pb_end(struct gn_pb *pb, size_t begin);

/* Bytes as they are: fields that were written elsewhere. */
void gn_pb_append(struct gn_pb *pb, const void *bytes, size_t n);

#endif
