/*
 * Names of parameter tensors by pattern. A list holds patterns separated by commas; in a pattern
 * `*` means any characters and `?` for one. A pattern names a tensor ("dense.bias"), or
 * everything below a layer, block or stage ("dense", "b3.inception3a", "b1").
 */
#ifndef GN_GRAPH_PATTERN_H
#define GN_GRAPH_PATTERN_H

#include "graph/graph.h"

/* Whether a pattern of the list names this tensor. NULL and "": an empty list. */
bool gn_pattern_matches(const char *list, const char *name);

/* The same for a list of PATTERN=FACTOR: the factor of the last pattern that names the tensor, 1
 * when none does. */
double gn_pattern_factor(const char *list, const char *name);

/* BAD_ARGUMENT when a pattern is empty, too long or names no tensor of the graph (then the nearest
 * name is given), or, with `factors`, when one has no factor that is finite and not negative.
 * `what` begins the sentence ("freeze"). */
gn_status gn_pattern_check(const char *list, bool factors, const struct gn_graph *graph,
                           const char *what);

#endif
