/* Which instruction set's kernels run: what this CPU can do by its feature flags (never by its
 * model number), or what GOOGLENET_ISA asks for. */
#include "cpu/isa.h"

#include "base/words.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#include <sys/prctl.h>
#endif

static const char *const names[] = { "reference", "generic", "neon", "sve256",
                                     "avx2",      "avx512",  NULL };

const char *gn_isa_name(enum gn_isa isa)
{
    return names[isa];
}

#if defined(GN_HAVE_AVX2_KERNELS) || defined(GN_HAVE_AVX512_KERNELS)
static bool has_instructions(enum gn_isa isa)
{
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#if defined(GN_HAVE_AVX2_KERNELS)
    if (isa == GN_ISA_SET_AVX2)
        return avx2;
#endif
    if (isa != GN_ISA_SET_AVX512)
        return false;
#if !defined(GN_HAVE_AVX512_KERNELS)
    return false;
#elif defined(GN_EMULATE_AVX512)
    return avx2; /* the wide code, compiled to AVX2 instructions, for tests */
#else
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
}
#elif defined(GN_HAVE_NEON_KERNELS)
static bool has_instructions(enum gn_isa isa)
{
#if defined(GN_HAVE_SVE256_KERNELS) && defined(__linux__) && defined(PR_SVE_GET_VL)
    if (isa == GN_ISA_SET_SVE256) {
        const bool sve = (getauxval(AT_HWCAP) & HWCAP_SVE) != 0;
        return sve && (prctl(PR_SVE_GET_VL) & PR_SVE_VL_LEN_MASK) == 256 / 8;
    }
#endif
    return isa == GN_ISA_SET_NEON; /* every 64-bit ARM has it */
}
#else
static bool has_instructions(enum gn_isa isa)
{
    (void)isa;
    return false;
}
#endif

bool gn_isa_can_run(enum gn_isa isa)
{
    return isa == GN_ISA_SET_REFERENCE || isa == GN_ISA_SET_GENERIC || has_instructions(isa);
}

/* What GOOGLENET_ISA asks for. */
static gn_status choose_named(const char *wanted, enum gn_isa *isa)
{
    char text[64];
    gn_printable(text, sizeof text, wanted);
    for (*isa = GN_ISA_SETS - 1; *isa > GN_ISA_SET_REFERENCE; --*isa)
        if (strcmp(names[*isa], wanted) == 0)
            break;
    if (*isa == GN_ISA_SET_REFERENCE) {
        const char *near = gn_nearest(wanted, names + GN_ISA_SET_GENERIC);
        (void)gn_fail(
            GN_STATUS_BAD_ARGUMENT,
            "GOOGLENET_ISA=%s: unknown instruction set (known: avx512, avx2, sve256, neon, "
            "generic)",
            text);
        if (near != NULL)
            gn_hint("did you mean GOOGLENET_ISA=%s?", near);
        return GN_STATUS_BAD_ARGUMENT;
    }
    if (gn_isa_can_run(*isa))
        return GN_OK;
    (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                  "GOOGLENET_ISA=%s: this CPU cannot run it (it can run: %s)", text,
                  gn_isa_available());
    gn_hint("unset GOOGLENET_ISA to take the best one");
    return GN_STATUS_BAD_ARGUMENT;
}

gn_status gn_isa_choose(enum gn_isa *isa)
{
    const char *wanted = getenv("GOOGLENET_ISA");
    if (wanted != NULL && wanted[0] != '\0')
        return choose_named(wanted, isa);
    *isa = GN_ISA_SETS - 1;
    while (!gn_isa_can_run(*isa))
        --*isa;
    return GN_OK;
}

static char available[64];

static void list_available(void)
{
    size_t n = 0;
    for (int isa = GN_ISA_SETS - 1; isa > GN_ISA_SET_REFERENCE; isa--)
        if (gn_isa_can_run((enum gn_isa)isa))
            n += (size_t)snprintf(available + n, sizeof available - n, "%s%s", n > 0 ? " " : "",
                                  names[isa]);
}

const char *gn_isa_available(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, list_available);
    return available;
}
