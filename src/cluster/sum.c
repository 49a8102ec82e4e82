/*
 * The sum of the gradients of all grains. Each rank finishes the tree for a segment of the array: it gets every
 * other's partial sums of that segment, in as many messages, adds them in the order of the tree, and all get
 * all segments. Nothing is added by anybody else, so neither the number of ranks nor what carries the bytes
 * can change a bit; each float is sent twice, which is the least.
 *
 * The array is cut into buckets, from its end on, in the order in which the backward pass finishes gradients, so that
 * most of them are on their way while it goes on. Each bucket is divided into segments by itself.
 */
#include "cluster/ranks.h"

#include "base/memory.h"
#include "base/pairwise.h"
#include "base/team.h"
#include "base/threads.h"

#include <string.h>

enum { LINE_FLOATS = 16, BLOCK_FLOATS = 16384, LEAST_BUCKET = 32768 };
enum { MOST_PARTS = GN_MOST_RANKS * 16 };

/* A partial sum of a segment. */
struct part {
    struct gn_branch branch;
    int rank;
    float *
        values; /* of this rank: the whole array's; of others: where their segments of all buckets arrive */
};

struct gn_summer {
    struct gn_ranks *ranks;
    size_t n;
    int most_grains, threads;
    int n_buckets;
    size_t begins[GN_SUMMER_PARTS + 1]; /* bucket k is [begins[k + 1], begins[k]) */
    float *received;                    /* partial sums of others, of this rank's segments */
    size_t room;                        /* floats of it */
    /* the running sum */
    struct part *parts; /* in the order of grains */
    int n_parts, n_own, grains;
    float *const *slots;
    int sent, added; /* buckets */
    gn_status status;
    uint64_t moved;                /* by the ranks before it began */
    double final[GN_SUMMER_PARTS]; /* when each bucket was */
    struct gn_summer_cost cost;
};

/* Where the segment of rank r of a bucket begins; r = size: the end. */
static size_t segment(const struct gn_summer *s, int bucket, int r)
{
    const size_t begin = s->begins[bucket + 1], n = s->begins[bucket] - begin;
    const size_t lines = (n + LINE_FLOATS - 1) / LINE_FLOATS;
    const size_t at = lines * (size_t)r / (size_t)gn_ranks_size(s->ranks) * LINE_FLOATS;
    return begin + (at < n ? at : n);
}

/* Floats of this rank's segment. */
static size_t own_floats(const struct gn_summer *s, int bucket)
{
    const int rank = gn_ranks_rank(s->ranks);
    return segment(s, bucket, rank + 1) - segment(s, bucket, rank);
}

/* Floats of this rank's segments of buckets [0, bucket). */
static size_t floats_before(const struct gn_summer *s, int bucket)
{
    size_t n = 0;
    for (int k = 0; k < bucket; k++)
        n += own_floats(s, k);
    return n;
}

static void cut_buckets(struct gn_summer *s)
{
    size_t n = s->n / LEAST_BUCKET;
    n = n < 1 ? 1 : n > GN_SUMMER_PARTS ? GN_SUMMER_PARTS : n;
    s->n_buckets = (int)n;
    for (size_t k = 0; k <= n; k++)
        s->begins[k] = s->n * (n - k) / n / LINE_FLOATS * LINE_FLOATS;
    s->begins[0] = s->n;
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
    const size_t room = parts * floats_before(s, s->n_buckets);
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
    cut_buckets(s);
    s->parts = gn_calloc(MOST_PARTS, sizeof *s->parts, "sums of several processes");
    if (s->parts == NULL || reserve(s, most_grains) != GN_OK) {
        gn_summer_free(s);
        return NULL;
    }
    return s;
}

void gn_summer_free(struct gn_summer *summer)
{
    if (summer == NULL)
        return;
    gn_free(summer->received);
    gn_free(summer->parts);
    gn_free(summer);
}

struct gn_summer_cost gn_summer_cost(const struct gn_summer *summer)
{
    return summer->cost;
}

/* ---- Adding ---- */

/* The parts of a segment, blocks of which the threads share out. */
struct addition {
    const struct gn_summer *summer;
    int bucket;
    size_t floats;
};

static void add_row(float *restrict to, const float *restrict from, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        to[i] = to[i] + from[i];
}

/* Where a part has this rank's segment. */
static float *values_of(const struct gn_summer *s, const struct part *part, int bucket)
{
    const int rank = gn_ranks_rank(s->ranks);
    return part->values +
           (part->rank == rank ? segment(s, bucket, rank) : floats_before(s, bucket));
}

static void add_block(void *argument, size_t block)
{
    const struct addition *a = argument;
    const struct gn_summer *s = a->summer;
    const size_t first = block * BLOCK_FLOATS, left = a->floats - first;
    const size_t n = left < BLOCK_FLOATS ? left : BLOCK_FLOATS;
    float *to = s->slots[0] + segment(s, a->bucket, gn_ranks_rank(s->ranks)) + first;
    struct gn_pairwise tree;
    float *sums[GN_PAIRWISE_MOST];
    const unsigned state = gn_float_enter();
    gn_pairwise_begin(&tree, s->grains);
    for (int i = 0; i < s->n_parts; i++) {
        sums[tree.n] = values_of(s, &s->parts[i], a->bucket) + first;
        for (int k = gn_pairwise_push(&tree, s->parts[i].branch); k > 0; k--)
            add_row(sums[tree.n + k - 2], sums[tree.n + k - 1], n);
    }
    GN_ASSERT(tree.n == 1);
    if (sums[0] != to)
        memcpy(to, sums[0], n * sizeof *sums[0]);
    gn_float_leave(state);
}

static void add_alone(const struct gn_summer *s, int bucket)
{
    struct addition a = { s, bucket, own_floats(s, bucket) };
    for (size_t i = 0; i * BLOCK_FLOATS < a.floats; i++)
        add_block(&a, i);
}

static void add_together(const struct gn_summer *s, int bucket)
{
    struct addition a = { s, bucket, own_floats(s, bucket) };
    gn_parallel(s->threads, (a.floats + BLOCK_FLOATS - 1) / BLOCK_FLOATS, add_block, &a);
}

/* ---- Exchanging ---- */

static struct gn_lane parts_of(int bucket)
{
    return (struct gn_lane){ GN_LANE_PARTS, bucket };
}

static struct gn_lane sums_of(int bucket)
{
    return (struct gn_lane){ GN_LANE_SUMS, bucket };
}

/* Begins to send others their segments of a bucket of the own partial sums, and to receive theirs of this one's. */
static gn_status send_parts(const struct gn_summer *s, int bucket)
{
    const int size = gn_ranks_size(s->ranks), rank = gn_ranks_rank(s->ranks);
    const size_t own = own_floats(s, bucket);
    for (int i = 0; i < s->n_parts; i++)
        if (s->parts[i].rank != rank)
            GN_TRY(gn_ranks_receive_in(s->ranks, parts_of(bucket), s->parts[i].rank,
                                       values_of(s, &s->parts[i], bucket), own * sizeof(float)));
    for (int d = 1; d < size; d++) { /* not all to the same one at first */
        const int to = (rank + d) % size;
        const size_t begin = segment(s, bucket, to), end = segment(s, bucket, to + 1);
        for (int i = 0; i < s->n_own; i++)
            GN_TRY(gn_ranks_send_in(s->ranks, parts_of(bucket), to, s->slots[i] + begin,
                                    (end - begin) * sizeof(float)));
    }
    return GN_OK;
}

/* The same for the sums of a bucket's segments. */
static gn_status send_sums(const struct gn_summer *s, int bucket)
{
    const int size = gn_ranks_size(s->ranks), rank = gn_ranks_rank(s->ranks);
    float *whole = s->slots[0];
    const size_t begin = segment(s, bucket, rank);
    for (int d = 1; d < size; d++) {
        const int to = (rank + d) % size, from = (rank + size - d) % size;
        const size_t theirs = segment(s, bucket, from);
        GN_TRY(gn_ranks_send_in(s->ranks, sums_of(bucket), to, whole + begin,
                                own_floats(s, bucket) * sizeof(float)));
        GN_TRY(gn_ranks_receive_in(s->ranks, sums_of(bucket), from, whole + theirs,
                                   (segment(s, bucket, from + 1) - theirs) * sizeof(float)));
    }
    return GN_OK;
}

/* Whose partial sums there will be, in the order of grains. */
static void list_parts(struct gn_summer *s)
{
    const int rank = gn_ranks_rank(s->ranks);
    const size_t floats = floats_before(s, s->n_buckets);
    struct gn_branch branches[GN_PAIRWISE_MOST];
    float *room = s->received;
    s->n_parts = s->n_own = 0;
    for (int r = 0; r < gn_ranks_size(s->ranks); r++) {
        const int n = gn_pairwise_left(s->grains, gn_ranks_first_grain(s->ranks, s->grains, r),
                                       gn_ranks_first_grain(s->ranks, s->grains, r + 1), branches);
        for (int i = 0; i < n; i++) {
            struct part *part = &s->parts[s->n_parts++];
            *part = (struct part){ branches[i], r, r == rank ? s->slots[s->n_own++] : room };
            room += r == rank ? 0 : floats;
        }
    }
}

void gn_summer_begin(struct gn_summer *summer, float *const *slots, int grains)
{
    GN_ASSERT(grains <= summer->most_grains);
    summer->slots = slots;
    summer->grains = grains;
    summer->sent = summer->added = 0;
    summer->moved = gn_ranks_moved(summer->ranks);
    summer->status = reserve(summer, grains);
    if (summer->status == GN_OK)
        list_parts(summer);
}

/* Sends what is final from float number `from` on. */
static gn_status send_from(struct gn_summer *s, size_t from)
{
    while (s->sent < s->n_buckets && s->begins[s->sent + 1] >= from) {
        s->final[s->sent] = gn_seconds();
        GN_TRY(send_parts(s, s->sent++));
    }
    return GN_OK;
}

static gn_status go_on(struct gn_summer *s, size_t from)
{
    GN_TRY(send_from(s, from));
    gn_ranks_progress(s->ranks);
    while (s->added < s->sent && !gn_ranks_pending(s->ranks, parts_of(s->added))) {
        add_alone(s, s->added);
        GN_TRY(send_sums(s, s->added++));
    }
    return GN_OK;
}

void gn_summer_ready(struct gn_summer *summer, size_t from)
{
    if (summer->status == GN_OK)
        summer->status = go_on(summer, from);
}

static gn_status finish(struct gn_summer *s)
{
    GN_TRY(s->status);
    GN_TRY(send_from(s, 0));
    while (s->added < s->n_buckets) {
        GN_TRY(gn_ranks_wait_for(s->ranks, parts_of(s->added)));
        add_together(s, s->added);
        GN_TRY(send_sums(s, s->added++));
    }
    for (int k = 0; k < s->n_buckets; k++) {
        GN_TRY(gn_ranks_wait_for(s->ranks, parts_of(k))); /* those that were done before */
        GN_TRY(gn_ranks_wait_for(s->ranks, sums_of(k)));
    }
    return GN_OK;
}

gn_status gn_summer_end(struct gn_summer *summer)
{
    const double began = gn_seconds();
    const uint64_t early = gn_ranks_moved(summer->ranks) - summer->moved;
    /* The end of the backward pass is when the last part is final; one that is sent only here is final now. */
    const double end =
        summer->sent == summer->n_buckets ? summer->final[summer->n_buckets - 1] : began;
    for (int k = 0; k < summer->sent; k++)
        summer->cost.final[k] += end - summer->final[k];
    const gn_status status = finish(summer);
    summer->cost.waited += gn_seconds() - began;
    summer->cost.early += early;
    summer->cost.bytes += gn_ranks_moved(summer->ranks) - summer->moved;
    return status;
}
