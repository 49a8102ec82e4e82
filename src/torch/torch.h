/* torchvision's GoogLeNet: the tensors of its state dict in a safetensors file
 * (vision/torchvision/models/googlenet.py). */
#ifndef GN_TORCH_TORCH_H
#define GN_TORCH_TORCH_H

#include "formats/safetensors.h"
#include "net/net.h"

/* Whether a file has such tensors. */
bool gn_torch_is(const struct gn_st_file *file);

/* NULL: BAD_MODEL, BAD_ARGUMENT, NO_MEMORY. */
gn_net *gn_torch_import(const struct gn_import_options *options, const struct gn_st_file *file);

/* UNSUPPORTED, by name, for a layer that torchvision's network does not have. */
gn_status gn_torch_export(const gn_net *net, const struct gn_export_options *options);

#endif
