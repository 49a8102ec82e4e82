/* What a max pool keeps of each window (gn_args.kept): the tap r * kw + s that won, in a byte. */
#ifndef GN_OPS_MAX_POOL_WINNERS_H
#define GN_OPS_MAX_POOL_WINNERS_H

#include "ops/kernels.h"

enum { GN_NO_TAP = 255 }; /* nobody: with gn_args.mask, where the result is not positive */

#if defined(GN_ISA_FUNCTION)
/* The entry on bytes, from cpu_bytes.c. */
void GN_ISA_FUNCTION(gn_max_pool_byte_kernels)(struct gn_kernel *row);
#endif

#endif
