/* The loss is a step of a plan, not a layer. */
#include "ops/op.h"

const struct gn_operator gn_op_loss = {
    .id = GN_OP_LOSS,
    .name = "loss",
    .type = "Loss",
    .kind = "loss",
#if GN_TRAINING
    GN_ONE_KERNEL(loss),
#endif
};
