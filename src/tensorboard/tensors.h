/* Histograms of a network's tensors: weights, gradients, and how far an update moves them. */
#ifndef GN_TENSORBOARD_TENSORS_H
#define GN_TENSORBOARD_TENSORS_H

#include "file/protobuf.h"
#include "graph/graph.h"

struct gn_tensors;

/* For tensors that training changes. Of more than `most` values in all every k-th one of each tensor is
 * looked at, but of no tensor fewer than about a thousand. NULL: NO_MEMORY. */
struct gn_tensors *gn_tensors_create(const struct gn_graph *graph, const char *freeze, int threads,
                                     uint64_t most);
void gn_tensors_free(struct gn_tensors *tensors); /* NULL is fine */

/* Keeps the parameters as they are before an update. */
void gn_tensors_before(struct gn_tensors *tensors, const float *params);

/* After it: adds "weights/NAME", "gradients/NAME", and "updates/NAME", the decimal logarithm of every
 * weight's relative change. Only after gn_tensors_before, and once. */
void gn_tensors_add(struct gn_tensors *tensors, const float *params, const float *grads,
                    struct gn_pb *values);

/* About the bytes that gn_tensors_add adds. */
uint64_t gn_tensors_bytes(const struct gn_tensors *tensors);

#endif
