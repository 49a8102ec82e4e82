/* Inside of a predictor: a pack of weights, and the plan that computes with them. */
#ifndef GN_INFER_PREDICTOR_H
#define GN_INFER_PREDICTOR_H

#include "infer/preprocess.h"
#include "plan/plan.h"

struct gn_predictor {
    gn_net *net;        /* `view`, when the answer is that of a layer */
    struct gn_net view; /* the net up to that layer, whose values are its classes */
    struct gn_input_rule rule;
    gn_algorithm algorithm;
    gn_weights weights;
    int batch, threads;
    struct gn_pack *pack;
    struct gn_plan *plan;
    int planned;               /* the batch that it was made for */
    gn_preprocessor **workers; /* `threads` of them, each NULL until it is needed */
    float *inputs;             /* of a batch, NULL until they are needed */
    float *logits;             /* of a batch, the same */
    struct gn_plan_limit limit;
    double seconds; /* that a call may take; 0: any */
};

/* gn_predictor_create_with; `what` ("prediction of 3 images") is for the sentence when memory is
 * short. */
gn_predictor *gn_predictor_make(gn_net *net, const struct gn_predictor_options *options,
                                const char *what);

/* Makes the plan one for `batch` images. */
gn_status gn_predictor_plan(gn_predictor *predictor, int batch);

/* Whether the images can be what the network takes: BAD_SHAPE, BAD_ARGUMENT. */
gn_status gn_predictor_check(const gn_net *net, const struct gn_predict_options *images);

#endif
