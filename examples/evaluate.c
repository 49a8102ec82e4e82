/*
 * Measures a model on the test images of a data set, and says which classes it confuses.
 *
 *   cc evaluate.c $(pkg-config --cflags --libs googlenet) -o evaluate
 *   ./evaluate model.safetensors DATA
 *
 * test-args: @MODEL@ @DATA@
 */
#include <googlenet.h>

#include <stdlib.h>

/* Counts, for each true class (row), how often each class was the answer (column). */
static gn_status count_answers(gn_net *net, const gn_dataset *data, uint64_t n, int classes,
                               unsigned *table)
{
    float *logits = calloc((size_t)n * (size_t)classes, sizeof *logits);
    gn_status status =
        logits == NULL ? GN_STATUS_NO_MEMORY : gn_predict(net, logits, NULL, .data = data, .n = n);
    for (uint64_t i = 0; i < n && status == GN_OK; i++) {
        const float *row = logits + i * (uint64_t)classes;
        int label, answer = 0;
        for (int c = 1; c < classes; c++)
            if (row[c] > row[answer])
                answer = c;
        status = gn_dataset_sample(data, i, NULL, &label);
        if (status == GN_OK)
            table[label * classes + answer]++;
    }
    free(logits);
    return status;
}

static void print_table(const unsigned *table, int classes)
{
    printf("rows: the true class, columns: the answer\n");
    for (int row = 0; row < classes; row++) {
        for (int column = 0; column < classes; column++)
            printf(" %5u", table[row * classes + column]);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: evaluate MODEL DATA\n");
        return 2;
    }
    gn_net *net = gn_load(argv[1]);
    gn_dataset *test = gn_open_dataset(argv[2], .split = GN_TEST);
    struct gn_score score = { 0 };
    gn_status status = gn_evaluate(net, &score, test, .batch = 64);
    struct gn_net_info info = { 0 };
    if (status == GN_OK)
        status = gn_net_describe(net, &info);
    unsigned *table = calloc((size_t)(info.classes * info.classes) + 1, sizeof *table);
    if (status == GN_OK && table != NULL)
        status = count_answers(net, test, score.samples, info.classes, table);

    if (status != GN_OK || table == NULL) {
        fprintf(stderr, "%s\n", gn_error_message());
    } else {
        printf("%llu of %llu right: accuracy %.4f, loss %.4f, %.2f s\n",
               (unsigned long long)score.correct, (unsigned long long)score.samples, score.accuracy,
               score.loss, score.seconds);
        print_table(table, info.classes);
    }
    free(table);
    gn_close_dataset(test);
    gn_free_net(net);
    return status != GN_OK;
}
