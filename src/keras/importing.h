/* Inside of the Keras reader. */
#ifndef GN_KERAS_IMPORTING_H
#define GN_KERAS_IMPORTING_H

#include "foreign/said.h"
#include "keras/content.h"
#include "net/net.h"

struct gn_keras_importing {
    const struct gn_import_options *options;
    char name[GN_SAID_TEXT];
    struct gn_keras_content content;
    struct gn_shape input; /* zeros: not said */
    gn_net *net;
};

/* The size of the input in the description of a model, JSON of n bytes; false: it is not said. */
bool gn_keras_input(const char *text, size_t n, struct gn_shape *input);

/* The network of the content: the caller's, or the notebook's with the widths that the kernels have. With
 * `by_depth` the layers lie in the order of a functional model: the farthest from the answer first. */
gn_status gn_keras_network(struct gn_keras_importing *im, bool by_depth);

/* Finds the order in which the content fits a network, makes that one and gives it its weights. BAD_MODEL when
 * none fits, with a table of both sides in the first order. */
gn_status gn_keras_match(struct gn_keras_importing *im);

#endif
