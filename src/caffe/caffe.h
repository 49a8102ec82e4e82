/* Caffe's networks: weights (.caffemodel) with the description that is in them or next to them. */
#ifndef GN_CAFFE_CAFFE_H
#define GN_CAFFE_CAFFE_H

#include "net/net.h"

/* NULL: BAD_MODEL; UNSUPPORTED, with the layer's name; BAD_ARGUMENT; NO_MEMORY. */
gn_net *gn_caffe_import(const struct gn_import_options *options);

#endif
