/* Which instruction set's kernels run: what this CPU can do by its feature flags (never by its
 * model number), or what GOOGLENET_ISA asks for. */
#include "cpu/isa.h"

#include "base/words.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "reference", "generic", "avx2", "avx512", NULL };

const char *gn_isa_name(enum gn_isa isa)
{
    return names[isa];
}

bool gn_isa_can_run(enum gn_isa isa)
{
    if (isa == GN_ISA_SET_REFERENCE || isa == GN_ISA_SET_GENERIC)
        return true;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == GN_ISA_SET_AVX2)
        return avx2;
#if defined(GN_EMULATE_AVX512)
    return avx2; /* the wide code, compiled to AVX2 instructions, for tests */
#else
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
#else
    return false;
#endif
}

/* What GOOGLENET_ISA asks for. */
static gn_status choose_named(const char *wanted, enum gn_isa *isa)
{
    char text[64];
    gn_printable(text, sizeof text, wanted);
    for (*isa = GN_ISA_SET_AVX512; *isa > GN_ISA_SET_REFERENCE; --*isa)
        if (strcmp(names[*isa], wanted) == 0)
            break;
    if (*isa == GN_ISA_SET_REFERENCE) {
        const char *near = gn_nearest(wanted, names + GN_ISA_SET_GENERIC);
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "GOOGLENET_ISA=%s: unknown instruction set (known: avx512, avx2, generic)",
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
    *isa = GN_ISA_SET_AVX512;
    while (!gn_isa_can_run(*isa))
        --*isa;
    return GN_OK;
}

const char *gn_isa_available(void)
{
    return gn_isa_can_run(GN_ISA_SET_AVX512) ? "avx512 avx2 generic"
           : gn_isa_can_run(GN_ISA_SET_AVX2) ? "avx2 generic"
                                             : "generic";
}
