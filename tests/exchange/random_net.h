/* A random network with weights, statistics and biases, the same for the same number: an input of at most
 * 32x32x3, four classes. Failures end the test. */
#ifndef GN_TESTS_RANDOM_NET_H
#define GN_TESTS_RANDOM_NET_H

#include <googlenet.h>

gn_net *test_random_network(int number);

#endif
