/* labels: push
 * timeout: 300
 *
 * Convolution and dense layer: every fast kernel set against the reference in the three
 * directions. Integer data must give equal bits, since every partial sum is exact; real data must
 * agree within 1e-6 (relative L2). Shapes are a sample of all combinations of odd sizes, drawn by
 * case number, and all weighted layers of GoogLeNet with a quarter of their channels.
 *
 * GN_CASE=NUMBER runs one case alone; a failure prints the line that does so. */
#include "kernels/conv_case.h"
#include "models/models.h"
#include "support/check.h"

#include <stdlib.h>

enum { INTEGER_CASES = 5000, REAL_CASES = 2000, LARGEST_MACS = 1500000 };

static const char program[] = "test_kernels_conv";

static void check_family(uint64_t family, int n, enum fill kind)
{
    int first, last, ran = 0;
    const char *sanitizers = getenv("GN_SANITIZE");
    const bool slow = sanitizers != NULL && sanitizers[0] != '\0';
    case_range(slow ? n / 8 : n, &first, &last);
    for (int number = first; number < last; number++) {
        const struct conv_case c = conv_case_drawn(family, number);
        if (conv_case_macs(&c) > LARGEST_MACS)
            continue;
        conv_case_check(&c, kind, (family + (uint64_t)number) << 8, number, program);
        ran++;
    }
    print_message("%d of %d shapes, those below %d multiplications\n", ran, last - first,
                  LARGEST_MACS);
}

static void integers_give_the_bits_of_the_reference(void **state)
{
    (void)state;
    check_family(UINT64_C(1) << 32, INTEGER_CASES, FILL_INTEGERS);
}

static void reals_agree_with_the_reference_within_1e_6(void **state)
{
    (void)state;
    check_family(UINT64_C(2) << 32, REAL_CASES, FILL_REALS);
}

static void layers_of_googlenet_give_the_bits_of_the_reference(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet(.size = 96);
    assert_non_null(net);
    int first, last, layers = 0;
    case_range(net->graph->n_layers, &first, &last);
    for (int i = first; i < last && i < net->graph->n_layers; i++) {
        const struct gn_layer *layer = &net->graph->layers[i];
        if (layer->weight < 0)
            continue;
        struct conv_case c = { .g = layer->window, .n = 2, .threads = 2, .bias = true };
        const bool dense = layer->op == &gn_op_dense;
        c.g.c = dense || c.g.c < 4 ? c.g.c : c.g.c / 4;
        c.g.oc = dense ? c.g.oc : c.g.oc / 4;
        c.relu = !dense;
        c.mask = c.accumulate = i % 2 == 0;
        conv_case_check(&c, FILL_INTEGERS, (UINT64_C(3) << 40) + ((uint64_t)i << 8), i, program);
        layers++;
    }
    assert_true(layers == 58 || getenv("GN_CASE") != NULL);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_give_the_bits_of_the_reference),
        cmocka_unit_test(reals_agree_with_the_reference_within_1e_6),
        cmocka_unit_test(layers_of_googlenet_give_the_bits_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
