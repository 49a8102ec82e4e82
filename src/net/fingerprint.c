/* A hash of what a network computes: which files of weights belong to it. */
#include "base/number.h"
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

/* Whatever is zero for the operators of the first version adds nothing. */
static uint64_t fold_constants(uint64_t hash, const struct gn_layer *layer)
{
    static const struct gn_constants none = { 0 };
    const struct gn_constants *k = &layer->constants;
    char text[256], real[6][GN_NUMBER_TEXT];
    const float values[6] = { k->eps, k->keep, k->rate, k->alpha, k->beta, k->k };
    if (memcmp(k, &none, sizeof none) == 0)
        return hash;
    for (int i = 0; i < 6; i++)
        (void)gn_short_hex_text((double)values[i], real[i]);
    const int n =
        snprintf(text, sizeof text, " %s %s %d %s %d %s %s %s %d %d", real[0], real[1], k->unbiased,
                 real[2], k->size, real[3], real[4], real[5], k->count_padding, k->adaptive);
    return fold_text(hash, text, n);
}

/* Layers in front of `head` that belong to the answer or to nothing at all. */
static void mark_heads_only(const struct gn_net *net, bool *skip)
{
    const struct gn_graph *g = net->graph;
    bool main[GN_MAX_LAYERS] = { false };
    gn_graph_mark_live(g, net->output, main);
    for (int h = 0; h < g->n_heads; h++)
        gn_graph_mark_live(g, g->heads[h].layer, skip);
    for (int i = 0; i < g->n_layers; i++)
        skip[i] = skip[i] && !main[i];
}

void gn_net_fingerprint(const struct gn_net *net, char hex[17])
{
    const struct gn_graph *g = net->graph;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    bool skip[GN_MAX_LAYERS] = { false };
    mark_heads_only(net, skip);
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *layer = &g->layers[i];
        const struct gn_geometry *w = &layer->window;
        char text[256];
        if (skip[i])
            continue;
        const int n =
            snprintf(text, sizeof text, "%d %s %d %d %d %d %d %d %d", (int)layer->op, layer->name,
                     w->kh, w->kw, w->stride, w->pad_top, w->pad_left, w->c, w->oc);
        hash = fold_text(hash, text, n);
        hash = fold_constants(hash, layer);
        for (int k = 0; k < layer->n_inputs; k++)
            hash = fold(hash, &layer->inputs[k], sizeof layer->inputs[k]);
    }
    (void)snprintf(hex, 17, "%016llx", (unsigned long long)hash);
}
