/*
 * A graph as JSON text and back, as model files hold it (docs/model-file.md), and what follows from
 * the text: its fingerprint.
 */
#ifndef GN_GRAPH_TEXT_H
#define GN_GRAPH_TEXT_H

#include "graph/graph.h"

enum { GN_GRAPH_VERSION = 1, GN_FINGERPRINT_BYTES = 17 };

/* The whole graph with `output` as its answer; free with gn_free. NULL: NO_MEMORY. Equal graphs give
 * equal texts, and a graph that was read gives the text that it was read from, if that is one of this
 * function. */
char *gn_graph_text(const struct gn_graph *graph, gn_node output);

/* The graph of such a text, which may come from anywhere. NULL: BAD_MODEL with what is wrong with it;
 * UNSUPPORTED when a version, an operator or an attribute is not known; NO_MEMORY. Takes no memory for
 * parameters. */
gn_graph *gn_graph_read(const char *text, gn_node *output);

/* A hash of the text without what does not change the answer: size of the input, stages, heads and
 * the layers that only they need, initial values. Two networks with equal hashes can exchange weights.
 * 16 hex digits. NO_MEMORY. */
gn_status gn_graph_fingerprint(const struct gn_graph *graph, gn_node output,
                               char hex[GN_FINGERPRINT_BYTES]);

#endif
