/*
 * Which kernel set runs: what this CPU can do by its feature flags (never by its model number),
 * or what GOOGLENET_ISA asks for. The sets are put together here from the operators' files.
 */
#include "ops/kernels.h"

#include "gn_config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ISA_REFERENCE, ISA_GENERIC, ISA_AVX2, ISA_AVX512, ISA_COUNT };

static struct gn_kernel_set sets[ISA_COUNT];
static pthread_once_t sets_once = PTHREAD_ONCE_INIT;

/* The file of an operator fills its entries of one set. */
#define FILL(set, suffix)                                                                          \
    do {                                                                                           \
        gn_conv_kernels__##suffix(set);                                                            \
        gn_winograd_kernels__##suffix(set);                                                        \
        gn_pool_kernels__##suffix(set);                                                            \
        gn_relu_kernels__##suffix(set);                                                            \
        gn_concat_kernels__##suffix(set);                                                          \
        gn_avg_pool_kernels__##suffix(set);                                                        \
        gn_batch_norm_kernels__##suffix(set);                                                      \
        gn_lrn_kernels__##suffix(set);                                                             \
        gn_resize_kernels__##suffix(set);                                                          \
        gn_dropout_kernels(set);                                                                   \
        gn_loss_kernels(set);                                                                      \
    } while (0)

static void fill_sets(void)
{
    sets[ISA_REFERENCE].isa = "reference";
    FILL(&sets[ISA_REFERENCE], ref);
    sets[ISA_GENERIC].isa = "generic";
    FILL(&sets[ISA_GENERIC], generic);
#if defined(__x86_64__)
    sets[ISA_AVX2].isa = "avx2";
    FILL(&sets[ISA_AVX2], avx2);
    sets[ISA_AVX512].isa = "avx512";
    FILL(&sets[ISA_AVX512], avx512);
#endif
}

static bool can_run(int isa)
{
    if (isa == ISA_GENERIC)
        return true;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == ISA_AVX2)
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

const struct gn_kernel_set *gn_reference_kernels(void)
{
    (void)pthread_once(&sets_once, fill_sets);
    return &sets[ISA_REFERENCE];
}

const struct gn_kernel_set *gn_cpu_kernels_named(const char *isa)
{
    (void)pthread_once(&sets_once, fill_sets);
    for (int i = ISA_GENERIC; i < ISA_COUNT; i++)
        if (sets[i].isa != NULL && strcmp(sets[i].isa, isa) == 0)
            return can_run(i) ? &sets[i] : NULL;
    return NULL;
}

const struct gn_kernel_set *gn_cpu_kernels(void)
{
    static const char *const names[] = { "avx512", "avx2", "generic", NULL };
    const char *wanted = getenv("GOOGLENET_ISA");
    if (wanted == NULL || wanted[0] == '\0') {
        const struct gn_kernel_set *set = NULL;
        for (int i = 0; set == NULL; i++)
            set = gn_cpu_kernels_named(names[i]);
        return set;
    }
    bool known = false;
    for (int i = 0; names[i] != NULL; i++)
        known |= strcmp(names[i], wanted) == 0;
    char text[64];
    gn_printable(text, sizeof text, wanted);
    if (!known) {
        const char *near = gn_nearest(wanted, names);
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "GOOGLENET_ISA=%s: unknown instruction set (known: avx512, avx2, generic)",
                      text);
        if (near != NULL)
            gn_hint("did you mean GOOGLENET_ISA=%s?", near);
        return NULL;
    }
    const struct gn_kernel_set *set = gn_cpu_kernels_named(wanted);
    if (set == NULL) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "GOOGLENET_ISA=%s: this CPU cannot run it (it can run: %s)", text,
                      gn_cpu_available());
        gn_hint("unset GOOGLENET_ISA to take the best one");
    }
    return set;
}

const char *gn_cpu_available(void)
{
    return gn_cpu_kernels_named("avx512") != NULL ? "avx512 avx2 generic"
           : gn_cpu_kernels_named("avx2") != NULL ? "avx2 generic"
                                                  : "generic";
}

int gn_units_images(const struct gn_args *a, const struct gn_run *r)
{
    (void)a;
    return r->n;
}

int gn_units_one(const struct gn_args *a, const struct gn_run *r)
{
    (void)a;
    (void)r;
    return 1;
}
