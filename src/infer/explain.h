/* Inside of an explainer. */
#ifndef GN_INFER_EXPLAIN_H
#define GN_INFER_EXPLAIN_H

#include "infer/predictor.h"
#include "plan/plan.h"

struct gn_explainer {
    gn_net *net;
    int layer; /* in focus */
    const char *layer_name;
    struct gn_shape shape; /* of its values */
    int classes;           /* most of one call */
    int window, stride, threads;
    struct gn_plan
        *plan; /* with the layer in focus, for `classes` images; NULL until it is needed */
    gn_predictor *predictor;  /* of the whole network, for occlusion; the same */
    float *images;            /* copies of one image, for the larger of the two */
    float *values, *gradient; /* of the layer in focus */
    float *logits;
};

enum { GN_OCCLUSION_BATCH = 32 };

/* Softmax of one image's logits; `probabilities` has an entry a class. */
gn_status gn_explainer_answer(gn_explainer *explainer, const float *input, float *logits);

/* Values of the explainer's layer for one image: shape.h*w*c floats. */
gn_status gn_explainer_values(gn_explainer *explainer, const float *input, float *values);

#endif
