/* What the model files share: the builders without prefix, and the functions that build. */
#ifndef GN_MODELS_MODELS_H
#define GN_MODELS_MODELS_H

#include "graph/graph.h"

#define conv_relu(g, x, channels, kernel, n) gn_conv_relu(g, x, channels, kernel, .name = (n))
#define max_pool(g, x, kernel, stride, n)    gn_max_pool(g, x, kernel, stride, .name = (n))

/* "block.path" in storage that lives as long as the enclosing block of the caller. */
#define path(block, name) gn_path((struct gn_path){ { 0 } }.text, block, name)
struct gn_path {
    char text[GN_NAME_BYTES];
};
const char *gn_path(char *text, const char *block, const char *name);

/* Appends the network behind the input node; returns its logits. */
gn_node gn_build_googlenet(gn_graph *g, gn_node input, int classes);

#endif
