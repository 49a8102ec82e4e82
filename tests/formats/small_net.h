/* Two networks for the tests of this folder. */
#ifndef GN_TESTS_SMALL_NET_H
#define GN_TESTS_SMALL_NET_H

#include <googlenet.h>

/* One Inception block for images of 8x8x3, seven classes. */
gn_net *block_net(uint64_t seed);

/* The notebook's network at 32x32, for what depends on a preset's name. */
gn_net *preset_net(uint64_t seed);

#endif
