#include "base/pairwise.h"

#include "base/status.h"

void gn_pairwise_begin(struct gn_pairwise *tree, int grains)
{
    tree->grains = grains;
    tree->n = 0;
}

/* A node without a right neighbour is its parent, too. */
static void rise(struct gn_branch *node, int grains)
{
    while (node->index % 2 == 0 && (((long)node->index + 1) << node->level) >= grains &&
           (1L << node->level) < grains) {
        node->level++;
        node->index /= 2;
    }
}

int gn_pairwise_push(struct gn_pairwise *tree, struct gn_branch node)
{
    int additions = 0;
    GN_ASSERT(tree->n < GN_PAIRWISE_MOST);
    tree->nodes[tree->n++] = node;
    for (;; additions++) {
        struct gn_branch *top = &tree->nodes[tree->n - 1];
        rise(top, tree->grains);
        if (tree->n < 2 || top->index % 2 == 0 || top[-1].level != top->level ||
            top[-1].index != top->index - 1)
            return additions;
        tree->n--;
        top[-1] = (struct gn_branch){ top->level + 1, top->index / 2 };
    }
}

int gn_pairwise_push_grain(struct gn_pairwise *tree, int grain)
{
    return gn_pairwise_push(tree, (struct gn_branch){ 0, grain });
}

int gn_pairwise_depth(int grains, int from, int to)
{
    struct gn_pairwise tree;
    int most = 0;
    gn_pairwise_begin(&tree, grains);
    for (int i = from; i < to; i++) {
        most = tree.n + 1 > most ? tree.n + 1 : most;
        (void)gn_pairwise_push_grain(&tree, i);
    }
    return most;
}

int gn_pairwise_left(int grains, int from, int to, struct gn_branch branches[GN_PAIRWISE_MOST])
{
    struct gn_pairwise tree;
    gn_pairwise_begin(&tree, grains);
    for (int i = from; i < to; i++)
        (void)gn_pairwise_push_grain(&tree, i);
    for (int i = 0; branches != NULL && i < tree.n; i++)
        branches[i] = tree.nodes[i];
    return tree.n;
}

double gn_pairwise_sum(const double *values, int n, int stride)
{
    struct gn_pairwise tree;
    double sums[GN_PAIRWISE_MOST] = { 0 };
    gn_pairwise_begin(&tree, n);
    for (int i = 0; i < n; i++) {
        sums[tree.n] = values[(long)i * stride];
        for (int k = gn_pairwise_push_grain(&tree, i); k > 0; k--)
            sums[tree.n + k - 2] += sums[tree.n + k - 1];
    }
    return sums[0];
}
