/* The JSON of an evaluation: the keys are fixed (docs/design.md). */
#include "cli/eval.h"
#include "cli/report.h"

#include <stdio.h>

enum { WORST = 10 };

const char *cli_class_name(const struct cli_evaluated *found, int class, char *number)
{
    snprintf(number, 16, "%d", class);
    return found->data.labels && class < found->data.classes ? found->data.labels[class] : number;
}

static json_t *means(const struct gn_class_mean *mean)
{
    json_t *object = json_object();
    json_object_set_new(object, "precision", cli_json_real(mean->precision));
    json_object_set_new(object, "recall", cli_json_real(mean->recall));
    json_object_set_new(object, "f1", cli_json_real(mean->f1));
    return object;
}

static json_t *classes(const struct cli_evaluated *found)
{
    json_t *list = json_array();
    for (int i = 0; i < found->figures.classes; i++) {
        struct gn_class_score score = { 0 };
        char number[16];
        json_t *object = json_object();
        gn_evaluation_class(found->evaluation, i, &score);
        json_object_set_new(object, "label", cli_json_text(cli_class_name(found, i, number)));
        json_object_set_new(object, "support", json_integer((json_int_t)score.support));
        json_object_set_new(object, "precision", cli_json_real(score.precision));
        json_object_set_new(object, "recall", cli_json_real(score.recall));
        json_object_set_new(object, "f1", cli_json_real(score.f1));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *confusion(const struct cli_evaluated *found)
{
    json_t *rows = json_array();
    for (int label = 0; label < found->figures.classes; label++) {
        json_t *row = json_array();
        for (int predicted = 0; predicted < found->figures.classes; predicted++)
            json_array_append_new(row, json_integer((json_int_t)gn_evaluation_count(
                                           found->evaluation, label, predicted)));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *worst(const struct cli_evaluated *found)
{
    struct gn_confused pairs[WORST];
    const int n = gn_evaluation_confused(found->evaluation, pairs, WORST);
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        char number[16];
        json_t *object = json_object();
        json_object_set_new(object, "label",
                            cli_json_text(cli_class_name(found, pairs[i].label, number)));
        json_object_set_new(object, "predicted",
                            cli_json_text(cli_class_name(found, pairs[i].predicted, number)));
        json_object_set_new(object, "count", json_integer((json_int_t)pairs[i].count));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *bins(const struct gn_evaluation_figures *figures)
{
    json_t *list = json_array();
    for (int i = 0; i < GN_CALIBRATION_BINS; i++) {
        const struct gn_calibration_bin *bin = &figures->bins[i];
        json_t *object = json_object();
        json_object_set_new(object, "samples", json_integer((json_int_t)bin->samples));
        json_object_set_new(object, "probability", cli_json_real(bin->probability));
        json_object_set_new(object, "accuracy", cli_json_real(bin->accuracy));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *top(const struct cli_eval_flags *flags, const struct cli_evaluated *found)
{
    char name[16];
    json_t *object = json_object();
    const int classes = found->figures.classes, k = flags->top < classes ? flags->top : classes;
    snprintf(name, sizeof name, "%d", k);
    json_object_set_new(object, name, cli_json_real(gn_evaluation_top(found->evaluation, k)));
    return object;
}

json_t *cli_evaluation_json(const struct cli_eval_flags *flags, const struct cli_evaluated *found)
{
    const struct gn_evaluation_figures *f = &found->figures;
    const struct gn_score *score = &found->score;
    const double rate = score->seconds > 0.0 ? (double)score->samples / score->seconds : 0.0;
    json_t *root = json_object();
    json_object_set_new(root, "samples", json_integer((json_int_t)score->samples));
    json_object_set_new(root, "loss", cli_json_real(score->loss));
    json_object_set_new(root, "accuracy", cli_json_real(score->accuracy));
    json_object_set_new(root, "correct", json_integer((json_int_t)score->correct));
    json_object_set_new(root, "accuracy_low", cli_json_rounded(f->low, 6));
    json_object_set_new(root, "accuracy_high", cli_json_rounded(f->high, 6));
    json_t *interval = json_array();
    json_array_append_new(interval, cli_json_real(f->low));
    json_array_append_new(interval, cli_json_real(f->high));
    json_object_set_new(root, "interval", interval);
    json_object_set_new(root, "top", top(flags, found));
    json_object_set_new(root, "macro", means(&f->macro));
    json_object_set_new(root, "weighted", means(&f->weighted));
    json_object_set_new(root, "ece", cli_json_real(f->ece));
    json_object_set_new(root, "temperature", cli_json_real(f->temperature));
    json_object_set_new(root, "worst", worst(found));
    json_object_set_new(root, "classes", classes(found));
    json_object_set_new(root, "confusion", confusion(found));
    json_object_set_new(root, "reliability", bins(f));
    json_object_set_new(root, "tta", cli_json_text(gn_tta_name(flags->tta)));
    json_object_set_new(root, "weights", cli_json_text(gn_weights_name(flags->weights)));
    json_object_set_new(root, "model", cli_json_text(found->model));
    json_object_set_new(root, "data", cli_json_text(found->data.name));
    json_object_set_new(root, "split", cli_json_text(cli_split_names[flags->split]));
    if (flags->fold && flags->split == GN_VAL)
        json_object_set_new(root, "fold", cli_json_text(flags->fold));
    json_object_set_new(root, "seconds", cli_json_rounded(score->seconds, 4));
    json_object_set_new(root, "images_per_second", cli_json_rounded(rate, 1));
    return root;
}
