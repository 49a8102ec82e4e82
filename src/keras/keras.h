/* Keras' files: weights (.weights.h5, legacy .h5) and whole models (.h5, .keras). */
#ifndef GN_KERAS_KERAS_H
#define GN_KERAS_KERAS_H

#include "net/net.h"

/* NULL: BAD_MODEL; NO_DEVICE without the converter; BAD_ARGUMENT; NO_MEMORY. */
gn_net *gn_keras_import(const struct gn_import_options *options);

#endif
