/* The hash by which version 0.1.0 knew which files of weights belong to a network. */
#include "base/number.h"
#include "graph/derive.h"
#include "net/net.h"

#include <string.h>

/* Folds a text or number into a running 64-bit hash. */
static uint64_t fold(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++) /* FNV-1a */
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t fold_text(uint64_t hash, const char *text, int n)
{
    return fold(hash, text, n > 0 ? (size_t)n : 0);
}

/* Constants in the order in which version 0.1.0 knew them (gn_attribute.slot). What is zero for the
 * operators of the first version adds nothing. */
static uint64_t fold_constants(uint64_t hash, const struct gn_layer *layer)
{
    static const char kinds[] = "rrfrirrrff"; /* real, integer, flag */
    double values[sizeof kinds - 1] = { 0 };
    bool any = false;
    for (int i = 0; i < layer->op->n_attributes; i++) {
        const struct gn_attribute *a = &layer->op->attributes[i];
        if (a->slot == 0)
            continue;
        values[a->slot - 1] = gn_attribute_value(a, gn_layer_attributes(layer));
        any |= values[a->slot - 1] != 0;
    }
    for (size_t i = 0; any && i < sizeof kinds - 1; i++) {
        char text[64], real[GN_NUMBER_TEXT];
        const int whole = kinds[i] == 'f' ? values[i] != 0 : (int)values[i];
        const int n = kinds[i] == 'r' ? snprintf(text, sizeof text, " %s",
                                                 gn_short_hex_text((double)(float)values[i], real))
                                      : snprintf(text, sizeof text, " %d", whole);
        hash = fold_text(hash, text, n);
    }
    return hash;
}

void gn_net_old_fingerprint(const struct gn_net *net, char hex[GN_FINGERPRINT_BYTES])
{
    const struct gn_graph *g = net->graph;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    bool skip[GN_MAX_LAYERS] = { false };
    gn_graph_mark_heads_only(g, (gn_node){ net->output }, skip);
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *layer = &g->layers[i];
        static const struct gn_geometry none = { .h = 0 };
        const bool has_window = layer->op->has_window || layer->op->multiplies;
        const struct gn_geometry *w = has_window ? &layer->window : &none;
        char text[256];
        if (skip[i])
            continue;
        int n =
            snprintf(text, sizeof text, "%d %s %d %d %d %d %d %d %d", (int)layer->op->id,
                     layer->name, w->kh, w->kw, w->stride_h, w->pad_top, w->pad_left, w->c, w->oc);
        if (w->stride_w != w->stride_h) /* not in version 0.1.0 */
            n += snprintf(text + n, sizeof text - (size_t)n, " %d", w->stride_w);
        hash = fold_text(hash, text, n);
        hash = fold_constants(hash, layer);
        for (int k = 0; k < layer->n_inputs; k++)
            hash = fold(hash, &layer->inputs[k], sizeof layer->inputs[k]);
    }
    (void)snprintf(hex, GN_FINGERPRINT_BYTES, "%016llx", (unsigned long long)hash);
}
