/* Writers and readers of other programs' formats. */
#ifndef GN_EXCHANGE_EXPORT_H
#define GN_EXCHANGE_EXPORT_H

#include "net/net.h"

/* UNSUPPORTED, by name, for what the format cannot say; BAD_ARGUMENT; NO_MEMORY; IO. */
gn_status gn_export_onnx(const gn_net *net, const struct gn_export_options *options);

/* The same for C (c99/). */
gn_status gn_export_c99(const gn_net *net, const struct gn_export_options *options);

/* NULL: BAD_MODEL; UNSUPPORTED, with the node's name; BAD_ARGUMENT; NO_MEMORY. */
gn_net *gn_import_onnx(const struct gn_import_options *options);

#endif
