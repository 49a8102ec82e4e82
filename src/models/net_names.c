/* Names of lines. A graph ends before the table is full: each line with a name makes a layer. */
#include "models/net_names.h"

#include <string.h>

void gn_net_names_add(struct gn_net_names *names, const char *name, gn_node node)
{
    if (names->n == GN_MAX_LAYERS)
        return;
    (void)snprintf(names->name[names->n], sizeof names->name[0], "%s", name);
    names->node[names->n++] = node;
}

gn_node gn_net_names_find(const struct gn_net_names *names, const char *name)
{
    for (int i = names->n - 1; i >= 0; i--)
        if (strcmp(names->name[i], name) == 0)
            return names->node[i];
    return (gn_node){ -1 };
}
