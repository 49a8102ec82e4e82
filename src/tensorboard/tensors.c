/* Tensors are shared out to threads; what is written is in the order of the graph. */
#include "tensorboard/tensors.h"

#include "base/memory.h"
#include "base/team.h"
#include "graph/pattern.h"
#include "tensorboard/values.h"

#include <string.h>

enum { WEIGHTS, GRADIENTS, UPDATES, N_KINDS };
enum { FEWEST = 1024 }; /* values of a tensor that are looked at, where it has so many */

struct gn_tensors {
    const struct gn_graph *graph;
    int threads, n;
    int *index;    /* n: the graph's tensors that are shown */
    size_t *every; /* n: of a tensor one value in so many is looked at */
    float *before; /* those values of a tensor, from its offset among the parameters on */
    bool has_before;
    const float *params, *grads;
    struct gn_histogram (*histograms)[N_KINDS]; /* n */
};

/* Which values are looked at depends on their numbers alone: every step of a run has the same. */
static void choose_values(struct gn_tensors *t, uint64_t most)
{
    uint64_t all = 0;
    for (int k = 0; k < t->n; k++)
        all += t->graph->tensors[t->index[k]].count;
    const uint64_t every = all / (most == 0 ? 1 : most) + (most == 0 || all % most > 0);
    for (int k = 0; k < t->n; k++) {
        const uint64_t fewest = t->graph->tensors[t->index[k]].count / FEWEST;
        t->every[k] = every <= fewest ? (size_t)every : fewest == 0 ? 1 : (size_t)fewest;
    }
}

struct gn_tensors *gn_tensors_create(const struct gn_graph *graph, const char *freeze, int threads,
                                     uint64_t most)
{
    struct gn_tensors *t = gn_calloc(1, sizeof *t, "histograms");
    if (t == NULL)
        return NULL;
    t->graph = graph;
    t->threads = threads;
    t->index = gn_calloc((size_t)graph->n_tensors + 1, sizeof *t->index, "histograms");
    t->every = gn_calloc((size_t)graph->n_tensors + 1, sizeof *t->every, "histograms");
    t->histograms = gn_calloc((size_t)graph->n_tensors + 1, sizeof *t->histograms, "histograms");
    t->before = gn_calloc(graph->n_floats + 1, sizeof(float), "the weights before an update");
    if (t->index == NULL || t->every == NULL || t->histograms == NULL || t->before == NULL) {
        gn_tensors_free(t);
        return NULL;
    }
    for (int i = 0; i < graph->n_tensors; i++)
        if (graph->tensors[i].trainable && !gn_pattern_matches(freeze, graph->tensors[i].name))
            t->index[t->n++] = i;
    choose_values(t, most);
    return t;
}

void gn_tensors_free(struct gn_tensors *tensors)
{
    if (tensors == NULL)
        return;
    gn_free(tensors->index);
    gn_free(tensors->every);
    gn_free(tensors->histograms);
    gn_free(tensors->before);
    gn_free(tensors);
}

/* The values of x that are looked at, next to each other in `to`; returns their number. */
static size_t gather(float *to, const float *x, size_t n, size_t every)
{
    size_t found = 0;
    if (every == 1)
        memcpy(to, x, n * sizeof *x);
    else
        for (size_t i = 0; i < n; i += every)
            to[found++] = x[i];
    return every == 1 ? n : found;
}

static void keep_before(void *argument, size_t k)
{
    struct gn_tensors *t = argument;
    const struct gn_tensor *tensor = &t->graph->tensors[t->index[k]];
    (void)gather(t->before + tensor->offset, t->params + tensor->offset, tensor->count,
                 t->every[k]);
}

void gn_tensors_before(struct gn_tensors *tensors, const float *params)
{
    tensors->params = params;
    gn_parallel(tensors->threads, (size_t)tensors->n, keep_before, tensors);
    tensors->has_before = true;
}

/* log10 of a positive normal number to about 1e-4: the exponent, and a polynomial for the fraction. */
static float rough_log10(float x)
{
    static const float ten = 0.30102999566F; /* log10(2) */
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int exponent = (int)(bits >> 23) - 127;
    bits = (bits & 0x7fffffU) | 0x3f800000U;
    float m;
    memcpy(&m, &bits, sizeof m);
    const float log2 = ((-0.081615808F * m + 0.645142872F) * m - 2.120675146F) * m + 4.070090700F;
    return ((float)exponent + log2 * m - 2.512854617F) * ten;
}

/* Relative changes take the place of what was before; returns their number. A weight that was 0, or
 * does not move, has none. */
static size_t take_changes(float *before, const float *after, size_t n, size_t every)
{
    static const float least = 1e-30F;
    size_t found = 0;
    for (size_t i = 0, k = 0; i < n; i += every, k++) {
        const float w = before[k] < 0 ? -before[k] : before[k];
        const float moved = after[i] - before[k], d = moved < 0 ? -moved : moved;
        if (w > least && d > least && d / w > least)
            before[found++] = rough_log10(d / w);
    }
    return found;
}

/* What was before an update is not needed any more after the changes: its room is for what is gathered. */
static void look_at(void *argument, size_t k)
{
    struct gn_tensors *t = argument;
    const struct gn_tensor *tensor = &t->graph->tensors[t->index[k]];
    const size_t n = tensor->count, every = t->every[k];
    const float *after = t->params + tensor->offset, *grads = t->grads + tensor->offset;
    float *room = t->before + tensor->offset;
    gn_histogram_of(room, take_changes(room, after, n, every), &t->histograms[k][UPDATES]);
    if (every == 1) {
        gn_histogram_of(after, n, &t->histograms[k][WEIGHTS]);
        gn_histogram_of(grads, n, &t->histograms[k][GRADIENTS]);
        return;
    }
    gn_histogram_of(room, gather(room, after, n, every), &t->histograms[k][WEIGHTS]);
    gn_histogram_of(room, gather(room, grads, n, every), &t->histograms[k][GRADIENTS]);
}

void gn_tensors_add(struct gn_tensors *tensors, const float *params, const float *grads,
                    struct gn_pb *values)
{
    static const char *const kinds[N_KINDS] = { "weights", "gradients", "updates" };
    if (!tensors->has_before)
        return;
    tensors->has_before = false;
    tensors->params = params;
    tensors->grads = grads;
    gn_parallel(tensors->threads, (size_t)tensors->n, look_at, tensors);
    for (int kind = 0; kind < N_KINDS; kind++)
        for (int i = 0; i < tensors->n; i++) {
            char tag[GN_NAME_BYTES + 32];
            (void)snprintf(tag, sizeof tag, "%s/%s", kinds[kind],
                           tensors->graph->tensors[tensors->index[i]].name);
            gn_value_histogram(values, tag, &tensors->histograms[i][kind]);
        }
}

uint64_t gn_tensors_bytes(const struct gn_tensors *tensors)
{
    enum { OTHERS = 100 }; /* tag, sums, lengths */
    return (uint64_t)tensors->n * N_KINDS * (2 * GN_BINS * sizeof(double) + OTHERS);
}
