/* labels: push isa
 *
 * Steps that run concurrently need nothing of each other: in the opposite order they give the same
 * bits, in training and in prediction. */
#include "base/memory.h"
#include "plan/internal.h"
#include "plan/networks.h"
#include "support/check.h"

#include <string.h>

enum { IMAGES = 5 };

static void swap_steps(struct gn_step *a, struct gn_step *b)
{
    struct gn_step *kept = gn_alloc(sizeof *kept, "a step");
    assert_non_null(kept);
    memcpy(kept, a, sizeof *kept);
    memcpy(a, b, sizeof *a);
    memcpy(b, kept, sizeof *b);
    gn_free(kept);
}

/* Turns the order of each group around; returns how many steps have another one before them. */
static int turn_around(struct gn_plan *plan)
{
    int beside = 0;
    for (int i = 0; i < plan->n_steps;) {
        int end = i + 1;
        while (end < plan->n_steps && plan->steps[end].beside)
            end++;
        beside += end - i - 1;
        for (int a = i, b = end - 1; a < b; a++, b--)
            swap_steps(&plan->steps[a], &plan->steps[b]);
        for (int k = i; k < end; k++)
            plan->steps[k].beside = k > i;
        i = end;
    }
    return beside;
}

static void run(struct gn_plan *plan, const float *images, const int32_t *labels, float *out)
{
    struct gn_plan_sums sums;
    gn_plan_params_changed(plan);
    if (labels == NULL)
        assert_int_equal(gn_plan_forward(plan, images, IMAGES, out), GN_OK);
    else
        assert_int_equal(
            gn_plan_gradients(
                plan, &(struct gn_plan_batch){ .images = images, .labels = labels, .n = IMAGES },
                out, &sums),
            GN_OK);
}

/* Runs a plan of `net` in both orders; returns how many steps run concurrently with others. */
static int compare(gn_net *net, const char *name, bool train, bool reference)
{
    const struct gn_plan_options o = {
        .train = train, .batch = IMAGES, .slice = 2, .threads = 2, .reference = reference
    };
    struct gn_plan *plan = gn_plan_create(net, &o);
    assert_non_null(plan);
    const size_t floats = train ? net->graph->n_floats : (size_t)IMAGES * (size_t)net->classes;
    float *images = test_images(net, IMAGES, 1);
    int32_t *labels = test_labels(net, IMAGES);
    float *out = gn_calloc(2 * floats, sizeof *out, "results");
    assert_non_null(out);
    run(plan, images, train ? labels : NULL, out);
    const int beside = turn_around(plan);
    run(plan, images, train ? labels : NULL, out + floats);
    if (memcmp(out, out + floats, floats * sizeof *out) != 0)
        fail_msg("%s: other bits in the opposite order (%s)", name, train ? "train" : "predict");
    gn_free(out);
    gn_free(images);
    gn_free(labels);
    gn_plan_free(plan);
    return beside;
}

static void the_order_changes_no_bit(void **state)
{
    (void)state;
    const char *name;
    gn_net *net;
    for (int i = 0; (net = test_network(i, &name)) != NULL; i++) {
        gn_net_init(net, 9);
        for (int k = 0; k < 4; k++)
            (void)compare(net, name, k / 2 == 0, k % 2 == 0);
        gn_free_net(net);
    }
}

/* Each weight gradient with the gradient of its input, and the branches of each block. */
static void a_block_has_few_barriers(void **state)
{
    (void)state;
    gn_net *net = gn_googlenet(.size = 48);
    assert_non_null(net);
    gn_net_init(net, 9);
    assert_true(compare(net, "googlenet", true, false) > 9 * 6);
    assert_true(compare(net, "googlenet", false, false) > 9);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_changes_no_bit),
        cmocka_unit_test(a_block_has_few_barriers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
