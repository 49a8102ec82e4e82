/* Our names of tensors as torchvision's, and whether a name is one of torchvision's. */
#ifndef GN_TORCH_NAMES_H
#define GN_TORCH_NAMES_H

#include "graph/graph.h"

enum { GN_TORCH_NAME = 128 };

/* The name of tensor i there: false when the layer has none there. */
bool gn_torch_name(const struct gn_graph *graph, int i, char name[GN_TORCH_NAME]);

/* The part that all keys of a file begin with because the model was wrapped: "module." or "". */
extern const char gn_torch_wrapper[];

#endif
