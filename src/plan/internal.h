/*
 * Inside of a plan. The passes run in this order, one file each:
 *
 *   bytes.c   which values stand as bytes, and which convolutions read them
 *   fuse.c    a ReLU after a convolution or normalisation becomes part of it; in inference a
 *             normalisation becomes part of the convolution before it
 *   concat.c  inputs of a concatenation become slices of it
 *   merge.c   sibling 1x1 convolutions become one
 *   place.c   where each layer's output and gradient stand
 *   choose.c  direct or Winograd, for each convolution and direction
 *   steps.c   the flat list of steps, forward then backward
 *   chain.c   which steps run depth first, a few images at a time
 *   beside.c  between which steps nobody waits
 *   arena.c   lifetimes become offsets in one block of memory
 *   pack.c    weights that several plans share
 *   grains.c  the parts of a batch and the sums of their gradients
 *   execute.c runs the list
 */
#ifndef GN_PLAN_INTERNAL_H
#define GN_PLAN_INTERNAL_H

#include "ops/kernels.h"
#include "plan/plan.h"

#include <stdatomic.h>

/* A block of the arena, alive from step `first` to step `last`. */
struct gn_buffer {
    size_t bytes;
    int element;     /* bytes of a value: 4, or 1 (gn_scales) */
    size_t image;    /* bytes of an image; 0: it does not hold images */
    int chain;       /* that has it for itself: it holds a portion; -1: the slice */
    int first, last; /* -1, -1: never used */
    size_t offset;   /* in the arena, or in a thread's block of the chain */
};

/* Where a tensor of n images stands: `channel` values into the pixels of a buffer. */
struct gn_place {
    int buffer; /* or one of the places below */
    int channel, ld;
};
enum { GN_MAX_GROUP = 8 };
enum gn_place_kind {
    GN_PLACE_NONE = -1,
    GN_PLACE_IMAGES = -2, /* the caller's images */
    GN_PLACE_PARAMS = -3, /* the net's parameters, `channel` floats in */
    GN_PLACE_GRADS = -4   /* the caller's gradients, the same */
};

/* What the plan knows about the output of each layer. */
struct gn_value {
    bool live;   /* the answer depends on it */
    int group;   /* of merged siblings, -1: none */
    bool trains; /* a parameter of the layer gets a gradient */
    bool needs_gradient;
    bool relu;       /* the layer ends in a ReLU that was fused into it */
    bool bytes;      /* stands as bytes, with this */
    float scale;     /* scale (gn_scales) */
    bool int8;       /* a convolution that reads bytes */
    bool half;       /* its packed weights are of 16 bits (gn_args.half) */
    int norm;        /* layer that is folded into this one's weights (GN_FUSE_NORM), -1: none */
    int same_as;     /* the layer whose value this is (a fused ReLU's convolution), or itself */
    int in_place_of; /* the concatenation that holds it as a slice, -1: none */
    bool masked_by_consumers; /* stored output of a ReLU: whoever completes the gradient masks it */
    int consumers;            /* live layers that read it, fused ReLUs apart */
    int gradients_due, gradients_done; /* contributions to its gradient: in all, emitted so far */
    struct gn_place at, gradient_at;
    int kept, shared;                 /* buffers of gn_args.kept and .shared, -1: none */
    int tile, tile_back, tile_filter; /* of Winograd's filtering, forward, backward-data and weight
                                         gradient; 0: direct */
    float *packed, *packed_back;
    size_t groups_at; /* where gn_args.groups begins in what a grain has */
};

/* Sibling 1x1 convolutions that run as one: their outputs lie next to each other. A convolution
 * with a folded normalisation is a group of its own, if it has no siblings: its weights are not the
 * net's either. */
struct gn_group {
    int n;
    int members[GN_MAX_GROUP];  /* layers, in the order of their channels; */
    int channels[GN_MAX_GROUP]; /* where each one begins in the joint output */
    int leader;                 /* the first in the graph: it stands for the group in the steps */
    int host;  /* concatenation of which the last member is the first slice, -1: none */
    int width; /* channels of the buffer that holds the joint output and the host */
    int first; /* where the joint output begins in it */
    struct gn_geometry window;       /* of the one convolution */
    int weights, bias, dw, db;       /* buffers of joint parameters and gradients, -1: none; */
    size_t dw_floats, db_floats;     /* of a slot of these */
    struct gn_place at, gradient_at; /* channel 0 of the buffer */
};

struct gn_step {
    int layer;
    int group;        /* -1: none */
    const char *pass; /* "prepare", "forward", "backward" */
    const struct gn_kernel *kernel;
    struct gn_args args;
    struct gn_place x, x2, y, dx, dy; /* turned into args once the arena stands */
    int kept, shared;
    bool beside; /* needs nothing that the steps before it make, back to the last one without */
    int split_from,
        split_to; /* of a group's last step backward: the steps that divide its joint gradient */
    size_t final_from; /* backward: floats of gradients that no later step changes, from there on */
    size_t joint;      /* floats from a slot of the joint gradient that is split to the next one */
    bool done;         /* packs what the plan's pack holds already */
    atomic_llong nanoseconds; /* while the plan is timed */
    atomic_int next;          /* unit to hand out */
};

/* Steps [from, to), each of which reads what the one before it wrote. A thread takes a few images
 * through all of them before it takes the next ones. */
struct gn_chain {
    int from, to;
    int images;      /* that a thread takes at a time: a portion */
    size_t bytes;    /* of a thread's block, for the buffers that only the chain uses */
    size_t offset;   /* of the first thread's block */
    atomic_int next; /* portion to hand out */
};

struct gn_plan {
    struct gn_net *net;
    const struct gn_kernel_set *kernels;
    bool train;
    bool goes_back; /* it has steps backward: it trains, or has a focus */
    int focus;      /* the layer whose value and gradient outlive a call, -1: none */
    gn_algorithm algorithm;
    bool half; /* packed weights of 16 bits */
    double label_smoothing, norm_momentum;
    bool norm_grains; /* training: statistics of each grain, in `group_sums`, */
    size_t groups_stride;
    double *group_sums; /* of all layers that have them, grain after grain */
    const float *class_weights;
    const char *freeze;
    int batch, slice, threads, portion;
    bool keeps;           /* values outlive a call */
    bool whole;           /* a training step has one slice: it needs statistics of the batch */
    int grain, slots;     /* training: images of a grain at most; partial sums at a time */
    int chooses;          /* images by which kernels are chosen */
    int all_grains, part; /* of a batch at most, and those that are computed here */
    int parts;            /* plans that share them */
    gn_status (*share)(void *user, void *sums, size_t bytes, int grains);
    void *user;
    gn_status shared;                          /* of the running call */
    void (*ready)(void *watcher, size_t from); /* NULL: nobody hears of final gradients */
    void *watcher;
    struct gn_value *values; /* one a layer */
    int n_buffers, cap_buffers;
    struct gn_buffer *buffers;
    int n_groups;
    struct gn_group *groups;
    /* [0, n_prepare) packs weights, then forward up to n_forward, then backward up to n_backward,
     * once for each slice; then what ends a batch: for each slot up to n_split, once up to n_steps */
    int n_steps, cap_steps, n_prepare, n_forward, n_backward, n_split;
    struct gn_step *steps;
    int n_chains;
    struct gn_chain *chains;
    size_t arena_bytes, packed_bytes, scratch_bytes; /* scratch: of one thread */
    char *arena, *packed, *scratch;
    bool borrows; /* the arena is the lender's */
    struct gn_plan *lender;
    struct gn_pack *pack; /* holds the packed weights; NULL: `packed` does */
    float *zeros;
    int n_packed; /* of the steps that pack, those whose results belong to the net's parameters */
    const struct gn_plan_limit *limit; /* NULL: none */
    /* the running call */
    bool tells;          /* its slice is the last one, and somebody is to hear of final gradients */
    float *grads;        /* of the parameters */
    atomic_bool stopped; /* a unit was left out, because of the limit */
    int n_grains, n_sums; /* of the batch; the slots that hold its sums at the end */
    struct gn_grain *grains;
    int *counts;           /* images of each grain */
    const int32_t *labels; /* of the slice */
    const int32_t *others; /* the same for mixed images, NULL when there are none */
    const float *shares;
    struct gn_loss_args loss_args[1 + GN_MAX_HEADS]; /* of the answer, then of the heads */
    struct gn_loss_sum *sums[1 + GN_MAX_HEADS];      /* of each grain, the same */
    float *more_grads; /* slots from 1 on, in the layout of the parameters */
    bool timing;
    struct gn_plan_timing *timings;
    struct gn_plan_spans *trace; /* of each thread; NULL: nothing is recorded */
};

/* What one thread did. */
struct gn_plan_spans {
    size_t n, most;
    struct gn_plan_span *list;
};

void gn_plan_free_trace(struct gn_plan *plan);

/* Fills the plan's list of grains. BAD_ARGUMENT. */
gn_status gn_plan_list_grains(struct gn_plan *plan, const struct gn_plan_batch *batch);

/* The sums of losses over the grains of the batch, in the order of the tree. */
void gn_plan_sum_losses(const struct gn_plan *plan, struct gn_plan_sums *sums);

/* Of every step backward, which gradients are final after it, and which joint ones can be divided. */
void gn_plan_mark_final(struct gn_plan *plan);

/* Points the steps to where gradients of parameters go: to `grads` and, other slots, to the plan's own arrays;
 * then those that divide joint gradients to the sums in a slot. */
void gn_plan_bind_gradients(struct gn_plan *plan, float *grads);
void gn_plan_bind_split(struct gn_plan *plan, float *grads, int slot);

/* One unit of a step, for gradients of parameters grain by grain. */
void gn_plan_run_unit(const struct gn_kernel *kernel, const struct gn_args *a,
                      const struct gn_run *run, int unit, void *scratch);

/* Records a span of thread number `thread`, which ends now. */
void gn_plan_record(struct gn_plan *plan, int thread, const struct gn_step *step, double start);

/* Index of the layer whose value layer i reads as input k. */
int gn_plan_input(const struct gn_plan *plan, int i, int k);

/* The window of layer i, or of the group that it leads. */
const struct gn_geometry *gn_plan_window(const struct gn_plan *plan, int i);

/* Whether layer i has steps of its own: live, not fused into another, not led by another. */
bool gn_plan_runs(const struct gn_plan *plan, int i);

/* Whether layer i multiplies by weights. */
bool gn_plan_multiplies(const struct gn_plan *plan, int i);

/* What layer i, or the group that it leads, reads and writes in a step on bytes. */
struct gn_scales gn_plan_scales_of(const struct gn_plan *plan, int i);

/* The pass by which layer i computes forward, or by which its weights are packed for that. */
enum gn_pass gn_plan_forward_pass(const struct gn_plan *plan, int i);
enum gn_pass gn_plan_pack_pass(const struct gn_plan *plan, int i);

/* Bytes of the packed weights of layer i, which runs and multiplies, as the forward step reads them. */
size_t gn_plan_packed_bytes(const struct gn_plan *plan, int i);

/* Bytes that a plan, whose passes have run, would add to a pack. */
size_t gn_pack_lacks(struct gn_pack *pack, const struct gn_plan *plan);

/* Gives the layers of the plan their packed weights, binds its steps and packs what is missing.
 * NO_MEMORY. */
gn_status gn_pack_fill(struct gn_pack *pack, struct gn_plan *plan);

/* Runs the steps that pack and are not done. */
void gn_plan_pack(struct gn_plan *plan);

/* Copies n images of shape s. */
void gn_plan_copy_place(const struct gn_plan *plan, struct gn_place at, struct gn_shape s, int n,
                        float *values);

/* Gives a buffer its size. */
void gn_plan_resize(struct gn_plan *plan, int buffer, size_t bytes);

/* Where a buffer stands once the arena is allocated; of a chain's own, that of the first thread. */
char *gn_plan_buffer(const struct gn_plan *plan, int buffer);

/* Adds a step by the kernel of operator `op` for a pass, if it has one. */
gn_status gn_plan_emit(struct gn_plan *plan, const struct gn_step *step, enum gn_op op,
                       enum gn_pass pass);

/* Gives a step the tensors, attributes and buffers of layer i. */
void gn_plan_set_layer(const struct gn_plan *plan, struct gn_step *s, int i);

/* A step of layer i with nothing but geometry and parameters filled in. */
struct gn_step gn_plan_step(const struct gn_plan *plan, int i, const char *pass);

/* Steps that pack the weights of 8 bits of layer i or, each to its columns, of the group that it leads. */
gn_status gn_plan_pack_bytes(struct gn_plan *plan, int i);

/* The passes. */
void gn_plan_choose_bytes(struct gn_plan *plan);
void gn_plan_fuse(struct gn_plan *plan);
void gn_plan_concat(struct gn_plan *plan);
void gn_plan_merge(struct gn_plan *plan);
gn_status gn_plan_place(struct gn_plan *plan);
void gn_plan_choose(struct gn_plan *plan);
gn_status gn_plan_steps(struct gn_plan *plan);
void gn_plan_chain(struct gn_plan *plan);
void gn_plan_beside(struct gn_plan *plan);
gn_status gn_plan_arena(struct gn_plan *plan);
void gn_plan_bind(struct gn_plan *plan);

#endif
