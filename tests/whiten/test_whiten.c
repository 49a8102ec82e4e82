/* labels: quick
 *
 * Whitening: sums over patches against the definition of a covariance, eigenvectors against theirs; what a layer of these
 * filters gives has the covariance 1. */
#include "base/memory.h"
#include "base/random.h"
#include "support/check.h"
#include "whiten/eigen.h"
#include "whiten/whiten.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pictures whose neighbours are alike, two channels that have something in common, and a mean that is not 0. */
static float *smooth_images(const struct gn_geometry *g, int n)
{
    const size_t count = (size_t)n * (size_t)g->h * (size_t)g->w * (size_t)g->c;
    float *x = gn_calloc(count, sizeof *x, "a test's images");
    assert_non_null(x);
    for (size_t i = 0; i < count; i++) {
        x[i] = 0.2F + gn_random_unit(7, GN_RANDOM_TEST, 0, i) - 0.5F;
        if (i >= (size_t)g->c)
            x[i] += 0.5F * x[i - (size_t)g->c];
        if (i % (size_t)g->c > 0)
            x[i] += 0.3F * x[i - 1];
    }
    return x;
}

static float value_at(const struct gn_geometry *g, const float *x, int n, int y, int column, int i)
{
    const int ky = i / (g->kw * g->c), kx = i / g->c % g->kw, c = i % g->c;
    return x[((n * g->h + y * g->stride_h + ky) * g->w + column * g->stride_w + kx) * g->c + c];
}

/* E[f(a) f(b)] - E[f(a)] E[f(b)] over all patches, where value i of a row of `weights` belongs to value i of a patch. */
static double covariance_of(const struct gn_geometry *g, const float *x, int images,
                            const double *first, const double *second)
{
    const int rows = (g->h - g->kh) / g->stride_h + 1, columns = (g->w - g->kw) / g->stride_w + 1;
    const int values = g->kh * g->kw * g->c;
    double means[2] = { 0 }, sum = 0;
    for (int turn = 0; turn < 2; turn++) {
        for (int p = 0; p < images * rows * columns; p++) {
            double a = 0, b = 0;
            for (int i = 0; i < values; i++) {
                const double v = (double)value_at(g, x, p / (rows * columns), p / columns % rows,
                                                  p % columns, i);
                a += first[i] * v;
                b += second[i] * v;
            }
            means[0] += turn == 0 ? a / (images * rows * columns) : 0;
            means[1] += turn == 0 ? b / (images * rows * columns) : 0;
            sum += turn == 1 ? (a - means[0]) * (b - means[1]) / (images * rows * columns) : 0;
        }
    }
    return sum;
}

static const struct gn_geometry windows[] = {
    { .h = 9, .w = 7, .c = 1, .kh = 3, .kw = 3, .stride_h = 1, .stride_w = 1, .oc = 8 },
    { .h = 8, .w = 11, .c = 2, .kh = 3, .kw = 2, .stride_h = 2, .stride_w = 3, .oc = 11 },
    { .h = 6, .w = 6, .c = 1, .kh = 2, .kw = 2, .stride_h = 1, .stride_w = 1, .oc = 12 },
};
enum { N_WINDOWS = 3, IMAGES = 37, MOST_VALUES = 12, MOST_FILTERS = 12 };

static struct gn_whitener *whitener_of(const struct gn_geometry *g, const float *x, int threads)
{
    struct gn_whitener *w = gn_whitener_create(g, threads);
    assert_non_null(w);
    for (int i = 0; i < IMAGES; i += GN_WHITEN_IMAGES)
        gn_whitener_add(w, x + i * g->h * g->w * g->c,
                        IMAGES - i < GN_WHITEN_IMAGES ? IMAGES - i : GN_WHITEN_IMAGES);
    return w;
}

static void covariances_are_those_of_the_definition(void **state)
{
    (void)state;
    for (int k = 0; k < N_WINDOWS; k++) {
        const struct gn_geometry *g = &windows[k];
        const int values = gn_whiten_values(g);
        float *x = smooth_images(g, IMAGES);
        double covariance[MOST_VALUES * MOST_VALUES], mean[MOST_VALUES];
        struct gn_whitener *w = whitener_of(g, x, 2);
        gn_whitener_covariance(w, covariance, mean);
        for (int i = 0; i < values; i++) {
            for (int j = 0; j < values; j++) {
                double a[MOST_VALUES] = { 0 }, b[MOST_VALUES] = { 0 };
                a[i] = b[j] = 1;
                const double wanted = covariance_of(g, x, IMAGES, a, b);
                if (fabs(covariance[i * values + j] - wanted) > 1e-12)
                    fail_msg("window %d, %d and %d: %g, not %g", k, i, j,
                             covariance[i * values + j], wanted);
            }
        }
        gn_whitener_free(w);
        gn_free(x);
    }
}

static void filters_make_outputs_of_variance_1(void **state)
{
    (void)state;
    for (int k = 0; k < N_WINDOWS; k++) {
        const struct gn_geometry *g = &windows[k];
        const int values = gn_whiten_values(g), n = gn_whiten_components(g);
        float *x = smooth_images(g, IMAGES);
        float filters[MOST_VALUES * MOST_FILTERS], others[MOST_VALUES * MOST_FILTERS];
        float biases[MOST_FILTERS];
        double rows[MOST_FILTERS][MOST_VALUES];
        for (int i = 0; i < values * g->oc; i++)
            filters[i] = others[i] = 77;
        for (int i = 0; i < g->oc; i++)
            biases[i] = 77;
        struct gn_whitener *one = whitener_of(g, x, 1), *three = whitener_of(g, x, 3);
        assert_int_equal(gn_whitener_filters(one, filters, biases), GN_OK);
        assert_int_equal(gn_whitener_filters(three, others, NULL), GN_OK);
        assert_memory_equal(filters, others, (size_t)(values * g->oc) * sizeof *filters);
        assert_int_equal(n, g->oc / 2 < values ? g->oc / 2 : values);
        for (int f = 0; f < g->oc; f++)
            for (int i = 0; i < values; i++)
                rows[f][i] = (double)filters[i * g->oc + f];
        for (int a = 0; a < n; a++) {
            double mean = 0, ones[MOST_VALUES];
            for (int b = 0; b < n; b++) {
                const double found = covariance_of(g, x, IMAGES, rows[a], rows[b]);
                if (fabs(found - (a == b)) > (a == b ? 0.01 : 1e-5))
                    fail_msg("window %d, outputs %d and %d: %g", k, a, b, found);
            }
            gn_whitener_covariance(one, (double[MOST_VALUES * MOST_VALUES]){ 0 }, ones);
            for (int i = 0; i < values; i++) {
                assert_true(rows[n + a][i] >= -rows[a][i] && rows[n + a][i] <= -rows[a][i]);
                mean += rows[a][i] * ones[i];
            }
            assert_true(fabs(mean + (double)biases[a]) < 1e-5); /* the mean output is 0 */
            assert_true(fabs(mean - (double)biases[n + a]) < 1e-5 && fabs(mean) > 0);
        }
        for (int f = 2 * n; f < g->oc; f++)
            for (int i = 0; i < values; i++)
                assert_true(rows[f][i] > 76.9 && biases[f] > 76.9F); /* as they were */
        gn_whitener_free(one);
        gn_whitener_free(three);
        gn_free(x);
    }
}

static void check_eigen(const double *matrix, int n)
{
    double *a = malloc((size_t)(n * n) * sizeof *a), *v = malloc((size_t)(n * n) * sizeof *v);
    double *values = malloc((size_t)n * sizeof *values), largest = 0;
    assert_true(a != NULL && v != NULL && values != NULL);
    memcpy(a, matrix, (size_t)(n * n) * sizeof *a);
    gn_eigen(a, n, values, v);
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs(values[i]));
    for (int k = 0; k < n; k++) {
        double part = 0;
        assert_true(k == 0 || values[k] <= values[k - 1]);
        for (int i = 0; i < n; i++) {
            double product = 0, dot = 0;
            part = fabs(v[k * n + i]) > fabs(part) ? v[k * n + i] : part;
            for (int j = 0; j < n; j++) {
                product += matrix[i * n + j] * v[k * n + j];
                dot += v[k * n + j] * v[i * n + j];
            }
            assert_true(fabs(product - values[k] * v[k * n + i]) <= 1e-11 * largest);
            assert_true(fabs(dot - (i == k)) < 1e-12);
        }
        assert_true(part > 0);
    }
    free(a);
    free(v);
    free(values);
}

static void eigenvectors_are_eigenvectors(void **state)
{
    (void)state;
    static double matrix[40 * 40];
    for (int n = 1; n <= 40; n += 13) {
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
                matrix[i * n + j] = matrix[j * n + i] =
                    (double)gn_random_unit(3, GN_RANDOM_TEST, (uint64_t)i, (uint64_t)j) - 0.5;
        check_eigen(matrix, n);
    }
    for (int i = 0; i < 16; i++) /* equal eigenvalues: 5 once, 1 three times */
        matrix[i] = i % 5 == 0 ? 2 : 1;
    check_eigen(matrix, 4);
    memset(matrix, 0, sizeof matrix);
    check_eigen(matrix, 7);
}

/* 100 images of one colour each have no patches that differ. */
static void images_of_one_colour_are_refused(void **state)
{
    (void)state;
    const struct gn_geometry g = windows[0];
    float x[63], filters[72];
    for (int i = 0; i < 63; i++)
        x[i] = 0.25F;
    struct gn_whitener *w = gn_whitener_create(&g, 1);
    assert_non_null(w);
    gn_whitener_add(w, x, 1);
    assert_int_equal(gn_whitener_filters(w, filters, NULL), GN_STATUS_BAD_DATA);
    check_error(GN_STATUS_BAD_DATA, "all patches are equal");
    gn_whitener_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covariances_are_those_of_the_definition),
        cmocka_unit_test(filters_make_outputs_of_variance_1),
        cmocka_unit_test(eigenvectors_are_eigenvectors),
        cmocka_unit_test(images_of_one_colour_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
