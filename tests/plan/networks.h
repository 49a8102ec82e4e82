/* Small networks, each of which makes the plan's passes decide something. */
#ifndef GN_TESTS_NETWORKS_H
#define GN_TESTS_NETWORKS_H

#include "plan/plan.h"

/* Network number i with its name and random parameters (biases too); NULL after the last one. */
gn_net *test_network(int i, const char **name);

/* n random images and labels for the network; free with gn_free. */
float *test_images(const gn_net *net, int n, uint64_t stream);
int32_t *test_labels(const gn_net *net, int n);

#endif
