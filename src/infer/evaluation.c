/*
 * All that an evaluation finds: a row for each answer and the confusion matrix. Figures are made
 * from these when they are asked for. Definitions follow scikit-learn with zero_division=0.
 */
#include "infer/evaluation.h"

#include "base/memory.h"
#include "base/softmax.h"
#include "base/statistics.h"

#include <math.h>
#include <string.h>

/* So many logits are kept, 64 MiB: all of 10,000 answers over 1,000 classes. */
enum { MOST_CLASSES = 1 << 15, MOST_LOGITS = 1 << 24, FIRST_ROOM = 1024 };

gn_evaluation *gn_evaluation_create(void)
{
    return gn_calloc(1, sizeof(gn_evaluation), "evaluation");
}

static void clear(struct gn_evaluation *e)
{
    gn_free(e->rows);
    gn_free(e->confusion);
    gn_free(e->logits);
    *e = (struct gn_evaluation){ 0 };
}

void gn_evaluation_free(gn_evaluation *evaluation)
{
    if (evaluation != NULL)
        clear(evaluation);
    gn_free(evaluation);
}

gn_status gn_evaluation_begin(struct gn_evaluation *e, int classes)
{
    clear(e);
    if (classes < 1 || classes > MOST_CLASSES)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "evaluation: %d classes; 1 to %d are possible", classes,
                MOST_CLASSES);
    e->confusion =
        gn_calloc((size_t)classes * (size_t)classes, sizeof *e->confusion, "confusion matrix");
    if (e->confusion == NULL)
        return gn_last_status();
    e->classes = classes;
    return GN_OK;
}

/* Room for `n` more things of `size` bytes. */
static gn_status grow(void *array, uint64_t n, uint64_t *room, size_t size, const char *purpose)
{
    void **p = array;
    if (n <= *room)
        return GN_OK;
    const uint64_t more = *room == 0 ? (n > FIRST_ROOM ? n : FIRST_ROOM) : 2 * *room;
    void *grown = gn_realloc(*p, (size_t)(more > n ? more : n) * size, purpose);
    if (grown == NULL)
        return gn_last_status();
    *p = grown;
    *room = more > n ? more : n;
    return GN_OK;
}

/* How many classes come before `label`: 0 when it is the predicted one. */
static int rank_of(const float *logits, int classes, int label)
{
    int rank = 0;
    for (int i = 0; i < classes; i++)
        rank +=
            i != label && !(logits[i] < logits[label] || (logits[i] <= logits[label] && i > label));
    return rank;
}

static gn_status keep_logits(struct gn_evaluation *e, const float *logits)
{
    const uint64_t classes = (uint64_t)e->classes;
    if (e->n_logits != e->n || (e->n_logits + 1) * classes > MOST_LOGITS)
        return GN_OK;
    GN_TRY(grow(&e->logits, (e->n_logits + 1) * classes, &e->logits_room, sizeof(float),
                "logits of an evaluation"));
    memcpy(e->logits + e->n_logits * classes, logits, (size_t)classes * sizeof(float));
    e->n_logits++;
    return GN_OK;
}

gn_status gn_evaluation_add(gn_evaluation *e, uint64_t index, int label, const float *logits,
                            int classes)
{
    GN_NEED(e, "the evaluation");
    GN_NEED(logits, "the logits");
    if (e->classes == 0)
        GN_TRY(gn_evaluation_begin(e, classes));
    if (classes != e->classes)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "evaluation: an answer over %d classes after one over %d",
                classes, e->classes);
    if (label < 0 || label >= classes)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "evaluation: label %d of %d classes", label, classes);
    GN_TRY(grow(&e->rows, e->n + 1, &e->room, sizeof *e->rows, "answers of an evaluation"));
    GN_TRY(keep_logits(e, logits));
    const struct gn_softmax_sum sum = gn_softmax_sum(logits, classes);
    /* Not rounded as validation's (evaluate.c): no choice of a run hangs on it. */
    const double loss = gn_cross_entropy(&sum, logits, label);
    e->rows[e->n++] = (struct gn_evaluated){ .index = index,
                                             .label = label,
                                             .predicted = sum.best,
                                             .rank = rank_of(logits, classes, label),
                                             .probability = 1.0 / sum.sum,
                                             .loss = loss };
    e->confusion[(size_t)label * (size_t)classes + (size_t)sum.best]++;
    e->loss_sum += loss;
    return GN_OK;
}

gn_status gn_evaluation_sample(const gn_evaluation *e, uint64_t i, struct gn_evaluated *sample)
{
    GN_NEED(e, "the evaluation");
    GN_NEED(sample, "the place for the sample");
    if (i >= e->n)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "evaluation: answer %llu of %llu", (unsigned long long)i,
                (unsigned long long)e->n);
    *sample = e->rows[i];
    return GN_OK;
}

uint64_t gn_evaluation_count(const gn_evaluation *e, int label, int predicted)
{
    if (e == NULL || label < 0 || predicted < 0 || label >= e->classes || predicted >= e->classes)
        return 0;
    return e->confusion[(size_t)label * (size_t)e->classes + (size_t)predicted];
}

double gn_evaluation_top(const gn_evaluation *e, int k)
{
    uint64_t hits = 0;
    if (e == NULL || e->n == 0)
        return 0;
    for (uint64_t i = 0; i < e->n; i++)
        hits += e->rows[i].rank < k;
    return (double)hits / (double)e->n;
}

/* ---- Figures of classes ---- */

/* A ratio without cases is 0. */
static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

gn_status gn_evaluation_class(const gn_evaluation *e, int i, struct gn_class_score *score)
{
    GN_NEED(e, "the evaluation");
    GN_NEED(score, "the place for the score");
    if (i < 0 || i >= e->classes)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "evaluation: class %d of %d", i, e->classes);
    *score = (struct gn_class_score){ .correct = gn_evaluation_count(e, i, i) };
    for (int k = 0; k < e->classes; k++) {
        score->support += gn_evaluation_count(e, i, k);
        score->predicted += gn_evaluation_count(e, k, i);
    }
    const double hits = (double)score->correct;
    score->precision = ratio(hits, (double)score->predicted);
    score->recall = ratio(hits, (double)score->support);
    score->f1 = ratio(2 * hits, (double)(score->support + score->predicted));
    return GN_OK;
}

static void add(struct gn_class_mean *mean, const struct gn_class_score *score, double weight)
{
    mean->precision += weight * score->precision;
    mean->recall += weight * score->recall;
    mean->f1 += weight * score->f1;
}

static void divide(struct gn_class_mean *mean, double by)
{
    mean->precision = ratio(mean->precision, by);
    mean->recall = ratio(mean->recall, by);
    mean->f1 = ratio(mean->f1, by);
}

gn_status gn_evaluation_figures(const gn_evaluation *e, struct gn_evaluation_figures *figures)
{
    int seen = 0;
    GN_NEED(e, "the evaluation");
    GN_NEED(figures, "the place for the figures");
    *figures = (struct gn_evaluation_figures){ .samples = e->n, .classes = e->classes };
    for (int i = 0; i < e->classes; i++) {
        struct gn_class_score score;
        GN_TRY(gn_evaluation_class(e, i, &score));
        figures->correct += score.correct;
        if (score.support + score.predicted == 0)
            continue; /* neither among the labels nor the answers */
        seen++;
        add(&figures->macro, &score, 1);
        add(&figures->weighted, &score, (double)score.support);
    }
    divide(&figures->macro, seen);
    divide(&figures->weighted, (double)e->n);
    figures->accuracy = ratio((double)figures->correct, (double)e->n);
    figures->loss = ratio(e->loss_sum, (double)e->n);
    gn_wilson(figures->correct, e->n, &figures->low, &figures->high);
    gn_calibration(e, figures);
    return GN_OK;
}

/* Pairs with more cases first, then in the order of the matrix. */
int gn_evaluation_confused(const gn_evaluation *e, struct gn_confused *pairs, int most)
{
    int n = 0;
    if (e == NULL || pairs == NULL)
        return 0;
    for (int label = 0; label < e->classes; label++)
        for (int predicted = 0; predicted < e->classes; predicted++) {
            const uint64_t count = gn_evaluation_count(e, label, predicted);
            int at = n;
            if (label == predicted || count == 0)
                continue;
            while (at > 0 && pairs[at - 1].count < count)
                at--;
            if (at >= most)
                continue;
            n += n < most;
            memmove(pairs + at + 1, pairs + at, (size_t)(n - 1 - at) * sizeof *pairs);
            pairs[at] = (struct gn_confused){ label, predicted, count };
        }
    return n;
}

/* ---- Two networks ---- */

gn_status gn_evaluation_compare(const gn_evaluation *a, const gn_evaluation *b,
                                struct gn_evaluation_pair *pair)
{
    GN_NEED(a, "the first evaluation");
    GN_NEED(b, "the second evaluation");
    GN_NEED(pair, "the place for the comparison");
    *pair = (struct gn_evaluation_pair){ .samples = a->n };
    if (a->n != b->n)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "comparison: %llu answers and %llu are not of the same data",
                (unsigned long long)a->n, (unsigned long long)b->n);
    for (uint64_t i = 0; i < a->n; i++) {
        const struct gn_evaluated *x = &a->rows[i], *y = &b->rows[i];
        if (x->index != y->index || x->label != y->label)
            GN_FAIL(GN_STATUS_BAD_SHAPE,
                    "comparison: answer %llu is not of the same sample in both",
                    (unsigned long long)i);
        pair->only_first += x->predicted == x->label && y->predicted != y->label;
        pair->only_second += x->predicted != x->label && y->predicted == y->label;
        pair->changed += x->predicted != y->predicted;
    }
    pair->difference =
        ratio((double)pair->only_second - (double)pair->only_first, (double)pair->samples);
    pair->p_value = gn_mcnemar(pair->only_first, pair->only_second);
    return GN_OK;
}
