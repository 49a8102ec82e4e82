/* labels: quick
 *
 * The figures of an evaluation are those of scikit-learn, SciPy and statsmodels
 * (tools/golden/make_evaluation.py); what evaluation gathers over a data set are the answers of
 * prediction; files about it hold what a hostile name cannot break. */
#include "base/statistics.h"
#include "formats/safetensors.h"
#include "infer/views.h"
#include "support/check.h"
#include "support/files.h"
#include "support/tiny.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double CLOSE = 1e-12;

static struct gn_st_file *golden;

static int open_all(void **state)
{
    (void)tiny_open(state);
    struct gn_fit_options options = tiny_options(NULL);
    gn_free_history(gn_fit_with(tiny.net, &options));
    golden = gn_st_open(GN_SOURCE_DIR "/tests/golden/evaluation.safetensors");
    return golden == NULL ? -1 : 0;
}

static int close_all(void **state)
{
    gn_st_close(golden);
    return tiny_close(state);
}

static const struct gn_st_tensor *tensor(const char *name, const char *part)
{
    char whole[64];
    (void)snprintf(whole, sizeof whole, "%s%s", name, part);
    const struct gn_st_tensor *found = gn_st_find(golden, whole);
    if (found == NULL)
        fail_msg("no tensor %s", whole);
    return found;
}

static const double *doubles(const char *name, const char *part)
{
    return (const double *)(const void *)tensor(name, part)->data;
}

static gn_evaluation *evaluation_of(const char *name)
{
    const struct gn_st_tensor *logits = tensor(name, ".logits");
    const double *labels = doubles(name, ".labels");
    const int classes = (int)logits->shape[1];
    gn_evaluation *e = gn_evaluation_create();
    assert_non_null(e);
    for (uint64_t i = 0; i < logits->shape[0]; i++)
        assert_int_equal(
            gn_evaluation_add(e, i, (int)labels[i],
                              (const float *)(const void *)logits->data + i * (uint64_t)classes,
                              classes),
            GN_OK);
    return e;
}

static void near(const char *what, double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%s is %.17g, not %.17g", what, value, wanted);
}

static void check_figures(const char *name)
{
    struct gn_evaluation_figures f;
    gn_evaluation *e = evaluation_of(name);
    const double *want = doubles(name, ".figures"), *classes = doubles(name, ".classes");
    const double *confusion = doubles(name, ".confusion");
    assert_int_equal(gn_evaluation_figures(e, &f), GN_OK);
    near("accuracy", f.accuracy, want[0], CLOSE);
    near("loss", f.loss, want[1], CLOSE);
    near("low", f.low, want[2], CLOSE);
    near("high", f.high, want[3], CLOSE);
    near("macro precision", f.macro.precision, want[4], CLOSE);
    near("macro recall", f.macro.recall, want[5], CLOSE);
    near("macro f1", f.macro.f1, want[6], CLOSE);
    near("weighted precision", f.weighted.precision, want[7], CLOSE);
    near("weighted recall", f.weighted.recall, want[8], CLOSE);
    near("weighted f1", f.weighted.f1, want[9], CLOSE);
    near("ece", f.ece, want[10], CLOSE);
    uint64_t in_bins = 0;
    for (int k = 0; k < GN_CALIBRATION_BINS; k++) { /* each holds what belongs into it */
        const struct gn_calibration_bin *bin = &f.bins[k];
        in_bins += bin->samples;
        assert_true(bin->samples == 0 || (bin->probability > k / 15.0 - CLOSE &&
                                          bin->probability < (k + 1) / 15.0 + CLOSE));
    }
    assert_int_equal(in_bins, f.samples);
    near("temperature", f.temperature, want[11], 1e-10);
    near("top 3", gn_evaluation_top(e, 3), want[12], CLOSE);
    for (int i = 0; i < f.classes; i++) {
        struct gn_class_score score;
        assert_int_equal(gn_evaluation_class(e, i, &score), GN_OK);
        near("precision", score.precision, classes[3 * i], CLOSE);
        near("recall", score.recall, classes[3 * i + 1], CLOSE);
        near("f1", score.f1, classes[3 * i + 2], CLOSE);
        for (int k = 0; k < f.classes; k++)
            assert_int_equal(gn_evaluation_count(e, i, k), (uint64_t)confusion[i * f.classes + k]);
    }
    gn_evaluation_free(e);
}

static void figures_are_those_of_scikit_learn(void **state)
{
    (void)state;
    check_figures("good");
    check_figures("poor");
    check_figures("absent");
}

static void a_pair_is_compared_as_in_statsmodels(void **state)
{
    (void)state;
    gn_evaluation *good = evaluation_of("good"), *poor = evaluation_of("poor");
    gn_evaluation *other = evaluation_of("absent");
    const double *want = doubles("mcnemar", "");
    struct gn_evaluation_pair pair;
    assert_int_equal(gn_evaluation_compare(good, poor, &pair), GN_OK);
    assert_int_equal(pair.only_first, (uint64_t)want[0]);
    assert_int_equal(pair.only_second, (uint64_t)want[1]);
    near("p", pair.p_value, want[2], 1e-12 * want[2] + 1e-300);
    near("difference", pair.difference, (want[1] - want[0]) / 400, CLOSE);
    assert_int_equal(gn_evaluation_compare(good, other, &pair), GN_STATUS_BAD_SHAPE);
    near("no changes", gn_mcnemar(0, 0), 1, 0);
    near("as many both ways", gn_mcnemar(5, 5), 1, 0);
    gn_evaluation_free(good);
    gn_evaluation_free(poor);
    gn_evaluation_free(other);
}

/* By the definition of the nearest rank: of ten values the ninth is the 90th percentile, the last the 99th. */
static void a_percentile_is_the_value_of_its_rank(void **state)
{
    (void)state;
    double x[200];
    for (int i = 0; i < 200; i++)
        x[i] = i + 1;
    near("90 of 10", gn_percentile(x, 10, 90), 9, 0);
    near("99 of 10", gn_percentile(x, 10, 99), 10, 0);
    near("90 of 1", gn_percentile(x, 1, 90), 1, 0);
    near("90 of 11", gn_percentile(x, 11, 90), 10, 0);
    near("50 of 200", gn_percentile(x, 200, 50), 100, 0);
    near("99 of 200", gn_percentile(x, 200, 99), 198, 0);
}

static void confused_pairs_come_in_falling_order(void **state)
{
    (void)state;
    gn_evaluation *e = evaluation_of("poor");
    struct gn_confused pairs[60];
    uint64_t sum = 0;
    const int n = gn_evaluation_confused(e, pairs, 60);
    for (int i = 0; i < n; i++) {
        assert_true(i == 0 || pairs[i - 1].count >= pairs[i].count);
        assert_int_equal(pairs[i].count,
                         gn_evaluation_count(e, pairs[i].label, pairs[i].predicted));
        assert_int_not_equal(pairs[i].label, pairs[i].predicted);
        sum += pairs[i].count;
    }
    struct gn_evaluation_figures f;
    assert_int_equal(gn_evaluation_figures(e, &f), GN_OK);
    assert_int_equal(sum, f.samples - f.correct);
    assert_int_equal(gn_evaluation_confused(e, pairs, 2), 2);
    gn_evaluation_free(e);
}

/* A loss that is not a number is reported, not a temperature made of it; without answers there are
 * no figures but also no fault. */
static void odd_answers_give_no_nonsense(void **state)
{
    (void)state;
    struct gn_evaluation_figures f;
    gn_evaluation *e = gn_evaluation_create();
    assert_int_equal(gn_evaluation_figures(e, &f), GN_OK);
    assert_true(f.accuracy == 0 && isnan(f.temperature));
    assert_int_equal(gn_evaluation_add(e, 0, 0, (const float[]){ 0, NAN }, 2), GN_OK);
    assert_int_equal(gn_evaluation_add(e, 1, 1, (const float[]){ 0, 1 }, 2), GN_OK);
    assert_int_equal(gn_evaluation_figures(e, &f), GN_OK);
    assert_true(isnan(f.loss) && isnan(f.temperature));
    assert_int_equal(gn_evaluation_add(e, 2, 2, (const float[]){ 0, 1 }, 2),
                     GN_STATUS_BAD_ARGUMENT);
    assert_int_equal(gn_evaluation_add(e, 2, 1, (const float[]){ 0, 1, 2 }, 3),
                     GN_STATUS_BAD_SHAPE);
    gn_evaluation_free(e);
    e = gn_evaluation_create(); /* all right, and surer is better: the coldest temperature */
    assert_int_equal(gn_evaluation_add(e, 0, 1, (const float[]){ 0, 1 }, 2), GN_OK);
    assert_int_equal(gn_evaluation_figures(e, &f), GN_OK);
    assert_true(f.temperature < 0.011);
    gn_evaluation_free(e);
}

/* ---- Over a data set ---- */

static void evaluation_gathers_the_answers_of_prediction(void **state)
{
    (void)state;
    float logits[TINY_TEST][TINY_CLASSES];
    struct gn_score score;
    struct gn_evaluated row;
    gn_evaluation *e = gn_evaluation_create();
    assert_int_equal(gn_predict(tiny.net, &logits[0][0], NULL, .data = tiny.test, .n = TINY_TEST),
                     0);
    for (int again = 0; again < 2; again++) /* the answers of before are forgotten */
        assert_int_equal(gn_evaluate(tiny.net, &score, tiny.test, .evaluation = e, .batch = 7), 0);
    for (uint64_t i = 0; i < TINY_TEST; i++) {
        double shares[TINY_CLASSES];
        int first, label;
        assert_int_equal(gn_evaluation_sample(e, i, &row), GN_OK);
        assert_int_equal(gn_softmax(logits[i], TINY_CLASSES, shares), GN_OK);
        (void)gn_top_classes(logits[i], TINY_CLASSES, 1, &first);
        (void)gn_dataset_sample(tiny.test, i, NULL, &label);
        assert_int_equal(row.index, i);
        assert_int_equal(row.label, label);
        assert_int_equal(row.predicted, first);
        near("probability", row.probability, shares[first], 1e-12);
        assert_int_equal(row.rank == 0, first == label);
    }
    assert_int_not_equal(gn_evaluation_sample(e, TINY_TEST, &row), GN_OK);
    struct gn_evaluation_figures f;
    assert_int_equal(gn_evaluation_figures(e, &f), GN_OK);
    assert_int_equal(f.correct, score.correct);
    near("loss", f.loss, score.loss, 1e-7); /* whose losses are rounded to float32 */
    gn_evaluation_free(e);
}

/* What views show, on a small picture of two channels whose values name their place. */
static void views_are_crops_shifts_and_mirror_images(void **state)
{
    (void)state;
    enum { H = 3, W = 4, C = 2 };
    float image[5 * 6 * C], out[H * W * C];
    for (int i = 0; i < 5 * 6 * C; i++)
        image[i] = (float)i;
    gn_view(GN_TTA_MIRROR, 1, image, 1, H, W, C, out);
    assert_true(out[0] == 3 * C && out[1] == 3 * C + 1 && out[(W - 1) * C] == 0);
    gn_view(GN_TTA_MIRROR_SHIFT, 2, image, 1, H, W, C, out); /* up-left: pixel (1, 1) comes first */
    assert_true(out[0] == (W + 1) * C && out[(H * W - 1) * C] == (H * W - 1) * C);
    gn_view(GN_TTA_MIRROR_SHIFT, 4, image, 1, H, W, C, out);
    assert_true(out[0] == 0 && out[(W + 1) * C] == 0 && out[(W + 2) * C] == C);
    assert_int_equal(gn_view_size(GN_TTA_TEN_CROP, 224), 256);
    assert_int_equal(gn_view_size(GN_TTA_MIRROR, 224), 224);
    const int h = gn_view_size(GN_TTA_TEN_CROP, H), w = gn_view_size(GN_TTA_TEN_CROP, W);
    gn_view(GN_TTA_TEN_CROP, 6, image, 1, H, W, C, out); /* bottom right */
    assert_true(out[0] == (float)(((h - H) * w + (w - W)) * C));
    gn_view(GN_TTA_TEN_CROP, 8, image, 1, H, W, C, out); /* the middle */
    assert_true(out[0] == (float)(((h - H) / 2 * w + (w - W) / 2) * C));
    for (gn_tta tta = GN_TTA_NONE; tta <= GN_TTA_TEN_CROP; tta++) {
        struct gn_score score;
        assert_int_equal(gn_evaluate(tiny.net, &score, tiny.test, .tta = tta), 0);
        assert_true(score.samples == TINY_TEST && isfinite(score.loss));
    }
    struct gn_score score;
    assert_int_equal(gn_evaluate(tiny.net, &score, tiny.test, .tta = (gn_tta)9),
                     GN_STATUS_BAD_ARGUMENT);
}

/* The mean of the probabilities of an image and its mirror image, computed apart. */
static void augmented_answers_are_mean_probabilities(void **state)
{
    (void)state;
    enum { PIXELS = TINY_SIZE * TINY_SIZE };
    uint8_t pixels[PIXELS], mirrored[PIXELS];
    float logits[2][TINY_CLASSES];
    double shares[2][TINY_CLASSES];
    struct gn_score score;
    struct gn_evaluated row;
    gn_evaluation *e = gn_evaluation_create();
    assert_int_equal(
        gn_evaluate(tiny.net, &score, tiny.test, .evaluation = e, .tta = GN_TTA_MIRROR), 0);
    for (uint64_t i = 0; i < TINY_TEST; i++) {
        assert_int_equal(gn_dataset_sample(tiny.test, i, pixels, NULL), 0);
        for (int k = 0; k < PIXELS; k++)
            mirrored[k] = pixels[k / TINY_SIZE * TINY_SIZE + TINY_SIZE - 1 - k % TINY_SIZE];
        assert_int_equal(gn_predict(tiny.net, logits[0], pixels, .n = 1, .height = TINY_SIZE,
                                    .width = TINY_SIZE, .channels = 1),
                         0);
        assert_int_equal(gn_predict(tiny.net, logits[1], mirrored, .n = 1, .height = TINY_SIZE,
                                    .width = TINY_SIZE, .channels = 1),
                         0);
        (void)gn_softmax(logits[0], TINY_CLASSES, shares[0]);
        (void)gn_softmax(logits[1], TINY_CLASSES, shares[1]);
        assert_int_equal(gn_evaluation_sample(e, i, &row), GN_OK);
        near("mean probability", row.probability,
             (shares[0][row.predicted] + shares[1][row.predicted]) / 2, 1e-5);
    }
    gn_evaluation_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_scikit_learn),
        cmocka_unit_test(a_pair_is_compared_as_in_statsmodels),
        cmocka_unit_test(a_percentile_is_the_value_of_its_rank),
        cmocka_unit_test(confused_pairs_come_in_falling_order),
        cmocka_unit_test(odd_answers_give_no_nonsense),
        cmocka_unit_test(evaluation_gathers_the_answers_of_prediction),
        cmocka_unit_test(views_are_crops_shifts_and_mirror_images),
        cmocka_unit_test(augmented_answers_are_mean_probabilities),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
