/* The results of an evaluation on a terminal of 80 columns. */
#include "base/number.h"
#include "cli/columns.h"
#include "cli/eval.h"
#include "cli/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_BYTES = 200,
    NAME_WIDTH = 28,
    MOST_ROWS = 40,
    MATRIX_CLASSES = 12,
    PAIRS = 5,
    FILES = 10
};

/* ---- Texts ---- */

/* Texts of numbers for one printf: each call takes the next of eight buffers. */
static const char *fixed(double value, int decimals)
{
    static char buffers[8][GN_NUMBER_TEXT];
    static int next;
    return isfinite(value) ? gn_fixed_text(value, decimals, buffers[next++ % 8]) : "not finite";
}

/* The name of a class, printable, in `width` columns; returns `text`, which has NAME_BYTES. */
static const char *name_in(const struct cli_evaluated *found, int class, int width, char *text)
{
    char number[16], safe[NAME_BYTES];
    gn_printable(safe, sizeof safe, cli_class_name(found, class, number));
    cli_fit_text(text, NAME_BYTES, safe, width);
    return text;
}

/* ---- One model ---- */

static void print_summary(const struct cli_eval_flags *flags, const struct cli_evaluated *found)
{
    const struct gn_evaluation_figures *f = &found->figures;
    const struct gn_score *score = &found->score;
    const double rate = score->seconds > 0.0 ? (double)score->samples / score->seconds : 0.0;
    char name[NAME_BYTES];
    cli_line("samples   %llu (%s, %s)", (unsigned long long)score->samples,
             gn_printable(name, sizeof name, found->data.name), cli_split_names[flags->split]);
    if (flags->tta != GN_TTA_NONE)
        cli_line("views     %s: the figures are of mean answers over these",
                 gn_tta_name(flags->tta));
    if (flags->weights != GN_WEIGHTS_F32)
        cli_line("weights   %s: the figures are of weights that were rounded",
                 gn_weights_name(flags->weights));
    cli_line("loss      %s", fixed(score->loss, 4));
    cli_line("accuracy  %s (%llu correct; 95%% interval %s to %s)", fixed(score->accuracy, 4),
             (unsigned long long)score->correct, fixed(f->low, 4), fixed(f->high, 4));
    if (flags->top > 1 && flags->top < f->classes)
        cli_line("top %-5d %s", flags->top,
                 fixed(gn_evaluation_top(found->evaluation, flags->top), 4));
    cli_line("mean      precision %s, recall %s, F1 %s (over classes)",
             fixed(f->macro.precision, 4), fixed(f->macro.recall, 4), fixed(f->macro.f1, 4));
    cli_line("sureness  calibration error %s, best temperature %s%s", fixed(f->ece, 4),
             fixed(f->temperature, 3),
             f->temperature > 1.05   ? " (too sure)"
             : f->temperature < 0.95 ? " (not sure enough)"
                                     : "");
    if (f->temperature_samples < f->samples)
        cli_line("          the temperature is that of the first %llu samples",
                 (unsigned long long)f->temperature_samples);
    cli_line("time      %s s, %s images/s", fixed(score->seconds, 2), fixed(rate, 0));
}

static int by_f1(const void *a, const void *b)
{
    const struct gn_class_score *x = a, *y = b;
    return (x->f1 > y->f1) - (x->f1 < y->f1);
}

/* A class and its score, so that they can be sorted. */
struct line {
    struct gn_class_score score;
    int class;
};

static void print_classes(const struct cli_evaluated *found)
{
    const int n = found->figures.classes;
    struct line *lines = cli_calloc((size_t)n, sizeof *lines);
    for (int i = 0; i < n; i++) {
        lines[i].class = i;
        gn_evaluation_class(found->evaluation, i, &lines[i].score);
    }
    if (n > MOST_ROWS) {
        qsort(lines, (size_t)n, sizeof *lines, by_f1);
        printf("\nThe %d of %d classes with the lowest F1 (all: --json or --report)\n", MOST_ROWS,
               n);
    } else {
        putchar('\n');
    }
    cli_line("%-*s %9s %9s %9s %9s", NAME_WIDTH, "class", "images", "precision", "recall", "F1");
    for (int i = 0; i < n && i < MOST_ROWS; i++) {
        char name[NAME_BYTES];
        const struct gn_class_score *s = &lines[i].score;
        cli_line("%s %9llu %9s %9s %9s", name_in(found, lines[i].class, NAME_WIDTH, name),
                 (unsigned long long)s->support, fixed(s->precision, 4), fixed(s->recall, 4),
                 fixed(s->f1, 4));
    }
    free(lines);
}

static void print_matrix(const struct cli_evaluated *found)
{
    const int n = found->figures.classes;
    char name[NAME_BYTES];
    printf("\nAnswers (columns) for each class (rows)\n%-16s", "");
    for (int i = 0; i < n; i++)
        printf(" %4d", i);
    putchar('\n');
    for (int label = 0; label < n; label++) {
        printf("%2d %s", label, name_in(found, label, 13, name));
        for (int predicted = 0; predicted < n; predicted++)
            printf(" %4llu",
                   (unsigned long long)gn_evaluation_count(found->evaluation, label, predicted));
        putchar('\n');
    }
}

static void print_pairs(const struct cli_evaluated *found)
{
    struct gn_confused pairs[PAIRS];
    const int n = gn_evaluation_confused(found->evaluation, pairs, PAIRS);
    if (n > 0)
        printf("\nMost confused\n");
    for (int i = 0; i < n; i++) {
        char label[NAME_BYTES], predicted[NAME_BYTES];
        struct gn_class_score score = { 0 };
        gn_evaluation_class(found->evaluation, pairs[i].label, &score);
        cli_line("%s answered as %s %6llu, %s%%", name_in(found, pairs[i].label, 22, label),
                 name_in(found, pairs[i].predicted, 22, predicted),
                 (unsigned long long)pairs[i].count,
                 fixed(100.0 * (double)pairs[i].count / (double)score.support, 1));
    }
}

int cli_print_evaluation(const struct cli_eval_flags *flags, const struct cli_evaluated *found)
{
    if (flags->common.json) {
        cli_print_json(cli_evaluation_json(flags, found));
    } else {
        print_summary(flags, found);
        print_classes(found);
        if (found->figures.classes <= MATRIX_CLASSES)
            print_matrix(found);
        print_pairs(found);
    }
    return cli_requirements_missed(flags->require, found) > 0 ? CLI_FAILED : CLI_DONE;
}

/* ---- Two models ---- */

/* Samples with different answers: printed up to FILES, or all of them into a JSON list. */
static void each_change(const struct cli_evaluated found[2], json_t *list)
{
    struct gn_evaluated a, b;
    for (uint64_t i = 0, n = 0; gn_evaluation_sample(found[0].evaluation, i, &a) == GN_OK; i++) {
        char label[NAME_BYTES], first[NAME_BYTES], second[NAME_BYTES], file[NAME_BYTES];
        if (gn_evaluation_sample(found[1].evaluation, i, &b) != GN_OK || a.predicted == b.predicted)
            continue;
        const char *path = gn_dataset_file(found[0].set, a.index);
        if (list) {
            json_t *change = json_object();
            json_object_set_new(change, "file", cli_json_text(path ? path : found[0].data.name));
            json_object_set_new(change, "index", json_integer(path ? 0 : (json_int_t)a.index));
            json_object_set_new(change, "label",
                                cli_json_text(cli_class_name(found, a.label, label)));
            json_object_set_new(change, "first",
                                cli_json_text(cli_class_name(found, a.predicted, first)));
            json_object_set_new(change, "second",
                                cli_json_text(cli_class_name(found, b.predicted, second)));
            json_array_append_new(list, change);
            continue;
        }
        if (n++ == FILES) {
            cli_line("  ... (all: --json)");
            return;
        }
        if (path)
            gn_printable(file, sizeof file, path);
        else
            snprintf(file, sizeof file, "image %llu", (unsigned long long)a.index);
        cli_line("  %s: %s; first: %s, second: %s", file, name_in(found, a.label, 0, label),
                 name_in(found, a.predicted, 0, first), name_in(found, b.predicted, 0, second));
    }
}

static void print_pair_json(const struct cli_eval_flags *flags, const struct cli_evaluated found[2],
                            const struct gn_evaluation_pair *pair)
{
    json_t *root = json_object(), *models = json_array(), *comparison = json_object();
    json_t *changes = json_array();
    for (int i = 0; i < 2; i++)
        json_array_append_new(models, cli_evaluation_json(flags, &found[i]));
    json_object_set_new(comparison, "samples", json_integer((json_int_t)pair->samples));
    json_object_set_new(comparison, "difference", cli_json_real(pair->difference));
    json_object_set_new(comparison, "only_first", json_integer((json_int_t)pair->only_first));
    json_object_set_new(comparison, "only_second", json_integer((json_int_t)pair->only_second));
    json_object_set_new(comparison, "p_value", cli_json_real(pair->p_value));
    each_change(found, changes);
    json_object_set_new(comparison, "changed", changes);
    json_object_set_new(root, "models", models);
    json_object_set_new(root, "comparison", comparison);
    cli_print_json(root);
}

int cli_print_pair(const struct cli_eval_flags *flags, const struct cli_evaluated found[2])
{
    static const char *const names[] = { "first", "second" };
    struct gn_evaluation_pair pair;
    if (gn_evaluation_compare(found[0].evaluation, found[1].evaluation, &pair) != GN_OK)
        return cli_fail_library();
    if (flags->common.json) {
        print_pair_json(flags, found, &pair);
        return CLI_DONE;
    }
    for (int i = 0; i < 2; i++) {
        char name[NAME_BYTES];
        cli_line("%-9s accuracy %s, loss %s: %s", names[i], fixed(found[i].score.accuracy, 4),
                 fixed(found[i].score.loss, 4), gn_printable(name, sizeof name, found[i].model));
    }
    cli_line("samples   %llu (%s)", (unsigned long long)pair.samples,
             cli_split_names[flags->split]);
    cli_line("change    %s%s of accuracy; only the first is right: %llu, only the second: %llu",
             pair.difference >= 0 ? "+" : "", fixed(pair.difference, 4),
             (unsigned long long)pair.only_first, (unsigned long long)pair.only_second);
    cli_line("chance    p = %s (McNemar's exact test)%s", fixed(pair.p_value, 4),
             pair.p_value < 0.05 ? "" : ": the difference may be chance");
    if (pair.changed > 0)
        printf("\n%llu answers differ\n", (unsigned long long)pair.changed);
    each_change(found, NULL);
    return CLI_DONE;
}
