/*
 * The order in which the sums of a batch's grains meet: the pairwise tree over their numbers,
 * ((0+1)+(2+3))+((4+5)+6), cut off at the last grain. It depends on the number of grains alone, so it
 * does not matter who computed which, or in what order the partial sums arrive.
 *
 * Partial sums lie on a stack. Whoever has the next one, in the order of grains, pushes it and adds
 * the topmost to the one below it as often as gn_pairwise_push says.
 */
#ifndef GN_BASE_PAIRWISE_H
#define GN_BASE_PAIRWISE_H

enum { GN_PAIRWISE_MOST = 64 }; /* sums on a stack, at most */

/* The sum over grains [index << level, (index + 1) << level), as far as there are so many. */
struct gn_branch {
    int level, index;
};

struct gn_pairwise {
    int grains; /* of the batch */
    int n;      /* sums on the stack */
    struct gn_branch nodes[GN_PAIRWISE_MOST];
};

void gn_pairwise_begin(struct gn_pairwise *tree, int grains);

/* Pushes the sum of a node, or of one grain, which comes after all those pushed before. Returns how many
 * additions follow: each adds the topmost sum of the stack to the one below it. */
int gn_pairwise_push(struct gn_pairwise *tree, struct gn_branch node);
int gn_pairwise_push_grain(struct gn_pairwise *tree, int grain);

/* The most sums that are on the stack at a time while grains [from, to) are pushed. */
int gn_pairwise_depth(int grains, int from, int to);

/* The branches that are on the stack once grains [from, to) are pushed, in `branches` (NULL: not wanted);
 * returns how many. */
int gn_pairwise_left(int grains, int from, int to, struct gn_branch branches[GN_PAIRWISE_MOST]);

/* Adds n values in this order, each `stride` doubles after the one before. */
double gn_pairwise_sum(const double *values, int n, int stride);

#endif
