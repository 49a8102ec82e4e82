/* What the kernel tests share: guarded tensors, random values, and running a kernel the way the
 * plan may run it (any order of units, dirty working memory). Failures end the test. */
#ifndef GN_TESTS_KERNELS_H
#define GN_TESTS_KERNELS_H

#include "ops/kernels.h"

/* n pixels of c channels inside a larger block: guard zones before and after, a shift of the
 * first pixel, and gaps between pixels (ld > c). All that is not a channel of a pixel holds a NaN
 * pattern, so reading it spoils a result and writing it is seen. */
struct tensor {
    float *block;
    size_t floats; /* of the block */
    struct gn_view view;
    size_t pixels;
    int c;
};

/* `shift` and `gap` (ld = c + gap) in floats. Every float holds the pattern. */
struct tensor tensor_new(size_t pixels, int c, int shift, int gap);
struct tensor tensor_copy(const struct tensor *from);
void tensor_free(struct tensor *t);

/* Element i of the tensor without its gaps. */
float *tensor_at(const struct tensor *t, size_t i);
size_t tensor_count(const struct tensor *t);

enum fill {
    FILL_INTEGERS, /* -32 ... 32 */
    FILL_REALS,    /* uniform in [-1, 1], a quarter of them exactly 0 */
    FILL_TIES,     /* -2 ... 2 */
    FILL_NEGATIVE  /* -1000 ... -1 */
};
void tensor_fill(const struct tensor *t, enum fill kind, uint64_t stream);

/* Number i of a stream of random integers in [0, n). */
int draw_below(uint64_t stream, uint64_t i, int n);

/* Whether both blocks hold the same bits, guard zones and gaps included. */
bool tensor_same_bits(const struct tensor *a, const struct tensor *b);

/* Whether guard zones and gaps still hold the pattern. */
bool tensor_guards_are_intact(const struct tensor *t);

/* The same, and every element was written. */
bool tensor_is_clean(const struct tensor *t);

/* Norm of a - b over the larger of norm b and `least`. */
double tensor_error(const struct tensor *a, const struct tensor *b, double least);

/* Runs all units in an order drawn from `stream`; the working memory is dirty, and nothing after
 * it may change. A kernel that is not there does nothing. */
void run_kernel(const struct gn_kernel_set *set, enum gn_op op, enum gn_pass pass,
                const struct gn_args *args, const struct gn_run *run, uint64_t stream);

/* What an operator's rule makes of one input and attributes, whose zeros it replaces. */
gn_status rule_of(const struct gn_operator *op, const char *name, struct gn_shape in,
                  void *attributes, struct gn_geometry *g);

/* The fast sets that this CPU can run, NULL at the end; says which ones are skipped. */
const struct gn_kernel_set *const *fast_sets(void);

/* Cases of a random test: first to last - 1, or only the one that GN_CASE names. */
void case_range(int n, int *first, int *last);

/* Says how case `number` of the running test is repeated, then fails. `what` describes it. */
_Noreturn void case_failed(const char *program, int number, const char *what);

#endif
