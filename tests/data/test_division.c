/* labels: quick
 *
 * Folds: every sample is held back once, classes are divided alike, by seed. Balanced epochs: as many samples of
 * each class, all of a small one. Class weights: the formula, names and numbers. */
#include "data/dataset.h"
#include "data/order.h"
#include "support/check.h"
#include "support/files.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SIDE = 3, SAMPLES = 37, CLASSES = 3, FOLDS = 5 };

/* 20, 10 and 7 samples; the first pixel is a sample's number. */
static int label_of(int i)
{
    return i < 20 ? 0 : i < 30 ? 1 : 2;
}

static void write_idx(const char *path, int kind, const uint8_t *bytes, size_t n)
{
    uint8_t head[16] = { 0, 0, 8, (uint8_t)kind, 0, 0, 0, SAMPLES, 0, 0, 0, SIDE, 0, 0, 0, SIDE };
    const size_t head_bytes = kind == 1 ? 8 : 16;
    uint8_t *file = malloc(head_bytes + n);
    assert_non_null(file);
    memcpy(file, head, head_bytes);
    memcpy(file + head_bytes, bytes, n);
    test_write_file(path, file, head_bytes + n);
    free(file);
}

static int make_set(void **state)
{
    (void)state;
    uint8_t pixels[SAMPLES * SIDE * SIDE] = { 0 }, labels[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        pixels[i * SIDE * SIDE] = (uint8_t)i;
        labels[i] = (uint8_t)label_of(i);
    }
    assert_int_equal(mkdir("set", 0777), 0);
    write_idx("set/train-images-idx3-ubyte", 3, pixels, sizeof pixels);
    write_idx("set/train-labels-idx1-ubyte", 1, labels, sizeof labels);
    write_idx("set/t10k-images-idx3-ubyte", 3, pixels, sizeof pixels);
    write_idx("set/t10k-labels-idx1-ubyte", 1, labels, sizeof labels);
    return 0;
}

/* Counts samples of a split by number and by class. */
static int count(gn_split split, int fold, uint64_t seed, int by_sample[SAMPLES],
                 int by_class[CLASSES])
{
    gn_dataset *data = gn_open_dataset("set", .split = split, .folds = FOLDS, .fold = fold,
                                       .seed = seed, .beside = true);
    if (data == NULL)
        fail_msg("%s", gn_error_message());
    assert_int_equal(gn_dataset_wait(data), GN_OK);
    struct gn_dataset_info info;
    assert_int_equal(gn_dataset_describe(data, &info), GN_OK);
    for (uint64_t i = 0; i < info.samples; i++) {
        uint8_t pixels[SIDE * SIDE];
        int label;
        assert_int_equal(gn_dataset_sample(data, i, pixels, &label), GN_OK);
        assert_int_equal(label, label_of(pixels[0]));
        by_sample[pixels[0]]++;
        by_class[label]++;
    }
    gn_close_dataset(data);
    return (int)info.samples;
}

static void every_sample_is_held_back_once(void **state)
{
    (void)state;
    int held[SAMPLES] = { 0 }, sum = 0;
    for (int fold = 0; fold < FOLDS; fold++) {
        int both[SAMPLES] = { 0 }, classes[CLASSES] = { 0 }, others[CLASSES] = { 0 };
        const int n = count(GN_VAL, fold, 7, both, classes);
        for (int i = 0; i < SAMPLES; i++)
            held[i] += both[i];
        assert_true(n == SAMPLES / FOLDS || n == SAMPLES / FOLDS + 1);
        assert_int_equal(classes[0], 4); /* a fifth of each class, to one sample */
        assert_int_equal(classes[1], 2);
        assert_true(classes[2] == 1 || classes[2] == 2);
        assert_int_equal(n + count(GN_TRAIN, fold, 7, both, others), SAMPLES);
        for (int i = 0; i < SAMPLES; i++)
            assert_int_equal(both[i], 1);
        sum += n;
    }
    assert_int_equal(sum, SAMPLES);
    for (int i = 0; i < SAMPLES; i++)
        assert_int_equal(held[i], 1);
}

static void the_seed_chooses_and_the_test_set_stays_whole(void **state)
{
    (void)state;
    int a[SAMPLES] = { 0 }, b[SAMPLES] = { 0 }, c[SAMPLES] = { 0 }, classes[CLASSES] = { 0 };
    (void)count(GN_VAL, 0, 1, a, classes);
    (void)count(GN_VAL, 0, 1, b, classes);
    (void)count(GN_VAL, 0, 2, c, classes);
    assert_memory_equal(a, b, sizeof a);
    assert_true(memcmp(a, c, sizeof a) != 0);
    assert_int_equal(count(GN_TEST, 0, 1, a, classes), SAMPLES);
    assert_null(gn_open_dataset("set", .folds = 5, .fold = 5));
    check_error(GN_STATUS_BAD_ARGUMENT, "fold 5 of 5");
    assert_null(gn_open_dataset("set", .folds = 1));
    check_error(GN_STATUS_BAD_ARGUMENT, "two or more");
    assert_null(gn_open_dataset("set", .folds = 50));
    check_error(GN_STATUS_BAD_DATA, "37 samples cannot be divided into 50 folds");
}

/* ---- Balanced epochs ---- */

static void an_epoch_has_as_many_of_each_class(void **state)
{
    (void)state;
    int32_t labels[SAMPLES];
    uint32_t order[SAMPLES], again[SAMPLES], by_class[SAMPLES], starts[CLASSES + 2];
    for (int i = 0; i < SAMPLES; i++)
        labels[i] = label_of(i);
    const struct gn_balance balance = { labels, CLASSES + 1, 3, by_class, starts };
    int more[CLASSES] = { 0 };
    for (uint64_t epoch = 0; epoch < 6; epoch++) {
        int classes[CLASSES + 1] = { 0 }, times[SAMPLES] = { 0 };
        gn_balanced_order(order, SAMPLES, &balance, epoch);
        for (int i = 0; i < SAMPLES; i++) {
            classes[labels[order[i]]]++;
            times[order[i]]++;
        }
        for (int k = 0; k < CLASSES; k++) {
            assert_true(classes[k] == 12 || classes[k] == 13);
            more[k] += classes[k] - 12;
        }
        for (int i = 0; i < SAMPLES; i++) { /* 12 or 13 of 20, of 10, of 7 */
            const int least = label_of(i) == 0 ? 0 : 1, most = label_of(i) == 0 ? 1 : 2;
            assert_true(times[i] >= least && times[i] <= most);
        }
        gn_balanced_order(again, SAMPLES, &balance, epoch);
        assert_memory_equal(order, again, sizeof order);
    }
    for (int k = 0; k < CLASSES; k++)
        assert_int_equal(more[k], 2); /* the rest goes round */
}

/* ---- Weights ---- */

static void weights_follow_the_formula_and_the_list(void **state)
{
    (void)state;
    static const char *const names[] = { "cat", "dog", "a=b" };
    int32_t labels[SAMPLES];
    float weights[4];
    for (int i = 0; i < SAMPLES; i++)
        labels[i] = label_of(i);
    const struct gn_dataset data = { .labels = labels, .classes = CLASSES, .label_names = names };
    assert_int_equal(gn_class_weights(&data, SAMPLES, "balanced", 4, weights), GN_OK);
    for (int k = 0; k < CLASSES; k++)
        assert_true(fabs((double)weights[k] - SAMPLES / (3.0 * (k == 0   ? 20
                                                                : k == 1 ? 10
                                                                         : 7))) < 1e-6);
    assert_true(fabs((double)weights[3] - 1) < 1e-6); /* without samples */
    assert_int_equal(gn_class_weights(&data, SAMPLES, "dog=2.5,a=b=3,0=0.25", 4, weights), GN_OK);
    static const float wanted[4] = { 0.25F, 2.5F, 3, 1 };
    assert_memory_equal(weights, wanted, sizeof wanted);
    static const char *const bad[] = {
        "", "dog", "dog=0", "dog=x", "cow=1", "4=1", "dog=2,,cat=1"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(gn_class_weights(&data, SAMPLES, bad[i], 4, weights),
                         GN_STATUS_BAD_ARGUMENT);
        check_error(GN_STATUS_BAD_ARGUMENT, ".class_weights");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_is_held_back_once),
        cmocka_unit_test(the_seed_chooses_and_the_test_set_stays_whole),
        cmocka_unit_test(an_epoch_has_as_many_of_each_class),
        cmocka_unit_test(weights_follow_the_formula_and_the_list),
    };
    return cmocka_run_group_tests(tests, make_set, NULL);
}
