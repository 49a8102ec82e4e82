/* What the kernel tests share: guarded tensors, random values, running a kernel. */
#include "kernels/kernels.h"

#include "base/memory.h"
#include "base/random.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { GUARD = 64, SCRATCH_GUARD = 256 };

static const uint32_t pattern = 0x7fc0deadU; /* a NaN */

static bool is_pattern(const float *p)
{
    return memcmp(p, &pattern, sizeof pattern) == 0;
}

struct tensor tensor_new(size_t pixels, int c, int shift, int gap)
{
    struct tensor t = { .pixels = pixels, .c = c };
    t.view.ld = c + gap;
    t.floats = GUARD + (size_t)shift + pixels * (size_t)t.view.ld + GUARD;
    t.block = gn_alloc(t.floats * sizeof(float), "a test's tensor");
    assert_non_null(t.block);
    for (size_t i = 0; i < t.floats; i++)
        memcpy(t.block + i, &pattern, sizeof pattern);
    t.view.data = t.block + GUARD + shift;
    return t;
}

struct tensor tensor_copy(const struct tensor *from)
{
    struct tensor t = *from;
    t.block = gn_alloc(t.floats * sizeof(float), "a test's tensor");
    assert_non_null(t.block);
    memcpy(t.block, from->block, t.floats * sizeof(float));
    t.view.data = t.block + (from->view.data - from->block);
    return t;
}

void tensor_free(struct tensor *t)
{
    gn_free(t->block);
    t->block = NULL;
}

size_t tensor_count(const struct tensor *t)
{
    return t->pixels * (size_t)t->c;
}

float *tensor_at(const struct tensor *t, size_t i)
{
    const size_t c = (size_t)t->c;
    return t->view.data + i / c * (size_t)t->view.ld + i % c;
}

int draw_below(uint64_t stream, uint64_t i, int n)
{
    return (int)gn_random_below(0, GN_RANDOM_TEST, stream, i, (uint64_t)n);
}

void tensor_fill(const struct tensor *t, enum fill kind, uint64_t stream)
{
    for (size_t i = 0; i < tensor_count(t); i++) {
        float value = 0;
        switch (kind) {
        case FILL_INTEGERS:
            value = (float)(draw_below(stream, i, 65) - 32);
            break;
        case FILL_REALS:
            value = 2 * gn_random_unit(0, GN_RANDOM_TEST, stream, i) - 1;
            value = gn_random_bits(1, GN_RANDOM_TEST, stream, i) % 4 == 0 ? 0 : value;
            break;
        case FILL_TIES:
            value = (float)(draw_below(stream, i, 5) - 2);
            break;
        case FILL_NEGATIVE:
            value = (float)(draw_below(stream, i, 1000) - 1000);
            break;
        }
        *tensor_at(t, i) = value;
    }
}

bool tensor_same_bits(const struct tensor *a, const struct tensor *b)
{
    return memcmp(a->block, b->block, a->floats * sizeof(float)) == 0;
}

static bool is_element(const struct tensor *t, size_t i)
{
    const size_t before = (size_t)(t->view.data - t->block);
    const size_t ld = t->view.ld == 0 ? 1 : (size_t)t->view.ld;
    return i >= before && (i - before) / ld < t->pixels && (i - before) % ld < (size_t)t->c;
}

bool tensor_guards_are_intact(const struct tensor *t)
{
    for (size_t i = 0; i < t->floats; i++)
        if (!is_element(t, i) && !is_pattern(t->block + i))
            return false;
    return true;
}

bool tensor_is_clean(const struct tensor *t)
{
    for (size_t i = 0; i < tensor_count(t); i++)
        if (isnan(*tensor_at(t, i)))
            return false;
    return tensor_guards_are_intact(t);
}

double tensor_error(const struct tensor *a, const struct tensor *b, double least)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < tensor_count(a); i++) {
        const double x = (double)*tensor_at(a, i), y = (double)*tensor_at(b, i);
        difference += (x - y) * (x - y);
        norm += y * y;
    }
    return sqrt(difference) / fmax(sqrt(norm), least);
}

gn_status rule_of(const struct gn_operator *op, const char *name, struct gn_shape in,
                  void *attributes, struct gn_geometry *g)
{
    struct gn_rule rule = { .name = name, .in = &in, .n_in = 1, .attributes = attributes };
    const gn_status status = gn_operator_apply(op, &rule);
    *g = rule.g;
    return status;
}

void run_kernel(const struct gn_kernel_set *set, enum gn_op op, enum gn_pass pass,
                const struct gn_args *args, const struct gn_run *run, uint64_t stream)
{
    const struct gn_kernel *kernel = &set->table[op][pass];
    if (kernel->run == NULL)
        return;
    const int units = kernel->units(args, run);
    assert_true(units > 0);
    const size_t bytes = kernel->scratch_bytes == NULL ? 0 : kernel->scratch_bytes(args);
    unsigned char *scratch = gn_alloc(bytes + SCRATCH_GUARD, "a test's working memory");
    assert_non_null(scratch);
    memset(scratch, 0xff, bytes + SCRATCH_GUARD);
    /* A step without common divisor visits every unit once. */
    const int steps[] = { 1, 7919, 104729 };
    const int start = draw_below(stream, 1, units);
    int step = steps[draw_below(stream, 2, 3)];
    step = units % 7919 == 0 || units % 104729 == 0 ? 1 : step;
    for (int i = 0; i < units; i++)
        kernel->run(args, run, (int)((start + (int64_t)i * step) % units), scratch);
    for (size_t i = 0; i < SCRATCH_GUARD; i++)
        if (scratch[bytes + i] != 0xff)
            fail_msg("%s: kernel \"%s\" wrote behind its %zu bytes of working memory", set->isa,
                     kernel->name, bytes);
    gn_free(scratch);
}

const struct gn_kernel_set *const *fast_sets(void)
{
    static const char *const names[] = { "avx512", "avx2", "sve256", "neon", "generic" };
    static const struct gn_kernel_set *sets[6];
    if (sets[0] != NULL)
        return sets;
    int n = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct gn_kernel_set *set = gn_cpu_kernels_named(names[i]);
        if (set != NULL)
            sets[n++] = set;
        else
            print_message("skipped: the %s kernels, which this CPU cannot run\n", names[i]);
    }
    return sets;
}

void case_range(int n, int *first, int *last)
{
    *first = 0;
    *last = n;
    const char *one = getenv("GN_CASE");
    if (one != NULL) {
        *first = (int)strtol(one, NULL, 10);
        *last = *first + 1;
    }
}

void case_failed(const char *program, int number, const char *what)
{
    print_error("repeat: GN_CASE=%d %s   # %s\n", number, program, what);
    fail();
    abort(); /* fail() does not return */
}
