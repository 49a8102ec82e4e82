/*
 * Pass 0: which values of a quantised network stand as bytes. A layer `quantize` makes them; a max pool and a
 * concatenation of bytes with one scale give bytes; convolutions with weights of 8 bits and the global mean
 * read them. Whoever else reads such a value has it as floats, and then everybody has: the layer `quantize`
 * rounds floats, and the convolutions compute with the same weights as floats.
 *
 * Plans that go back compute in floats alone.
 */
#include "plan/bytes.h"

#include "ops/attributes.h"
#include "plan/internal.h"

/* A choice in the making. */
struct chooser {
    const gn_net *net;
    const struct gn_kernel_set *kernels;
    struct gn_byte_choice *values; /* one a layer */
};

static const struct gn_layer *layer_of(const struct chooser *c, int i)
{
    return &c->net->graph->layers[i];
}

static bool has_kernel(const struct chooser *c, int i)
{
    return c->kernels->table[layer_of(c, i)->op->id][GN_PASS_FORWARD_BYTES].run != NULL;
}

/* Whether a normalisation becomes part of layer i: its weights would not be those of the file. */
static bool has_norm_after(const struct chooser *c, int i)
{
    const struct gn_graph *g = c->net->graph;
    for (int j = i + 1; j < g->n_layers; j++)
        if (g->layers[j].op->fuses == GN_FUSE_NORM && g->layers[j].inputs[0] == i)
            return true;
    return false;
}

/* Whether layer i is a convolution that can read bytes. */
static bool multiplies_bytes(const struct chooser *c, int i)
{
    const struct gn_layer *layer = layer_of(c, i);
    const struct gn_geometry *w = &layer->window;
    return gn_layer_flag(layer, "int8") && w->c % 4 == 0 && has_kernel(c, i) &&
           (long long)w->kh * w->kw * w->c <= GN_BYTES_SUM && !has_norm_after(c, i);
}

/* Whether layer i gives what it reads, in the same numbers. */
static bool passes_on(const struct chooser *c, int i)
{
    const struct gn_layer *layer = layer_of(c, i);
    return layer->op->joins || layer->op->fuses == GN_FUSE_SAME ||
           (layer->op->id == GN_OP_MAX_POOL && has_kernel(c, i));
}

/* What would be bytes if all readers took them. */
static void find_candidates(const struct chooser *c)
{
    for (int i = 0; i < c->net->graph->n_layers; i++) {
        const struct gn_layer *layer = layer_of(c, i);
        struct gn_byte_choice *v = &c->values[i];
        *v = (struct gn_byte_choice){ 0 };
        if (layer->op->fuses == GN_FUSE_BYTES) {
            const struct gn_quantize_attributes *own = gn_layer_attributes(layer);
            v->scale = (float)own->scale;
            v->bytes = true;
        } else if (layer->n_inputs > 0 && passes_on(c, i)) {
            v->scale = c->values[layer->inputs[0]].scale;
            v->bytes = true;
            for (int k = 0; k < layer->n_inputs; k++) {
                const struct gn_byte_choice *in = &c->values[layer->inputs[k]];
                v->bytes &= in->bytes && !(in->scale < v->scale || in->scale > v->scale);
            }
        }
    }
}

/* Whether layer i takes its inputs as bytes. */
static bool takes_bytes(const struct chooser *c, int i)
{
    const struct gn_layer *layer = layer_of(c, i);
    return (passes_on(c, i) && c->values[i].bytes) || multiplies_bytes(c, i) ||
           (layer->op->id == GN_OP_GLOBAL_AVG_POOL && has_kernel(c, i));
}

/* One round: a value that somebody reads as floats, or that comes from floats, is floats. False: no change. */
static bool drop(const struct chooser *c, const bool *live)
{
    bool changed = false;
    for (int i = c->net->graph->n_layers - 1; i >= 0; i--) {
        const struct gn_layer *layer = layer_of(c, i);
        const bool takes = takes_bytes(c, i), passes = passes_on(c, i);
        for (int k = 0; live[i] && k < layer->n_inputs; k++) {
            struct gn_byte_choice *in = &c->values[layer->inputs[k]], *own = &c->values[i];
            changed |= (in->bytes && !takes) || (own->bytes && passes && !in->bytes);
            in->bytes &= takes;
            own->bytes &= !passes || in->bytes;
        }
    }
    return changed;
}

void gn_choose_bytes(const gn_net *net, const struct gn_kernel_set *kernels,
                     struct gn_byte_choice *choices)
{
    const struct gn_graph *g = net->graph;
    const struct chooser c = { net, kernels, choices };
    bool live[GN_MAX_LAYERS] = { false };
    for (int i = 0; i < g->n_layers; i++)
        choices[i] = (struct gn_byte_choice){ 0 };
    if (kernels->table[GN_OP_QUANTIZE][GN_PASS_FORWARD_BYTES].run == NULL)
        return;
    gn_graph_mark_live(g, net->output, live);
    find_candidates(&c);
    choices[net->output].bytes = false;
    while (drop(&c, live)) {
    }
    for (int i = 0; i < g->n_layers; i++) {
        struct gn_byte_choice *v = &choices[i];
        v->int8 = live[i] && multiplies_bytes(&c, i) && choices[g->layers[i].inputs[0]].bytes;
        v->scale = v->bytes ? v->scale : 0;
    }
}

void gn_plan_choose_bytes(struct gn_plan *plan)
{
    struct gn_byte_choice choices[GN_MAX_LAYERS];
    if (plan->goes_back)
        return;
    gn_choose_bytes(plan->net, plan->kernels, choices);
    for (int i = 0; i < plan->net->graph->n_layers; i++) {
        plan->values[i].bytes = choices[i].bytes;
        plan->values[i].scale = choices[i].scale;
        plan->values[i].int8 = choices[i].int8;
    }
}

struct gn_scales gn_plan_scales_of(const struct gn_plan *plan, int i)
{
    struct gn_scales b = { 0 };
    if (plan->net->graph->layers[i].n_inputs == 0)
        return b;
    const struct gn_value *in = &plan->values[gn_plan_input(plan, i, 0)], *own = &plan->values[i];
    b.in = in->bytes ? in->scale : 0;
    b.out = own->bytes ? own->scale : 0;
    return b;
}

enum gn_pass gn_plan_forward_pass(const struct gn_plan *plan, int i)
{
    const struct gn_scales b = gn_plan_scales_of(plan, i);
    return b.in > 0 || b.out > 0 ? GN_PASS_FORWARD_BYTES : GN_PASS_FORWARD;
}

enum gn_pass gn_plan_pack_pass(const struct gn_plan *plan, int i)
{
    return plan->values[i].int8 ? GN_PASS_PACK_BYTES : GN_PASS_PACK;
}

gn_status gn_plan_pack_bytes(struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    const int number = plan->values[i].group;
    const struct gn_group *group = number < 0 ? NULL : &plan->groups[number];
    for (int k = 0; k < (group == NULL ? 1 : group->n); k++) {
        const int member = group == NULL ? i : group->members[k];
        struct gn_step s = gn_plan_step(plan, i, "prepare");
        s.group = -1;
        gn_plan_set_layer(plan, &s, member);
        s.args.scales.in = plan->values[gn_plan_input(plan, i, 0)].scale;
        s.args.scales.out = plan->values[member].bytes ? plan->values[member].scale : 0;
        s.args.scales.first = group == NULL ? 0 : group->channels[k];
        s.args.scales.columns = g->layers[member].out.c;
        GN_TRY(gn_plan_emit(plan, &s, g->layers[i].op->id, GN_PASS_PACK_BYTES));
    }
    return GN_OK;
}
