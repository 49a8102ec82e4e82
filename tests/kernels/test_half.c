/* labels: quick
 *
 * Weights of 16 bits: every one is the float that IEEE 754 says, in all kernel sets. */
#include "kernels/kernels.h"
#include "support/check.h"

#include <math.h>
#include <string.h>

/* Every finite half as a weight of a layer of one input channel, whose pixel is 1. */
static void every_half_is_read_as_it_is(void **state)
{
    (void)state;
    enum { HALVES = 1 << 16 };
    static float weights[HALVES], packed[HALVES + 64], got[HALVES + 64], zeros[HALVES];
    int n = 0;
    for (uint32_t h = 0; h < HALVES; h++) {
        if ((h >> 10 & 31) == 31)
            continue;
        const double size = (h >> 10 & 31) == 0
                                ? (double)(h & 0x3ff) * 0x1p-24
                                : (1024 + (double)(h & 0x3ff)) * ldexp(1, (int)(h >> 10 & 31) - 25);
        weights[n++] = (float)(h & 0x8000 ? -size : size);
    }
    float one = 1;
    const struct gn_geometry g = { .h = 1,
                                   .w = 1,
                                   .c = 1,
                                   .oh = 1,
                                   .ow = 1,
                                   .oc = n,
                                   .kh = 1,
                                   .kw = 1,
                                   .stride_h = 1,
                                   .stride_w = 1 };
    const struct gn_args args = { .g = g,
                                  .x = { &one, 1 },
                                  .y = { got, n },
                                  .w = weights,
                                  .packed = packed,
                                  .zeros = zeros,
                                  .half = true,
                                  .threads = 1 };
    const struct gn_run once = { .n = 1, .batch = 1 };
    for (const struct gn_kernel_set *const *set = fast_sets(); *set != NULL; set++) {
        memset(got, 0, sizeof got);
        run_kernel(*set, GN_OP_CONV, GN_PASS_PACK, &args, &once, 1);
        run_kernel(*set, GN_OP_CONV, GN_PASS_FORWARD, &args, &once, 2);
        for (int i = 0; i < n; i++)
            if (fabs((double)got[i] - (double)weights[i]) > 0)
                fail_msg("%s: %a became %a", (*set)->isa, (double)weights[i], (double)got[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_half_is_read_as_it_is) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
