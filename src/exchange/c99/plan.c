/*
 * A network as steps over one arena, for one image: what prediction does (plan/), without what is there
 * for speed alone. ReLU, normalisation and rounding to bytes become part of the layer before them, branches
 * write into their slice of a concatenation, and memory is used again by lifetime. Values are bytes where they
 * are so in a plan (plan/bytes.h).
 */
#include "exchange/c99/file.h"

#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>

/* ---- Which layers become part of another ---- */

int gn_c99_input(const struct gn_c99_file *file, int i, int k)
{
    return file->values[file->net->graph->layers[i].inputs[k]].same_as;
}

static int live_readers(const struct gn_c99_file *file, int i, const bool *live)
{
    const struct gn_graph *g = file->net->graph;
    int n = i == file->net->output;
    for (int j = i + 1; j < g->n_layers; j++)
        for (int k = 0; live[j] && k < g->layers[j].n_inputs; k++)
            n += g->layers[j].inputs[k] == i;
    return n;
}

/* The layer before that layer i becomes part of, -1: none. */
static int host_of(const struct gn_c99_file *file, int i, const bool *live)
{
    const struct gn_graph *g = file->net->graph;
    const int in = g->layers[i].n_inputs > 0 ? g->layers[i].inputs[0] : -1;
    if (in < 0)
        return -1;
    const bool alone = live_readers(file, in, live) == 1;
    switch (g->layers[i].op->fuses) {
    case GN_FUSE_RELU:
        return alone && g->layers[in].op->takes_relu ? file->values[in].same_as : -1;
    case GN_FUSE_NORM:
        return alone && g->layers[in].op->takes_norm ? in : -1;
    case GN_FUSE_BYTES: /* also of sums of floats: only the bytes are kept */
        return alone && file->values[i].stands.bytes &&
                       g->layers[file->values[in].same_as].op->multiplies
                   ? file->values[in].same_as
                   : -1;
    case GN_FUSE_SAME:
        return file->values[in].same_as;
    default:
        return -1;
    }
}

static void begin(struct gn_c99_file *file, const struct gn_kernel_set *kernels)
{
    struct gn_byte_choice choices[GN_MAX_LAYERS];
    gn_choose_bytes(file->net, kernels, choices);
    for (int i = 0; i < file->net->graph->n_layers; i++)
        file->values[i] = (struct gn_c99_value){
            .same_as = i, .norm = -1, .slice_of = -1, .first = -1, .stands = choices[i]
        };
}

static void fuse(struct gn_c99_file *file)
{
    const struct gn_graph *g = file->net->graph;
    bool live[GN_MAX_LAYERS] = { false };
    gn_graph_mark_live(g, file->net->output, live);
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_c99_value *v = &file->values[i];
        const int host = live[i] ? host_of(file, i, live) : -1;
        v->runs = live[i] && host < 0 && g->layers[i].n_inputs > 0;
        if (host < 0)
            continue;
        v->same_as = host;
        if (g->layers[i].op->fuses == GN_FUSE_RELU)
            file->values[host].relu = true;
        else if (g->layers[i].op->fuses == GN_FUSE_NORM)
            file->values[host].norm = i;
        else if (g->layers[i].op->fuses == GN_FUSE_BYTES) {
            file->values[host].stands.bytes = true;
            file->values[host].stands.scale = v->stands.scale;
        }
    }
    for (int i = 0; i < g->n_layers; i++)
        for (int k = 0; file->values[i].runs && k < g->layers[i].n_inputs; k++)
            file->values[gn_c99_input(file, i, k)].readers++;
}

/* ---- Where values lie ---- */

/* A branch that nothing else reads is computed in its slice. */
static void slice(struct gn_c99_file *file)
{
    const struct gn_graph *g = file->net->graph;
    for (int i = 0; i < g->n_layers; i++) {
        int channel = 0;
        for (int k = 0; file->values[i].runs && g->layers[i].op->joins && k < g->layers[i].n_inputs;
             k++) {
            const int in = gn_c99_input(file, i, k);
            struct gn_c99_value *v = &file->values[in];
            if (v->runs && v->readers == 1) {
                v->slice_of = i;
                v->channel = channel;
            }
            channel += g->layers[in].out.c;
        }
    }
}

static int whole_of(const struct gn_c99_file *file, int i)
{
    while (file->values[i].slice_of >= 0)
        i = file->values[i].slice_of;
    return i;
}

static size_t number_bytes(const struct gn_c99_file *file, int i)
{
    return file->values[i].stands.bytes ? 1 : sizeof(float);
}

size_t gn_c99_place(const struct gn_c99_file *file, int i, int *ld)
{
    const size_t bytes = number_bytes(file, i);
    size_t channel = 0;
    for (; file->values[i].slice_of >= 0; i = file->values[i].slice_of)
        channel += (size_t)file->values[i].channel;
    GN_ASSERT(number_bytes(file, i) == bytes);
    *ld = file->net->graph->layers[i].out.c;
    return file->values[i].offset + channel * bytes;
}

static void need(struct gn_c99_file *file, int value, int step)
{
    struct gn_c99_value *v = &file->values[whole_of(file, value)];
    v->first = v->first < 0 || step < v->first ? step : v->first;
    v->last = step > v->last ? step : v->last;
}

static gn_status measure(struct gn_c99_file *file)
{
    const struct gn_graph *g = file->net->graph;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *l = &g->layers[i];
        struct gn_c99_value *v = &file->values[i];
        const size_t values = (size_t)l->out.h * (size_t)l->out.w * (size_t)l->out.c;
        v->bytes = (values * number_bytes(file, i) + 3) / 4 * 4;
        const struct gn_geometry *w = &l->window;
        const bool multiplies = l->op->multiplies;
        const double weights = multiplies ? (double)w->kh * w->kw * w->c * w->oc : 0;
        if ((v->runs || i == 0) && (values > INT_MAX || weights > INT_MAX))
            GN_FAIL(GN_STATUS_UNSUPPORTED,
                    "%s: layer %s has more than %d values, which C's int cannot count",
                    file->options->path, l->name, INT_MAX);
        if (!v->runs)
            continue;
        need(file, i, i);
        for (int k = 0; k < l->n_inputs; k++)
            need(file, gn_c99_input(file, i, k), i);
    }
    need(file, file->values[file->net->output].same_as, g->n_layers);
    return GN_OK;
}

/* ---- Lifetimes become offsets, as in plan/arena.c ---- */

static int larger_first(const void *a, const void *b)
{
    const struct gn_c99_value *const *x = a, *const *y = b;
    if ((*x)->bytes != (*y)->bytes)
        return (*x)->bytes < (*y)->bytes ? 1 : -1;
    return *x < *y ? -1 : *x > *y;
}

static bool meet(const struct gn_c99_value *a, const struct gn_c99_value *b)
{
    return a->first <= b->last && b->first <= a->last && a->offset < b->offset + b->bytes &&
           b->offset < a->offset + a->bytes;
}

/* The lowest offset for list[n] next to those before it. */
static void place(struct gn_c99_value **list, int n)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            if (!meet(list[n], list[i]))
                continue;
            list[n]->offset = list[i]->offset + list[i]->bytes;
            moved = true;
        }
    }
}

gn_status gn_c99_plan(struct gn_c99_file *file)
{
    const struct gn_graph *g = file->net->graph;
    const struct gn_kernel_set *kernels = gn_cpu_kernels();
    if (kernels == NULL)
        return gn_last_status();
    begin(file, kernels);
    fuse(file);
    slice(file);
    GN_TRY(measure(file));
    struct gn_c99_value **list =
        gn_calloc((size_t)g->n_layers, sizeof(struct gn_c99_value *), "steps of a C file");
    if (list == NULL)
        return gn_last_status();
    int n = 0;
    for (int i = 0; i < g->n_layers; i++)
        if (file->values[i].runs && file->values[i].slice_of < 0 && file->values[i].first >= 0)
            list[n++] = &file->values[i];
    qsort(list, (size_t)n, sizeof(struct gn_c99_value *), larger_first);
    for (int i = 0; i < n; i++) {
        place(list, i);
        const size_t end = list[i]->offset + list[i]->bytes;
        file->arena = end > file->arena ? end : file->arena;
    }
    gn_free(list);
    return GN_OK;
}
