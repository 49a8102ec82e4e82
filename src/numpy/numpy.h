/* Weights as NumPy's archive of arrays, .npz, under our names of tensors. */
#ifndef GN_NUMPY_NUMPY_H
#define GN_NUMPY_NUMPY_H

#include "net/net.h"

/* The array that holds the network, pictures and classes as JSON in files of ours. */
#define GN_NUMPY_DESCRIPTION "googlenet.json"

/* NULL: BAD_MODEL, UNSUPPORTED, BAD_ARGUMENT, NO_MEMORY. */
gn_net *gn_npz_import(const struct gn_import_options *options);

/* IO, NO_MEMORY, UNSUPPORTED beyond 4 GB. */
gn_status gn_npz_export(const gn_net *net, const struct gn_export_options *options);

#endif
