/* Instruction sets for which kernels are compiled, and which of them runs. */
#ifndef GN_CPU_ISA_H
#define GN_CPU_ISA_H

#include "base/status.h"

enum gn_isa {
    GN_ISA_SET_REFERENCE, /* plain C formulas: nothing but an oracle */
    GN_ISA_SET_GENERIC,
    GN_ISA_SET_AVX2,
    GN_ISA_SET_AVX512
};
enum { GN_ISA_SETS = GN_ISA_SET_AVX512 + 1 };

/* "avx2". */
const char *gn_isa_name(enum gn_isa isa);

/* Whether it is built in and this CPU has its instructions. */
bool gn_isa_can_run(enum gn_isa isa);

/* The one that GOOGLENET_ISA names, or the best that this CPU can run. BAD_ARGUMENT for an unknown
 * or unsupported name. */
gn_status gn_isa_choose(enum gn_isa *isa);

/* Those that can run here, best first: "avx2 generic". */
const char *gn_isa_available(void);

#endif
