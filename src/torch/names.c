/* b3.inception3a.p2_1.weight is inception3a.branch2.0.conv.weight. */
#include "torch/names.h"

#include "foreign/order.h"

#include <string.h>

const char gn_torch_wrapper[] = "module.";

static const char *const units[][2] = {
    { "b1.conv", "conv1" },     { "b2.conv1", "conv2" },      { "b2.conv2", "conv3" },
    { "dense", "fc" },          { "aux1.conv", "aux1.conv" }, { "aux1.fc1", "aux1.fc1" },
    { "aux1.fc2", "aux1.fc2" }, { "aux2.conv", "aux2.conv" }, { "aux2.fc1", "aux2.fc1" },
    { "aux2.fc2", "aux2.fc2" },
};

static const char *const paths[][2] = {
    { "p1_1", "branch1" },   { "p2_1", "branch2.0" }, { "p2_2", "branch2.1" },
    { "p3_1", "branch3.0" }, { "p3_2", "branch3.1" }, { "p4_2", "branch4.1" },
};

static const char *const norm_parts[] = { "bn.weight", "bn.bias", "bn.running_mean",
                                          "bn.running_var" };

/* "b3.inception3a.p1_1" as "inception3a.branch1". */
static bool unit_name(const char *ours, char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(ours, units[i][0]) == 0) {
            (void)snprintf(name, GN_TORCH_NAME, "%s", units[i][1]);
            return true;
        }
    const char *block = strchr(ours, '.'), *path = strrchr(ours, '.');
    if (block == NULL || path == block || strncmp(block, ".inception", 10) != 0)
        return false;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (strcmp(path + 1, paths[i][0]) == 0) {
            (void)snprintf(name, GN_TORCH_NAME, "%.*s.%s", (int)(path - block - 1), block + 1,
                           paths[i][1]);
            return true;
        }
    return false;
}

bool gn_torch_name(const struct gn_graph *graph, int i, char name[GN_TORCH_NAME])
{
    int slot;
    char unit[GN_TORCH_NAME];
    const struct gn_layer *layer = gn_order_owner(graph, i, &slot);
    if (!unit_name(layer->owner, unit))
        return false;
    const char *part = slot == 0 ? "weight" : "bias";
    const char *between = layer->op->has_window ? "conv." : "";
    if (layer->op->fuses == GN_FUSE_NORM) {
        part = norm_parts[slot];
        between = "";
    }
    (void)snprintf(name, GN_TORCH_NAME, "%.80s.%s%s", unit, between, part);
    return true;
}
