/*
 * The state of an optimiser, and its passes over the parameters: tensors are cut into blocks of a
 * fixed size that the threads share out. elements.c has the formulas.
 *
 * The average is a = w at the first step, then it moves after the update, and after the slow weights if it is their turn. The ratio of LARS is
 * trust * |w| / (|g| + wd * |w|) with the norms of a whole kernel; it is 1 where |w| or |g| is 0, and
 * for biases and the parameters of normalisations, which do not decay either unless asked.
 */
#include "optimizer/optimizer.h"

#include "base/memory.h"
#include "base/team.h"
#include "base/threads.h"
#include "graph/pattern.h"
#include "ops/table.h"
#include "optimizer/elements.h"
#include "optimizer/muon.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { BLOCK_FLOATS = 16384, MAX_STATES = 2 };

static const double BETA_1 = 0.9, BETA_2 = 0.999;

struct block {
    size_t first, count;
    int tensor;
    bool decays, frozen;
    bool adapts;    /* LARS: by the norms of its tensor */
    bool is_filter; /* MUON: its gradient becomes a direction */
    double length;  /* MUON: of a step, in rates */
    bool trainable; /* false: running statistics, which are only averaged */
    float lr_scale;
};

/* The weights of a convolution, which Muon takes as a matrix. */
struct filter {
    int tensor;
    size_t first;
    struct gn_muon_size size;
    bool moves;
};

struct gn_updater {
    struct gn_optimizer_options options;
    size_t n_floats;
    int n_blocks;
    struct block *blocks;
    double *squares; /* a sum a block */
    double *ratios;  /* LARS: that of the weights, then the trust ratio of the block's tensor */
    float *states[MAX_STATES];
    float *ema, *slow;
    struct filter *filters; /* MUON */
    int n_filters;
    struct gn_muon *muon;
};

/* State arrays of the optimiser itself. */
static int own_states(const struct gn_optimizer_options *options)
{
    if (options->kind == GN_ADAMW)
        return 2;
    return options->momentum > 0 || options->kind == GN_LARS || options->kind == GN_MUON ? 1 : 0;
}

int gn_updater_states(const struct gn_optimizer_options *options)
{
    return own_states(options) + (options->ema > 0 ? 1 : 0) +
           (options->lookahead_steps > 0 ? 1 : 0);
}

static int count_blocks(const struct gn_graph *graph)
{
    size_t n = 0;
    for (int i = 0; i < graph->n_tensors; i++)
        n += (graph->tensors[i].count + BLOCK_FLOATS - 1) / BLOCK_FLOATS;
    return (int)n;
}

/* All convolutions of the graph, the first one among them. */
static gn_status list_filters(struct gn_updater *u, const struct gn_graph *graph)
{
    struct gn_muon_size *sizes = gn_calloc((size_t)graph->n_layers, sizeof *sizes, "the optimiser");
    u->filters = gn_calloc((size_t)graph->n_layers, sizeof *u->filters, "the optimiser");
    for (int i = 0; sizes != NULL && u->filters != NULL && i < graph->n_layers; i++) {
        const struct gn_layer *layer = &graph->layers[i];
        if (layer->op->id != GN_OP_CONV || layer->weight < 0)
            continue;
        const struct gn_tensor *t = &graph->tensors[layer->weight];
        const struct gn_muon_size size = { (int)(t->count / (size_t)layer->out.c), layer->out.c };
        const bool moves = t->trainable && !gn_pattern_matches(u->options.freeze, t->name);
        sizes[u->n_filters] = size;
        u->filters[u->n_filters++] = (struct filter){ layer->weight, t->offset, size, moves };
    }
    if (sizes != NULL && u->filters != NULL)
        u->muon = gn_muon_create(sizes, u->n_filters, u->options.threads);
    gn_free(sizes);
    return u->muon == NULL ? gn_last_status() : GN_OK;
}

/* Rates of a block's tensor, by Muon. */
static void set_length(const struct gn_updater *u, struct block *b)
{
    b->length = u->options.muon_others;
    for (int i = 0; i < u->n_filters; i++) {
        if (u->filters[i].tensor != b->tensor)
            continue;
        b->is_filter = true;
        b->length = gn_muon_length(u->filters[i].size);
    }
}

static void fill_blocks(struct gn_updater *u, const struct gn_graph *graph)
{
    int n = 0;
    for (int i = 0; i < graph->n_tensors; i++) {
        const struct gn_tensor *t = &graph->tensors[i];
        const bool decays = (t->is_kernel || u->options.decay_all) &&
                            !gn_pattern_matches(u->options.no_decay, t->name);
        const bool frozen = gn_pattern_matches(u->options.freeze, t->name);
        const double lr_scale = gn_pattern_factor(u->options.lr_scale, t->name);
        for (size_t done = 0; done < t->count; done += BLOCK_FLOATS) {
            const size_t left = t->count - done;
            u->blocks[n] = (struct block){ .first = t->offset + done,
                                           .tensor = i,
                                           .adapts = t->is_kernel,
                                           .count = left < BLOCK_FLOATS ? left : BLOCK_FLOATS,
                                           .decays = decays,
                                           .frozen = frozen,
                                           .trainable = t->trainable,
                                           .lr_scale = (float)lr_scale };
            set_length(u, &u->blocks[n++]);
        }
    }
}

struct gn_updater *gn_updater_create(const struct gn_graph *graph,
                                     const struct gn_optimizer_options *options)
{
    struct gn_updater *u = gn_calloc(1, sizeof *u, "the optimiser");
    if (u == NULL)
        return NULL;
    u->options = *options;
    u->n_floats = graph->n_floats;
    u->n_blocks = count_blocks(graph);
    u->blocks = gn_calloc((size_t)u->n_blocks, sizeof *u->blocks, "the optimiser");
    u->squares = gn_calloc((size_t)u->n_blocks, sizeof *u->squares, "the optimiser");
    if (options->kind == GN_LARS)
        u->ratios = gn_calloc((size_t)u->n_blocks, sizeof *u->ratios, "the optimiser");
    bool ok =
        u->blocks != NULL && u->squares != NULL && (options->kind != GN_LARS || u->ratios != NULL);
    for (int i = 0; ok && i < own_states(options); i++) {
        u->states[i] = gn_calloc(graph->n_floats, sizeof(float), "the optimiser's state");
        ok = u->states[i] != NULL;
    }
    if (ok && options->ema > 0) {
        u->ema = gn_calloc(graph->n_floats, sizeof(float), "the averaged weights");
        ok = u->ema != NULL;
    }
    if (ok && options->lookahead_steps > 0) {
        u->slow = gn_calloc(graph->n_floats, sizeof(float), "the slow weights");
        ok = u->slow != NULL;
    }
    if (ok && options->kind == GN_MUON)
        ok = list_filters(u, graph) == GN_OK;
    if (!ok) {
        gn_updater_free(u);
        return NULL;
    }
    fill_blocks(u, graph);
    return u;
}

void gn_updater_free(struct gn_updater *updater)
{
    if (updater == NULL)
        return;
    for (int i = 0; i < MAX_STATES; i++)
        gn_free(updater->states[i]);
    gn_free(updater->ema);
    gn_free(updater->slow);
    gn_free(updater->squares);
    gn_free(updater->ratios);
    gn_free(updater->filters);
    gn_muon_free(updater->muon);
    gn_free(updater->blocks);
    gn_free(updater);
}

float *gn_updater_state(struct gn_updater *updater, int i, const char **prefix)
{
    static const char *const names[2][MAX_STATES] = { { "train/momentum/", NULL },
                                                      { "train/m/", "train/v/" } };
    if (i < 0 || i >= gn_updater_states(&updater->options))
        return NULL;
    const int own = own_states(&updater->options);
    const bool is_ema = i == own && updater->ema != NULL;
    if (i < own)
        *prefix = names[updater->options.kind == GN_ADAMW][i];
    else
        *prefix = is_ema ? "train/ema/" : "train/slow/";
    return i < own ? updater->states[i] : is_ema ? updater->ema : updater->slow;
}

void gn_updater_begin(struct gn_updater *updater, const float *params)
{
    if (updater->ema != NULL)
        memcpy(updater->ema, params, updater->n_floats * sizeof *params);
    if (updater->slow != NULL)
        memcpy(updater->slow, params, updater->n_floats * sizeof *params);
}

float *gn_updater_ema(struct gn_updater *updater)
{
    return updater->ema;
}

bool gn_updater_swap_ema(struct gn_updater *updater, float *params)
{
    float *ema = updater->ema;
    for (size_t i = 0; ema != NULL && i < updater->n_floats; i++) {
        const float kept = params[i];
        params[i] = ema[i];
        ema[i] = kept;
    }
    return ema != NULL;
}

/* base^n by squaring in double: unlike pow() the same bits on every machine. */
static double power(double base, uint64_t n)
{
    double result = 1;
    for (; n != 0; n >>= 1) {
        if ((n & 1) != 0)
            result *= base;
        base *= base;
    }
    return result;
}

static struct gn_factors factors_of(const struct gn_optimizer_options *o,
                                    const struct gn_update *update)
{
    struct gn_factors f = { .lr = (float)update->lr,
                            .grad_scale = (float)update->grad_scale,
                            .one_minus_ema = update->step <= 1 ? 1 : (float)(1 - o->ema),
                            .momentum = (float)o->momentum,
                            .decay = (float)o->weight_decay,
                            .nesterov = o->nesterov,
                            .one_minus_beta_1 = (float)(1 - BETA_1),
                            .one_minus_beta_2 = (float)(1 - BETA_2),
                            .eps = (float)o->adam_eps };
    if (o->lookahead_steps > 0 && update->step % (uint64_t)o->lookahead_steps == 0)
        f.lookahead = (float)o->lookahead_share;
    const float power_1 = (float)power((double)(float)BETA_1, update->step);
    const float power_2 = (float)power((double)(float)BETA_2, update->step);
    f.alpha = f.lr * sqrtf(1.0F - power_2) / (1.0F - power_1);
    return f;
}

/* A filter along its direction, which stands in g; everything else by SGD. */
static void muon(const struct gn_updater *u, const struct block *b, float *w, float *g,
                 const struct gn_factors *f)
{
    struct gn_factors own = *f;
    own.lr = (float)((double)f->lr * b->length);
    if (b->decays && f->decay > 0)
        gn_each_decay(w, b->count, b->is_filter ? f : &own);
    if (b->is_filter)
        gn_each_sgd(w, g, b->count, own.lr);
    else if (f->nesterov)
        gn_each_nesterov(w, u->states[0] + b->first, g, b->count, &own);
    else
        gn_each_momentum(w, u->states[0] + b->first, g, b->count, &own);
}

/* w - g * 0 would turn -0 into +0, so a rate of zero does not come here. */
static void update_weights(const struct gn_updater *u, const struct block *b, float *w, float *g,
                           const struct gn_factors *f)
{
    float *const v = u->states[0] == NULL ? NULL : u->states[0] + b->first;
    if (u->options.kind == GN_LARS) {
        gn_each_lars(w, v, g, b->count, f);
        return;
    }
    if (u->options.kind == GN_MUON) {
        muon(u, b, w, g, f);
        return;
    }
    gn_each_scale(g, b->count, f->grad_scale);
    if (b->decays && f->decay > 0)
        gn_each_decay(w, b->count, f);
    if (u->options.kind == GN_ADAMW)
        gn_each_adam(w, v, u->states[1] + b->first, g, b->count, f);
    else if (v == NULL)
        gn_each_sgd(w, g, b->count, f->lr);
    else if (u->options.nesterov)
        gn_each_nesterov(w, v, g, b->count, f);
    else
        gn_each_momentum(w, v, g, b->count, f);
}

static void update_block(const struct gn_updater *u, const struct block *b, float *params,
                         float *grads, const struct gn_factors *factors)
{
    float *w = params + b->first;
    struct gn_factors f = *factors;
    f.lr *= b->lr_scale;
    f.alpha *= b->lr_scale;
    if (u->options.kind == GN_LARS) {
        f.decay = b->decays ? f.decay : 0;
        f.lr = (float)((double)f.lr * u->ratios[b - u->blocks]);
    }
    if (b->frozen) /* so is their average, which began with them */
        return;
    if (f.lr > 0 && b->trainable) {
        update_weights(u, b, w, grads + b->first, &f);
        if (f.lookahead > 0)
            gn_each_look_ahead(w, u->slow + b->first, b->count, f.lookahead);
    }
    if (u->ema == NULL)
        return;
    if (f.one_minus_ema < 1)
        gn_each_average(u->ema + b->first, w, b->count, f.one_minus_ema);
    else
        memcpy(u->ema + b->first, w, b->count * sizeof *w);
}

/* What the threads share: each takes blocks of the parameters. */
struct pass {
    void (*work)(struct pass *pass, size_t block);
    struct gn_updater *updater;
    const struct gn_factors *factors;
    float *params, *grads;
    const float *values;
    float factor;
    bool first;
    atomic_bool bad;
};

static void update_one(struct pass *p, size_t i)
{
    update_block(p->updater, &p->updater->blocks[i], p->params, p->grads, p->factors);
}

/* Every thread flushes denormal numbers, so that it does not matter which one takes a block. */
static void one_block(void *argument, size_t i)
{
    struct pass *pass = argument;
    const unsigned state = gn_float_enter();
    pass->work(pass, i);
    gn_float_leave(state);
}

static void over_blocks(struct pass *pass)
{
    struct gn_updater *u = pass->updater;
    gn_parallel(u->options.threads, (size_t)u->n_blocks, one_block, pass);
}

/* Of the gradients that an update takes and of the weights. */
static void norms_one(struct pass *p, size_t i)
{
    struct gn_updater *u = p->updater;
    const struct block *b = &u->blocks[i];
    if (b->frozen || !b->trainable)
        return;
    gn_each_scale(p->grads + b->first, b->count, p->factors->grad_scale);
    u->squares[i] = gn_each_squares(p->grads + b->first, b->count);
    u->ratios[i] = gn_each_squares(p->params + b->first, b->count);
}

/* Gradients as an update takes them, those of filters with the momentum. */
static void gather_one(struct pass *p, size_t i)
{
    const struct gn_updater *u = p->updater;
    const struct block *b = &u->blocks[i];
    if (b->frozen || !b->trainable)
        return;
    gn_each_scale(p->grads + b->first, b->count, p->factors->grad_scale);
    if (b->is_filter)
        gn_each_gather(p->grads + b->first, u->states[0] + b->first, b->count, p->factors);
}

/* The trust ratio of each tensor, from its blocks' sums in their order. */
static void find_ratios(struct gn_updater *u, double decays)
{
    for (int i = 0, end = 0; i < u->n_blocks; i = end) {
        const struct block *b = &u->blocks[i];
        double weights = 0, grads = 0, ratio = 1;
        for (end = i; end < u->n_blocks && u->blocks[end].tensor == b->tensor; end++) {
            weights += u->ratios[end];
            grads += u->squares[end];
        }
        weights = sqrt(weights);
        grads = sqrt(grads);
        if (b->adapts && weights > 0 && grads > 0)
            ratio = u->options.lars_trust * weights / (grads + (b->decays ? decays : 0) * weights);
        for (int k = i; k < end; k++)
            u->ratios[k] = ratio;
    }
}

void gn_updater_step(struct gn_updater *updater, float *params, float *grads,
                     const struct gn_update *update)
{
    const struct gn_factors f = factors_of(&updater->options, update);
    struct pass pass = {
        .work = norms_one, .updater = updater, .factors = &f, .params = params, .grads = grads
    };
    if (updater->options.kind == GN_LARS && f.lr > 0) {
        over_blocks(&pass);
        find_ratios(updater, (double)f.decay);
    }
    if (updater->options.kind == GN_MUON && f.lr > 0) {
        pass.work = gather_one;
        over_blocks(&pass);
        for (int i = 0; i < updater->n_filters; i++)
            if (updater->filters[i].moves)
                gn_muon_direct(updater->muon, grads + updater->filters[i].first,
                               updater->filters[i].size);
    }
    pass.work = update_one;
    over_blocks(&pass);
}

static void add_one(struct pass *p, size_t i)
{
    const struct block *b = &p->updater->blocks[i];
    gn_each_add(p->params + b->first, p->values + b->first, b->count, p->factor, p->first);
}

void gn_updater_add(struct gn_updater *updater, float *sum, const float *values, double factor,
                    bool first)
{
    struct pass pass = { .work = add_one,
                         .updater = updater,
                         .params = sum,
                         .values = values,
                         .factor = (float)factor,
                         .first = first };
    over_blocks(&pass);
}

static void square_one(struct pass *p, size_t i)
{
    const struct block *b = &p->updater->blocks[i];
    p->updater->squares[i] = gn_each_squares(p->values + b->first, b->count);
}

double gn_updater_norm(struct gn_updater *updater, const float *grads)
{
    double sum = 0;
    struct pass pass = { .work = square_one, .updater = updater, .values = grads };
    over_blocks(&pass);
    for (int i = 0; i < updater->n_blocks; i++)
        sum += updater->squares[i];
    return sqrt(sum);
}

static void check_one(struct pass *p, size_t i)
{
    const struct block *b = &p->updater->blocks[i];
    if (!gn_each_is_finite(p->values + b->first, b->count))
        atomic_store(&p->bad, true);
}

bool gn_updater_finite(struct gn_updater *updater, const float *values)
{
    struct pass pass = { .work = check_one, .updater = updater, .values = values };
    over_blocks(&pass);
    return !atomic_load(&pass.bad);
}
