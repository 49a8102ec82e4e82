/*
 * Pass 6: the flat list of steps. Forward follows the graph; backward walks it from the end. A value
 * that several layers read collects its gradient without extra steps: the first contribution writes,
 * later ones add, and the last one applies the mask of the ReLU that made the value.
 */
#include "ops/rules.h"
#include "plan/internal.h"

/* A buffer is alive from the first to the last step that names it. */
static void touch(struct gn_plan *plan, int buffer, int step)
{
    if (buffer < 0)
        return;
    struct gn_buffer *b = &plan->buffers[buffer];
    if (b->first < 0)
        b->first = step;
    b->last = step;
}

gn_status gn_plan_emit(struct gn_plan *plan, const struct gn_step *step, enum gn_op op,
                       enum gn_pass pass)
{
    const struct gn_kernel *kernel = &plan->kernels->table[op][pass];
    if (kernel->run == NULL)
        return GN_OK;
    if (plan->n_steps == plan->cap_steps)
        GN_FAIL(GN_STATUS_INTERNAL, "plan: more steps than layers allow");
    const int at = plan->n_steps++;
    plan->steps[at] = *step;
    plan->steps[at].kernel = kernel;
    struct gn_args *a = &plan->steps[at].args; /* pointers follow when the arena stands */
    const struct gn_place places[] = { step->x, step->x2, step->y, step->dx, step->dy };
    struct gn_view *const views[] = { &a->x, &a->x2, &a->y, &a->dx, &a->dy };
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        touch(plan, places[k].buffer, at);
        views[k]->ld = places[k].ld;
    }
    touch(plan, step->kept, at);
    touch(plan, step->shared, at);
    const size_t bytes = kernel->scratch_bytes == NULL ? 0 : kernel->scratch_bytes(a);
    plan->scratch_bytes = bytes > plan->scratch_bytes ? bytes : plan->scratch_bytes;
    return GN_OK;
}

static const struct gn_place nowhere = { GN_PLACE_NONE, 0, 0 };

void gn_plan_set_layer(const struct gn_plan *plan, struct gn_step *s, int i)
{
    const struct gn_graph *g = plan->net->graph;
    const struct gn_layer *layer = &g->layers[i];
    s->args.attributes = gn_layer_attributes(layer);
    s->args.number = i;
    s->args.keep = plan->norm_momentum;
    s->args.groups = plan->group_sums == NULL ? NULL : plan->group_sums + plan->values[i].groups_at;
    s->args.groups_stride = plan->groups_stride;
    s->args.frozen = plan->train && !plan->values[i].trains;
    for (int t = 0; t < GN_LAYER_TENSORS; t++)
        if (layer->tensors[t] >= 0)
            s->args.tensors[t] = plan->net->params + g->tensors[layer->tensors[t]].offset;
    s->kept = plan->values[i].kept;
    s->shared = plan->values[i].shared;
}

struct gn_step gn_plan_step(const struct gn_plan *plan, int i, const char *pass)
{
    struct gn_step s = { .layer = i, .group = plan->values[i].group, .pass = pass };
    s.x = s.x2 = s.y = s.dx = s.dy = nowhere;
    s.args.g = *gn_plan_window(plan, i);
    s.args.threads = plan->threads;
    s.args.relu = plan->values[i].relu;
    s.args.half = plan->values[i].half;
    gn_plan_set_layer(plan, &s, i);
    if (s.group >= 0)
        return s; /* joint parameters: bound with the arena */
    if (gn_plan_multiplies(plan, i)) {
        s.args.w = s.args.tensors[0];
        s.args.b = s.args.tensors[1];
    }
    return s;
}

/* Where tensor `t` of the net's parameters or gradients stands, as a matrix. */
static struct gn_place tensor_at(const struct gn_plan *plan, enum gn_place_kind kind, int t)
{
    const struct gn_tensor *tensor = &plan->net->graph->tensors[t];
    return (struct gn_place){ kind, (int)tensor->offset, tensor->shape[tensor->rank - 1] };
}

/* A copy between one member's weights or bias (tensor `t`) and its columns of the joint ones. */
static struct gn_step copy_of_member(const struct gn_plan *plan, const struct gn_group *group,
                                     int k, const char *pass, int t)
{
    struct gn_step s = gn_plan_step(plan, group->members[k], pass);
    const struct gn_tensor *tensor = &plan->net->graph->tensors[t];
    const int columns = tensor->shape[tensor->rank - 1];
    s.group = -1;
    s.args.g = gn_same_geometry(
        (struct gn_shape){ .h = (int)(tensor->count / (size_t)columns), .w = 1, .c = columns });
    return s;
}

/* Weights and bias of member k with its normalisation in them. */
static gn_status fold(struct gn_plan *plan, const struct gn_group *group, int k)
{
    const struct gn_net *net = plan->net;
    const int i = group->members[k];
    const struct gn_layer *layer = &net->graph->layers[i];
    const int norm = plan->values[i].norm;
    const enum gn_op op = net->graph->layers[norm].op->id;
    struct gn_step s = gn_plan_step(plan, i, "prepare");
    s.group = -1;
    gn_plan_set_layer(plan, &s, norm);
    s.args.g = layer->window;
    s.args.w = net->params + net->graph->tensors[layer->weight].offset;
    if (layer->bias >= 0)
        s.args.b = net->params + net->graph->tensors[layer->bias].offset;
    s.y = (struct gn_place){ group->weights, group->channels[k], group->window.oc };
    GN_TRY(gn_plan_emit(plan, &s, op, GN_PASS_FOLD));
    s.y.buffer = group->bias;
    return gn_plan_emit(plan, &s, op, GN_PASS_FOLD_BIAS);
}

/* Weights and bias of all members next to each other. */
static gn_status join(struct gn_plan *plan, const struct gn_group *group)
{
    const struct gn_graph *g = plan->net->graph;
    for (int k = 0; k < group->n; k++) {
        if (plan->values[group->members[k]].norm >= 0) {
            GN_TRY(fold(plan, group, k));
            continue;
        }
        const struct gn_layer *layer = &g->layers[group->members[k]];
        const int tensors[2] = { layer->weight, layer->bias };
        const int buffers[2] = { group->weights, group->bias };
        for (int t = 0; t < 2; t++) {
            if (tensors[t] < 0)
                continue;
            struct gn_step s = copy_of_member(plan, group, k, "prepare", tensors[t]);
            s.x = tensor_at(plan, GN_PLACE_PARAMS, tensors[t]);
            s.y = (struct gn_place){ buffers[t], group->channels[k], group->window.oc };
            GN_TRY(gn_plan_emit(plan, &s, GN_OP_CONCAT, GN_PASS_FORWARD));
        }
    }
    return GN_OK;
}

/* The joint gradients, apart. */
static gn_status split(struct gn_plan *plan, const struct gn_group *group)
{
    const struct gn_graph *g = plan->net->graph;
    for (int k = 0; k < group->n; k++) {
        const struct gn_layer *layer = &g->layers[group->members[k]];
        const int tensors[2] = { layer->weight, layer->bias };
        const int buffers[2] = { group->dw, group->db };
        for (int t = 0; t < 2; t++) {
            if (tensors[t] < 0)
                continue;
            struct gn_step s = copy_of_member(plan, group, k, "backward", tensors[t]);
            s.dy = (struct gn_place){ buffers[t], group->channels[k], group->window.oc };
            s.dx = tensor_at(plan, GN_PLACE_GRADS, tensors[t]);
            s.x = s.dy; /* the gradient of a copy does not read it */
            s.joint = t == 0 ? group->dw_floats : group->db_floats;
            GN_TRY(gn_plan_emit(plan, &s, GN_OP_CONCAT, GN_PASS_BACK));
        }
    }
    return GN_OK;
}

static void keep(struct gn_plan *plan, int buffer)
{
    if (buffer < 0)
        return;
    plan->buffers[buffer].first = 0;
    plan->buffers[buffer].last = plan->n_steps;
}

/* Joint parameters outlive the steps that name them: the next slice, or the next call, reads the
 * bias and adds to the gradients. Kernels that do not pack read the weights themselves. */
static void keep_joint_parameters(struct gn_plan *plan)
{
    const bool packs = plan->kernels->table[GN_OP_CONV][GN_PASS_PACK].run != NULL;
    for (int i = 0; i < plan->n_groups; i++) {
        keep(plan, plan->groups[i].bias);
        keep(plan, plan->groups[i].dw);
        keep(plan, plan->groups[i].db);
        keep(plan, packs ? GN_PLACE_NONE : plan->groups[i].weights);
    }
}

/* Whose kernels compute layer i: its own operator's, or Winograd's with tiles. */
static enum gn_op kernels_of(const struct gn_plan *plan, int i, int tile)
{
    return tile > 0 ? GN_OP_WINOGRAD : plan->net->graph->layers[i].op->id;
}

static gn_status prepare(struct gn_plan *plan, int i)
{
    const struct gn_value *v = &plan->values[i];
    struct gn_step s = gn_plan_step(plan, i, "prepare");
    if (!gn_plan_multiplies(plan, i))
        return GN_OK;
    if (v->int8)
        return gn_plan_pack_bytes(plan, i);
    if (s.group >= 0) {
        GN_TRY(join(plan, &plan->groups[s.group]));
        s.x.buffer = plan->groups[s.group].weights; /* alive until they are packed */
    }
    s.args.tile = v->tile;
    GN_TRY(gn_plan_emit(plan, &s, kernels_of(plan, i, v->tile), GN_PASS_PACK));
    if (!plan->goes_back || !plan->values[gn_plan_input(plan, i, 0)].needs_gradient)
        return GN_OK;
    s.args.tile = v->tile_back;
    return gn_plan_emit(plan, &s, kernels_of(plan, i, v->tile_back), GN_PASS_PACK_BACK);
}

/* Inputs that are not slices of the concatenation are copied into it. */
static gn_status forward_concat(struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    int channel = 0;
    for (int k = 0; k < g->layers[i].n_inputs; k++) {
        const int in = gn_plan_input(plan, i, k);
        if (plan->values[in].in_place_of != i) {
            struct gn_step s = gn_plan_step(plan, i, "forward");
            s.args.g = gn_same_geometry(g->layers[in].out);
            s.x = plan->values[in].at;
            s.y = plan->values[i].at;
            s.y.channel += channel;
            GN_TRY(gn_plan_emit(plan, &s, GN_OP_CONCAT, gn_plan_forward_pass(plan, i)));
        }
        channel += g->layers[in].out.c;
    }
    return GN_OK;
}

/* The first two inputs, then what there is and the next one; the ReLU comes with the last. */
static gn_status forward_sum(struct gn_plan *plan, int i)
{
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    for (int k = 1; k < layer->n_inputs; k++) {
        struct gn_step s = gn_plan_step(plan, i, "forward");
        s.x = k == 1 ? plan->values[gn_plan_input(plan, i, 0)].at : plan->values[i].at;
        s.x2 = plan->values[gn_plan_input(plan, i, k)].at;
        s.y = plan->values[i].at;
        s.args.relu &= k == layer->n_inputs - 1;
        GN_TRY(gn_plan_emit(plan, &s, layer->op->id, GN_PASS_FORWARD));
    }
    return GN_OK;
}

/* Where layer i, or the group that it leads, writes. */
static struct gn_place output_place(const struct gn_plan *plan, int i)
{
    const int group = plan->values[i].group;
    return plan->values[group < 0 ? i : plan->groups[group].members[0]].at;
}

static struct gn_place output_gradient_place(const struct gn_plan *plan, int i)
{
    const int group = plan->values[i].group;
    return plan->values[group < 0 ? i : plan->groups[group].members[0]].gradient_at;
}

/* Whether layer i alone makes the gradient of its input, must mask it, and can do so by what it
 * keeps: then what it read need not be kept. */
static bool masks_forward(const struct gn_plan *plan, int i)
{
    const struct gn_value *in = &plan->values[gn_plan_input(plan, i, 0)];
    return plan->net->graph->layers[i].op->keeps_relu_mask && plan->values[i].kept >= 0 &&
           in->masked_by_consumers && in->gradients_due == 1;
}

static gn_status forward(struct gn_plan *plan, int i)
{
    const enum gn_pass passes[] = { GN_PASS_SUMS, GN_PASS_GRAIN_SUMS, GN_PASS_STATISTICS,
                                    gn_plan_forward_pass(plan, i) };
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    if (layer->op->joins)
        return forward_concat(plan, i);
    if (layer->op->adds)
        return forward_sum(plan, i);
    if (layer->n_inputs == 0)
        return GN_OK;
    struct gn_step s = gn_plan_step(plan, i, "forward");
    s.x = plan->values[gn_plan_input(plan, i, 0)].at;
    s.y = output_place(plan, i);
    s.args.mask = masks_forward(plan, i);
    s.args.scales = gn_plan_scales_of(plan, i);
    s.args.tile = plan->values[i].tile;
    for (size_t k = 0; k < sizeof passes / sizeof passes[0]; k++)
        GN_TRY(gn_plan_emit(plan, &s, kernels_of(plan, i, s.args.tile), passes[k]));
    return GN_OK;
}

/* Makes `s` the next contribution to the gradient of value `in`. */
static void contribute(struct gn_plan *plan, struct gn_step *s, int in)
{
    struct gn_value *v = &plan->values[in];
    s->x = v->at;
    s->dx = v->gradient_at;
    s->args.accumulate = v->gradients_done > 0;
    v->gradients_done++;
    s->args.mask = v->masked_by_consumers && v->gradients_done == v->gradients_due;
}

static gn_status backward_concat(struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    int channel = 0;
    for (int k = 0; k < g->layers[i].n_inputs; k++) {
        const int in = gn_plan_input(plan, i, k);
        if (plan->values[in].in_place_of != i && plan->values[in].needs_gradient) {
            struct gn_step s = gn_plan_step(plan, i, "backward");
            s.args.g = gn_same_geometry(g->layers[in].out);
            s.dy = plan->values[i].gradient_at;
            s.dy.channel += channel;
            contribute(plan, &s, in);
            GN_TRY(gn_plan_emit(plan, &s, GN_OP_CONCAT, GN_PASS_BACK));
        }
        channel += g->layers[in].out.c;
    }
    return GN_OK;
}

/* Each input has the gradient of the sum. */
static gn_status backward_sum(struct gn_plan *plan, int i)
{
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    for (int k = 0; k < layer->n_inputs; k++) {
        const int in = gn_plan_input(plan, i, k);
        if (!plan->values[in].needs_gradient)
            continue;
        struct gn_step s = gn_plan_step(plan, i, "backward");
        s.dy = plan->values[i].gradient_at;
        contribute(plan, &s, in);
        GN_TRY(gn_plan_emit(plan, &s, layer->op->id, GN_PASS_BACK));
    }
    return GN_OK;
}

/* Whether value i is the answer or a head: the loss, its only reader, masks nothing. */
static bool has_loss(const struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    bool found = i == plan->values[plan->net->output].same_as;
    for (int h = 0; h < g->n_heads; h++)
        found |= i == plan->values[g->heads[h].layer].same_as;
    return found;
}

/* The gradient of a fused ReLU that no consumer could mask: in place, as a step of its own. */
static gn_status mask_gradient(struct gn_plan *plan, int i)
{
    const struct gn_value *v = &plan->values[i];
    /* A slice has the consumers of the outermost concatenation that holds it. */
    int whole = i;
    while (plan->values[whole].in_place_of >= 0)
        whole = plan->values[whole].in_place_of;
    const bool masked = plan->values[whole].masked_by_consumers && !has_loss(plan, whole);
    if (!v->relu || masked)
        return GN_OK;
    struct gn_step s = gn_plan_step(plan, i, "backward");
    s.args.g = gn_same_geometry(plan->net->graph->layers[i].out);
    s.x = s.y = v->at;
    s.dx = s.dy = v->gradient_at;
    return gn_plan_emit(plan, &s, GN_OP_RELU, GN_PASS_BACK);
}

/* The gradients of the parameters of layer i, from that of its output, which `s` names. */
static gn_status parameter_gradients(struct gn_plan *plan, struct gn_step s, int i)
{
    if (!plan->values[i].trains)
        return GN_OK;
    s.x = plan->values[gn_plan_input(plan, i, 0)].at;
    s.args.tile = plan->values[i].tile_filter;
    const enum gn_op op = kernels_of(plan, i, s.args.tile);
    GN_TRY(gn_plan_emit(plan, &s, op, GN_PASS_GRADIENT_SUMS));
    GN_TRY(gn_plan_emit(plan, &s, op, GN_PASS_GRADIENT_GRAIN_SUMS));
    return gn_plan_emit(plan, &s, op, GN_PASS_GRADIENT);
}

/* The step that hands the gradient of layer i on to its input `in`. */
static gn_status input_gradient(struct gn_plan *plan, struct gn_step *s, int i, int in)
{
    const struct gn_operator *op = plan->net->graph->layers[i].op;
    contribute(plan, s, in);
    if (op->back_reads_y)
        s->y = plan->values[i].at;
    if (op->keeps_relu_mask) { /* the mask is the only reason to read the input again */
        s->args.mask &= !masks_forward(plan, i);
        s->x = s->args.mask ? s->x : nowhere;
    }
    s->args.tile = plan->values[i].tile_back;
    return gn_plan_emit(plan, s, kernels_of(plan, i, s->args.tile), GN_PASS_BACK);
}

static gn_status backward(struct gn_plan *plan, int i)
{
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    if (layer->n_inputs == 0 || i == plan->focus || !plan->values[i].needs_gradient)
        return GN_OK;
    if (layer->op->joins)
        return backward_concat(plan, i);
    const int group = plan->values[i].group;
    for (int k = 0; k < (group < 0 ? 1 : plan->groups[group].n); k++)
        GN_TRY(mask_gradient(plan, group < 0 ? i : plan->groups[group].members[k]));
    if (layer->op->adds)
        return backward_sum(plan, i);
    const int in = gn_plan_input(plan, i, 0);
    struct gn_step s = gn_plan_step(plan, i, "backward");
    s.dy = output_gradient_place(plan, i);
    GN_TRY(parameter_gradients(plan, s, i));
    return plan->values[in].needs_gradient ? input_gradient(plan, &s, i, in) : GN_OK;
}

/* The loss of the answer (head -1) or of an auxiliary head. */
static gn_status loss(struct gn_plan *plan, int head)
{
    const struct gn_graph *g = plan->net->graph;
    const int i = plan->values[head < 0 ? plan->net->output : g->heads[head].layer].same_as;
    struct gn_step s = gn_plan_step(plan, i, "backward");
    s.args.g = gn_same_geometry(g->layers[i].out);
    s.x = plan->values[i].at;
    s.dx = plan->values[i].gradient_at;
    struct gn_loss_args *args = &plan->loss_args[1 + head];
    *args = (struct gn_loss_args){ .labels = &plan->labels,
                                   .others = &plan->others,
                                   .shares = &plan->shares,
                                   .sums = plan->sums[1 + head],
                                   .weight = head < 0 ? 1 : g->heads[head].weight,
                                   .class_weights = plan->class_weights,
                                   .smoothing = plan->label_smoothing };
    s.args.loss = args;
    return gn_plan_emit(plan, &s, GN_OP_LOSS, GN_PASS_FORWARD);
}

/* How many backward steps will write to each value's gradient. */
static void count_contributions(struct gn_plan *plan)
{
    const struct gn_graph *g = plan->net->graph;
    for (int i = 0; i < g->n_layers; i++) {
        if (!gn_plan_runs(plan, i))
            continue;
        for (int k = 0; k < g->layers[i].n_inputs; k++) {
            struct gn_value *in = &plan->values[gn_plan_input(plan, i, k)];
            in->gradients_due += in->needs_gradient && in->in_place_of < 0;
        }
    }
}

/* What follows the last grain of a batch; it reads what outlives each grain. */
static gn_status running(struct gn_plan *plan, int i)
{
    struct gn_step s = gn_plan_step(plan, i, "backward");
    s.shared = s.kept = -1;
    const bool moves = plan->group_sums != NULL && gn_plan_runs(plan, i) && !s.args.frozen;
    return moves ? gn_plan_emit(plan, &s, kernels_of(plan, i, 0), GN_PASS_RUNNING) : GN_OK;
}

gn_status gn_plan_steps(struct gn_plan *plan)
{
    const int n = plan->net->graph->n_layers;
    count_contributions(plan);
    for (int i = 0; i < n; i++)
        if (gn_plan_runs(plan, i))
            GN_TRY(prepare(plan, i));
    plan->n_prepare = plan->n_steps;
    for (int i = 0; i < n; i++)
        if (gn_plan_runs(plan, i))
            GN_TRY(forward(plan, i));
    plan->n_forward = plan->n_steps;
    /* The caller gets the logits when the forward steps are done. */
    touch(plan, plan->values[plan->values[plan->net->output].same_as].at.buffer, plan->n_steps);
    plan->n_backward = plan->n_split = plan->n_steps;
    keep_joint_parameters(plan);
    if (!plan->goes_back)
        return GN_OK;
    if (!plan->train) /* gn_plan_attend writes the first gradient */
        touch(plan, plan->values[plan->values[plan->net->output].same_as].gradient_at.buffer,
              plan->n_steps);
    for (int head = -1; plan->train && head < plan->net->graph->n_heads; head++)
        GN_TRY(loss(plan, head));
    for (int i = n - 1; i >= 0; i--)
        if (gn_plan_runs(plan, i))
            GN_TRY(backward(plan, i));
    plan->n_backward = plan->n_steps;
    if (plan->focus >= 0) {
        touch(plan, plan->values[plan->focus].at.buffer, plan->n_steps);
        touch(plan, plan->values[plan->focus].gradient_at.buffer, plan->n_steps);
    }
    for (int i = 0; i < plan->n_groups; i++)
        if (plan->values[plan->groups[i].leader].trains)
            GN_TRY(split(plan, &plan->groups[i]));
    plan->n_split = plan->n_steps;
    for (int i = 0; i < n; i++)
        GN_TRY(running(plan, i));
    keep_joint_parameters(plan);
    gn_plan_mark_final(plan);
    return GN_OK;
}
