/*
 * Running a plan: one team of threads walks the list of steps together, takes units of the
 * current step one by one, and meets at a barrier after it.
 */
#include "base/memory.h"
#include "base/team.h"
#include "base/threads.h"
#include "plan/internal.h"

#include <string.h>

/* One call of the plan. */
struct call {
    struct gn_plan *plan;
    struct gn_plan_batch batch; /* without labels: forward only */
    float *logits;              /* NULL: not wanted */
    float *grads;               /* of the parameters; NULL: not wanted */
    const int32_t *classes;     /* whose logits' gradient is taken, of each image; NULL: none */
};

/* A thread of the team that runs a plan. */
struct member {
    struct gn_plan *plan;
    struct gn_team *team; /* NULL: it is alone */
    int thread;
};

static void *scratch_of(const struct member *m)
{
    return m->plan->scratch + m->plan->scratch_bytes * (size_t)m->thread;
}

bool gn_plan_limit_is_over(const struct gn_plan_limit *limit)
{
    return atomic_load(&limit->cancelled) || (limit->until > 0 && gn_seconds() > limit->until);
}

gn_status gn_plan_limit_check(const struct gn_plan_limit *limit)
{
    if (atomic_load(&limit->cancelled))
        GN_FAIL(GN_STATUS_STOPPED, "prediction: cancelled by its caller");
    if (gn_plan_limit_is_over(limit))
        GN_FAIL(GN_STATUS_STOPPED, "prediction: it has taken longer than its limit");
    return GN_OK;
}

void gn_plan_obey(struct gn_plan *plan, const struct gn_plan_limit *limit)
{
    plan->limit = limit;
}

/* Whether a unit of the step is left out. The threads go on through the steps and their barriers, since
 * no two need to see the end at the same time; weights are packed in any case, for others' calls. */
static bool leaves_out(struct gn_plan *plan, const struct gn_step *s)
{
    if (plan->limit == NULL || s < plan->steps + plan->n_prepare ||
        !gn_plan_limit_is_over(plan->limit))
        return false;
    atomic_store(&plan->stopped, true);
    return true;
}

static void take_units(const struct member *m, struct gn_step *s, const struct gn_args *a,
                       const struct gn_run *run)
{
    if (s->done)
        return;
    void *scratch = scratch_of(m);
    const double start = m->plan->trace == NULL ? 0 : gn_seconds();
    const int units = s->kernel->units(a, run);
    bool took = false;
    for (int u = atomic_fetch_add(&s->next, 1); u < units; u = atomic_fetch_add(&s->next, 1)) {
        if (leaves_out(m->plan, s))
            break;
        gn_plan_run_unit(s->kernel, a, run, u, scratch);
        took = true;
    }
    if (took && m->plan->trace != NULL)
        gn_plan_record(m->plan, m->thread, s, start);
}

/* Between two barriers: the sums of a step that other ranks have computed. */
static void share(const struct member *m, const struct gn_step *s, const struct gn_args *a,
                  const struct gn_run *run)
{
    struct gn_plan *plan = m->plan;
    if (s->kernel->shared == NULL || plan->share == NULL || plan->norm_grains ||
        s->kernel->units(a, run) == 0)
        return;
    if (m->thread == 0 && plan->shared == GN_OK) {
        size_t bytes;
        void *sums = s->kernel->shared(a, &bytes);
        plan->shared = plan->share(plan->user, sums, bytes, run->n_counts);
    }
    gn_team_barrier(m->team);
}

/* A step by every thread of the team: they take units until none is left. */
static void run_step(const struct member *m, struct gn_step *s, const struct gn_args *a,
                     const struct gn_run *run)
{
    const double start = m->plan->timing ? gn_seconds() : 0;
    take_units(m, s, a, run);
    gn_team_barrier(m->team);
    share(m, s, a, run);
    if (m->thread != 0)
        return;
    /* Nobody takes units of this step any more; it starts afresh at its next run. */
    atomic_store(&s->next, 0);
    if (m->plan->timing)
        atomic_fetch_add(&s->nanoseconds, (long long)(1e9 * (gn_seconds() - start)));
}

/* Step `from` and those that run concurrently with it; returns the one after them. */
static int run_beside(const struct member *m, const struct gn_run *run, int from, int to)
{
    struct gn_plan *plan = m->plan;
    int i = from;
    do {
        take_units(m, &plan->steps[i], &plan->steps[i].args, run);
        i++;
    } while (i < to && plan->steps[i].beside);
    gn_team_barrier(m->team);
    share(m, &plan->steps[from], &plan->steps[from].args, run);
    for (int k = from; m->thread == 0 && k < i; k++)
        atomic_store(&plan->steps[k].next, 0);
    return i;
}

/* A step by this thread alone. */
static void run_step_alone(const struct member *m, struct gn_step *s, const struct gn_args *a,
                           const struct gn_run *run)
{
    void *scratch = scratch_of(m);
    const bool clocked = m->plan->timing || m->plan->trace != NULL;
    const double start = clocked ? gn_seconds() : 0;
    const int units = s->kernel->units(a, run);
    for (int u = 0; u < units && !leaves_out(m->plan, s); u++)
        gn_plan_run_unit(s->kernel, a, run, u, scratch);
    if (m->plan->timing)
        atomic_fetch_add(&s->nanoseconds,
                         (long long)(1e9 * (gn_seconds() - start) / m->plan->threads));
    if (m->plan->trace != NULL)
        gn_plan_record(m->plan, m->thread, s, start);
}

/* Bytes from where the images of a buffer begin to image number `image` of the slice; in a chain's own
 * buffer, to that of a thread. */
static size_t bytes_before(const struct gn_plan *plan, int buffer, int image, int thread)
{
    if (buffer == GN_PLACE_IMAGES) {
        const struct gn_shape in = plan->net->input;
        return (size_t)image * (size_t)in.h * (size_t)in.w * (size_t)in.c * sizeof(float);
    }
    if (buffer < 0)
        return 0;
    const struct gn_buffer *b = &plan->buffers[buffer];
    return b->chain < 0 ? (size_t)image * b->image : (size_t)thread * plan->chains[b->chain].bytes;
}

static void advance(struct gn_view *view, size_t bytes)
{
    if (bytes > 0) /* a step's unused views are NULL */
        view->data = (float *)(void *)((char *)view->data + bytes);
}

/* The arguments of a chain's step for images from number `image` of the slice on. */
static struct gn_args args_from(const struct gn_plan *plan, const struct gn_step *s, int image,
                                int thread)
{
    struct gn_args a = s->args;
    advance(&a.x, bytes_before(plan, s->x.buffer, image, thread));
    advance(&a.x2, bytes_before(plan, s->x2.buffer, image, thread));
    advance(&a.y, bytes_before(plan, s->y.buffer, image, thread));
    advance(&a.dx, bytes_before(plan, s->dx.buffer, image, thread));
    advance(&a.dy, bytes_before(plan, s->dy.buffer, image, thread));
    if (a.kept != NULL)
        a.kept += bytes_before(plan, s->kept, image, thread);
    return a;
}

/* The steps of a chain for portion number `p` of `images`, by this thread alone or by the team. */
static void run_portion(const struct member *m, const struct gn_chain *c, const struct gn_run *run,
                        int p, int images, bool alone)
{
    const int image = p * images;
    struct gn_run portion = *run;
    portion.image += image;
    portion.n = run->n - image < images ? run->n - image : images;
    for (int i = c->from; i < c->to; i++) {
        struct gn_step *s = &m->plan->steps[i];
        const struct gn_args a = args_from(m->plan, s, image, alone ? m->thread : 0);
        if (alone)
            run_step_alone(m, s, &a, &portion);
        else
            run_step(m, s, &a, &portion);
    }
}

/* A chain: each thread takes portions of its own. When at least half of the threads would go without
 * a last one, the team shares each of these. */
static void run_chain(const struct member *m, struct gn_chain *c, const struct gn_run *run)
{
    const int threads = gn_team_size(m->team);
    int portions = (run->n + c->images - 1) / c->images;
    const int images = (run->n + portions - 1) / portions;
    portions = (run->n + images - 1) / images;
    const int rest = portions % threads;
    const int own = 2 * rest > threads ? portions : portions - rest;
    for (int p = atomic_fetch_add(&c->next, 1); p < own; p = atomic_fetch_add(&c->next, 1))
        run_portion(m, c, run, p, images, true);
    gn_team_barrier(m->team);
    if (m->thread == 0)
        atomic_store(&c->next, 0);
    for (int p = own; p < portions; p++)
        run_portion(m, c, run, p, images, false);
}

static void run_steps(const struct member *m, const struct gn_run *run, int from, int to);

/* The steps [from, to), which divide joint gradients, for every sum of the batch. */
static void divide(const struct member *m, const struct gn_run *run, int from, int to)
{
    struct gn_plan *plan = m->plan;
    const struct gn_run once = { .n = 1, .batch = run->batch };
    for (int slot = 0; slot < plan->n_sums; slot++) {
        if (m->thread == 0)
            gn_plan_bind_split(plan, plan->grads, slot);
        gn_team_barrier(m->team);
        run_steps(m, &once, from, to);
    }
}

/* Steps [from, to) backward of the last slice are done: so are some gradients. */
static void tell(const struct member *m, const struct gn_run *run, int from, int to)
{
    struct gn_plan *plan = m->plan;
    for (int i = from; i < to; i++)
        if (plan->steps[i].split_to > plan->steps[i].split_from)
            divide(m, run, plan->steps[i].split_from, plan->steps[i].split_to);
    if (m->thread == 0)
        plan->ready(plan->watcher, plan->steps[to - 1].final_from);
}

/* Steps [from, to) by every thread of the team, chains among them. */
static void run_steps(const struct member *m, const struct gn_run *run, int from, int to)
{
    struct gn_plan *plan = m->plan;
    struct gn_chain *c = plan->chains, *end = c + plan->n_chains;
    while (c < end && c->from < from)
        c++;
    for (int i = from; i < to;) {
        const int first = i;
        if (c < end && c->from == i) {
            run_chain(m, c, run);
            i = c++->to;
        } else if (plan->timing) {
            run_step(m, &plan->steps[i], &plan->steps[i].args, run);
            i++;
        } else {
            i = run_beside(m, run, i, to);
        }
        if (plan->tells && first >= plan->n_forward && first < plan->n_backward)
            tell(m, run, first, i);
    }
    gn_team_barrier(m->team);
}

/* Points the steps of a slice to its images and labels, and to the sums of its first grain. */
static void begin_slice(struct gn_plan *plan, const struct call *c, int first, int grain)
{
    const struct gn_shape in = plan->net->input;
    const struct gn_plan_batch *b = &c->batch;
    const float *images = b->images + (size_t)first * (size_t)in.h * (size_t)in.w * (size_t)in.c;
    for (int i = plan->n_prepare; i < plan->n_steps; i++) { /* read only: inputs get no gradient */
        if (plan->steps[i].x.buffer == GN_PLACE_IMAGES)
            memcpy(&plan->steps[i].args.x.data, &images, sizeof images);
        if (plan->steps[i].x2.buffer == GN_PLACE_IMAGES)
            memcpy(&plan->steps[i].args.x2.data, &images, sizeof images);
    }
    if (b->labels == NULL)
        return;
    plan->labels = b->labels + first;
    plan->others = b->others == NULL ? NULL : b->others + first;
    plan->shares = b->others == NULL ? NULL : b->shares + first;
    for (int i = 0; i < 1 + plan->net->graph->n_heads; i++)
        plan->loss_args[i].sums = plan->sums[i] + grain;
}

static void copy_logits(const struct gn_plan *plan, const struct call *c, const struct gn_run *run,
                        int first)
{
    const int i = plan->values[plan->net->output].same_as;
    if (c->logits != NULL)
        (void)gn_plan_copy_output(plan, i, run->n,
                                  c->logits + (size_t)first * (size_t)plan->net->classes);
}

/* The gradient of one logit of each image by all of them. */
static void begin_gradient(const struct gn_plan *plan, const int32_t *classes, int n)
{
    const struct gn_place at = plan->values[plan->values[plan->net->output].same_as].gradient_at;
    float *row = (float *)(void *)gn_plan_buffer(plan, at.buffer) + at.channel;
    for (int i = 0; i < n; i++, row += at.ld)
        for (int k = 0; k < plan->net->classes; k++)
            row[k] = k == classes[i] ? 1 : 0;
}

/* A slice without images: what its grains add to the sums, which is zero. */
static void run_empty(const struct member *m, const struct gn_run *run)
{
    struct gn_plan *plan = m->plan;
    for (int i = plan->n_prepare; i < plan->n_backward; i++)
        if (plan->steps[i].kernel->region != NULL || plan->steps[i].kernel->of_grains)
            run_step(m, &plan->steps[i], &plan->steps[i].args, run);
}

/* A slice, whose first image and grain have these numbers. */
static void run_slice(const struct member *m, const struct call *c, const struct gn_run *run,
                      int first, int grain)
{
    struct gn_plan *plan = m->plan;
    if (m->thread == 0)
        begin_slice(plan, c, first, grain);
    gn_team_barrier(m->team);
    if (run->n == 0) {
        run_empty(m, run);
        return;
    }
    run_steps(m, run, plan->n_prepare, plan->n_forward);
    if (m->thread == 0)
        copy_logits(plan, c, run, first);
    if (m->thread == 0 && c->classes != NULL)
        begin_gradient(plan, c->classes, run->n);
    gn_team_barrier(m->team);
    if (run->train || c->classes != NULL)
        run_steps(m, run, plan->n_forward, plan->n_backward);
}

/* After the last grain, with statistics of each: the running ones, by those of the grains of all ranks. */
static void move_running(const struct member *m, const struct gn_run *run)
{
    struct gn_plan *plan = m->plan;
    if (m->thread == 0 && plan->share != NULL && plan->shared == GN_OK)
        plan->shared = plan->share(plan->user, plan->group_sums,
                                   plan->groups_stride * sizeof(double), run->n_counts);
    gn_team_barrier(m->team);
    if (plan->shared == GN_OK)
        run_steps(m, run, plan->n_split, plan->n_steps);
}

/* Forward and backward of all grains. Those of one slice stand together. */
static void run_grains(const struct member *m, const struct call *c, struct gn_run *run)
{
    struct gn_plan *plan = m->plan;
    int first = 0;
    const int before = run->image;
    run->counts = c->batch.counts == NULL ? plan->counts : c->batch.counts;
    run->n_counts = c->batch.counts == NULL ? plan->n_grains : c->batch.n_counts;
    run->n_grains = plan->whole ? plan->n_grains : 1;
    const int slices =
        plan->whole ? 1 : plan->n_grains; /* also of a plan that has none of the grains */
    for (int i = 0; i < slices; i++, first += run->n) {
        run->grains = &plan->grains[i];
        run->n = plan->whole ? c->batch.n : plan->grains[i].n;
        run->image = before + first;
        if (m->thread == 0)
            plan->tells = plan->ready != NULL && !plan->timing && i + 1 == slices && run->n > 0;
        run_slice(m, c, run, first, i);
    }
    if (!plan->tells) /* the same for all threads since the slice began */
        divide(m, run, plan->n_backward, plan->n_split);
    if (plan->group_sums != NULL)
        move_running(m, run);
}

/* Images of grains [from, to) of the batch. */
static int count_images(const struct gn_plan_batch *b, int from, int to)
{
    int n = 0;
    for (int i = from; i < to; i++)
        n += b->counts[i];
    return n;
}

/* What each thread does in a call. */
static void run_call(struct gn_team *team, int thread, void *argument)
{
    const struct call *c = argument;
    struct gn_plan *plan = c->plan;
    const struct member m = { plan, team, thread };
    const unsigned state = gn_float_enter();
    const struct gn_plan_batch *b = &c->batch;
    const struct gn_run once = { .n = 1, .batch = b->n };
    struct gn_run run = { .batch = b->n, .seed = b->seed, .step = b->step };
    run_steps(&m, &once, plan->n_packed, plan->n_prepare);
    run.train = b->labels != NULL;
    if (b->counts != NULL) {
        run.batch = count_images(b, 0, b->n_counts);
        run.image = count_images(b, 0, b->from);
    }
    if (run.train)
        run_grains(&m, c, &run);
    for (int first = 0; !run.train && first < b->n; first += plan->slice) {
        run.n = b->n - first < plan->slice ? b->n - first : plan->slice;
        run.image = first;
        run_slice(&m, c, &run, first, 0);
    }
    gn_float_leave(state);
}

void gn_plan_prepare(struct gn_plan *plan, const atomic_bool *enough)
{
    const struct gn_run once = { .n = 1, .batch = plan->batch };
    const struct member alone = { plan, NULL, 0 };
    const unsigned state = gn_float_enter();
    for (; plan->n_packed < plan->n_prepare && !atomic_load(enough); plan->n_packed++) {
        struct gn_step *s = &plan->steps[plan->n_packed];
        run_step_alone(&alone, s, &s->args, &once);
    }
    gn_float_leave(state);
    gn_touch(plan->arena, enough);
}

static gn_status check_call(const struct gn_plan *plan, int n)
{
    if (n < 1 || n > plan->batch)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d images for a plan of at most %d", n, plan->batch);
    return GN_OK;
}

void gn_plan_pack(struct gn_plan *plan)
{
    struct call c = { .plan = plan, .batch = { .n = 0 } };
    gn_team_run(plan->threads, run_call, &c);
    plan->n_packed = plan->n_prepare;
}

gn_status gn_plan_forward(struct gn_plan *plan, const float *images, int n, float *logits)
{
    GN_TRY(check_call(plan, n));
    struct call c = { .plan = plan, .batch = { .images = images, .n = n }, .logits = logits };
    atomic_store(&plan->stopped, false);
    gn_team_run(plan->threads, run_call, &c);
    plan->n_packed = plan->n_prepare;
    if (atomic_load(&plan->stopped))
        GN_FAIL(GN_STATUS_STOPPED, "prediction: ended by its caller or by its limit of time");
    return GN_OK;
}

gn_status gn_plan_gradients(struct gn_plan *plan, const struct gn_plan_batch *batch, float *grads,
                            struct gn_plan_sums *sums)
{
    if (batch->counts == NULL || batch->n > plan->batch)
        GN_TRY(check_call(plan, batch->n));
    if (!plan->train)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the plan was made without gradients");
    struct call c = { .plan = plan, .batch = *batch, .grads = grads };
    GN_TRY(gn_plan_list_grains(plan, batch));
    gn_plan_bind_gradients(plan, grads);
    plan->shared = GN_OK;
    plan->grads = grads;
    plan->tells = false;
    gn_team_run(plan->threads, run_call, &c);
    plan->n_packed = plan->n_prepare;
    gn_plan_sum_losses(plan, sums);
    return plan->shared;
}

gn_status gn_plan_attend(struct gn_plan *plan, const float *images, const int32_t *classes, int n,
                         float *logits, float *value, float *gradient)
{
    if (plan->focus < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the plan was made without a layer in focus");
    if (n < 1 || n > plan->slice)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d images for a slice of %d", n, plan->slice);
    struct call c = {
        .plan = plan, .batch = { .images = images, .n = n }, .logits = logits, .classes = classes
    };
    gn_team_run(plan->threads, run_call, &c);
    plan->n_packed = plan->n_prepare;
    const struct gn_value *focus = &plan->values[plan->focus];
    const struct gn_shape s = plan->net->graph->layers[plan->focus].out;
    gn_plan_copy_place(plan, focus->at, s, n, value);
    gn_plan_copy_place(plan, focus->gradient_at, s, n, gradient);
    return GN_OK;
}
