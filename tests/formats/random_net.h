/* Random networks for the tests of this folder. */
#ifndef GN_TESTS_RANDOM_NET_H
#define GN_TESTS_RANDOM_NET_H

#include <googlenet.h>

enum { RANDOM_NETS = 30, RANDOM_LEAST = 16, RANDOM_CLASSES = 4 };

/* Network i, 0 to RANDOM_NETS: the same layers for every size of the input from RANDOM_LEAST on; up to two
 * auxiliary heads. */
gn_net *random_net(int i, int h, int w);

#endif
