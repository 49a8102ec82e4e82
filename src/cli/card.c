/*
 * googlenet train, the end: the model card, Markdown with the front matter that the Hugging Face hub reads
 * (huggingface.co/docs/hub/model-cards). Nothing in it says where on the machine files lay.
 */
#include "cli/card.h"

#include "base/number.h"
#include "base/path.h"
#include "cli/report.h"
#include "cli/run_folder.h"
#include "os/files.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 12, EXTREMES = 5, MOST_PAIRS = 5 };

static const char *data_name(const struct train_run *run)
{
    return gn_path_name(run->train_info.name);
}

/* ---- Front matter ---- */

/* A type is one word of the hub's alphabet. */
static void put_slug(FILE *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    fputc('"', out);
    for (const char *p = text; *p; p++) {
        const char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
        fputc(strchr(plain, c) ? c : '-', out);
    }
    fputs("\"\n", out);
}

static void put_front(FILE *out, const struct card *card, const struct gn_evaluation_figures *f)
{
    const struct train_run *run = card->run;
    fputs("---\nlibrary_name: googlenet\npipeline_tag: image-classification\ntags:\n"
          "- image-classification\n- googlenet\n- inception\nmetrics:\n- accuracy\nmodel-index:\n"
          "- name: ",
          out);
    card_quoted(out, gn_path_name(run->folder));
    fputs("\n  results:\n", out);
    if (f == NULL) {
        fputs("  []\n---\n\n", out);
        return;
    }
    fputs("  - task:\n      type: image-classification\n    dataset:\n      name: ", out);
    card_quoted(out, data_name(run));
    fputs("\n      type: ", out);
    put_slug(out, data_name(run));
    fprintf(out, "      split: %s\n    metrics:\n", card->samples);
    gn_print(out, "    - type: accuracy\n      value: %.6f\n      name: accuracy\n", f->accuracy);
    gn_print(out, "    - type: f1\n      value: %.6f\n      name: macro F1\n---\n\n", f->macro.f1);
}

/* ---- Sections ---- */

static void put_data(FILE *out, const struct train_run *run)
{
    const struct gn_dataset_info *info = &run->train_info;
    char what[64];
    fputs("## Data\n\n| | |\n| --- | --- |\n| set | ", out);
    card_name(out, data_name(run));
    fprintf(out, " |\n| training samples | %llu |\n", (unsigned long long)info->samples);
    if (run->validation)
        fprintf(out, "| validation samples | %llu |\n",
                (unsigned long long)run->validation_info.samples);
    if (run->test)
        fprintf(out, "| test samples | %llu |\n", (unsigned long long)run->test_info.samples);
    fprintf(out, "| stored as | %s |\n| classes | %d |\n", cli_what_images(what, info),
            run->net_info.classes);
    fputs("\n", out);
}

static void put_result(FILE *out, const struct card *card, const struct gn_evaluation_figures *f)
{
    gn_print(
        out,
        "## Result\n\nOn the %llu %s samples, with the weights of epoch %d:\n\n| figure | value "
        "|\n| --- | --- |\n| accuracy | %.4f (95%% interval %.4f to %.4f) |\n",
        (unsigned long long)f->samples, card->samples, card->epoch, f->accuracy, f->low, f->high);
    if (f->classes > 5)
        gn_print(out, "| among the first 5 | %.4f |\n", gn_evaluation_top(card->answers, 5));
    gn_print(out,
             "| loss | %.4f |\n| macro precision, recall, F1 | %.4f, %.4f, %.4f |\n| calibration "
             "error (ECE) | %.4f |\n| temperature that calibrates | %.3f |\n\n",
             f->loss, f->macro.precision, f->macro.recall, f->macro.f1, f->ece, f->temperature);
    if (card->chose)
        fputs(
            "These samples have chosen the epoch, so that the figures are a little better than on "
            "samples that nobody has seen.\n\n",
            out);
}

struct named {
    int class;
    struct gn_class_score score;
};

static int best_first(const void *a, const void *b)
{
    const double x = ((const struct named *)a)->score.f1, y = ((const struct named *)b)->score.f1;
    const int order = (x < y) - (x > y);
    return order != 0 ? order : ((const struct named *)a)->class - ((const struct named *)b)->class;
}

static void put_class(FILE *out, const char *const *labels, int class)
{
    char number[16];
    (void)snprintf(number, sizeof number, "%d", class);
    card_name(out, labels ? labels[class] : number);
}

static void put_classes(FILE *out, const struct card *card, int classes, const char *const *labels)
{
    struct named *list = cli_calloc((size_t)classes, sizeof *list);
    struct gn_confused pairs[MOST_PAIRS];
    for (int k = 0; k < classes; k++) {
        list[k].class = k;
        (void)gn_evaluation_class(card->answers, k, &list[k].score);
    }
    qsort(list, (size_t)classes, sizeof *list, best_first);
    fprintf(out,
            "## Classes\n\n%s\n\n| class | samples | precision | recall | F1 |\n| --- | ---: | "
            "---: | ---: | ---: |\n",
            classes <= MOST_CLASSES ? "The best first." : "The best and the worst ones.");
    for (int i = 0; i < classes; i++) {
        const struct gn_class_score *s = &list[i].score;
        if (classes > MOST_CLASSES && i >= EXTREMES && i < classes - EXTREMES)
            continue;
        fputs("| ", out);
        put_class(out, labels, list[i].class);
        gn_print(out, " | %llu | %.4f | %.4f | %.4f |\n", (unsigned long long)s->support,
                 s->precision, s->recall, s->f1);
    }
    free(list);
    const int n = gn_evaluation_confused(card->answers, pairs, MOST_PAIRS);
    fputs(n > 0 ? "\nMost often confused:\n\n" : "\n", out);
    for (int i = 0; i < n; i++) {
        fputs("- ", out);
        put_class(out, labels, pairs[i].label);
        fputs(" taken for ", out);
        put_class(out, labels, pairs[i].predicted);
        fprintf(out, ", %llu times\n", (unsigned long long)pairs[i].count);
    }
    fputs(n > 0 ? "\n" : "", out);
}

/* Options that say where files lay, or whose value changes nothing, stay out. */
static bool is_place(const char *name)
{
    static const char *const places[] = {
        "data",      "data-dir",         "offline",  "threads",     "recipe",
        "log-steps", "checkpoint-steps", "max-time", "tensorboard", "histograms",
        "preset"
    };
    for (int i = 0; i < CLI_COUNT_OF(places); i++)
        if (strcmp(places[i], name) == 0)
            return true;
    return false;
}

/* The value of row i as it is typed; NULL: it is the default. To be freed. */
static char *typed(const struct cli_args *args, int i)
{
    static const char *const always[] = { "epochs", "batch", "lr", "seed", "optimizer" };
    enum { LONGEST = 4096 };
    const struct cli_row *row = &args->table.rows[i];
    struct gn_fit_options standard = { .optimizer = 0 };
    const void *plain = row->base == 0 ? args->command->defaults : &standard;
    char *text = cli_calloc(LONGEST, 1), *usual = cli_calloc(LONGEST, 1);
    bool shows = gn_option_text(row->option, cli_values_of(args, row), text, LONGEST) == GN_OK;
    standard.optimizer = ((const struct train *)args->values)->fit.optimizer;
    if (gn_fit_defaults(&standard) == GN_OK && shows)
        shows =
            gn_option_text(row->option, plain, usual, LONGEST) != GN_OK || strcmp(text, usual) != 0;
    for (int k = 0; k < CLI_COUNT_OF(always); k++)
        shows = shows || strcmp(always[k], row->option->name) == 0;
    gn_clear_error();
    free(usual);
    if (shows && text[0] && strcmp(text, "false") != 0)
        return text;
    free(text);
    return NULL;
}

/* Calls put(out, option, text) for every option that the result depends on and is not the default. */
static void each_option(FILE *out, const struct cli_args *args,
                        void (*put)(FILE *out, const struct gn_option *option, const char *text))
{
    for (int i = 0; i < args->table.n; i++) {
        const struct gn_option *option = args->table.rows[i].option;
        if (!(option->traits & GN_OPTION_SAVED) || is_place(option->name))
            continue;
        char *text = typed(args, i);
        if (text)
            put(out, option, strcmp(option->name, "model") == 0 ? gn_path_name(text) : text);
        free(text);
    }
}

static void put_option(FILE *out, const struct gn_option *option, const char *text)
{
    fprintf(out, "| `--%s` | ", option->name);
    card_name(out, option->kind == GN_OPTION_SWITCH ? "yes" : text);
    fputs(" |\n", out);
}

/* In single quotes where a shell would see more than a word. */
static void put_word(FILE *out, const struct gn_option *option, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:/=%+";
    char shown[1024];
    fprintf(out, " --%s", option->name);
    if (option->kind == GN_OPTION_SWITCH)
        return;
    (void)gn_printable(shown, sizeof shown, text);
    if (!shown[strspn(shown, plain)]) {
        fprintf(out, " %s", shown);
        return;
    }
    fputs(" '", out);
    for (const char *p = shown; *p; p++)
        fputs(*p == '\'' || *p == '`' ? "?" : (char[]){ *p, '\0' }, out);
    fputc('\'', out);
}

static void put_training(FILE *out, const struct card *card)
{
    char time[24];
    fprintf(out, "## Training\n\n%d epoch%s took %s", card->epochs, card->epochs == 1 ? "" : "s",
            cli_duration(time, card->seconds));
    if (card->images_per_second > 0)
        gn_print(out, ", %.0f images a second", card->images_per_second);
    fputs(". Options that are not the default:\n\n| option | value |\n| --- | --- |\n", out);
    each_option(out, card->run->args, put_option);
    fputs("\n", out);
}

static void put_file(FILE *out, const struct card *card, const char *name)
{
    char hex[65];
    char *path = cli_format("%s/%s", card->run->folder, name);
    if (gn_path_exists(path) && gn_sha256_file(path, hex) == GN_OK)
        fprintf(out, "| `%s` | `%s` |\n", name, hex);
    gn_clear_error();
    free(path);
}

static void put_data_word(FILE *out, const struct train_run *run)
{
    static const struct gn_option none = { .name = "data", .kind = GN_OPTION_TEXT };
    struct gn_memory_stream word;
    if (!gn_memory_stream_begin(&word))
        return;
    put_word(word.file, &none, data_name(run));
    char *text = gn_memory_stream_end(&word, NULL);
    if (text)
        fputs(text + strlen(" --data "), out);
    free(text);
}

static void put_rest(FILE *out, const struct card *card)
{
    struct gn_system_info system = { 0 };
    (void)gn_system_describe(&system);
    fputs("## Files\n\n| file | SHA-256 |\n| --- | --- |\n", out);
    put_file(out, card, "best.safetensors");
    put_file(out, card, "model.safetensors");
    fputs(
        "\nA file holds the network, its preprocessing and its class names: nothing else is needed "
        "to use it.\n\n## Versions\n\n| | |\n| --- | --- |\n",
        out);
    fprintf(out, "| googlenet | %s |\n", system.version);
    if (system.commit && system.commit[0])
        fprintf(out, "| commit | %s |\n", system.commit);
    fprintf(out, "| compiler | %s |\n| kernels | %s |\n| threads | %d |\n", system.compiler,
            system.isa ? system.isa : "unknown", system.threads);
    fputs(
        "\n## How to reproduce\n\nThe same options, data and version give the same bytes, for any "
        "number of threads:\n\n```\ngooglenet train --data ",
        out);
    put_data_word(out, card->run);
    each_option(out, card->run->args, put_word);
    fprintf(out, "\ngooglenet predict %s PICTURE\n```\n", gn_path_name(card->model));
}

/* ---- The file ---- */

static char *text_of(const struct card *card)
{
    struct gn_evaluation_figures figures;
    struct gn_net_info info, *net = &info; /* anew: a training gives the network the data's names */
    struct gn_memory_stream stream;
    if (gn_net_describe(card->run->net, net) != GN_OK || !gn_memory_stream_begin(&stream))
        return NULL;
    FILE *out = stream.file;
    const bool measured = card->answers && gn_evaluation_figures(card->answers, &figures) == GN_OK;
    put_front(out, card, measured ? &figures : NULL);
    fputs("# ", out);
    card_name(out, gn_path_name(card->run->folder));
    fprintf(out, "\n\nA network that tells %d classes of pictures apart: ", net->classes);
    card_name(out, net->preset);
    fprintf(out, " at %dx%dx%d with %llu parameters, trained with googlenet.\n\n", net->size_h,
            net->size_w, net->channels, (unsigned long long)net->params);
    put_data(out, card->run);
    if (measured) {
        put_result(out, card, &figures);
        put_classes(out, card, figures.classes,
                    net->labels ? net->labels : card->run->train_info.labels);
    }
    put_training(out, card);
    put_rest(out, card);
    return gn_memory_stream_end(&stream, NULL);
}

void cli_write_card(const struct card *card)
{
    char *text = text_of(card), *path = cli_format("%s/card.md", card->run->folder);
    if (!text)
        cli_warn("%s: no memory for it", path);
    else
        (void)cli_replace_file(path, text);
    free(text);
    free(path);
}
