/*
 * Measures a model on the test images of a data set: figures, classes, confusions, a page with the
 * mistakes; and compares it with itself, averaged over mirror images.
 *
 *   cc evaluate.c $(pkg-config --cflags --libs googlenet) -o evaluate
 *   ./evaluate model.safetensors DATA
 *
 * test-args: @MODEL@ @DATA@
 */
#include <googlenet.h>

static void print_figures(const gn_evaluation *answers)
{
    struct gn_evaluation_figures f;
    struct gn_confused worst;
    if (gn_evaluation_figures(answers, &f) != GN_OK)
        return;
    printf("accuracy %.4f (95%% interval %.4f to %.4f), loss %.4f, macro F1 %.4f\n", f.accuracy,
           f.low, f.high, f.loss, f.macro.f1);
    printf("the class is among the first two: %.4f; calibration error %.4f\n",
           gn_evaluation_top(answers, 2), f.ece);
    for (int i = 0; i < f.classes; i++) {
        struct gn_class_score score;
        if (gn_evaluation_class(answers, i, &score) == GN_OK)
            printf("class %d: precision %.4f, recall %.4f, F1 %.4f, %llu of %llu right\n", i,
                   score.precision, score.recall, score.f1,
                   (unsigned long long)gn_evaluation_count(answers, i, i),
                   (unsigned long long)score.support);
    }
    if (gn_evaluation_confused(answers, &worst, 1) == 1)
        printf("%d is answered as %d most often, %llu times\n", worst.label, worst.predicted,
               (unsigned long long)worst.count);
}

/* The answer that was surest and wrong. */
static void print_surest_mistake(const gn_evaluation *answers)
{
    struct gn_evaluated row, surest = { .probability = 0 };
    for (uint64_t i = 0; gn_evaluation_sample(answers, i, &row) == GN_OK; i++)
        if (row.predicted != row.label && row.probability > surest.probability)
            surest = row;
    gn_clear_error(); /* of the row after the last */
    if (surest.probability > 0)
        printf("image %llu is %d, the answer was %d with probability %.3f\n",
               (unsigned long long)surest.index, surest.label, surest.predicted,
               surest.probability);
}

/* Answers of another program are added one by one. */
static gn_status copy_first(const gn_evaluation *from, gn_evaluation *to)
{
    struct gn_evaluated row;
    const gn_status status = gn_evaluation_sample(from, 0, &row);
    const float logits[2] = { row.predicted == 0 ? 1 : 0, row.predicted == 0 ? 0 : 1 };
    return status == GN_OK ? gn_evaluation_add(to, 0, row.label > 0, logits, 2) : status;
}

static gn_status run(gn_net *net, gn_dataset *test, gn_evaluation *answers, gn_evaluation *others)
{
    struct gn_score score;
    struct gn_evaluation_pair pair;
    gn_status status = gn_evaluate(net, &score, test, .batch = 64, .evaluation = answers);
    if (status == GN_OK)
        status = gn_evaluate(net, &score, test, .evaluation = others, .tta = GN_TTA_MIRROR_SHIFT);
    if (status == GN_OK)
        status = gn_evaluation_compare(answers, others, &pair);
    if (status != GN_OK)
        return status;
    print_figures(answers);
    print_surest_mistake(answers);
    printf("with views (%s): %+.4f, p = %.3f, %llu answers differ\n",
           gn_tta_name(GN_TTA_MIRROR_SHIFT), pair.difference, pair.p_value,
           (unsigned long long)pair.changed);
    status = gn_write_predictions(answers, test, "predictions.csv");
    return status != GN_OK ? status : gn_write_report(answers, .data = test, .folder = "report");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: evaluate MODEL DATA\n");
        return 2;
    }
    gn_net *net = gn_load(argv[1]);
    gn_dataset *test = gn_open_dataset(argv[2], .split = GN_TEST);
    gn_evaluation *answers = gn_evaluation_create(), *others = gn_evaluation_create();
    gn_evaluation *own = gn_evaluation_create();
    gn_status status = GN_STATUS_BAD_ARGUMENT;
    if (net != NULL && test != NULL && answers != NULL && others != NULL && own != NULL)
        status = run(net, test, answers, others);
    if (status == GN_OK)
        status = copy_first(answers, own);
    if (status != GN_OK)
        fprintf(stderr, "%s\n", gn_error_message());
    gn_evaluation_free(own);
    gn_evaluation_free(others);
    gn_evaluation_free(answers);
    gn_close_dataset(test);
    gn_free_net(net);
    return status != GN_OK;
}
