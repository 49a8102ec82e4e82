/* labels: push isa
 *
 * Grains: the gradient of a batch is the tree of its grains' gradients, to the bit, whoever computes them and
 * also where one has no images. With statistics of each grain alone this is so with batch normalisation, too, and
 * everything is what the reference makes of one grain after the other. */
#include "base/memory.h"
#include "base/pairwise.h"
#include "plan/networks.h"
#include "support/check.h"

#include <string.h>

enum { N = 9, GRAIN = 2, GRAINS = 5 };

struct fixture {
    gn_net *net;
    struct gn_plan *plan;
    float *images;
    int32_t *labels;
    size_t floats;
};

static float *new_gradients(const struct fixture *f)
{
    float *grads = gn_calloc(f->floats, sizeof *grads, "gradients");
    assert_non_null(grads);
    return grads;
}

/* Grains [from, to) of the batch. */
static struct gn_plan_sums compute(const struct fixture *f, const int *counts, int from, int to,
                                   float *grads)
{
    const struct gn_shape in = f->net->input;
    struct gn_plan_sums sums;
    int first = 0;
    struct gn_plan_batch batch = {
        .seed = 3, .step = 4, .counts = counts, .n_counts = GRAINS, .from = from, .to = to
    };
    for (int i = 0; i < from; i++)
        first += counts[i];
    for (int i = from; i < to; i++)
        batch.n += counts[i];
    batch.images = f->images + (size_t)first * (size_t)(in.h * in.w * in.c);
    batch.labels = f->labels + first;
    assert_int_equal(gn_plan_gradients(f->plan, &batch, grads, &sums), GN_OK);
    return sums;
}

/* That of all grains at once against those of one after the other. */
static void check(const struct fixture *f, const int *counts, const char *name)
{
    float *whole = new_gradients(f), *sums[GN_PAIRWISE_MOST] = { NULL };
    double losses[GRAINS];
    struct gn_pairwise tree;
    const struct gn_plan_sums all = compute(f, counts, 0, GRAINS, whole);
    gn_pairwise_begin(&tree, GRAINS);
    for (int i = 0; i < GRAINS; i++) {
        gn_free(sums[tree.n]);
        float *own = sums[tree.n] = new_gradients(f);
        losses[i] = compute(f, counts, i, i + 1, own).loss;
        for (int k = gn_pairwise_push_grain(&tree, i); k > 0; k--)
            for (size_t p = 0; p < f->floats; p++)
                sums[tree.n + k - 2][p] += sums[tree.n + k - 1][p];
    }
    if (memcmp(whole, sums[0], f->floats * sizeof *whole) != 0)
        fail_msg("%s: the gradient is not the tree of its grains'", name);
    assert_true(all.loss == gn_pairwise_sum(losses, GRAINS, 1));
    for (int i = 0; i < GN_PAIRWISE_MOST; i++)
        gn_free(sums[i]);
    gn_free(whole);
}

static bool has_norm(const gn_net *net)
{
    for (int i = 0; i < net->graph->n_layers; i++)
        if (net->graph->layers[i].op->whole_batch)
            return true;
    return false;
}

static void a_gradient_is_the_tree_of_its_grains(void **state)
{
    static const int full[GRAINS] = { 2, 2, 2, 2, 1 }, gaps[GRAINS] = { 2, 0, 1, 2, 2 };
    (void)state;
    const char *name;
    struct fixture f;
    int checked = 0;
    for (int i = 0; (f.net = test_network(i, &name)) != NULL; i++) {
        for (int reference = 0; reference < 2; reference++) {
            f.plan =
                gn_plan_create(f.net, &(struct gn_plan_options){ .train = true,
                                                                 .batch = N,
                                                                 .slice = GRAIN,
                                                                 .threads = 2,
                                                                 .norm_grains = has_norm(f.net),
                                                                 .reference = reference });
            assert_non_null(f.plan);
            f.images = test_images(f.net, N, 1);
            f.labels = test_labels(f.net, N);
            f.floats = f.net->graph->n_floats;
            check(&f, full, name);
            check(&f, gaps, name);
            gn_plan_free(f.plan);
            gn_free(f.images);
            gn_free(f.labels);
            checked++;
        }
        gn_free_net(f.net);
    }
    assert_true(checked > 10);
}

/* Statistics of the batch do not depend on how it is divided but for their rounding. */
static void normalisation_sees_all_grains(void **state)
{
    (void)state;
    const char *name;
    struct fixture f;
    int checked = 0;
    for (int i = 0; (f.net = test_network(i, &name)) != NULL; i++) {
        float *grads[2] = { NULL };
        struct gn_plan_sums sums[2];
        f.floats = f.net->graph->n_floats;
        for (int k = 0; k < 2 && has_norm(f.net); k++) {
            f.plan = gn_plan_create(
                f.net, &(struct gn_plan_options){
                           .train = true, .batch = N, .slice = k == 0 ? N : GRAIN, .threads = 2 });
            assert_non_null(f.plan);
            f.images = test_images(f.net, N, 1);
            f.labels = test_labels(f.net, N);
            grads[k] = new_gradients(&f);
            const struct gn_plan_batch batch = { .images = f.images, .labels = f.labels, .n = N };
            assert_int_equal(gn_plan_gradients(f.plan, &batch, grads[k], &sums[k]), GN_OK);
            gn_plan_free(f.plan);
            gn_free(f.images);
            gn_free(f.labels);
        }
        if (grads[0] != NULL) {
            double difference = 0, norm = 0;
            for (size_t p = 0; p < f.floats; p++) {
                const double a = (double)grads[0][p], b = (double)grads[1][p];
                difference += (a - b) * (a - b);
                norm += b * b;
            }
            if (difference > 1e-8 * norm)
                fail_msg("%s: off by %g of %g", name, difference, norm);
            assert_true(sums[0].loss - sums[1].loss < 1e-4 && sums[1].loss - sums[0].loss < 1e-4);
            checked++;
        }
        gn_free(grads[0]);
        gn_free(grads[1]);
        gn_free_net(f.net);
    }
    assert_true(checked > 0);
}

/* ---- Statistics of each grain ---- */

enum { LARGE = 3 };

/* Counts of the grains of N images, and one more without any. */
static const int grouped[] = { LARGE, 0, LARGE, 2, 1 };
enum { GROUPS = sizeof grouped / sizeof grouped[0] };

static bool draws(const gn_net *net)
{
    for (int i = 0; i < net->graph->n_layers; i++)
        if (strcmp(net->graph->layers[i].op->name, "dropout") == 0)
            return true;
    return false;
}

static double distance(const float *a, const double *b, size_t n)
{
    double difference = 0, norm = 1e-30;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return difference / norm;
}

static void copy_params(gn_net *net, float *copy, bool back)
{
    const size_t bytes = net->graph->n_floats * sizeof *copy;
    memcpy(back ? net->params : copy, back ? copy : net->params, bytes);
}

/* One step with grain i alone, by the plain reference: its part of the gradient and of the new running
 * statistics, which are linear in those of the grains. */
static double add_alone(const struct fixture *f, int i, int first, double *grads, double *params)
{
    const struct gn_shape in = f->net->input;
    const double share = (double)grouped[i] / N;
    struct gn_plan_sums sums;
    float *own = new_gradients(f), *before = new_gradients(f);
    struct gn_plan *plan = gn_plan_create(
        f->net, &(struct gn_plan_options){ .train = true, .batch = grouped[i], .reference = true });
    assert_non_null(plan);
    const struct gn_plan_batch batch = { .images = f->images + first * in.h * in.w * in.c,
                                         .labels = f->labels + first,
                                         .n = grouped[i] };
    copy_params(f->net, before, false);
    assert_int_equal(gn_plan_gradients(plan, &batch, own, &sums), GN_OK);
    for (size_t p = 0; p < f->floats; p++) {
        grads[p] += share * (double)own[p];
        params[p] += share * (double)f->net->params[p];
    }
    copy_params(f->net, before, true);
    gn_plan_free(plan);
    gn_free(own);
    gn_free(before);
    return sums.loss;
}

static void check_grouped(const struct fixture *f, const char *name, bool reference)
{
    float *grads = new_gradients(f), *before = new_gradients(f);
    double *wanted = gn_calloc(f->floats, sizeof *wanted, "gradients"), loss = 0;
    double *params = gn_calloc(f->floats, sizeof *params, "parameters");
    assert_true(wanted != NULL && params != NULL);
    for (int i = 0, first = 0; i < GROUPS; first += grouped[i++])
        if (grouped[i] > 0)
            loss += add_alone(f, i, first, wanted, params);
    copy_params(f->net, before, false);
    struct gn_plan *plan =
        gn_plan_create(f->net, &(struct gn_plan_options){ .train = true,
                                                          .batch = GROUPS * LARGE,
                                                          .slice = LARGE,
                                                          .threads = 2,
                                                          .norm_grains = true,
                                                          .reference = reference });
    assert_non_null(plan);
    struct gn_plan_sums sums;
    const struct gn_plan_batch batch = { .images = f->images,
                                         .labels = f->labels,
                                         .n = N,
                                         .counts = grouped,
                                         .n_counts = GROUPS,
                                         .to = GROUPS };
    assert_int_equal(gn_plan_gradients(plan, &batch, grads, &sums), GN_OK);
    assert_true(sums.loss - loss < 1e-3 && loss - sums.loss < 1e-3);
    const double off = distance(grads, wanted, f->floats);
    const double moved = distance(f->net->params, params, f->floats);
    if (off > 1e-7 || moved > 1e-11)
        fail_msg("%s: gradients are off by %g, statistics by %g", name, off, moved);
    if (memcmp(f->net->params, before, f->floats * sizeof *before) == 0)
        fail_msg("%s: the running statistics have not moved", name);
    copy_params(f->net, before, true);
    gn_plan_free(plan);
    gn_free(grads);
    gn_free(before);
    gn_free(wanted);
    gn_free(params);
}

static void statistics_of_grains_are_those_of_one_after_the_other(void **state)
{
    (void)state;
    const char *name;
    struct fixture f;
    int checked = 0;
    for (int i = 0; (f.net = test_network(i, &name)) != NULL; i++) {
        f.images = test_images(f.net, N, 1);
        f.labels = test_labels(f.net, N);
        f.floats = f.net->graph->n_floats;
        for (int reference = 0; reference < 2 && has_norm(f.net) && !draws(f.net); reference++) {
            check_grouped(&f, name, reference);
            checked++;
        }
        gn_free(f.images);
        gn_free(f.labels);
        gn_free_net(f.net);
    }
    assert_true(checked > 0);
}

/* ---- Room for shares ---- */

static int nearly_all(void *user, int grains)
{
    (void)user;
    return grains > 1 ? grains - 1 : 1;
}

static int all_of_them(void *user, int grains)
{
    (void)user;
    return grains;
}

/* A share may begin at any grain, and has room for the partial sums of all its grains. */
static void room_is_enough_for_any_share(void **state)
{
    static int (*const shares[])(void *, int) = { NULL, nearly_all, all_of_them };
    (void)state;
    const char *name;
    gn_net *net = test_network(0, &name);
    for (int grains = 1; grains <= 20; grains++)
        for (int s = 0; s < 3; s++) {
            struct gn_plan *plan =
                gn_plan_create(net, &(struct gn_plan_options){ .train = true,
                                                               .batch = grains,
                                                               .slice = 1,
                                                               .threads = 1,
                                                               .parts = 2,
                                                               .most_grains = shares[s] });
            assert_non_null(plan);
            const int most = s == 0 ? (grains + 1) / 2 : shares[s](NULL, grains);
            for (int from = 0; from < grains; from++)
                for (int to = from + 1; to <= grains && to - from <= most; to++)
                    if (gn_plan_slots(plan) < gn_pairwise_depth(grains, from, to))
                        fail_msg("%d slots for grains %d to %d of %d", gn_plan_slots(plan), from,
                                 to, grains);
            gn_plan_free(plan);
        }
    gn_free_net(net);
}

static void grains_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const char *name;
    struct fixture f = { .net = test_network(0, &name) };
    f.plan = gn_plan_create(f.net,
                            &(struct gn_plan_options){ .train = true, .batch = N, .slice = GRAIN });
    assert_non_null(f.plan);
    f.images = test_images(f.net, N, 1);
    f.labels = test_labels(f.net, N);
    f.floats = f.net->graph->n_floats;
    float *grads = new_gradients(&f);
    static const int large[] = { 3 }, many[] = { 1, 1, 1, 1, 1, 1 }, fewer[] = { 2, 2 };
    struct gn_plan_sums sums;
    const struct gn_plan_batch batches[] = {
        { .n = 3, .counts = large, .n_counts = 1, .to = 1 },
        { .n = 6, .counts = many, .n_counts = 6, .to = 6 },
        { .n = 5, .counts = fewer, .n_counts = 2, .to = 2 },
        { .n = 2, .counts = fewer, .n_counts = 2, .from = 1, .to = 3 },
    };
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        struct gn_plan_batch batch = batches[i];
        batch.images = f.images;
        batch.labels = f.labels;
        assert_int_equal(gn_plan_gradients(f.plan, &batch, grads, &sums), GN_STATUS_BAD_ARGUMENT);
    }
    gn_plan_free(f.plan);
    gn_free(f.images);
    gn_free(f.labels);
    gn_free(grads);
    gn_free_net(f.net);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_gradient_is_the_tree_of_its_grains),
                                        cmocka_unit_test(
                                            statistics_of_grains_are_those_of_one_after_the_other),
                                        cmocka_unit_test(normalisation_sees_all_grains),
                                        cmocka_unit_test(room_is_enough_for_any_share),
                                        cmocka_unit_test(grains_that_do_not_fit_are_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
