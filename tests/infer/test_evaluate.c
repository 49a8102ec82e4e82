/* labels: quick isa
 *
 * Evaluation and prediction: what they compute agrees with each other and with training. */
#include "support/check.h"
#include "support/tiny.h"

#include <math.h>
#include <stdlib.h>

static uint8_t pixels[TINY_TEST][TINY_SIZE][TINY_SIZE];
static int labels[TINY_TEST];

static int open_tiny(void **state)
{
    (void)tiny_open(state);
    for (int i = 0; i < TINY_TEST; i++)
        assert_int_equal(gn_dataset_sample(tiny.test, (uint64_t)i, &pixels[i][0][0], &labels[i]),
                         0);
    struct gn_fit_options options = tiny_options(NULL);
    gn_free_history(gn_fit_with(tiny.net, &options));
    /* So that some answers are wrong: the class in the middle wins too often. */
    struct gn_tensor_info t;
    for (int i = 0; gn_net_tensor(tiny.net, i, &t) == GN_OK; i++)
        if (strcmp(t.name, "dense.bias") == 0)
            t.values[1] += 1.5F;
    gn_clear_error();
    return 0;
}

static void predict_all(float *logits, uint64_t n, int threads)
{
    const struct gn_predict_options options = { .pixels = &pixels[0][0][0],
                                                .n = n,
                                                .height = TINY_SIZE,
                                                .width = TINY_SIZE,
                                                .channels = 1,
                                                .threads = threads };
    if (gn_predict_with(tiny.net, logits, &options) != 0)
        fail_msg("%s", gn_error_message());
}

static void the_score_is_that_of_the_predictions(void **state)
{
    (void)state;
    float logits[TINY_TEST][TINY_CLASSES];
    predict_all(&logits[0][0], TINY_TEST, 1);
    double loss = 0;
    uint64_t correct = 0;
    int low = 0, high = 0;
    for (int i = 0; i < TINY_TEST; i++) {
        double sum = 0;
        int best = 0;
        for (int k = 0; k < TINY_CLASSES; k++) {
            sum += exp((double)logits[i][k]);
            best = logits[i][k] > logits[i][best] ? k : best;
        }
        loss += log(sum) - (double)logits[i][labels[i]];
        correct += best == labels[i];
        low += best < labels[i];
        high += best > labels[i];
    }
    assert_true(correct > 0 && low > 0 && high > 0);
    for (int batch = 1; batch <= TINY_TEST + 1; batch += 13) {
        struct gn_score score;
        assert_int_equal(gn_evaluate(tiny.net, &score, tiny.test, .batch = batch), 0);
        assert_int_equal(score.samples, TINY_TEST);
        assert_int_equal(score.correct, correct);
        assert_true(fabs(score.loss - loss / TINY_TEST) < 1e-6);
        assert_true(fabs(score.accuracy - (double)correct / TINY_TEST) < 1e-12);
    }
}

static void one_image_gives_what_many_give(void **state)
{
    (void)state;
    float all[TINY_TEST][TINY_CLASSES], one[TINY_CLASSES];
    predict_all(&all[0][0], TINY_TEST, 2);
    predict_all(one, 1, 1);
    assert_memory_equal(one, all[0], sizeof one);
    float again[TINY_TEST][TINY_CLASSES];
    for (int threads = 1; threads <= 4; threads++) {
        predict_all(&again[0][0], TINY_TEST, threads);
        assert_memory_equal(again, all, sizeof all);
    }
    predict_all(one, 0, 1); /* no images: nothing to do */
}

/* Whatever its batch, call after call, and with nothing to do. */
static void a_predictor_gives_what_predict_gives(void **state)
{
    (void)state;
    float all[TINY_TEST][TINY_CLASSES], again[TINY_TEST][TINY_CLASSES];
    predict_all(&all[0][0], TINY_TEST, 2);
    struct gn_predict_options images = { .pixels = &pixels[0][0][0],
                                         .n = TINY_TEST,
                                         .height = TINY_SIZE,
                                         .width = TINY_SIZE,
                                         .channels = 1 };
    for (int batch = 0; batch <= TINY_TEST + 1; batch += 7) {
        gn_predictor *predictor = gn_predictor_create(tiny.net, batch, .threads = 1 + batch % 3);
        assert_non_null(predictor);
        for (int call = 0; call < 2; call++) {
            assert_int_equal(gn_predictor_run(predictor, &again[0][0], &images), 0);
            assert_memory_equal(again, all, sizeof all);
        }
        const uint64_t before = images.n;
        images.n = 0;
        assert_int_equal(gn_predictor_run(predictor, &again[0][0], &images), 0);
        images.n = before;
        gn_predictor_free(predictor);
    }
    gn_predictor_free(NULL);
    gn_clear_error();
    assert_null(gn_predictor_create(NULL, 1));
    check_error(GN_STATUS_BAD_ARGUMENT, "no network is given");
    assert_int_not_equal(gn_predictor_run(NULL, &again[0][0], &images), 0);
    assert_null(gn_predictor_create(tiny.net, -1));
    check_error(GN_STATUS_BAD_ARGUMENT, "batch is -1");
    assert_null(gn_predictor_create(tiny.net, 2000000000));
    check_error(GN_STATUS_NO_MEMORY, "prediction of 2000000000 images");
}

static void a_limit_takes_the_first_samples(void **state)
{
    (void)state;
    struct gn_score score;
    assert_int_equal(gn_evaluate(tiny.net, &score, tiny.test, .limit = 7), 0);
    assert_int_equal(score.samples, 7);
    assert_int_equal(gn_evaluate(tiny.net, &score, tiny.test, .limit = 1000), 0);
    assert_int_equal(score.samples, TINY_TEST);
}

static void other_sizes_are_resized(void **state)
{
    (void)state;
    static uint8_t large[30 * 20];
    float logits[TINY_CLASSES];
    assert_int_equal(
        gn_predict(tiny.net, logits, large, .n = 1, .height = 30, .width = 20, .channels = 1), 0);
    for (int k = 0; k < TINY_CLASSES; k++)
        assert_true(isfinite(logits[k]));
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    float logits[TINY_CLASSES];
    struct gn_score score;
    const volatile int stop = 1;
    gn_clear_error();
    assert_int_not_equal(gn_evaluate(NULL, &score, tiny.test), 0);
    check_error(GN_STATUS_BAD_ARGUMENT, "no network is given");
    assert_int_not_equal(gn_evaluate(tiny.net, &score, NULL), 0);
    check_error(GN_STATUS_BAD_ARGUMENT, "no data set is given");
    assert_int_not_equal(gn_evaluate(tiny.net, &score, tiny.test, .batch = -1), 0);
    check_error(GN_STATUS_BAD_ARGUMENT, "batch is -1");
    assert_int_not_equal(gn_evaluate(tiny.net, &score, tiny.test, .batch = 2000000000), 0);
    check_error(GN_STATUS_NO_MEMORY, "evaluation with batch 2000000000 at 12x12 needs");
    assert_int_not_equal(gn_evaluate(tiny.net, &score, tiny.test, .stop = &stop), 0);
    check_error(GN_STATUS_STOPPED, "evaluation: stopped on request");
    assert_int_not_equal(
        gn_predict(tiny.net, logits, &pixels[0][0][0], .n = 1, .height = 0, .width = 3), 0);
    check_error(GN_STATUS_BAD_ARGUMENT, "images of 0x3x0");
    assert_int_not_equal(gn_predict(tiny.net, logits, &pixels[0][0][0], .n = 1, .height = 4,
                                    .width = 4, .channels = 2),
                         0);
    check_error(GN_STATUS_BAD_SHAPE, "images have 2 channels, the network takes 1");
    assert_int_not_equal(gn_predict(NULL, logits, NULL, .n = 1), 0);
    check_error(GN_STATUS_BAD_ARGUMENT, "no network is given");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_score_is_that_of_the_predictions),
        cmocka_unit_test(one_image_gives_what_many_give),
        cmocka_unit_test(a_predictor_gives_what_predict_gives),
        cmocka_unit_test(a_limit_takes_the_first_samples),
        cmocka_unit_test(other_sizes_are_resized),
        cmocka_unit_test(refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, open_tiny, tiny_close);
}
