/* The kernel sets, put together from the table of operators, and which of them runs (cpu/isa.h). */
#include "ops/kernels.h"

#include <pthread.h>
#include <string.h>

static struct gn_kernel_set sets[GN_ISA_SETS];
static pthread_once_t sets_once = PTHREAD_ONCE_INIT;

/* A set that this CPU cannot run stays empty: what fills it is compiled for that instruction set,
 * too. */
static void fill_set(enum gn_isa isa)
{
    struct gn_kernel_set *set = &sets[isa];
    if (!gn_isa_can_run(isa))
        return;
    for (int i = 0; i < GN_OP_COUNT; i++) {
        const struct gn_operator *op = gn_operators[i];
        struct gn_kernel *row = set->table[i];
        if (op->kernels[isa] != NULL)
            op->kernels[isa](row);
        row[GN_PASS_FORWARD].by_image = row[GN_PASS_BACK].by_image = op->by_image;
        row[GN_PASS_FORWARD_BYTES].by_image = op->by_image;
        for (int pass = 0; pass < GN_PASS_COUNT; pass++)
            row[pass].simple = op->simple;
    }
    set->isa = gn_isa_name(isa);
}

static void fill_sets(void)
{
    for (int isa = 0; isa < GN_ISA_SETS; isa++)
        fill_set((enum gn_isa)isa);
}

static const struct gn_kernel_set *set_of(enum gn_isa isa)
{
    (void)pthread_once(&sets_once, fill_sets);
    return &sets[isa];
}

size_t gn_packed_floats(const struct gn_kernel_set *set, enum gn_pass pass,
                        const struct gn_geometry *g, int tile)
{
    const struct gn_kernel *kernel = &set->table[tile > 0 ? GN_OP_WINOGRAD : GN_OP_CONV][pass];
    return kernel->packed_floats == NULL ? 0 : kernel->packed_floats(g, tile);
}

const struct gn_kernel_set *gn_reference_kernels(void)
{
    return set_of(GN_ISA_SET_REFERENCE);
}

const struct gn_kernel_set *gn_cpu_kernels_named(const char *isa)
{
    for (int i = GN_ISA_SET_GENERIC; i < GN_ISA_SETS; i++)
        if (strcmp(gn_isa_name((enum gn_isa)i), isa) == 0 && gn_isa_can_run((enum gn_isa)i))
            return set_of((enum gn_isa)i);
    return NULL;
}

const struct gn_kernel_set *gn_cpu_kernels(void)
{
    enum gn_isa isa;
    return gn_isa_choose(&isa) == GN_OK ? set_of(isa) : NULL;
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
