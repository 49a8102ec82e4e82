/* What model files share: the builders without prefix, and the functions that build. */
#ifndef GN_MODELS_MODELS_H
#define GN_MODELS_MODELS_H

#include "net/net.h"

#define conv_relu(g, x, channels, kernel, n) gn_conv_relu(g, x, channels, kernel, .name = (n))
#define max_pool(g, x, kernel, stride, n)    gn_max_pool(g, x, kernel, stride, .name = (n))

/* "block.path" in storage that lives as long as the enclosing block of the caller. */
#define path(block, name) gn_path((struct gn_path){ { 0 } }.text, block, name)
struct gn_path {
    char text[GN_NAME_BYTES];
};
const char *gn_path(char *text, const char *block, const char *name);

/* The channels of one Inception block: c1 to c4 of the notebook. */
struct gn_widths {
    const char *name;
    int c1;
    gn_pair c2, c3;
    int c4;
};

/* The nine blocks of Szegedy et al., table 1, 3a to 5b. */
extern const struct gn_widths gn_paper_widths[9];

/* A convolution without bias, a batch normalisation with these options and a ReLU. */
gn_node gn_conv_norm_relu(gn_graph *g, gn_node x, const struct gn_conv_options *conv,
                          const struct gn_norm_options *norm);

/* The same with Keras' normalisation, and an Inception block of such convolutions. */
gn_node gn_conv_norm(gn_graph *g, gn_node x, int channels, int kernel, int stride,
                     const char *name);
gn_node gn_inception_norm(gn_graph *g, gn_node x, const struct gn_widths *widths);

/* Each appends a network after the input node and returns its logits; `aux` asks for its auxiliary
 * heads, too. */
gn_node gn_build_googlenet(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_bn(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_paper(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_small(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_torchvision(gn_graph *g, gn_node input, int classes, bool aux);

#endif
