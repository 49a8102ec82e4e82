/* Names of the lines of a `.net` file, for those that go back to one of them. */
#ifndef GN_MODELS_NET_NAMES_H
#define GN_MODELS_NET_NAMES_H

#include "graph/graph.h"

struct gn_net_names {
    int n;
    char name[GN_MAX_LAYERS][GN_NAME_BYTES];
    gn_node node[GN_MAX_LAYERS];
};

/* What the line of that name made; a name may be used again, in another stage. */
void gn_net_names_add(struct gn_net_names *names, const char *name, gn_node node);

/* What the last line of that name made; an invalid node when there is none. */
gn_node gn_net_names_find(const struct gn_net_names *names, const char *name);

#endif
