/*
 * Which kernel set runs: what this CPU can do by its feature flags (never by its model number),
 * or what GOOGLENET_ISA asks for. The sets are put together here from the table of operators.
 */
#include "ops/kernels.h"

#include "base/words.h"
#include "gn_config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct gn_kernel_set sets[GN_ISA_SETS];
static pthread_once_t sets_once = PTHREAD_ONCE_INIT;

static bool can_run(int isa)
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

/* A set that this CPU cannot run stays empty: what fills it is compiled for that instruction set,
 * too. */
static void fill_set(int isa, const char *name,
                     void (*fill_filter)(struct gn_filter_kernels *kernels))
{
    struct gn_kernel_set *set = &sets[isa];
    if (!can_run(isa))
        return;
    for (int i = 0; i < GN_OP_COUNT; i++) {
        const struct gn_operator *op = gn_operators[i];
        struct gn_kernel *row = set->table[i];
        if (op->kernels[isa] != NULL)
            op->kernels[isa](row);
        row[GN_PASS_FORWARD].by_image = row[GN_PASS_BACK].by_image = op->by_image;
        for (int pass = 0; pass < GN_PASS_COUNT; pass++)
            row[pass].simple = op->simple;
    }
    fill_filter(&set->filter);
    set->isa = name;
}

static void fill_sets(void)
{
    fill_set(GN_ISA_SET_REFERENCE, "reference", gn_resize_kernels__ref);
    fill_set(GN_ISA_SET_GENERIC, "generic", gn_resize_kernels__generic);
#if defined(__x86_64__)
    fill_set(GN_ISA_SET_AVX2, "avx2", gn_resize_kernels__avx2);
    fill_set(GN_ISA_SET_AVX512, "avx512", gn_resize_kernels__avx512);
#endif
}

size_t gn_packed_floats(const struct gn_kernel_set *set, enum gn_pass pass,
                        const struct gn_geometry *g, int tile)
{
    const struct gn_kernel *kernel = &set->table[tile > 0 ? GN_OP_WINOGRAD : GN_OP_CONV][pass];
    return kernel->packed_floats == NULL ? 0 : kernel->packed_floats(g, tile);
}

const struct gn_kernel_set *gn_reference_kernels(void)
{
    (void)pthread_once(&sets_once, fill_sets);
    return &sets[GN_ISA_SET_REFERENCE];
}

const struct gn_kernel_set *gn_cpu_kernels_named(const char *isa)
{
    (void)pthread_once(&sets_once, fill_sets);
    for (int i = GN_ISA_SET_GENERIC; i < GN_ISA_SETS; i++)
        if (sets[i].isa != NULL && strcmp(sets[i].isa, isa) == 0)
            return &sets[i];
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
