/* labels: push
 * timeout: 300
 *
 * Winograd's minimal filtering: every fast kernel set against the reference in the three
 * directions, within 1e-5 (relative L2) and 1e-4 of the root mean square in each element, on odd
 * maps, lopsided pads and strided views, and on the 3x3 and 5x5 layers of GoogLeNet with half of
 * their channels. The constants of the transforms are derived from the points once more, and the
 * bilinear algorithm that they make is exact.
 *
 * GN_CASE=NUMBER runs one case alone; a failure prints the line that does so. */
#include "cpu/winograd_tables.h"
#include "kernels/conv_case.h"
#include "models/models.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>

enum { CASES = 2000, LARGEST_MACS = 3000000 };

static const char program[] = "test_kernels_winograd";

static bool is_sanitized(void)
{
    const char *sanitizers = getenv("GN_SANITIZE");
    return sanitizers != NULL && sanitizers[0] != '\0';
}

static void shapes_agree_with_the_reference_within_1e_5(void **state)
{
    (void)state;
    const uint64_t family = UINT64_C(8) << 32;
    int first, last, ran = 0;
    case_range(is_sanitized() ? CASES / 8 : CASES, &first, &last);
    for (int number = first; number < last; number++) {
        const struct conv_case c = conv_case_for_winograd(family, number);
        if (conv_case_macs(&c) > LARGEST_MACS)
            continue;
        conv_case_check(&c, FILL_REALS, (family + (uint64_t)number) << 8, number, program);
        ran++;
    }
    print_message("%d of %d shapes, those below %d multiplications\n", ran, last - first,
                  LARGEST_MACS);
}

static int half(int channels)
{
    return (channels / 2 + 7) / 8 * 8;
}

static void layers_of_googlenet_agree_with_the_reference_within_1e_5(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet(.size = 96);
    assert_non_null(net);
    int first, last, layers = 0;
    case_range(net->graph->n_layers, &first, &last);
    for (int i = first; i < last && i < net->graph->n_layers; i++) {
        const struct gn_layer *layer = &net->graph->layers[i];
        const int kernel = layer->window.kh;
        if (layer->op != &gn_op_conv || (kernel != 3 && kernel != 5))
            continue;
        for (int large = 0; large < 2; large++) {
            struct conv_case c = { .g = layer->window, .n = 1, .threads = 2, .bias = true };
            c.g.c = half(c.g.c);
            c.g.oc = half(c.g.oc);
            c.tile = kernel == 3 ? 4 + 2 * large : 2 + 2 * large;
            c.relu = true;
            c.mask = c.accumulate = large == 1;
            conv_case_check(&c, FILL_REALS, (UINT64_C(9) << 40) + ((uint64_t)i << 8), i, program);
        }
        layers++;
    }
    assert_true(layers == 19 || getenv("GN_CASE") != NULL);
    gn_free_net(net);
}

/* More tiles and channels than the weight gradient takes at once: 72 tiles of at most 64, 96 input
 * channels of at most 80, 80 output channels of at most 64. */
static void chunks_of_tiles_and_channels_are_added_up(void **state)
{
    (void)state;
    const struct gn_geometry map = {
        .h = 12, .w = 12, .c = 96, .oh = 12, .ow = 12, .oc = 80, .stride_h = 1, .stride_w = 1
    };
    for (int large = 0; large < 2; large++) {
        struct conv_case c = { .g = map, .n = large ? 2 : 8, .threads = 2, .bias = true };
        c.g.kh = c.g.kw = large ? 5 : 3;
        c.g.pad_top = c.g.pad_left = c.g.kh / 2;
        c.tile = large ? 2 : 4;
        conv_case_check(&c, FILL_REALS, (UINT64_C(10) << 40) + (uint64_t)large, large, program);
    }
}

/* ---- The constants ---- */

/* The tables keep one row for a pair of points +a, -a: this is all of them, with infinity last. */
static double point(int i)
{
    static const double points[] = { 0, 1, -1, 2, -2, 0.5, -0.5 };
    return points[i];
}

static int pair_of(int n, int i)
{
    return i == n - 1 ? n / 2 : (i + 1) / 2;
}

/* Coefficient j of the product of (x - a_k) over the finite points k != skip. */
static double product(int n, int skip, int j)
{
    double c[9] = { 1 };
    for (int k = 0; k < n - 1; k++) {
        if (k == skip)
            continue;
        for (int d = 8; d >= 0; d--)
            c[d] = (d > 0 ? c[d - 1] : 0) - point(k) * c[d];
    }
    return c[j];
}

static double diagonal(int n, int i)
{
    double d = 1;
    for (int k = 0; k < n - 1 && i < n - 1; k++)
        d *= k == i ? 1 : point(i) - point(k);
    return 1 / d;
}

/* Entry (i, j) of B^T as the kernels build it from a row and a sign. */
static double data_entry(int n, int i, int j)
{
    const float(*b)[8] = n == 4 ? gn_winograd_b4 : n == 6 ? gn_winograd_b6 : gn_winograd_b8;
    const bool negative = i > 0 && i < n - 1 && i % 2 == 0;
    return (negative && j % 2 == 1 ? -1 : 1) * (double)b[pair_of(n, i)][j];
}

static double diagonal_entry(int n, int i)
{
    return (double)(n == 4   ? gn_winograd_d4
                    : n == 6 ? gn_winograd_d6
                             : gn_winograd_d8)[pair_of(n, i)];
}

/* Entry (i, j) of E_k: power j of point i; infinity takes the last coefficient. */
static double power_entry(int n, int k, int i, int j)
{
    if (i == n - 1)
        return j == k - 1 ? 1 : 0;
    if (i == 0)
        return j == 0 ? 1 : 0;
    const double p = (double)gn_winograd_powers[(i - 1) / 2][j];
    return i % 2 == 0 && j % 2 == 1 ? -p : p;
}

static void constants_follow_from_the_points(void **state)
{
    (void)state;
    for (int n = 4; n <= 8; n += 2) {
        for (int i = 0; i < n; i++) {
            /* A row of B^T and its entry of D may both have the other sign. */
            const double d = diagonal(n, i), table = diagonal_entry(n, i);
            assert_true(fabs(fabs(table) - fabs(d)) <= 1e-7 * fabs(d));
            const double sign = table * d > 0 ? 1 : -1;
            for (int j = 0; j < n; j++) {
                const double b = sign * product(n, i, j); /* infinity skips no point */
                if (fabs(data_entry(n, i, j) - b) > 0)
                    fail_msg("n %d: B^T[%d][%d] is %g, not %g", n, i, j, data_entry(n, i, j), b);
            }
            for (int j = 0; j < 6 && i > 0 && i < n - 1; j++)
                assert_true(power_entry(n, 6, i, j) == pow(point(i), j));
        }
    }
}

/* y = E_m^T [ (D E_r g) . (B^T d) ] is the correlation of d with g, for all unit vectors d, g. */
static void the_bilinear_algorithm_is_a_correlation(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 2, 3 }, { 4, 3 }, { 6, 3 }, { 2, 5 }, { 4, 5 } };
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int m = sizes[s][0], r = sizes[s][1], n = m + r - 1;
        for (int e = 0; e < m * r * n; e++) {
            const int out = e / (r * n), tap = e / n % r, in = e % n;
            double sum = 0;
            for (int i = 0; i < n; i++)
                sum += power_entry(n, m, i, out) * diagonal_entry(n, i) *
                       power_entry(n, r, i, tap) * data_entry(n, i, in);
            if (fabs(sum - (in == out + tap ? 1 : 0)) > 1e-6)
                fail_msg("F(%d,%d): output %d, tap %d, input %d: %g", m, r, out, tap, in, sum);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_follow_from_the_points),
        cmocka_unit_test(the_bilinear_algorithm_is_a_correlation),
        cmocka_unit_test(shapes_agree_with_the_reference_within_1e_5),
        cmocka_unit_test(chunks_of_tiles_and_channels_are_added_up),
        cmocka_unit_test(layers_of_googlenet_agree_with_the_reference_within_1e_5),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
