/*
 * What a resume costs: a look at size and time of each picture, which opening the set has taken anyway,
 * and reading those that differ in one of them while their content is known. The contents become known
 * for nothing, when a picture is first read to be trained on. A picture whose size and time are the same
 * is taken for the same: the time is that of the last change of its inode, which no program can set.
 */
#include "os/folders.h"
#include "train/pictures.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/team.h"
#include "base/threads.h"
#include "data/picture_list.h"
#include "picture/picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SPLITS = 2, NAMED = 10, FEW_GONE = 10, GONE_PERCENT = 5 };

static const char LIST[] = "pictures.tsv";

/* A picture of the sets as they are now, found by its name and label. */
struct present {
    const char *name;
    int32_t label;
    int split;
    uint32_t sample;
    bool used;
};

/* What became of a picture of the list. */
enum fate { SAME, GONE, UNREAD, IN_DOUBT, OTHER };

struct comparison {
    struct gn_run_pictures *run;
    struct gn_picture_list lists[SPLITS];
    struct gn_picture_facts *facts[SPLITS]; /* of the list's pictures, as they are now */
    uint8_t *fates[SPLITS];
    struct present *present;
    size_t n_present;
    struct gn_reporter *reporter;
};

static int by_name(const void *pa, const void *pb)
{
    const struct present *a = pa, *b = pb;
    const int order = strcmp(a->name, b->name);
    return order != 0 ? order : a->label < b->label ? -1 : a->label > b->label;
}

static gn_status list_present(struct comparison *c)
{
    size_t n = 0;
    for (int k = 0; k < SPLITS; k++)
        n += c->run->sets[k] == NULL ? 0 : (size_t)c->run->sets[k]->samples;
    c->present = gn_calloc(n, sizeof *c->present, "the pictures of now");
    if (c->present == NULL)
        return gn_last_status();
    for (int k = 0; k < SPLITS; k++)
        for (uint32_t i = 0; c->run->sets[k] != NULL && i < c->run->sets[k]->samples; i++)
            c->present[c->n_present++] = (struct present){ .name = c->run->sets[k]->files.text[i],
                                                           .label = c->run->sets[k]->labels[i],
                                                           .split = k,
                                                           .sample = i };
    qsort(c->present, c->n_present, sizeof *c->present, by_name);
    return GN_OK;
}

/* The picture of now that a line of the list means. Pictures that somebody removed move the border
 * between two splits of one folder, so it may be in the other one. */
static struct present *find(const struct comparison *c, int split, size_t i)
{
    const struct present key = { .name = c->lists[split].names.text[i],
                                 .label = c->lists[split].rows[i].label };
    struct present *found = bsearch(&key, c->present, c->n_present, sizeof *c->present, by_name);
    struct present *const end = c->present + c->n_present;
    while (found != NULL && found > c->present && by_name(found - 1, &key) == 0)
        found--;
    for (; found != NULL && found < end && by_name(found, &key) == 0; found++)
        if (found->split == split ||
            strcmp(c->run->sets[found->split]->path, c->run->sets[split]->path) == 0)
            return found;
    return NULL;
}

static void judge_by_facts(struct comparison *c, int split)
{
    const struct gn_picture_list *list = &c->lists[split];
    for (size_t i = 0; i < list->names.n; i++) {
        struct present *now = find(c, split, i);
        const struct gn_picture_row *row = &list->rows[i];
        struct gn_picture_facts *facts = &c->facts[split][i];
        enum fate fate = GONE;
        if (now != NULL) {
            now->used = true;
            *facts = c->run->sets[now->split]->facts[now->sample];
            fate = facts->size == row->size && facts->changed == row->changed ? SAME
                   : row->digest == 0                                         ? UNREAD
                   : facts->size == row->size                                 ? IN_DOUBT
                                                                              : OTHER;
        }
        c->fates[split][i] = (uint8_t)fate;
    }
}

/* Those of the same size and another time are read. What cannot be read is left to the training, which
 * says what is wrong with it. */
struct reading {
    struct comparison *c;
    int split;
};

static void read_in_doubt(void *argument, size_t i)
{
    const struct reading *reading = argument;
    const struct comparison *c = reading->c;
    const struct gn_picture_list *list = &c->lists[reading->split];
    char path[GN_PATH_BYTES];
    struct gn_bytes file;
    if (c->fates[reading->split][i] != IN_DOUBT)
        return;
    enum fate fate = SAME;
    if (gn_path_join(path, c->run->sets[reading->split]->path, list->names.text[i]) &&
        gn_file_read(path, "picture", GN_STATUS_BAD_DATA, GN_PICTURE_FILE_BYTES, &file) == GN_OK) {
        fate = gn_picture_digest(&file) == list->rows[i].digest ? SAME : OTHER;
        gn_free(file.data);
    }
    c->fates[reading->split][i] = (uint8_t)fate;
}

/* ---- What is said about it ---- */

static size_t count(const struct comparison *c, int split, enum fate fate)
{
    size_t n = 0;
    for (size_t i = 0; i < c->lists[split].names.n; i++)
        n += c->fates[split][i] == fate;
    return n;
}

/* A line for each of the first few pictures of that fate. */
static void report(const struct comparison *c, int split, enum fate fate, const char *what)
{
    char name[GN_PATH_TEXT];
    const size_t n = count(c, split, fate);
    size_t said = 0;
    for (size_t i = 0; i < c->lists[split].names.n && said < NAMED; i++)
        if (c->fates[split][i] == fate) {
            said++;
            gn_report_warning(c->reporter, NULL, "%s: %s",
                              gn_printable(name, sizeof name, c->lists[split].names.text[i]), what);
        }
    if (n > said)
        gn_report_warning(c->reporter, NULL, "and %zu more pictures: %s", n - said, what);
}

static void report_new(const struct comparison *c)
{
    char name[GN_PATH_TEXT];
    size_t n = 0, first = 0;
    for (size_t i = c->n_present; i-- > 0;)
        if (!c->present[i].used) {
            first = i;
            n++;
        }
    if (n > 0)
        gn_report_warning(c->reporter, NULL,
                          "%zu picture%s came after the run began and will not be used, the first: "
                          "%s",
                          n, n == 1 ? "" : "s",
                          gn_printable(name, sizeof name, c->present[first].name));
}

static gn_status refuse(const struct comparison *c, int split, enum fate fate, size_t n)
{
    char name[GN_PATH_TEXT];
    const struct gn_picture_list *list = &c->lists[split];
    size_t i = 0;
    while (c->fates[split][i] != fate)
        i++;
    (void)gn_printable(name, sizeof name, list->names.text[i]);
    if (fate == GONE)
        (void)gn_fail(GN_STATUS_BAD_DATA,
                      "%s: %zu of the %zu pictures that the run began with are missing, the first: "
                      "%s",
                      c->run->sets[split]->name, n, list->names.n, name);
    else
        (void)gn_fail(GN_STATUS_BAD_DATA,
                      "%s: %zu of %zu pictures are not those that the run has used, the first: %s "
                      "(%" PRIu64 " bytes, CRC32C %08" PRIx32 "; now %" PRIu64 " bytes)",
                      c->run->sets[split]->name, n, list->names.n, name, list->rows[i].size,
                      list->rows[i].digest, c->facts[split][i].size);
    gn_hint("a run goes on with the data it began with: put %s back%s, or begin a new run",
            n == 1 ? "it" : "them",
            fate == GONE ? ""
            : n == 1     ? ", remove it"
                         : ", remove them");
    return GN_STATUS_BAD_DATA;
}

/* ---- The sets become the list ---- */

static gn_status adopt(struct comparison *c, int split)
{
    gn_dataset *data = c->run->sets[split];
    struct gn_picture_list *list = &c->lists[split];
    const size_t n = list->names.n;
    int32_t *labels = gn_calloc(n, sizeof *labels, "labels");
    if (labels == NULL)
        return gn_last_status();
    gn_free(c->run->states[split]);
    c->run->states[split] = gn_calloc(n, sizeof **c->run->states, "the run's pictures");
    if (c->run->states[split] == NULL) {
        gn_free(labels);
        return gn_last_status();
    }
    for (size_t i = 0; i < n; i++) {
        const enum fate fate = (enum fate)c->fates[split][i];
        labels[i] = list->rows[i].label;
        c->run->states[split][i].gone = fate == GONE;
        c->run->states[split][i].digest = list->rows[i].digest;
        if (fate == GONE) /* so that it is recognised when it comes back */
            c->facts[split][i] =
                (struct gn_picture_facts){ list->rows[i].size, list->rows[i].changed };
        c->run->changed =
            c->run->changed || fate != SAME || c->facts[split][i].changed != list->rows[i].changed;
    }
    gn_names_free(&data->files);
    gn_free(data->labels);
    gn_free(data->facts);
    data->files = list->names;
    data->labels = labels;
    data->facts = c->facts[split];
    data->samples = n;
    data->fingerprint = list->fingerprint;
    list->names = (struct gn_names){ 0 };
    c->facts[split] = NULL;
    return GN_OK;
}

static gn_status compare(struct comparison *c)
{
    GN_TRY(list_present(c));
    for (int k = 0; k < SPLITS; k++) {
        const size_t n = c->lists[k].names.n;
        if (c->run->sets[k] == NULL || n == 0)
            continue;
        c->facts[k] = gn_calloc(n, sizeof *c->facts[k], "sizes of pictures");
        c->fates[k] = gn_calloc(n, 1, "the run's pictures");
        if (c->facts[k] == NULL || c->fates[k] == NULL)
            return gn_last_status();
        judge_by_facts(c, k);
        struct reading reading = { c, k };
        gn_parallel(gn_usable_threads(NULL), n, read_in_doubt, &reading);
    }
    for (int k = 0; k < SPLITS; k++) {
        if (c->fates[k] == NULL)
            continue;
        const size_t other = count(c, k, OTHER), gone = count(c, k, GONE);
        if (other > 0)
            return refuse(c, k, OTHER, other);
        if (gone == c->lists[k].names.n ||
            (gone > FEW_GONE && gone > c->lists[k].names.n * GONE_PERCENT / 100))
            return refuse(c, k, GONE, gone);
    }
    for (int k = 0; k < SPLITS; k++) {
        if (c->fates[k] == NULL)
            continue;
        report(c, k, GONE, "removed since the run began, left out");
        report(c, k, UNREAD, "changed since the run began, which had not used it; taken as it is");
    }
    report_new(c);
    for (int k = 0; k < SPLITS; k++)
        if (c->fates[k] != NULL)
            GN_TRY(adopt(c, k));
    return GN_OK;
}

static gn_status resume(struct gn_run_pictures *pictures, const char *path,
                        struct gn_reporter *reporter)
{
    struct comparison c = { .run = pictures, .reporter = reporter };
    gn_status status = gn_picture_list_read(path, c.lists);
    if (status == GN_STATUS_BAD_DATA) {
        gn_report_error(reporter, "the pictures are compared by their names and sizes alone");
        return GN_OK;
    }
    if (status == GN_OK)
        status = compare(&c);
    for (int k = 0; k < SPLITS; k++) {
        gn_picture_list_free(&c.lists[k]);
        gn_free(c.facts[k]);
        gn_free(c.fates[k]);
    }
    gn_free(c.present);
    return status;
}

gn_status gn_pictures_open(struct gn_run_pictures *pictures, gn_dataset *train,
                           gn_dataset *validation, const char *folder, struct gn_reporter *reporter)
{
    gn_dataset *const sets[SPLITS] = { train, validation };
    char path[GN_RUN_PATH];
    for (int k = 0; k < SPLITS; k++) {
        if (sets[k] == NULL || sets[k]->facts == NULL)
            continue;
        pictures->sets[k] = sets[k];
        pictures->states[k] =
            gn_calloc((size_t)sets[k]->samples, sizeof **pictures->states, "the run's pictures");
        if (pictures->states[k] == NULL)
            return gn_last_status();
        pictures->changed = true;
    }
    if (pictures->sets[0] == NULL || folder == NULL)
        return GN_OK;
    const int n = snprintf(path, sizeof path, "%s/%s", folder, LIST);
    /* A run of version 0.1.0 has none. */
    if (n < 0 || (size_t)n >= sizeof path || !gn_path_exists(path))
        return GN_OK;
    pictures->changed = false;
    return resume(pictures, path, reporter);
}

gn_status gn_pictures_save(struct gn_run_pictures *pictures, const struct gn_run_folder *folder,
                           struct gn_reporter *reporter)
{
    char path[GN_RUN_PATH];
    if (folder == NULL || pictures->sets[0] == NULL || !pictures->changed)
        return GN_OK;
    const gn_status status =
        gn_picture_list_write(gn_run_file(folder, LIST, path), pictures->sets[0],
                              pictures->states[0], pictures->sets[1], pictures->states[1]);
    if (status != GN_OK && !pictures->failed) {
        struct gn_kept_error kept;
        gn_keep_error(&kept);
        gn_report_error(reporter, "training goes on, another attempt follows");
        gn_restore_error(&kept);
    }
    pictures->failed = status != GN_OK;
    pictures->changed = status != GN_OK;
    return status;
}

void gn_pictures_free(struct gn_run_pictures *pictures)
{
    for (int k = 0; k < SPLITS; k++)
        gn_free(pictures->states[k]);
}
