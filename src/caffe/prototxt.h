/* Caffe's description of a network as text, made into the binary form of its weights' files. */
#ifndef GN_CAFFE_PROTOTXT_H
#define GN_CAFFE_PROTOTXT_H

#include "file/protobuf.h"

/* Appends a NetParameter (caffe/src/caffe/proto/caffe.proto) to `pb`. BAD_MODEL with line and column for what
 * is no such text or has a field that is not known; NO_MEMORY. `name` is the file's, printable. */
gn_status gn_prototxt_read(const char *name, const char *text, size_t n, struct gn_pb *pb);

#endif
