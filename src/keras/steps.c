/*
 * The notebook's form of a network: stages that are Sequential models, Inception blocks, a dense layer at the
 * end. What is not of this form has no place in it and is named.
 */
#include "base/memory.h"
#include "keras/export.h"
#include "ops/batch_norm/norm.h"
#include "ops/rules.h"

#include <string.h>

static const char *const parts[] = { "p1_1", "p2_1", "p2_2", "p3_1", "p3_2", "p4_2" };

struct walk {
    const gn_net *net;
    const char *name; /* of the file */
    struct gn_keras_step *steps;
    int n;
};

static gn_status refuse(const struct walk *w, int layer, const char *why)
{
    char clean[GN_NAME_BYTES];
    GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: Keras: layer \"%s\": %s", w->name,
            gn_printable(clean, sizeof clean, w->net->graph->layers[layer].name), why);
}

/* The one layer that reads layer i, -1: none or several. */
static int reader_of(const struct gn_graph *g, int i)
{
    int found = -1;
    for (int k = i + 1; k < g->n_layers; k++)
        for (int j = 0; j < g->layers[k].n_inputs; j++)
            if (g->layers[k].inputs[j] == i) {
                if (found >= 0)
                    return -1;
                found = k;
            }
    return found;
}

static bool is_same(const struct gn_geometry *g)
{
    int oh, ow, top, left, after;
    gn_same_padding(g->h, g->kh, g->stride_h, &oh, &top, &after);
    gn_same_padding(g->w, g->kw, g->stride_w, &ow, &left, &after);
    return oh == g->oh && ow == g->ow && top == g->pad_top && left == g->pad_left;
}

/* A convolution with what follows it: *end gets the last layer. */
static gn_status read_conv(const struct walk *w, int i, int *norm, bool *relu, int *end)
{
    const struct gn_graph *g = w->net->graph;
    *norm = -1;
    *relu = false;
    *end = i;
    if (!is_same(&g->layers[i].window))
        return refuse(w, i, "its padding is not \"same\"");
    for (int next = reader_of(g, i); next >= 0; next = reader_of(g, *end)) {
        const enum gn_fusion fuses = g->layers[next].op->fuses;
        if (fuses == GN_FUSE_NORM && *norm < 0 && !*relu)
            *norm = next;
        else if (fuses == GN_FUSE_RELU && !*relu)
            *relu = true;
        else
            break;
        *end = next;
    }
    return GN_OK;
}

/* Which part of a block a name is: "b3.inception3a.p2_1" and "b3.inception3a", -1: none. */
static int part_of(const char *name, const char *block)
{
    const size_t n = strlen(block);
    if (strncmp(name, block, n) != 0 || name[n] != '.')
        return -1;
    for (int k = 0; k < 6; k++)
        if (strcmp(name + n + 1, parts[k]) == 0)
            return k;
    return -1;
}

static gn_status read_block(struct walk *w, int concat, struct gn_keras_step *s)
{
    static const int kernels[] = { 1, 1, 3, 1, 0, 1 };
    const struct gn_graph *g = w->net->graph;
    for (int k = 0; k < 6; k++)
        s->convs[k] = -1;
    for (int i = 0; i < concat; i++) {
        const int k = part_of(g->layers[i].name, g->layers[concat].name);
        bool relu;
        int end;
        if (k < 0 || g->layers[i].op->tensors[0].shape != GN_TENSOR_WINDOW ||
            !g->layers[i].op->multiplies)
            continue;
        GN_TRY(read_conv(w, i, &s->norms[k], &relu, &end));
        if (!relu || (kernels[k] != 0 && g->layers[i].window.kh != kernels[k]) ||
            g->layers[i].window.stride_h != 1)
            return refuse(w, i, "it is not what an Inception block has there");
        s->convs[k] = i;
    }
    for (int k = 0; k < 6; k++)
        if (s->convs[k] < 0)
            return refuse(w, concat, "it does not end an Inception block of four paths");
    return GN_OK;
}

static bool in_block(const struct gn_graph *g, int i)
{
    for (int k = i + 1; k < g->n_layers; k++)
        if (g->layers[k].op->joins) {
            const size_t n = strlen(g->layers[k].name);
            if (strncmp(g->layers[i].name, g->layers[k].name, n) == 0 &&
                g->layers[i].name[n] == '.')
                return true;
        }
    return false;
}

static gn_status add(struct walk *w, int i)
{
    const struct gn_graph *g = w->net->graph;
    const struct gn_layer *l = &g->layers[i];
    struct gn_keras_step *s = &w->steps[w->n];
    int end;
    *s = (struct gn_keras_step){ .layer = i, .stage = l->stage };
    if (l->n_inputs == 0 || l->op->fuses != GN_FUSE_NONE || (in_block(g, i) && !l->op->joins))
        return l->op->fuses == GN_FUSE_SAME ? refuse(w, i, "it is not in the notebook's form")
                                            : GN_OK;
    w->n++;
    if (l->op->joins) {
        s->part = GN_KERAS_BLOCK;
        return read_block(w, i, s);
    }
    if (l->op->id == GN_OP_GLOBAL_AVG_POOL) {
        s->part = GN_KERAS_MEAN_POOL;
    } else if (l->op->id == GN_OP_MAX_POOL && is_same(&l->window)) {
        s->part = GN_KERAS_POOL;
    } else if (l->op->multiplies && l->op->tensors[0].shape == GN_TENSOR_WINDOW) {
        s->part = GN_KERAS_CONV;
        return read_conv(w, i, &s->norms[0], &s->relu, &end);
    } else if (l->op->multiplies && i == w->net->output) {
        s->part = GN_KERAS_DENSE;
    } else {
        return refuse(w, i, "it is not in the notebook's form");
    }
    return GN_OK;
}

/* Names by class and rank within each container, as Keras 3 gives them. */
static void name_all(struct walk *w, bool as_model)
{
    int stages = 0, last = -2;
    int convs = 0, blocks = 0, norms = 0;
    char stage[48] = "";
    for (int i = 0; i < w->n; i++) {
        struct gn_keras_step *s = &w->steps[i];
        if (s->stage != last) {
            if (s->stage >= 0 && stages > 0)
                (void)snprintf(stage, sizeof stage, "layers/sequential_%d/", stages);
            else
                (void)snprintf(stage, sizeof stage, "%s",
                               s->stage >= 0 ? "layers/sequential/" : "");
            stages += s->stage >= 0;
            convs = blocks = norms = 0;
            last = s->stage;
        }
        const char *kind = s->part == GN_KERAS_BLOCK ? "inception" : "conv2d";
        int *count = s->part == GN_KERAS_BLOCK ? &blocks : &convs;
        if (s->part == GN_KERAS_DENSE)
            (void)snprintf(s->path, sizeof s->path, "%slayers/dense", stage);
        else if (s->part == GN_KERAS_BLOCK || s->part == GN_KERAS_CONV) {
            char number[16] = "";
            if (*count > 0)
                (void)snprintf(number, sizeof number, "_%d", *count);
            ++*count;
            (void)snprintf(s->path, sizeof s->path, "%slayers/%s%s", stage, kind, number);
        }
        if (s->part == GN_KERAS_CONV && s->norms[0] >= 0)
            s->convs[0] = norms++; /* the rank of its normalisation */
    }
    (void)as_model;
}

gn_status gn_keras_steps(const gn_net *net, const char *name, bool as_model,
                         struct gn_keras_step **steps, int *n)
{
    struct walk w = { .net = net, .name = name };
    w.steps = gn_calloc((size_t)net->graph->n_layers + 1, sizeof *w.steps, "steps of a network");
    gn_status status = w.steps == NULL ? gn_last_status() : GN_OK;
    for (int i = 0; i <= net->output && status == GN_OK; i++)
        status = add(&w, i);
    name_all(&w, as_model);
    *steps = w.steps;
    *n = w.n;
    return status;
}
