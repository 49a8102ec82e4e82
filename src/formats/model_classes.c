/*
 * Fine-tuning: the weights of a class stay with it. A network that learns other classes than its file
 * keeps, in the layers that make the logits, the columns of the classes that both know by name.
 */
#include "formats/model_internal.h"

#include "base/memory.h"
#include "base/words.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 240 };

static const char *held_name(const struct gn_model_fields *fields, int i)
{
    return json_string_value(json_array_get(fields->labels, (size_t)i));
}

/* A class of the file. */
struct held {
    const char *name;
    int number;
};

static int by_name(const void *pa, const void *pb)
{
    const struct held *a = pa, *b = pb;
    const int order = strcmp(a->name, b->name);
    return order != 0 ? order : a->number - b->number;
}

static int find_name(const void *name, const void *entry)
{
    return strcmp(name, ((const struct held *)entry)->name);
}

gn_status gn_class_map_make(struct gn_class_map *map, const struct gn_load_options *options,
                            const struct gn_model_fields *fields, int classes)
{
    bool same = classes == fields->classes;
    *map = (struct gn_class_map){ .classes = classes, .held = fields->classes };
    if (options->labels == NULL || fields->labels == NULL)
        return GN_OK;
    for (int i = 0; i < classes && same; i++)
        same = strcmp(options->labels[i], held_name(fields, i)) == 0;
    if (same)
        return GN_OK;
    struct held *held = gn_calloc((size_t)map->held, sizeof *held, "class names");
    map->from = held == NULL ? NULL : gn_calloc((size_t)classes, sizeof *map->from, "class names");
    for (int i = 0; map->from != NULL && i < map->held; i++)
        held[i] = (struct held){ held_name(fields, i), i };
    if (map->from != NULL)
        qsort(held, (size_t)map->held, sizeof *held, by_name);
    for (int i = 0; map->from != NULL && i < classes; i++) {
        const struct held *found =
            bsearch(options->labels[i], held, (size_t)map->held, sizeof *held, find_name);
        map->from[i] = found == NULL ? -1 : found->number;
        map->kept += found != NULL;
    }
    gn_free(held);
    return map->from == NULL ? gn_last_status() : GN_OK;
}

/* Lists of names for the sentence: those that the net has from the file (kept), those that it has not
 * (drawn), and those of the file that are left out. Without memory for them: the numbers alone. */
static void list_names(const struct gn_class_map *map, const struct gn_load_options *options,
                       const struct gn_model_fields *fields, char lists[3][LIST_BYTES])
{
    const size_t n = (size_t)map->classes, held = (size_t)map->held;
    const char **names = gn_calloc(n + held, sizeof *names, "class names");
    bool *used = gn_calloc(held, sizeof *used, "class names");
    for (int k = 0; k < 3; k++) {
        size_t count = 0;
        lists[k][0] = '\0';
        for (size_t i = 0; names != NULL && used != NULL && i < (k < 2 ? n : held); i++) {
            const bool is_kept = k < 2 && map->from[i] >= 0;
            if (is_kept)
                used[map->from[i]] = true;
            if (k == 2 ? !used[i] : is_kept == (k == 0))
                names[count++] = k == 2 ? held_name(fields, (int)i) : options->labels[i];
        }
        if (count > 0)
            (void)gn_words(lists[k], LIST_BYTES, names, count);
    }
    gn_free(names);
    gn_free(used);
}

/* Names on both sides that differ. */
static void note_names(const struct gn_class_map *map, const struct gn_load_options *options,
                       const struct gn_model_fields *fields, int drawn)
{
    char lists[3][LIST_BYTES];
    list_names(map, options, fields, lists);
    if (map->kept == 0)
        (void)snprintf(options->note, options->note_size,
                       "knows none of the classes %s (its own are %s): its last layer (%d tensors) "
                       "begins anew, all others are kept",
                       lists[1], lists[2], drawn);
    else if (lists[1][0] == '\0' && lists[2][0] == '\0')
        (void)snprintf(options->note, options->note_size,
                       "has the same classes in another order: its last layer is kept by name, %s",
                       lists[0]);
    else
        (void)snprintf(options->note, options->note_size,
                       "has other classes: its last layer keeps by name the weights of %s%s%s%s%s",
                       lists[0], lists[1][0] == '\0' ? "" : "; begins anew with ", lists[1],
                       lists[2][0] == '\0' ? "" : "; leaves out ", lists[2]);
}

void gn_class_map_note(const struct gn_class_map *map, const struct gn_load_options *options,
                       const struct gn_model_fields *fields, int drawn)
{
    char list[LIST_BYTES];
    if (options->note == NULL || options->note_size == 0)
        return;
    options->note[0] = '\0';
    if (map->from != NULL) {
        note_names(map, options, fields, drawn);
    } else if (drawn > 0) {
        (void)snprintf(options->note, options->note_size,
                       "has another number of classes: its last layer (%d tensors) begins anew, "
                       "all others are kept",
                       drawn);
    } else if (options->labels != NULL && fields->labels == NULL) {
        (void)snprintf(options->note, options->note_size,
                       "does not name its classes: its last layer is kept and its classes become, "
                       "by their numbers, %s",
                       gn_words(list, sizeof list, options->labels, (size_t)map->classes));
    }
}

gn_status gn_class_map_copy(const struct gn_class_map *map, const struct gn_st_tensor *stored,
                            float *values)
{
    const size_t held = (size_t)map->held, classes = (size_t)map->classes;
    size_t rows = 1;
    for (int d = 0; d + 1 < stored->rank; d++)
        rows *= (size_t)stored->shape[d];
    float *all = gn_calloc(rows * held, sizeof *all, "the last layer of a model");
    if (all == NULL)
        return gn_last_status();
    (void)gn_st_to_float(stored, all);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < classes; i++)
            if (map->from[i] >= 0)
                values[r * classes + i] = all[r * held + (size_t)map->from[i]];
    gn_free(all);
    return GN_OK;
}
