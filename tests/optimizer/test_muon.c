/* labels: quick isa
 *
 * Muon: its direction against the same iterations in double, on matrices of odd sizes; that singular values come close to one;
 * an update against its formula; any number of threads. */
#include "optimizer/muon.h"

#include "base/memory.h"
#include "base/random.h"
#include "optimizer/optimizer.h"
#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *drawn(size_t n, uint64_t stream)
{
    float *x = gn_alloc((n + 16) * sizeof *x, "a test's matrix");
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = 2 * gn_random_unit(stream, GN_RANDOM_TEST, 0, i) - 1;
    return x;
}

/* ---- The iterations in double ---- */

/* c = a b, of m x k and k x n; b^T is n x k where it is `turned`. */
static double *product(const double *a, const double *b, int m, int k, int n, bool turned)
{
    double *c = calloc((size_t)(m * n), sizeof *c);
    assert_non_null(c);
    for (int i = 0; i < m; i++)
        for (int p = 0; p < k; p++)
            for (int j = 0; j < n; j++)
                c[i * n + j] += a[i * k + p] * (turned ? b[j * k + p] : b[p * n + j]);
    return c;
}

/* Whatever the shape: x of m x n with x x^T on the left. The other side would give the same. */
static void direct(double *x, int m, int n)
{
    double norm = 0;
    for (int i = 0; i < m * n; i++)
        norm += x[i] * x[i];
    norm = sqrt(norm);
    for (int i = 0; i < m * n; i++)
        x[i] /= norm + 1e-7;
    for (int turn = 0; turn < 5; turn++) {
        double *a = product(x, x, m, n, m, true), *aa = product(a, a, m, m, m, false);
        for (int i = 0; i < m * m; i++)
            aa[i] = -4.7750 * a[i] + 2.0315 * aa[i];
        double *bx = product(aa, x, m, m, n, false);
        for (int i = 0; i < m * n; i++)
            x[i] = 3.4445 * x[i] + bx[i];
        free(a);
        free(aa);
        free(bx);
    }
}

static void check_direction(int rows, int columns)
{
    const size_t n = (size_t)rows * (size_t)columns;
    const struct gn_muon_size size = { rows, columns };
    float *x = drawn(n, n), *others = drawn(n, n);
    double *wanted = calloc(n, sizeof *wanted);
    assert_non_null(wanted);
    for (size_t i = 0; i < n; i++)
        wanted[i] = (double)x[i];
    direct(wanted, rows, columns);
    struct gn_muon *one = gn_muon_create(&size, 1, 1), *three = gn_muon_create(&size, 1, 3);
    assert_true(one != NULL && three != NULL);
    gn_muon_direct(one, x, size);
    gn_muon_direct(three, others, size);
    assert_memory_equal(x, others, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        if (fabs((double)x[i] - wanted[i]) > 2e-5)
            fail_msg("%d x %d: value %zu is %g, not %g", rows, columns, i, (double)x[i], wanted[i]);
    gn_muon_free(one);
    gn_muon_free(three);
    gn_free(x);
    gn_free(others);
    free(wanted);
}

static void directions_are_those_of_the_iterations(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 1, 1 },    { 1, 9 },    { 9, 1 },   { 7, 5 },
                                    { 5, 7 },    { 16, 16 },  { 25, 32 }, { 33, 31 },
                                    { 27, 130 }, { 130, 27 }, { 100, 17 } };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        check_direction(sizes[i][0], sizes[i][1]);
}

/* A diagonal of all sizes from 1 to 0.02 becomes one of nearly equal ones; its zeros stay. */
static void singular_values_become_nearly_one(void **state)
{
    (void)state;
    enum { N = 24, M = 40 };
    const struct gn_muon_size size = { M, N };
    float x[M * N] = { 0 };
    struct gn_muon *muon = gn_muon_create(&size, 1, 2);
    assert_non_null(muon);
    for (int i = 0; i < N; i++)
        x[i * N + i] = expf(-(float)i * 4.0F / N);
    gn_muon_direct(muon, x, size);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            if (i == j ? x[i * N + j] < 0.6F || x[i * N + j] > 1.25F : fabsf(x[i * N + j]) > 1e-6F)
                fail_msg("row %d, column %d: %g", i, j, (double)x[i * N + j]);
    memset(x, 0, sizeof x);
    gn_muon_direct(muon, x, size);
    for (int i = 0; i < M * N; i++)
        assert_true(x[i] >= 0 && x[i] <= 0);
    gn_muon_free(muon);
}

/* ---- Updates ---- */

enum { STEPS = 3 };

/* A filter of 3x3 with 4 and 6 channels, and a dense layer; `freeze` names one of them. */
static gn_net *small_net(void)
{
    return gn_preset_with(
        &(struct gn_preset_options){ .preset = "test.net",
                                     .net_text = "input 6 4\nclasses 3\nconv c 6 3\nmean\noutput\n",
                                     .seed = 5 });
}

/* The filter's momentum and update in double, from the same gradients. */
static void filters_follow_their_direction(void **state)
{
    (void)state;
    const struct gn_optimizer_options options = { .kind = GN_MUON,
                                                  .momentum = 0.9,
                                                  .nesterov = true,
                                                  .weight_decay = 0.01,
                                                  .muon_others = 5,
                                                  .threads = 2 };
    gn_net *net = small_net();
    assert_non_null(net);
    const struct gn_graph *g = net->graph;
    const struct gn_tensor *filter = &g->tensors[0];
    assert_int_equal(filter->count, 216);
    struct gn_updater *updater = gn_updater_create(g, &options);
    assert_non_null(updater);
    assert_int_equal(gn_updater_states(&options), 1);
    double *w = calloc(g->n_floats, sizeof *w), *v = calloc(g->n_floats, sizeof *v);
    assert_true(w != NULL && v != NULL);
    for (size_t i = 0; i < g->n_floats; i++)
        w[i] = (double)net->params[i];
    for (int step = 1; step <= STEPS; step++) {
        float *grads = drawn(g->n_floats, (uint64_t)step);
        double u[216];
        for (int t = 0; t < g->n_tensors; t++) {
            const struct gn_tensor *tensor = &g->tensors[t];
            const double lr = 0.02 * (t == 0 ? 1 : 5), wd = tensor->is_kernel ? 0.01 : 0;
            for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++) {
                const double slope = 0.5 * (double)grads[i];
                w[i] -= w[i] * wd * lr;
                v[i] = 0.9 * v[i] + (t == 0 ? slope : -lr * slope);
                if (t == 0)
                    u[i - tensor->offset] = slope + 0.9 * v[i];
                else
                    w[i] += 0.9 * v[i] - lr * slope;
            }
        }
        direct(u, 36, 6);
        for (int i = 0; i < 216; i++)
            w[filter->offset + (size_t)i] -=
                0.02 * u[i]; /* 36 rows, 6 columns: no longer than the rate */
        const struct gn_update update = { .step = (uint64_t)step, .lr = 0.02, .grad_scale = 0.5 };
        gn_updater_step(updater, net->params, grads, &update);
        gn_free(grads);
    }
    for (int t = 0; t < g->n_tensors; t++)
        for (size_t i = g->tensors[t].offset; i < g->tensors[t].offset + g->tensors[t].count; i++)
            if (fabs((double)net->params[i] - w[i]) > 2e-6)
                fail_msg("%s: %g, not %g", g->tensors[t].name, (double)net->params[i], w[i]);
    assert_true(gn_muon_length((struct gn_muon_size){ 36, 6 }) <= 1);
    assert_true(fabs(gn_muon_length((struct gn_muon_size){ 4, 9 }) - 1.5) < 1e-12);
    gn_updater_free(updater);
    gn_free_net(net);
    free(w);
    free(v);
}

/* What is frozen keeps its bits, and so does all at a rate of zero. */
static void frozen_filters_stay(void **state)
{
    (void)state;
    const struct gn_optimizer_options options = {
        .kind = GN_MUON, .momentum = 0.9, .muon_others = 5, .freeze = "c", .threads = 1
    };
    gn_net *net = small_net();
    assert_non_null(net);
    const size_t n = net->graph->n_floats;
    struct gn_updater *updater = gn_updater_create(net->graph, &options);
    float *before = drawn(n, 1), *grads = drawn(n, 2);
    memcpy(before, net->params, n * sizeof *before);
    struct gn_update update = { .step = 1, .lr = 0, .grad_scale = 1 };
    gn_updater_step(updater, net->params, grads, &update);
    assert_memory_equal(before, net->params, n * sizeof *before);
    update.lr = 0.1;
    gn_updater_step(updater, net->params, grads, &update);
    const struct gn_tensor *filter = &net->graph->tensors[0];
    assert_memory_equal(before + filter->offset, net->params + filter->offset,
                        filter->count * sizeof *before);
    assert_memory_not_equal(before, net->params, n * sizeof *before);
    gn_updater_free(updater);
    gn_free(before);
    gn_free(grads);
    gn_free_net(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directions_are_those_of_the_iterations),
        cmocka_unit_test(singular_values_become_nearly_one),
        cmocka_unit_test(filters_follow_their_direction),
        cmocka_unit_test(frozen_filters_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
