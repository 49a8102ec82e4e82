/* Pictures as a network takes them. */
#ifndef GN_INFER_PREPROCESS_H
#define GN_INFER_PREPROCESS_H

#include "net/net.h"
#include "picture/input.h"

/* What a net takes, with resize rule `resize`, which is not DEFAULT. */
struct gn_input_rule gn_input_rule_of(const struct gn_net *net, gn_resize resize);

/* gn_preprocessor_create_with for a rule. */
gn_preprocessor *gn_preprocessor_of(const struct gn_input_rule *rule, bool scaled_decode);

#endif
