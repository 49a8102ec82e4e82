/* What a data set lacks or leaves out, said before somebody trains or measures with it. */
#include "cli/shared.h"

#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 400 };

/* Samples of each class. Returns the number of samples that were counted. */
static uint64_t count(const gn_dataset *data, uint64_t samples, int classes, uint64_t *counts)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < samples; i++) {
        int label;
        if (gn_dataset_sample(data, i, NULL, &label) != GN_OK || label < 0 || label >= classes)
            continue;
        counts[label]++;
        n++;
    }
    return n;
}

/* The names of the classes without a sample, or their numbers. */
static void list_empty(char *list, const uint64_t *counts, int classes, const char *const *names,
                       size_t n)
{
    const char **words = cli_calloc(n, sizeof *words);
    char(*numbers)[16] = cli_calloc(n, sizeof *numbers);
    size_t used = 0;
    for (int i = 0; i < classes && used < n; i++) {
        if (counts[i] > 0)
            continue;
        snprintf(numbers[used], sizeof numbers[used], "%d", i);
        words[used] = names ? names[i] : numbers[used];
        used++;
    }
    gn_words(list, LIST_BYTES, words, used);
    free(words);
    free(numbers);
}

void cli_warn_classes(const gn_dataset *data, uint64_t limit, const char *const *names,
                      const char *what)
{
    struct gn_dataset_info info;
    char list[LIST_BYTES];
    if (gn_dataset_describe(data, &info) != GN_OK || info.classes < 1)
        return;
    uint64_t *counts = cli_calloc((size_t)info.classes, sizeof *counts);
    const uint64_t samples = limit && limit < info.samples ? limit : info.samples;
    size_t empty = 0;
    if (count(data, samples, info.classes, counts) > 0)
        for (int i = 0; i < info.classes; i++)
            empty += counts[i] == 0;
    if (info.classes == 1) {
        cli_warn("%s: holds one class only, so that every answer is right; is the folder the right "
                 "one?",
                 info.path);
    } else if (empty > 0) {
        list_empty(list, counts, info.classes, names, empty);
        cli_warn("%s: %zu of %d classes %s no %s sample: %s%s", info.path, empty, info.classes,
                 empty == 1 ? "has" : "have", what, list,
                 !names && counts[0] == 0 ? " (classes are counted from 0)" : "");
    }
    free(counts);
}

void cli_note_unused(const struct gn_dataset_info *info)
{
    char list[512] = "";
    if (info->unused == 0)
        return;
    for (int i = 0; i < info->n_unused; i++) {
        const size_t used = strlen(list);
        const struct gn_unused_kind *kind = &info->unused_kinds[i];
        snprintf(list + used, sizeof list - used, "%s%llu %s", i ? ", " : "",
                 (unsigned long long)kind->files, kind->kind);
    }
    cli_note("not used  %s: %llu file%s: %s", info->path, (unsigned long long)info->unused,
             info->unused == 1 ? "" : "s", list);
}
