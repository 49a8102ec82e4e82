/*
 * The sum of the gradients of all grains. Each rank finishes the tree for a segment of the array: it gets every
 * other's partial sums of that segment, in as many messages, adds them in the order of the tree, and all get
 * all segments. Nothing is added by anybody else, so neither the number of ranks nor what carries the bytes
 * can change a bit; each float is sent twice, which is the least.
 */
#include "cluster/ranks.h"

#include "base/memory.h"
#include "base/pairwise.h"
#include "base/team.h"
#include "base/threads.h"

#include <string.h>

enum { LINE_FLOATS = 16, BLOCK_FLOATS = 16384 };

struct gn_summer {
    struct gn_ranks *ranks;
    size_t n;
    int most_grains, threads;
    float *received; /* partial sums of others, of this rank's segment */
    size_t room;     /* floats of it */
};

/* Where the segment of rank r begins; r = size: the end. */
static size_t segment(const struct gn_summer *s, int r)
{
    const size_t lines = (s->n + LINE_FLOATS - 1) / LINE_FLOATS;
    const size_t at = lines * (size_t)r / (size_t)gn_ranks_size(s->ranks) * LINE_FLOATS;
    return at < s->n ? at : s->n;
}

/* Room for what others have of a batch of so many grains; of a smaller one it may be more. */
static gn_status reserve(struct gn_summer *s, int grains)
{
    const int rank = gn_ranks_rank(s->ranks);
    size_t parts = 0;
    for (int r = 0; r < gn_ranks_size(s->ranks); r++)
        if (r != rank)
            parts += (size_t)gn_pairwise_left(grains, gn_ranks_first_grain(s->ranks, grains, r),
                                              gn_ranks_first_grain(s->ranks, grains, r + 1), NULL);
    const size_t room = parts * (segment(s, rank + 1) - segment(s, rank));
    if (s->received != NULL && room <= s->room)
        return GN_OK;
    gn_free(s->received);
    s->room = room;
    s->received = gn_alloc(room * sizeof *s->received + 64, "sums of several processes");
    return s->received == NULL ? gn_last_status() : GN_OK;
}

struct gn_summer *gn_summer_create(struct gn_ranks *ranks, size_t n, int most_grains, int threads)
{
    struct gn_summer *s = gn_calloc(1, sizeof *s, "sums of several processes");
    if (s == NULL)
        return NULL;
    *s = (struct gn_summer){
        .ranks = ranks, .n = n, .most_grains = most_grains, .threads = threads
    };
    if (reserve(s, most_grains) != GN_OK) {
        gn_summer_free(s);
        return NULL;
    }
    return s;
}

void gn_summer_free(struct gn_summer *summer)
{
    if (summer != NULL)
        gn_free(summer->received);
    gn_free(summer);
}

/* A partial sum of the segment. */
struct part {
    struct gn_branch branch;
    float *values;
};

/* Adding the parts of a segment, blocks of which the threads share out. */
struct addition {
    const struct part *parts;
    int n_parts, grains;
    size_t floats;
    float *to;
};

static void add_row(float *restrict to, const float *restrict from, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] = to[i] + from[i];
}

static void add_block(void *argument, size_t block)
{
    const struct addition *a = argument;
    const size_t first = block * BLOCK_FLOATS, left = a->floats - first;
    const size_t n = left < BLOCK_FLOATS ? left : BLOCK_FLOATS;
    struct gn_pairwise tree;
    float *sums[GN_PAIRWISE_MOST];
    const unsigned state = gn_float_enter();
    gn_pairwise_begin(&tree, a->grains);
    for (int i = 0; i < a->n_parts; i++) {
        sums[tree.n] = a->parts[i].values + first;
        for (int k = gn_pairwise_push(&tree, a->parts[i].branch); k > 0; k--)
            add_row(sums[tree.n + k - 2], sums[tree.n + k - 1], n);
    }
    GN_ASSERT(tree.n == 1);
    if (sums[0] != a->to + first)
        memcpy(a->to + first, sums[0], n * sizeof *sums[0]);
    gn_float_leave(state);
}

/* Begins to send others their segments of the own partial sums, and to receive theirs of this one's. */
static gn_status exchange(struct gn_summer *s, float *const *slots, int grains, struct part *parts,
                          int *n_parts)
{
    const int size = gn_ranks_size(s->ranks), rank = gn_ranks_rank(s->ranks);
    const size_t first = segment(s, rank), floats = segment(s, rank + 1) - first;
    float *room = s->received;
    struct gn_branch branches[GN_PAIRWISE_MOST];
    *n_parts = 0;
    for (int r = 0; r < size; r++) { /* in the order of grains */
        const int n = gn_pairwise_left(grains, gn_ranks_first_grain(s->ranks, grains, r),
                                       gn_ranks_first_grain(s->ranks, grains, r + 1), branches);
        for (int i = 0; i < n; i++) {
            const bool own = r == rank;
            parts[*n_parts] = (struct part){ branches[i], own ? slots[i] + first : room };
            (*n_parts)++;
            if (own)
                continue;
            GN_TRY(gn_ranks_receive(s->ranks, r, room, floats * sizeof *room));
            room += floats;
        }
    }
    const int own = gn_pairwise_left(grains, gn_ranks_first_grain(s->ranks, grains, rank),
                                     gn_ranks_first_grain(s->ranks, grains, rank + 1), NULL);
    for (int d = 1; d < size; d++) {
        const int to = (rank + d) % size;
        for (int i = 0; i < own; i++)
            GN_TRY(gn_ranks_send(s->ranks, to, slots[i] + segment(s, to),
                                 (segment(s, to + 1) - segment(s, to)) * sizeof **slots));
    }
    return gn_ranks_wait(s->ranks);
}

gn_status gn_summer_sum(struct gn_summer *summer, float *const *slots, int grains)
{
    const int size = gn_ranks_size(summer->ranks), rank = gn_ranks_rank(summer->ranks);
    enum { MOST_PARTS = GN_MOST_RANKS * 16 };
    struct part parts[MOST_PARTS];
    size_t offsets[GN_MOST_RANKS + 1];
    struct addition a = { .parts = parts, .grains = grains };
    GN_ASSERT(grains <= summer->most_grains);
    GN_TRY(reserve(summer, grains));
    GN_TRY(exchange(summer, slots, grains, parts, &a.n_parts));
    a.to = slots[0] + segment(summer, rank);
    a.floats = segment(summer, rank + 1) - segment(summer, rank);
    gn_parallel(summer->threads, (a.floats + BLOCK_FLOATS - 1) / BLOCK_FLOATS, add_block, &a);
    for (int r = 0; r <= size; r++)
        offsets[r] = segment(summer, r) * sizeof **slots;
    return gn_ranks_share(summer->ranks, slots[0], offsets);
}
