/*
 * Pass 6: the flat list of steps. Forward follows the graph; backward walks it from the end. A
 * value that several layers read collects its gradient without extra steps: the first
 * contribution writes, later ones add, and the last one applies the mask of the ReLU that made the
 * value.
 */
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

static gn_status emit(struct gn_plan *plan, const struct gn_step *step, enum gn_kernel_id id)
{
    const struct gn_kernel *kernel = &plan->kernels->table[id];
    if (kernel->run == NULL)
        return GN_OK;
    if (plan->n_steps == plan->cap_steps)
        GN_FAIL(GN_STATUS_INTERNAL, "plan: more steps than layers allow");
    const int at = plan->n_steps++;
    plan->steps[at] = *step;
    plan->steps[at].kernel = kernel;
    touch(plan, step->x.buffer, at);
    touch(plan, step->y.buffer, at);
    touch(plan, step->dx.buffer, at);
    touch(plan, step->dy.buffer, at);
    touch(plan, step->argmax, at);
    touch(plan, step->stats, at);
    struct gn_args *a = &plan->steps[at].args; /* pointers follow when the arena stands */
    a->x.ld = step->x.ld;
    a->y.ld = step->y.ld;
    a->dx.ld = step->dx.ld;
    a->dy.ld = step->dy.ld;
    if (kernel->scratch_bytes != NULL) {
        const size_t bytes = kernel->scratch_bytes(a);
        plan->scratch_bytes = bytes > plan->scratch_bytes ? bytes : plan->scratch_bytes;
    }
    return GN_OK;
}

static const struct gn_place nowhere = { GN_PLACE_NONE, 0, 0 };

/* A step of layer i with nothing but geometry and parameters filled in. */
static struct gn_step step_of(const struct gn_plan *plan, int i, const char *pass)
{
    const struct gn_net *net = plan->net;
    const struct gn_layer *layer = &net->graph->layers[i];
    struct gn_step s = { .layer = i, .group = plan->values[i].group, .pass = pass };
    s.argmax = s.stats = -1;
    s.x = s.y = s.dx = s.dy = nowhere;
    s.args.g = *gn_plan_window(plan, i);
    s.args.threads = plan->threads;
    s.args.relu = plan->values[i].relu;
    s.args.constants = layer->constants;
    s.args.number = i;
    if (s.group >= 0)
        return s; /* joint parameters: bound with the arena */
    if (gn_plan_multiplies(plan, i))
        s.args.w = net->params + net->graph->tensors[layer->weight].offset;
    if (gn_plan_multiplies(plan, i) && layer->bias >= 0)
        s.args.b = net->params + net->graph->tensors[layer->bias].offset;
    return s;
}

/* Gives a step the parameters of batch normalisation `norm`. */
static void set_norm(const struct gn_plan *plan, struct gn_step *s, int norm)
{
    const struct gn_graph *g = plan->net->graph;
    const struct gn_layer *layer = &g->layers[norm];
    float *params = plan->net->params;
    s->args.constants = layer->constants;
    s->args.norm.frozen = plan->train && !plan->values[norm].trains;
    s->args.norm.gamma = params + g->tensors[layer->weight].offset;
    s->args.norm.beta = params + g->tensors[layer->bias].offset;
    s->args.norm.mean = params + g->tensors[layer->mean].offset;
    s->args.norm.variance = params + g->tensors[layer->variance].offset;
    s->stats = plan->values[norm].stats;
}

/* Element-wise layers and the global pool have no window of their own. */
static void set_geometry(struct gn_step *s, struct gn_shape in)
{
    s->args.g = (struct gn_geometry){ .h = in.h,
                                      .w = in.w,
                                      .c = in.c,
                                      .oh = in.h,
                                      .ow = in.w,
                                      .oc = in.c,
                                      .kh = 1,
                                      .kw = 1,
                                      .stride = 1 };
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
    struct gn_step s = step_of(plan, group->members[k], pass);
    const struct gn_tensor *tensor = &plan->net->graph->tensors[t];
    const int columns = tensor->shape[tensor->rank - 1];
    s.group = -1;
    set_geometry(
        &s, (struct gn_shape){ .h = (int)(tensor->count / (size_t)columns), .w = 1, .c = columns });
    return s;
}

/* Weights and bias of member k with its normalisation in them. */
static gn_status fold(struct gn_plan *plan, const struct gn_group *group, int k)
{
    const struct gn_net *net = plan->net;
    const int i = group->members[k];
    const struct gn_layer *layer = &net->graph->layers[i];
    struct gn_step s = step_of(plan, i, "prepare");
    s.group = -1;
    set_norm(plan, &s, plan->values[i].norm);
    s.args.g = layer->window;
    s.args.w = net->params + net->graph->tensors[layer->weight].offset;
    if (layer->bias >= 0)
        s.args.b = net->params + net->graph->tensors[layer->bias].offset;
    s.y = (struct gn_place){ group->weights, group->channels[k], group->window.oc };
    GN_TRY(emit(plan, &s, GN_KERNEL_NORM_FOLD));
    s.y.buffer = group->bias;
    return emit(plan, &s, GN_KERNEL_NORM_FOLD_BIAS);
}

/* Weights and bias of all members beside each other. */
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
            GN_TRY(emit(plan, &s, GN_KERNEL_COPY_FORWARD));
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
            GN_TRY(emit(plan, &s, GN_KERNEL_COPY_BACK));
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
    const bool packs = plan->kernels->table[GN_KERNEL_CONV_PACK].run != NULL;
    for (int i = 0; i < plan->n_groups; i++) {
        keep(plan, plan->groups[i].bias);
        keep(plan, plan->groups[i].dw);
        keep(plan, plan->groups[i].db);
        keep(plan, packs ? GN_PLACE_NONE : plan->groups[i].weights);
    }
}

static gn_status prepare(struct gn_plan *plan, int i)
{
    struct gn_step s = step_of(plan, i, "prepare");
    if (!gn_plan_multiplies(plan, i))
        return GN_OK;
    if (s.group >= 0) {
        GN_TRY(join(plan, &plan->groups[s.group]));
        s.x.buffer = plan->groups[s.group].weights; /* alive until they are packed */
    }
    s.args.tile = plan->values[i].tile;
    GN_TRY(emit(plan, &s, s.args.tile > 0 ? GN_KERNEL_WINOGRAD_PACK : GN_KERNEL_CONV_PACK));
    if (!plan->train || !plan->values[gn_plan_input(plan, i, 0)].needs_gradient)
        return GN_OK;
    s.args.tile = plan->values[i].tile_back;
    return emit(plan, &s,
                s.args.tile > 0 ? GN_KERNEL_WINOGRAD_PACK_BACK : GN_KERNEL_CONV_PACK_BACK);
}

/* Inputs that are not slices of the concatenation are copied into it. */
static gn_status forward_concat(struct gn_plan *plan, int i)
{
    const struct gn_graph *g = plan->net->graph;
    int channel = 0;
    for (int k = 0; k < g->layers[i].n_inputs; k++) {
        const int in = gn_plan_input(plan, i, k);
        if (plan->values[in].in_place_of != i) {
            struct gn_step s = step_of(plan, i, "forward");
            set_geometry(&s, g->layers[in].out);
            s.x = plan->values[in].at;
            s.y = plan->values[i].at;
            s.y.channel += channel;
            GN_TRY(emit(plan, &s, GN_KERNEL_COPY_FORWARD));
        }
        channel += g->layers[in].out.c;
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

/* Whether max pool i alone makes the gradient of its input and must mask it: its winners do, so that
 * what it read need not be kept. */
static bool masks_forward(const struct gn_plan *plan, int i)
{
    const struct gn_value *in = &plan->values[gn_plan_input(plan, i, 0)];
    return plan->values[i].argmax >= 0 && in->masked_by_consumers && in->gradients_due == 1;
}

static gn_status forward(struct gn_plan *plan, int i)
{
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    if (layer->op == GN_OP_CONCAT)
        return forward_concat(plan, i);
    if (layer->op == GN_OP_INPUT)
        return GN_OK;
    const int in = gn_plan_input(plan, i, 0);
    struct gn_step s = step_of(plan, i, "forward");
    s.x = plan->values[in].at;
    s.y = output_place(plan, i);
    s.argmax = plan->values[i].argmax;
    switch (layer->op) {
    case GN_OP_CONV:
    case GN_OP_DENSE:
        s.args.tile = plan->values[i].tile;
        return emit(plan, &s,
                    s.args.tile > 0 ? GN_KERNEL_WINOGRAD_FORWARD : GN_KERNEL_CONV_FORWARD);
    case GN_OP_MAX_POOL:
        s.args.mask = masks_forward(plan, i);
        return emit(plan, &s, GN_KERNEL_POOL_FORWARD);
    case GN_OP_GLOBAL_AVG_POOL:
        set_geometry(&s, plan->net->graph->layers[in].out);
        return emit(plan, &s, GN_KERNEL_AVG_FORWARD);
    case GN_OP_RELU:
        set_geometry(&s, layer->out);
        return emit(plan, &s, GN_KERNEL_RELU_FORWARD);
    case GN_OP_BATCH_NORM:
        set_geometry(&s, layer->out);
        set_norm(plan, &s, i);
        GN_TRY(emit(plan, &s, GN_KERNEL_NORM_SUMS));
        GN_TRY(emit(plan, &s, GN_KERNEL_NORM_STATS));
        return emit(plan, &s, GN_KERNEL_NORM_FORWARD);
    case GN_OP_AVG_POOL:
        return emit(plan, &s, GN_KERNEL_AVG_POOL_FORWARD);
    case GN_OP_LRN:
        set_geometry(&s, layer->out);
        return emit(plan, &s, GN_KERNEL_LRN_FORWARD);
    case GN_OP_DROPOUT:
        set_geometry(&s, layer->out);
        return emit(plan, &s, GN_KERNEL_DROPOUT_FORWARD);
    default:
        GN_FAIL(GN_STATUS_INTERNAL, "%s: this operator has no forward step", layer->name);
    }
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
            struct gn_step s = step_of(plan, i, "backward");
            set_geometry(&s, g->layers[in].out);
            s.dy = plan->values[i].gradient_at;
            s.dy.channel += channel;
            contribute(plan, &s, in);
            GN_TRY(emit(plan, &s, GN_KERNEL_COPY_BACK));
        }
        channel += g->layers[in].out.c;
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
    struct gn_step s = step_of(plan, i, "backward");
    set_geometry(&s, plan->net->graph->layers[i].out);
    s.x = s.y = v->at;
    s.dx = s.dy = v->gradient_at;
    return emit(plan, &s, GN_KERNEL_RELU_BACK);
}

/* The step that hands the gradient of layer i on to its input, which `s` names. */
static gn_status emit_back(struct gn_plan *plan, struct gn_step *s, int i)
{
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    switch (layer->op) {
    case GN_OP_CONV:
    case GN_OP_DENSE:
        s->args.tile = plan->values[i].tile_back;
        return emit(plan, s,
                    s->args.tile > 0 ? GN_KERNEL_WINOGRAD_BACK_DATA : GN_KERNEL_CONV_BACK_DATA);
    case GN_OP_MAX_POOL:
        s->x = nowhere;
        if (s->args.mask && !masks_forward(plan, i))
            s->x = plan->values[gn_plan_input(plan, i, 0)].at;
        else
            s->args.mask = false;
        return emit(plan, s, GN_KERNEL_POOL_BACK);
    case GN_OP_GLOBAL_AVG_POOL:
        set_geometry(s, plan->net->graph->layers[gn_plan_input(plan, i, 0)].out);
        return emit(plan, s, GN_KERNEL_AVG_BACK);
    case GN_OP_RELU:
        set_geometry(s, layer->out);
        s->y = plan->values[i].at;
        return emit(plan, s, GN_KERNEL_RELU_BACK);
    case GN_OP_BATCH_NORM:
        set_geometry(s, layer->out);
        set_norm(plan, s, i);
        return emit(plan, s, GN_KERNEL_NORM_BACK);
    case GN_OP_AVG_POOL:
        return emit(plan, s, GN_KERNEL_AVG_POOL_BACK);
    case GN_OP_LRN:
        set_geometry(s, layer->out);
        return emit(plan, s, GN_KERNEL_LRN_BACK);
    case GN_OP_DROPOUT:
        set_geometry(s, layer->out);
        return emit(plan, s, GN_KERNEL_DROPOUT_BACK);
    default:
        GN_FAIL(GN_STATUS_INTERNAL, "%s: this operator has no backward step", layer->name);
    }
}

/* The sums of a batch normalisation: gradients of gamma and beta, and what its input needs. */
static gn_status backward_statistics(struct gn_plan *plan, struct gn_step s, int i)
{
    set_geometry(&s, plan->net->graph->layers[i].out);
    set_norm(plan, &s, i);
    s.x = plan->values[gn_plan_input(plan, i, 0)].at;
    GN_TRY(emit(plan, &s, GN_KERNEL_NORM_BACK_SUMS));
    return emit(plan, &s, GN_KERNEL_NORM_BACK_STATS);
}

static gn_status backward(struct gn_plan *plan, int i)
{
    const struct gn_layer *layer = &plan->net->graph->layers[i];
    if (layer->op == GN_OP_INPUT || !plan->values[i].needs_gradient)
        return GN_OK;
    if (layer->op == GN_OP_CONCAT)
        return backward_concat(plan, i);
    const int group = plan->values[i].group;
    for (int k = 0; k < (group < 0 ? 1 : plan->groups[group].n); k++)
        GN_TRY(mask_gradient(plan, group < 0 ? i : plan->groups[group].members[k]));
    const int in = gn_plan_input(plan, i, 0);
    struct gn_step s = step_of(plan, i, "backward");
    s.dy = output_gradient_place(plan, i);
    s.argmax = plan->values[i].argmax;
    if (gn_plan_multiplies(plan, i) && plan->values[i].trains) {
        struct gn_step filter = s;
        filter.x = plan->values[in].at;
        filter.args.tile = plan->values[i].tile_filter;
        GN_TRY(emit(plan, &filter,
                    filter.args.tile > 0 ? GN_KERNEL_WINOGRAD_BACK_FILTER
                                         : GN_KERNEL_CONV_BACK_FILTER));
    }
    if (layer->op == GN_OP_BATCH_NORM && plan->values[i].trains)
        GN_TRY(backward_statistics(plan, s, i));
    if (!plan->values[in].needs_gradient)
        return GN_OK;
    contribute(plan, &s, in);
    return emit_back(plan, &s, i);
}

/* The loss of the answer (head -1) or of an auxiliary head. */
static gn_status loss(struct gn_plan *plan, int head)
{
    const struct gn_graph *g = plan->net->graph;
    const int i = plan->values[head < 0 ? plan->net->output : g->heads[head].layer].same_as;
    struct gn_step s = step_of(plan, i, "backward");
    set_geometry(&s, g->layers[i].out);
    s.x = plan->values[i].at;
    s.dx = plan->values[i].gradient_at;
    s.args.labels = &plan->labels;
    s.args.others = &plan->others;
    s.args.shares = &plan->shares;
    s.args.loss = head < 0 ? &plan->sums.loss : &plan->sums.head_losses[head];
    s.args.correct = head < 0 ? &plan->sums.correct : &plan->sums.head_correct[head];
    s.args.weight = head < 0 ? 1 : g->heads[head].weight;
    s.args.smoothing = plan->label_smoothing;
    return emit(plan, &s, GN_KERNEL_LOSS);
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
    plan->n_backward = plan->n_steps;
    keep_joint_parameters(plan);
    if (!plan->train)
        return GN_OK;
    for (int head = -1; head < plan->net->graph->n_heads; head++)
        GN_TRY(loss(plan, head));
    for (int i = n - 1; i >= 0; i--)
        if (gn_plan_runs(plan, i))
            GN_TRY(backward(plan, i));
    plan->n_backward = plan->n_steps;
    for (int i = 0; i < plan->n_groups; i++)
        if (plan->values[plan->groups[i].leader].trains)
            GN_TRY(split(plan, &plan->groups[i]));
    keep_joint_parameters(plan);
    return GN_OK;
}
