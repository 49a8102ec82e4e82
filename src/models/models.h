/* What the networks have in common: the builders without prefix, the Inception block, and the
 * functions that build. */
#ifndef GN_MODELS_MODELS_H
#define GN_MODELS_MODELS_H

#include "net/net.h"

#define max_pool(g, x, kernel, stride, n) gn_max_pool(g, x, kernel, stride, .name = (n))

/* "block.path" in storage that lives as long as the enclosing block of the caller. */
#define path(block, name) gn_path((struct gn_path){ { 0 } }.text, block, name)
struct gn_path {
    char text[GN_NAME_BYTES];
};
const char *gn_path(char *text, const char *block, const char *name);

/* What a network makes its convolutions of, always with a ReLU at the end. */
struct gn_unit {
    bool symmetric; /* pads of kernel / 2 on each side instead of SAME */
    const struct gn_norm_options
        *norm; /* before the ReLU, and the convolution has no bias; or NULL */
    int third; /* kernel of an Inception block's third path */
};
#define conv_unit(g, x, unit, ...)                                                                 \
    gn_conv_unit(g, x, unit, &(struct gn_conv_options){ .channels = __VA_ARGS__ })
gn_node gn_conv_unit(gn_graph *g, gn_node x, const struct gn_unit *unit,
                     const struct gn_conv_options *options);

/* The same without the ReLU. */
gn_node gn_linear_unit(gn_graph *g, gn_node x, const struct gn_unit *unit,
                       const struct gn_conv_options *options);

/* Between a convolution and its ReLU, as Keras and PyTorch have it. */
extern const struct gn_norm_options gn_norm_keras, gn_norm_pytorch;

/* The channels of an Inception block: c1 to c4 of the notebook. */
struct gn_widths {
    const char *name;
    int c1;
    gn_pair c2, c3;
    int c4;
};
gn_node gn_inception_of(gn_graph *g, gn_node x, const struct gn_widths *w,
                        const struct gn_unit *unit);

/* The nine blocks of Szegedy et al., table 1, and those numbered `first` to `last` in a row. */
extern const struct gn_widths gn_paper_widths[9];
gn_node gn_inceptions(gn_graph *g, gn_node x, int first, int last, const struct gn_unit *unit);

/* The notebook's network of such convolutions. */
gn_node gn_notebook(gn_graph *g, gn_node x, int classes, const struct gn_unit *unit);

/* Each appends a network to the input node and returns its logits; `aux` asks for its auxiliary
 * heads, too. */
gn_node gn_build_googlenet(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_bn(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_paper(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_small(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_24(gn_graph *g, gn_node input, int classes, bool aux);
gn_node gn_build_googlenet_torchvision(gn_graph *g, gn_node input, int classes, bool aux);

#endif
