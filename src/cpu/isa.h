/* Instruction sets for which kernels are compiled, and which of them runs. */
#ifndef GN_CPU_ISA_H
#define GN_CPU_ISA_H

#include "base/status.h"

/* Of one kind of processor, the better one later. All but the first two fuse multiplication and addition,
 * and have equal bits. */
enum gn_isa {
    GN_ISA_SET_REFERENCE, /* plain C formulas: nothing but an oracle */
    GN_ISA_SET_GENERIC,
    GN_ISA_SET_NEON,
    GN_ISA_SET_SVE256, /* SVE on processors whose vectors have 256 bits */
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

/* What a table of the sets has for each of them: reference(), and set##__avx2 and the like where they are
 * built in. */
#if defined(GN_HAVE_NEON_KERNELS)
#define GN_ISA_NEON_ENTRY(set) [GN_ISA_SET_NEON] = set##__neon,
#else
#define GN_ISA_NEON_ENTRY(set)
#endif
#if defined(GN_HAVE_SVE256_KERNELS)
#define GN_ISA_SVE256_ENTRY(set) [GN_ISA_SET_SVE256] = set##__sve256,
#else
#define GN_ISA_SVE256_ENTRY(set)
#endif
#if defined(GN_HAVE_AVX2_KERNELS)
#define GN_ISA_AVX2_ENTRY(set) [GN_ISA_SET_AVX2] = set##__avx2,
#else
#define GN_ISA_AVX2_ENTRY(set)
#endif
#if defined(GN_HAVE_AVX512_KERNELS)
#define GN_ISA_AVX512_ENTRY(set) [GN_ISA_SET_AVX512] = set##__avx512,
#else
#define GN_ISA_AVX512_ENTRY(set)
#endif
#define GN_ISA_ENTRIES(reference, set)                                                             \
    {                                                                                              \
        [GN_ISA_SET_REFERENCE] = (reference), [GN_ISA_SET_GENERIC] = set##__generic,               \
        GN_ISA_NEON_ENTRY(set) GN_ISA_SVE256_ENTRY(set) GN_ISA_AVX2_ENTRY(set)                     \
            GN_ISA_AVX512_ENTRY(set)                                                               \
    }

#endif
