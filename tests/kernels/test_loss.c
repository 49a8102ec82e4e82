/* labels: quick
 *
 * Softmax cross-entropy: stable for huge logits, probabilities sum to 1, the gradient sums to 0,
 * the lowest index wins among equal logits, a batch adds up what its images give. */
#include "base/softmax.h"
#include "kernels/kernels.h"
#include "support/check.h"

#include <math.h>

enum { CLASSES = 10 };

/* The loss and the arg-max; p (NULL: not wanted) gets the probabilities. */
static double softmax_loss(const float *z, int classes, int label, int *argmax, double *p)
{
    const struct gn_softmax_sum s = gn_softmax_sum(z, classes);
    *argmax = s.best;
    if (p != NULL)
        assert_int_equal(gn_softmax(z, classes, p), GN_OK);
    return gn_cross_entropy(&s, z, label);
}

static void equal_logits_cost_log_k_and_the_first_wins(void **state)
{
    (void)state;
    for (int classes = 1; classes <= 1000; classes += 37) {
        float z[1000];
        double p[1000];
        for (int k = 0; k < classes; k++)
            z[k] = -3.25F;
        int argmax = -1;
        const double loss = softmax_loss(z, classes, classes - 1, &argmax, p);
        assert_true(fabs(loss - log(classes)) < 1e-12);
        assert_int_equal(argmax, 0);
        for (int k = 0; k < classes; k++)
            assert_true(fabs(p[k] * classes - 1) < 1e-12);
    }
}

static void lowest_index_wins_among_equal_logits(void **state)
{
    (void)state;
    const float z[CLASSES] = { 1, 2, 7, 3, 7, 7, 0, -7, 7, 6 };
    int argmax = -1;
    (void)softmax_loss(z, CLASSES, 0, &argmax, NULL);
    assert_int_equal(argmax, 2);
    const float zeros[2] = { -0.0F, 0.0F };
    (void)softmax_loss(zeros, 2, 0, &argmax, NULL);
    assert_int_equal(argmax, 0);
}

static void huge_logits_neither_overflow_nor_vanish(void **state)
{
    (void)state;
    static const float sizes[] = { 1e4F, -1e4F, 3e38F, -3e38F };
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        float z[CLASSES];
        double p[CLASSES], sum = 0;
        for (int k = 0; k < CLASSES; k++)
            z[k] = k == 4 ? sizes[s] : 0;
        int argmax;
        const double hit = softmax_loss(z, CLASSES, 4, &argmax, p);
        const double missed = softmax_loss(z, CLASSES, 0, &argmax, NULL);
        for (int k = 0; k < CLASSES; k++) {
            assert_true(p[k] >= 0 && p[k] <= 1);
            sum += p[k];
        }
        assert_true(fabs(sum - 1) <= 4 * 2.3e-16);
        const double size = (double)sizes[s];
        const double low = size > 0 ? 0 : log(CLASSES - 1) - size, high = size > 0 ? size : log(9);
        assert_true(fabs(hit - low) <= 1e-12 * fabs(low));
        assert_true(fabs(missed - high) <= 1e-12 * high);
        assert_int_equal(argmax, size > 0 ? 4 : 0);
    }
}

/* The kernel on a batch: sums of what single images give, and the gradient of the mean. */
static void a_batch_adds_up_its_images(void **state)
{
    (void)state;
    enum { N = 5, BATCH = 12 };
    struct tensor z = tensor_new(N, CLASSES, 0, 3), dz = tensor_new(N, CLASSES, 0, 0);
    tensor_fill(&z, FILL_INTEGERS, 900);
    const int32_t labels[N] = { 0, 9, 4, 4, 7 };
    const int32_t *const current = labels;
    double expected = 0;
    int expected_correct = 0;
    struct gn_loss_sum sum_of_losses = { 100, 7 }; /* replaced */
    const struct gn_loss_args own = { .labels = &current, .sums = &sum_of_losses, .weight = 1 };
    const struct gn_args args = { .g = { 1, 1, CLASSES, 1, 1, CLASSES, 1, 1, 1, 1, 0, 0 },
                                  .x = z.view,
                                  .dx = dz.view,
                                  .loss = &own };
    const struct gn_run run = { .n = N, .batch = BATCH };
    run_kernel(gn_cpu_kernels_named("generic"), GN_OP_LOSS, GN_PASS_FORWARD, &args, &run, 0);
    assert_true(tensor_is_clean(&dz) && tensor_is_clean(&z));
    for (int i = 0; i < N; i++) {
        double p[CLASSES], sum = 0;
        int argmax;
        expected +=
            softmax_loss(tensor_at(&z, (size_t)i * CLASSES), CLASSES, labels[i], &argmax, p);
        expected_correct += argmax == labels[i];
        for (int k = 0; k < CLASSES; k++) {
            const double d = (double)*tensor_at(&dz, (size_t)(i * CLASSES + k));
            const double wanted = (p[k] - (k == labels[i] ? 1 : 0)) / BATCH;
            assert_true(fabs(d - wanted) <= 1.2e-6 * fabs(wanted) + 1e-30);
            sum += d;
        }
        assert_true(fabs(sum) < 1e-7);
    }
    assert_true(sum_of_losses.loss == expected);
    assert_int_equal(sum_of_losses.correct, expected_correct);
    tensor_free(&z);
    tensor_free(&dz);
}

/* Weighted, smoothed and mixed: the loss is the plain one times the factor of its classes by their shares, and the
 * gradient that of the loss by finite differences. */
static double weighted_loss(struct tensor *z, struct tensor *dz, const float *weights,
                            const float *share)
{
    static const int32_t label = 2, other = 5;
    const int32_t *const labels = &label, *const others = share == NULL ? NULL : &other;
    struct gn_loss_sum sum;
    const struct gn_loss_args own = { .labels = &labels,
                                      .others = &others,
                                      .shares = &share,
                                      .class_weights = weights,
                                      .sums = &sum,
                                      .smoothing = 0.1,
                                      .weight = 0.3 };
    const struct gn_args args = { .g = { 1, 1, CLASSES, 1, 1, CLASSES, 1, 1, 1, 1, 0, 0 },
                                  .x = z->view,
                                  .dx = dz->view,
                                  .loss = &own };
    const struct gn_run run = { .n = 1, .batch = 4 };
    run_kernel(gn_cpu_kernels_named("generic"), GN_OP_LOSS, GN_PASS_FORWARD, &args, &run, 0);
    return sum.loss;
}

static void class_weights_are_factors_of_the_loss_and_its_gradient(void **state)
{
    (void)state;
    static const float weights[CLASSES] = { 1, 1, 4, 1, 1, 0.5F, 1, 1, 1, 1 }, share = 0.25F;
    struct tensor z = tensor_new(1, CLASSES, 0, 0), dz = tensor_new(1, CLASSES, 0, 0);
    struct tensor other = tensor_new(1, CLASSES, 0, 0);
    tensor_fill(&z, FILL_INTEGERS, 77);
    for (int k = 0; k < CLASSES; k++)
        *tensor_at(&z, (size_t)k) = 0.1F * (float)(k % 4);
    const double plain = weighted_loss(&z, &dz, NULL, NULL);
    assert_true(fabs(weighted_loss(&z, &dz, weights, NULL) - 4 * plain) < 1e-12);
    const double mixed = weighted_loss(&z, &dz, NULL, &share);
    assert_true(fabs(weighted_loss(&z, &dz, weights, &share) - mixed * (0.75 * 4 + 0.25 * 0.5)) <
                1e-12);
    for (int k = 0; k < CLASSES; k++) {
        float *at = tensor_at(&z, (size_t)k);
        const float before = *at, step = 1.0F / 256;
        *at = before + step;
        const double up = weighted_loss(&z, &other, weights, &share), high = (double)*at;
        *at = before - step;
        const double down = weighted_loss(&z, &other, weights, &share), low = (double)*at;
        *at = before;
        const double wanted = (up - down) / (high - low) / 4 * 0.3;
        assert_true(fabs((double)*tensor_at(&dz, (size_t)k) - wanted) < 1e-5);
    }
    tensor_free(&z);
    tensor_free(&dz);
    tensor_free(&other);
}

static void nan_logits_give_a_nan_loss(void **state)
{
    (void)state;
    for (int at = 0; at < CLASSES; at++)
        for (int label = 0; label < CLASSES; label++) {
            float z[CLASSES] = { 0 };
            z[at] = NAN;
            int argmax;
            assert_true(isnan(softmax_loss(z, CLASSES, label, &argmax, NULL)));
            assert_in_range(argmax, 0, CLASSES - 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_logits_cost_log_k_and_the_first_wins),
        cmocka_unit_test(lowest_index_wins_among_equal_logits),
        cmocka_unit_test(huge_logits_neither_overflow_nor_vanish),
        cmocka_unit_test(a_batch_adds_up_its_images),
        cmocka_unit_test(class_weights_are_factors_of_the_loss_and_its_gradient),
        cmocka_unit_test(nan_logits_give_a_nan_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
