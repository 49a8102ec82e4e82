/* Texts of the drawings of a network. */
#ifndef GN_NET_PICTURE_H
#define GN_NET_PICTURE_H

#include "net/net.h"

enum { GN_BOX_TEXT = 64 };

/* Whether layer i is drawn: not the ReLU of a gn_conv_relu. */
bool gn_is_drawn(const struct gn_graph *g, int i);

/* The drawn layer whose value layer i reads as input k. */
int gn_drawn_input(const struct gn_graph *g, int i, int k);

/* "3x3 conv, /2" and "12x12x64", or "64" of a vector. Each returns `text`. */
const char *gn_box_kind(const struct gn_layer *layer, char text[GN_BOX_TEXT]);
const char *gn_box_shape(const struct gn_layer *layer, char text[GN_BOX_TEXT]);

/* The part of a layer's name after the last dot. */
const char *gn_short_name(const char *name);

#endif
