/*
 * Packed weights of a net that any number of inference plans share: other batches, other threads. A
 * kernel's layout depends on the layer and on how the plan computes it (direct, or Winograd's tile by
 * batch), so each (layer, layout) is packed once, by the first plan that needs it, and only read
 * afterwards. The lock is held while a plan adds to the pack; what is in it never changes or moves.
 */
#include "base/memory.h"
#include "plan/internal.h"

#include <pthread.h>
#include <string.h>

/* The weights of a layer, or of the group that it leads, as one kernel reads them. Plans of other
 * answers (.layer of predictors) may join fewer siblings, or fold no normalisation. */
struct packed {
    const struct gn_kernel_set *kernels;
    int layer, tile;
    bool half;
    float in, out;                                     /* scales (gn_scales); 0, 0: of floats */
    int n, members[GN_MAX_GROUP], norms[GN_MAX_GROUP]; /* n: 1 for a layer without a group */
    size_t bytes;
    float *weights;
};

/* What one plan added. */
struct block {
    struct block *next;
    void *memory;
    int n;
    struct packed packed[];
};

struct gn_pack {
    const struct gn_net *net;
    struct gn_net *sharer; /* whose predictors share it, NULL: only those that name it */
    uint32_t hash;         /* then: of the weights it was made for */
    atomic_int owners;
    pthread_mutex_t lock;
    struct block *blocks;
    uint64_t bytes;
};

gn_pack *gn_pack_create(gn_net *net)
{
    if (net == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "pack: no network is given");
        return NULL;
    }
    struct gn_pack *pack = gn_calloc(1, sizeof *pack, "packed weights");
    if (pack == NULL)
        return NULL;
    pack->net = net;
    atomic_init(&pack->owners, 1);
    if (pthread_mutex_init(&pack->lock, NULL) != 0) {
        gn_free(pack);
        (void)gn_fail(GN_STATUS_NO_MEMORY, "pack: no memory for a lock");
        return NULL;
    }
    return pack;
}

struct gn_pack *gn_pack_keep(struct gn_pack *pack)
{
    if (pack != NULL)
        (void)atomic_fetch_add(&pack->owners, 1);
    return pack;
}

/* Guards `shared` of all nets, and which of its owners is the last. */
static pthread_mutex_t sharing = PTHREAD_MUTEX_INITIALIZER;

struct gn_pack *gn_pack_shared(struct gn_net *net)
{
    if (net == NULL)
        return gn_pack_create(NULL);
    const uint32_t hash = gn_net_hash(net);
    (void)pthread_mutex_lock(&sharing);
    struct gn_pack *pack = net->shared;
    if (pack != NULL && pack->hash == hash) {
        (void)gn_pack_keep(pack);
    } else if ((pack = gn_pack_create(net)) != NULL) {
        if (net->shared != NULL)
            net->shared->sharer = NULL;
        pack->sharer = net;
        pack->hash = hash;
        net->shared = pack;
    }
    (void)pthread_mutex_unlock(&sharing);
    return pack;
}

/* One owner less; true for the last one. No other can come then: the net has forgotten the pack. */
static bool leave(struct gn_pack *pack)
{
    (void)pthread_mutex_lock(&sharing);
    const bool last = atomic_fetch_sub(&pack->owners, 1) == 1;
    if (last && pack->sharer != NULL)
        pack->sharer->shared = NULL;
    (void)pthread_mutex_unlock(&sharing);
    return last;
}

static void free_block(struct block *b)
{
    gn_free(b->memory);
    gn_free(b);
}

void gn_pack_free(gn_pack *pack)
{
    if (pack == NULL || !leave(pack))
        return;
    for (struct block *next, *b = pack->blocks; b != NULL; b = next) {
        next = b->next;
        free_block(b);
    }
    (void)pthread_mutex_destroy(&pack->lock);
    gn_free(pack);
}

uint64_t gn_pack_bytes(gn_pack *pack)
{
    if (pack == NULL)
        return 0;
    (void)pthread_mutex_lock(&pack->lock);
    const uint64_t bytes = pack->bytes;
    (void)pthread_mutex_unlock(&pack->lock);
    return bytes;
}

static bool has_weights(const struct gn_plan *plan, int i)
{
    return gn_plan_runs(plan, i) && gn_plan_multiplies(plan, i);
}

/* What a plan needs of layer i. */
static struct packed describe(const struct gn_plan *plan, int i)
{
    const int number = plan->values[i].group;
    const struct gn_group *group = number < 0 ? NULL : &plan->groups[number];
    const struct gn_scales scales = gn_plan_scales_of(plan, i);
    struct packed p = { .in = scales.in,
                        .out = scales.out,
                        .kernels = plan->kernels,
                        .layer = i,
                        .tile = plan->values[i].tile,
                        .half = plan->values[i].half,
                        .n = group == NULL ? 1 : group->n };
    for (int k = 0; k < p.n; k++) {
        p.members[k] = group == NULL ? i : group->members[k];
        p.norms[k] = plan->values[p.members[k]].norm;
    }
    return p;
}

static bool is_same(const struct packed *a, const struct packed *b)
{
    return a->layer == b->layer && a->tile == b->tile && a->half == b->half &&
           a->kernels == b->kernels && a->n == b->n &&
           !(a->in < b->in || a->in > b->in || a->out < b->out || a->out > b->out) &&
           memcmp(a->members, b->members, sizeof a->members) == 0 &&
           memcmp(a->norms, b->norms, sizeof a->norms) == 0;
}

/* What the pack holds of layer i of the plan, NULL: nothing yet. */
static float *find(const struct gn_pack *pack, const struct gn_plan *plan, int i)
{
    const struct packed wanted = describe(plan, i);
    for (const struct block *b = pack->blocks; b != NULL; b = b->next)
        for (int k = 0; k < b->n; k++)
            if (is_same(&b->packed[k], &wanted))
                return b->packed[k].weights;
    return NULL;
}

/* Bytes and number of the layers whose weights are missing. */
static size_t count_missing(const struct gn_pack *pack, const struct gn_plan *plan, int *n)
{
    size_t bytes = 0;
    *n = 0;
    for (int i = 0; i < plan->net->graph->n_layers; i++) {
        if (!has_weights(plan, i) || find(pack, plan, i) != NULL)
            continue;
        bytes += gn_plan_packed_bytes(plan, i);
        (*n)++;
    }
    return bytes;
}

size_t gn_pack_lacks(struct gn_pack *pack, const struct gn_plan *plan)
{
    int n;
    (void)pthread_mutex_lock(&pack->lock);
    const size_t bytes = count_missing(pack, plan, &n);
    (void)pthread_mutex_unlock(&pack->lock);
    return bytes;
}

/* Makes room for what is missing; *block is NULL when nothing is. */
static gn_status make_block(struct gn_pack *pack, const struct gn_plan *plan, struct block **block)
{
    int n;
    const size_t bytes = count_missing(pack, plan, &n);
    *block = NULL;
    if (n == 0)
        return GN_OK;
    struct block *b = gn_calloc(1, sizeof *b + (size_t)n * sizeof *b->packed, "packed weights");
    if (b == NULL)
        return gn_last_status();
    b->memory = gn_alloc(bytes, "packed weights");
    if (b->memory == NULL) {
        gn_free(b);
        return gn_last_status();
    }
    if (plan->half)
        memset(b->memory, 0, bytes); /* check_halves reads what lies between matrices, too */
    char *at = b->memory;
    for (int i = 0; i < plan->net->graph->n_layers; i++) {
        if (!has_weights(plan, i) || find(pack, plan, i) != NULL)
            continue;
        struct packed *p = &b->packed[b->n++];
        *p = describe(plan, i);
        p->bytes = gn_plan_packed_bytes(plan, i);
        p->weights = (float *)(void *)at;
        at += p->bytes;
    }
    pack->bytes += bytes;
    *block = b;
    return GN_OK;
}

/* The steps that pack what is there have nothing to do, but for joint biases, which every plan has. */
static void mark_done(const struct gn_pack *pack, struct gn_plan *plan)
{
    for (int k = 0; k < plan->n_prepare; k++) {
        struct gn_step *s = &plan->steps[k];
        const int number = plan->values[s->layer].group;
        const struct gn_group *group = number < 0 ? NULL : &plan->groups[number];
        const bool joins_bias = group != NULL && group->bias >= 0 && s->y.buffer == group->bias;
        s->done = !joins_bias && find(pack, plan, group == NULL ? s->layer : group->leader) != NULL;
    }
}

/* Whether all weights of 16 bits are numbers; UNSUPPORTED. */
static gn_status check_halves(const struct gn_pack *pack, const struct block *b)
{
    enum { EXPONENT = 0x7c00 }; /* of infinities and of what is no number */
    for (int k = 0; k < b->n; k++) {
        const struct packed *p = &b->packed[k];
        const uint16_t *halves = (const uint16_t *)(const void *)p->weights;
        const size_t n = p->half ? p->bytes / sizeof *halves : 0;
        uint16_t largest = 0;
#pragma omp simd reduction(max : largest)
        for (size_t i = 0; i < n; i++) {
            const uint16_t exponent = halves[i] & EXPONENT;
            largest = exponent > largest ? exponent : largest;
        }
        if (largest == EXPONENT)
            GN_FAIL(GN_STATUS_UNSUPPORTED,
                    "weights f16: layer %s has weights that 16 bits cannot hold; take f32",
                    pack->net->graph->layers[p->layer].name);
    }
    return GN_OK;
}

/* Takes the block that was added last away again, since its weights cannot be used. */
static void drop_block(struct gn_pack *pack)
{
    struct block *b = pack->blocks;
    pack->blocks = b->next;
    for (int k = 0; k < b->n; k++)
        pack->bytes -= b->packed[k].bytes;
    free_block(b);
}

gn_status gn_pack_fill(struct gn_pack *pack, struct gn_plan *plan)
{
    struct block *added;
    GN_ASSERT(!plan->train);
    if (plan->net->graph != pack->net->graph)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "pack: it was made for another network");
    (void)pthread_mutex_lock(&pack->lock);
    gn_status status = make_block(pack, plan, &added);
    if (status == GN_OK) {
        mark_done(pack, plan);
        if (added != NULL) {
            gn_say(GN_LOG_DEBUG, "packed weights: %d layers for batches of %d", added->n,
                   plan->batch);
            added->next = pack->blocks;
            pack->blocks = added;
        }
        for (int i = 0; i < plan->net->graph->n_layers; i++)
            if (has_weights(plan, i))
                plan->values[i].packed = find(pack, plan, i);
        gn_plan_bind(plan);
        gn_plan_pack(plan);
        if (added != NULL && (status = check_halves(pack, added)) != GN_OK)
            drop_block(pack);
    }
    (void)pthread_mutex_unlock(&pack->lock);
    return status;
}
