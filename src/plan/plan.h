/*
 * A plan is a network made concrete for a batch size, a mode and a kernel set: a flat list of
 * steps over one arena. After gn_plan_create no memory is allocated.
 *
 * A batch runs in slices of a fixed number of images, forward and backward before the next slice
 * starts, so that activations take the memory of one slice. A training plan with batch normalisation,
 * whose statistics are those of the batch, has one slice; not so with those of each grain alone. Each grain of a batch - a slice, or as many images
 * of that one - has a gradient and losses of its own, which meet in the tree of base/pairwise.h.
 * Results do not depend on the number of threads.
 */
#ifndef GN_PLAN_PLAN_H
#define GN_PLAN_PLAN_H

#include "net/net.h"

#include <stdatomic.h>

struct gn_plan;

struct gn_plan_options {
    bool train;     /* with gradients */
    int batch;      /* the largest batch that will be run */
    int threads;    /* 0: gn_usable_threads() */
    int slice;      /* images a slice, and a grain; 0: chosen from shape and mode alone */
    bool reference; /* every step by the plain-C reference */
    gn_algorithm algorithm;
    gn_weights weights;         /* inference: how they are packed */
    double label_smoothing;     /* part of the target that all classes share */
    const float *class_weights; /* a factor of each class's loss, read while it runs; NULL: 1 */
    bool norm_grains;           /* batch normalisation: statistics of each grain alone */
    double norm_momentum; /* share of running statistics that a step keeps; 0: each layer's own */
    const char *freeze;   /* patterns of tensors that need no gradient, see graph/pattern.h */
    struct gn_pack *pack; /* inference: where packed weights are found or added (plan/pack.c); NULL:
                             the plan has its own */
    bool validates; /* inference between training steps: with the slices of a training plan, so that
                       the same kernels compute it, and in the arena of `lender` */
    struct gn_plan *lender; /* a plan that does not run at the same time, and must be told
                               gn_plan_params_changed before it runs again */
    int focus; /* inference with gradients: the layer whose value and gradient gn_plan_attend copies, as
                    gn_focus_layer gives it; 0: none */
    bool keep; /* inference: gn_plan_copy_output after a call gets any value that is stored */
    int parts; /* training: among how many plans the grains of a batch are divided; 0: 1 */
    int (*most_grains)(void *user,
                       int grains); /* of them that are computed here; NULL: an equal part */
    /* Gets what other ranks have computed of the sums of all grains of the batch, `bytes` of each; called by one
     * thread between two steps. NULL: there are no others. */
    gn_status (*share)(void *user, void *sums, size_t bytes, int grains);
    void *user;
    int portion; /* images that a thread takes through a chain of steps at a time (chain.c), whatever
                    caches hold; 0: chosen from the shapes. No bit depends on it. For tests */
};

/* One more owner of a pack; each calls gn_pack_free. NULL is fine. */
struct gn_pack *gn_pack_keep(struct gn_pack *pack);

/* The pack of all predictors of a net that name none, as long as its weights are the same: a change
 * makes a new one for those that follow. The caller owns it like one of gn_pack_create. */
struct gn_pack *gn_pack_shared(struct gn_net *net);

/* NULL with NO_MEMORY and the estimate when it cannot fit. The net must outlive the plan. */
struct gn_plan *gn_plan_create(struct gn_net *net, const struct gn_plan_options *options);

/* The same in two steps, for callers that look at gn_plan_bytes in between: all but the memory, then
 * the memory and, with a pack, the packing. */
struct gn_plan *gn_plan_draft(struct gn_net *net, const struct gn_plan_options *options);
gn_status gn_plan_allocate(struct gn_plan *plan);
void gn_plan_free(struct gn_plan *plan);

/* What may end calls of gn_plan_forward: they return STOPPED after each thread's current unit. */
struct gn_plan_limit {
    atomic_bool cancelled;
    double until; /* of gn_seconds(); 0: no limit */
};
bool gn_plan_limit_is_over(const struct gn_plan_limit *limit);
gn_status gn_plan_limit_check(const struct gn_plan_limit *limit); /* STOPPED with its sentence */

/* The plan's calls obey it from now on; NULL: none. */
void gn_plan_obey(struct gn_plan *plan, const struct gn_plan_limit *limit);

/* images: n*h*w*c floats, logits: n*classes floats; n <= batch. */
gn_status gn_plan_forward(struct gn_plan *plan, const float *images, int n, float *logits);

/* A batch to learn from, all that its gradient depends on besides the weights. */
struct gn_plan_batch {
    const float *images;   /* n*h*w*c */
    const int32_t *labels; /* n classes in [0, classes) */
    int n;                 /* 1 to the plan's batch */
    /* Mixed images: sample i counts as class labels[i] but for the part shares[i] (0 to 1), which is
     * of class others[i]. NULL: none is mixed. */
    const int32_t *others;
    const float *shares;
    uint64_t seed, step; /* what layers draw at random: one step of one run */
    /* Images of each grain of the batch, of which these are grains [from, to). NULL: the batch is cut into
     * grains of the plan's size. */
    const int *counts;
    int n_counts, from, to;
};

/* Sums over the samples of a batch, before any update: losses and right arg-maxes of the answer and
 * of the auxiliary heads, in the graph's order. */
struct gn_plan_sums {
    double loss;
    int correct;
    double head_losses[GN_MAX_HEADS];
    int head_correct[GN_MAX_HEADS];
};

/* What gn_plan_gradients left of losses, grain by grain of those computed here: 0, 1, ... head -1 is the
 * answer. */
struct gn_loss_sum;
const struct gn_loss_sum *gn_plan_grain_losses(const struct gn_plan *plan, int head);

/* From now on, while gn_plan_gradients computes the last grains of a batch, `ready` hears after every step that the
 * partial sums in all slots are final from number `from` of the layout of the parameters on; the calling thread
 * of that function calls it. NULL: nobody hears. */
void gn_plan_watch(struct gn_plan *plan, void (*ready)(void *user, size_t from), void *user);

/* The partial sums of gradients that it left, in the order of base/pairwise.h: `grads`, then arrays of the plan. */
float *gn_plan_slot(const struct gn_plan *plan, float *grads, int slot);
int gn_plan_slots(const struct gn_plan *plan);

/* Forward and backward on one batch; moves the running statistics of batch normalisations in
 * net->params. `grads` gets the gradient of the mean loss (the answer's plus each head's by its
 * weight) in the layout of net->params; gaps, and tensors that no loss depends on, are left
 * alone. */
gn_status gn_plan_gradients(struct gn_plan *plan, const struct gn_plan_batch *batch, float *grads,
                            struct gn_plan_sums *sums);

/* Forward of n images, at most a slice, and back from the logit of each one's class to the layer in
 * focus, which is not the input. Both copies are n images of its h*w*c floats: its value, and the
 * gradient of the logit by it. Normalisation and dropout are those of inference. logits: n*classes
 * floats, or NULL. */
gn_status gn_plan_attend(struct gn_plan *plan, const float *images, const int32_t *classes, int n,
                         float *logits, float *value, float *gradient);

/* The layer whose value the layers after layer i read: i, or the ReLU of gn_conv_relu. */
int gn_focus_layer(const struct gn_graph *graph, int i);

/* Before the first call, concurrently with a thread that waits for the images of that call: packs weights, then
 * takes memory, with the calling thread alone, until all is done or *enough becomes true. What is left
 * is done by the call. */
void gn_plan_prepare(struct gn_plan *plan, const atomic_bool *enough);

/* The net's parameters were changed: packed copies are made anew at the next run, but for those of a
 * pack, which stay what they are. */
void gn_plan_params_changed(struct gn_plan *plan);

int gn_plan_threads(const struct gn_plan *plan);
uint64_t gn_plan_bytes(const struct gn_plan *plan);
int gn_plan_grain(const struct gn_plan *plan); /* images of a grain */

/* Bytes that a plan with these options will take (arena, packed weights; not the net's own
 * arrays), computed without allocating it. UINT64_MAX when it overflows. */
uint64_t gn_plan_estimate(const struct gn_net *net, const struct gn_plan_options *options);

/* Runs step by step with a clock: milliseconds by step over the last run. */
struct gn_plan_timing {
    const char *layer, *pass, *kernel;
    double ms;
    double macs; /* nominal, of the whole batch */
};
/* Switches timing on; gn_plan_timings returns the table (owned by the plan) after runs, sums
 * since the last call of gn_plan_time. NO_MEMORY. */
gn_status gn_plan_time(struct gn_plan *plan);
int gn_plan_timings(const struct gn_plan *plan, const struct gn_plan_timing **table);

/* Records from now on what each thread does, at most `spans` of each thread. NO_MEMORY. */
gn_status gn_plan_trace(struct gn_plan *plan, size_t spans);

/* A step, or the part of it that a thread did: seconds of gn_seconds(). */
struct gn_plan_span {
    int step;
    double start, end;
};
/* What thread number `thread` did; false after the last thread. */
bool gn_plan_spans(const struct gn_plan *plan, int thread, const struct gn_plan_span **spans,
                   size_t *n);
struct gn_plan_timing gn_plan_step_name(const struct gn_plan *plan, int step);

/* Block number i of the arena; false after the last one. */
bool gn_plan_block(const struct gn_plan *plan, int i, struct gn_bench_block *block);
int gn_plan_n_steps(const struct gn_plan *plan);

/* The output of layer i after gn_plan_forward of a plan with batch <= slice made for training
 * (activations are kept) or with `keep`: copies n images' h*w*c floats. */
gn_status gn_plan_copy_output(const struct gn_plan *plan, int layer, int n, float *values);

#endif
