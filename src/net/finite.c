/* Whether all values of a network are numbers. */
#include "net/net.h"

#include <string.h>

enum { CHUNK = 1024 };

/* Whether no value has an exponent of all ones, which stands for infinite and NaN. Without a branch
 * and of a fixed length, so that it becomes vector code. */
static bool chunk_is_finite(const float values[CHUNK])
{
    uint32_t found = 0;
    for (int i = 0; i < CHUNK; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        found |= (bits & UINT32_C(0x7f800000)) == UINT32_C(0x7f800000);
    }
    return found == 0;
}

static bool is_finite(const float *values, size_t n)
{
    float rest[CHUNK] = { 0 };
    size_t i = 0;
    for (; n - i >= CHUNK; i += CHUNK)
        if (!chunk_is_finite(values + i))
            return false;
    memcpy(rest, values + i, (n - i) * sizeof *rest);
    return chunk_is_finite(rest);
}

const char *gn_net_not_finite(const gn_net *net)
{
    const struct gn_graph *g = net == NULL ? NULL : net->graph;
    for (int i = 0; g != NULL && i < g->n_tensors; i++)
        if (!is_finite(net->params + g->tensors[i].offset, g->tensors[i].count))
            return g->tensors[i].name;
    return NULL;
}
