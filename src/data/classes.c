/*
 * Which number a class has. Names are compared, never places: a set whose classes are numbered
 * otherwise than a model's would give it wrong answers to learn.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "base/words.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 1 << 16, LIST_BYTES = 320 };

/* A label of the caller, and its number. */
struct label {
    const char *name;
    int32_t number;
};

static int by_name(const void *pa, const void *pb)
{
    const struct label *a = pa, *b = pb;
    const int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static gn_status not_known(const struct gn_dataset *data, const struct gn_names *names,
                           const char *unknown)
{
    const struct gn_dataset_options *o = &data->options;
    char root[GN_PATH_TEXT], name[GN_PATH_TEXT], ours[LIST_BYTES], theirs[LIST_BYTES];
    GN_FAIL(GN_STATUS_BAD_DATA,
            "%s: data set: the class \"%s\" is not one that the model knows (the set has %s; the "
            "model %s)",
            gn_printable(root, sizeof root, data->path), gn_printable(name, sizeof name, unknown),
            gn_words(ours, sizeof ours, names->text, names->n),
            gn_words(theirs, sizeof theirs, o->labels, (size_t)o->classes));
}

/* By the caller's labels. */
static gn_status number_by_labels(const struct gn_dataset *data, const struct gn_names *names,
                                  int32_t *numbers)
{
    const size_t n = (size_t)data->options.classes;
    const char *unknown = NULL;
    struct label *labels = gn_calloc(n, sizeof *labels, "class names");
    if (labels == NULL)
        return gn_last_status();
    for (size_t k = 0; k < n; k++)
        labels[k] = (struct label){ data->options.labels[k], (int32_t)k };
    qsort(labels, n, sizeof *labels, by_name);
    for (size_t i = 0, k = 0; i < names->n && unknown == NULL; i++) {
        while (k < n && strcmp(labels[k].name, names->text[i]) < 0)
            k++;
        if (k == n || strcmp(labels[k].name, names->text[i]) != 0)
            unknown = names->text[i];
        else
            numbers[i] = labels[k].number;
    }
    gn_free(labels);
    return unknown == NULL ? GN_OK : not_known(data, names, unknown);
}

/* Model files hold texts in UTF-8. The bytes are shown, since the name cannot be. */
static gn_status check_name(const struct gn_dataset *data, const char *name)
{
    char root[GN_PATH_TEXT], shown[GN_PATH_TEXT];
    size_t used = 0;
    if (gn_is_printable(name))
        return GN_OK;
    shown[0] = '\0';
    for (const char *c = name; *c != '\0' && used + 16 < sizeof shown; c++, used = strlen(shown))
        (void)snprintf(shown + used, sizeof shown - used, *c >= ' ' && *c <= '~' ? "%c" : "\\x%02x",
                       (unsigned char)*c);
    (void)gn_fail(GN_STATUS_BAD_DATA,
                  "%s: data set: the class \"%s\" has a name that is not UTF-8 or has control "
                  "characters, which model files cannot hold",
                  gn_printable(root, sizeof root, data->path), shown);
    gn_hint("give it another name; \"convmv -f latin1 -t utf8\" renames folders of old archives");
    return GN_STATUS_BAD_DATA;
}

/* The set's own copies of n names, in the order of their numbers. */
static gn_status keep_names(struct gn_dataset *data, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        GN_TRY(gn_names_add(&data->own_names, names[i]));
    data->label_names = data->own_names.text;
    return GN_OK;
}

gn_status gn_number_classes(struct gn_dataset *data, const struct gn_names *names, int32_t *numbers)
{
    const struct gn_dataset_options *o = &data->options;
    char text[GN_PATH_TEXT], list[LIST_BYTES];
    (void)gn_printable(text, sizeof text, data->path);
    if (names->n > MOST_CLASSES)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: %zu classes, at most %d are possible", text,
                names->n, MOST_CLASSES);
    if (o->classes > 0 && names->n > (size_t)o->classes && o->labels == NULL)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: holds %zu classes (%s), %d are expected", text,
                names->n, gn_words(list, sizeof list, names->text, names->n), o->classes);
    data->classes = o->classes > 0 ? o->classes : (int)names->n;
    if (o->labels != NULL) {
        GN_TRY(number_by_labels(data, names, numbers));
        return keep_names(data, o->labels, (size_t)o->classes);
    }
    for (size_t i = 0; i < names->n; i++) {
        GN_TRY(check_name(data, names->text[i]));
        numbers[i] = (int32_t)i;
    }
    return names->n == (size_t)data->classes ? keep_names(data, names->text, names->n) : GN_OK;
}

/* ---- Weights ---- */

static void balance(const struct gn_dataset *data, uint64_t n, int classes, float *weights)
{
    uint64_t present = 0;
    for (uint64_t i = 0; i < n; i++)
        weights[data->labels[i]] += 1; /* exact below 2^24 */
    for (int k = 0; k < classes; k++)
        present += weights[k] > 0;
    for (int k = 0; k < classes; k++)
        weights[k] =
            weights[k] > 0 ? (float)((double)n / ((double)present * (double)weights[k])) : 1;
}

/* The class that a word names, -1: none. */
static int class_named(const struct gn_dataset *data, int classes, const char *word)
{
    int number;
    for (int k = 0; data->label_names != NULL && k < data->classes; k++)
        if (strcmp(data->label_names[k], word) == 0)
            return k;
    return gn_int_parse(word, 0, classes - 1, &number) ? number : -1;
}

/* "cat=2" */
static gn_status take_weight(const struct gn_dataset *data, int classes, char *word, float *weights)
{
    char shown[GN_PATH_TEXT];
    double value;
    char *equals = strrchr(word, '=');
    (void)gn_printable(shown, sizeof shown, word);
    if (equals == NULL || !gn_real_parse(equals + 1, &value) || !(value > 0) || value > 1e6)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "fit: .class_weights: \"%s\" is not CLASS=X with X above 0, at most 1e6", shown);
    *equals = '\0';
    const int class = class_named(data, classes, word);
    if (class < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "fit: .class_weights: \"%s\" names none of the %d classes",
                shown, classes);
    weights[class] = (float)value;
    return GN_OK;
}

gn_status gn_class_weights(const struct gn_dataset *data, uint64_t n, const char *list, int classes,
                           float *weights)
{
    if (strcmp(list, "balanced") == 0) {
        for (int k = 0; k < classes; k++)
            weights[k] = 0;
        balance(data, n, classes, weights);
        return GN_OK;
    }
    for (int k = 0; k < classes; k++)
        weights[k] = 1;
    char *copy = gn_strdup(list), *rest = copy;
    gn_status status = copy == NULL ? gn_last_status() : GN_OK;
    while (status == GN_OK && rest != NULL) {
        char *word = rest;
        rest = strchr(rest, ',');
        if (rest != NULL)
            *rest++ = '\0';
        status = take_weight(data, classes, word, weights);
    }
    gn_free(copy);
    return status;
}
