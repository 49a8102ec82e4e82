/*
 * Weights are mapped by rank, compared by shape, and copied. Which rank a layer has depends on how the model was
 * made: containers of two classes may come in either order, and functional models have their layers by their
 * distance from the answer. Every order is tried; shapes decide.
 */
#include "foreign/pairs.h"
#include "keras/importing.h"
#include "ops/op.h"

enum { ORDERS = 4, UPSIDE_DOWN = 1, BY_DEPTH = 2 };

static const char kind[] = "Keras";

/* ---- Ranks ---- */

static bool is_norm(const struct gn_layer *l)
{
    return l->op->fuses == GN_FUSE_NORM;
}

static bool is_weighted(const struct gn_layer *l, bool window)
{
    return l->op->multiplies && l->weight >= 0 &&
           (l->op->tensors[0].shape == GN_TENSOR_WINDOW) == window;
}

/* How many layers are between each one and the answer, at most. */
static void measure(const struct gn_graph *g, int depth[GN_MAX_LAYERS])
{
    for (int i = g->n_layers - 1; i >= 0; i--) {
        depth[i] = 0;
        for (int k = i + 1; k < g->n_layers; k++)
            for (int j = 0; j < g->layers[k].n_inputs; j++)
                if (g->layers[k].inputs[j] == i && depth[k] >= depth[i])
                    depth[i] = depth[k] + 1;
    }
}

/* How many layers of the same kind are before layer i. */
static int rank_of(const struct gn_graph *g, int i, const int *depth)
{
    int rank = 0;
    const struct gn_layer *own = &g->layers[i];
    for (int k = 0; k < g->n_layers; k++) {
        const struct gn_layer *l = &g->layers[k];
        const bool same = is_norm(own)
                              ? is_norm(l)
                              : is_weighted(l, own->op->tensors[0].shape == GN_TENSOR_WINDOW);
        const bool before = depth == NULL || depth[k] == depth[i] ? k < i : depth[k] > depth[i];
        rank += same && before;
    }
    return rank;
}

/* ---- Pairs ---- */

static void put(struct gn_pairs *p, int tensor, int theirs)
{
    if (tensor < 0 || theirs < 0)
        return;
    p->of[tensor] = theirs;
    p->used[theirs] = true;
}

static void pair_all(struct gn_pairs *p, const struct gn_keras_content *c, bool by_depth)
{
    static const enum gn_keras_kind norms[] = { GN_KERAS_GAMMA, GN_KERAS_BETA, GN_KERAS_MEAN,
                                                GN_KERAS_VARIANCE };
    const struct gn_graph *g = p->net->graph;
    int depth[GN_MAX_LAYERS];
    measure(g, depth);
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *l = &g->layers[i];
        if (!is_norm(l) && !(l->op->multiplies && l->weight >= 0))
            continue;
        const int rank = rank_of(g, i, by_depth ? depth : NULL);
        if (is_norm(l)) {
            for (int k = 0; k < 4; k++)
                put(p, l->tensors[k], gn_keras_nth(c, norms[k], rank));
            continue;
        }
        const int theirs =
            gn_keras_nth(c, is_weighted(l, true) ? GN_KERAS_KERNEL : GN_KERAS_MATRIX, rank);
        put(p, l->weight, theirs);
        if (l->bias >= 0 && theirs >= 0)
            put(p, l->bias, gn_keras_bias(c, theirs));
    }
}

/* The network that the content is of if its weights lie in this order, with them. */
static gn_status try_order(struct gn_keras_importing *im, int order)
{
    im->content.reversed = (order & UPSIDE_DOWN) != 0;
    gn_keras_order(&im->content);
    GN_TRY(gn_keras_network(im, (order & BY_DEPTH) != 0));
    struct gn_pairs pairs = { .name = im->name,
                              .kind = kind,
                              .theirs = im->content.list,
                              .n_theirs = im->content.n,
                              .net = im->net,
                              .order = GN_ORDER_OURS };
    gn_status status = gn_pairs_make(&pairs);
    if (status == GN_OK) {
        pair_all(&pairs, &im->content, (order & BY_DEPTH) != 0);
        status = gn_pairs_check(&pairs, im->options);
    }
    if (status == GN_OK)
        status = gn_pairs_copy(&pairs);
    gn_pairs_free(&pairs);
    return status;
}

gn_status gn_keras_match(struct gn_keras_importing *im)
{
    gn_status status = GN_OK;
    for (int order = 0; order <= ORDERS; order++) { /* at last the first one again, for its table */
        gn_free_net(im->net);
        im->net = NULL;
        status = try_order(im, order % ORDERS);
        if (status != GN_STATUS_BAD_MODEL && status != GN_STATUS_BAD_SHAPE)
            break;
    }
    return status;
}
