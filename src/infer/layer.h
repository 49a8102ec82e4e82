/* A layer by its name, and the network up to it. */
#ifndef GN_INFER_LAYER_H
#define GN_INFER_LAYER_H

#include "net/net.h"

/* The index of the layer that gn_find_layer means: its ReLU's, if that is hidden. BAD_ARGUMENT. */
gn_status gn_layer_index(const struct gn_net *net, const char *name, int *index);

/* A copy of the net, which shares all that it points to, whose answer is a layer's values: `classes` is
 * their number. It is not freed. */
gn_status gn_net_up_to(const struct gn_net *net, const char *name, struct gn_net *view);
void gn_net_up_to_index(const struct gn_net *net, int index, struct gn_net *view);

#endif
