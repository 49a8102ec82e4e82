/* What a validation answers, collected batch by batch for two pictures. */
#ifndef GN_TENSORBOARD_ANSWERS_H
#define GN_TENSORBOARD_ANSWERS_H

#include "cluster/ranks.h"
#include "data/loader.h"
#include "file/protobuf.h"
#include "net/net.h"

struct gn_answers;

/* Net and ranks must outlive it. NULL: NO_MEMORY. */
struct gn_answers *gn_answers_create(const struct gn_net *net, gn_ranks *ranks);
void gn_answers_free(struct gn_answers *answers); /* NULL is fine */

void gn_answers_begin(struct gn_answers *answers);
void gn_answers_batch(struct gn_answers *answers, const struct gn_batch *batch,
                      const float *logits);

/* Every rank has the answers of all; each calls it once, after a validation. */
gn_status gn_answers_share(struct gn_answers *answers);

/* Adds "confusion" and, if there are any, "mistakes". A build that cannot draw adds nothing, as do
 * more classes than a picture shows to the first. */
void gn_answers_add(const struct gn_answers *answers, struct gn_pb *values);

#endif
