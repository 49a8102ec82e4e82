/*
 * Looking at a whole data set before somebody trains on it: what cannot be read, what is there twice,
 * what is in two splits or under two labels.
 *
 * Each image becomes a record of two digests, of the file and of its pixels. Sorted by the second,
 * equal images are neighbours; each is compared with the first one of its group.
 */
#include "data/dataset.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/team.h"
#include "base/threads.h"
#include "picture/picture.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SPLITS = 3 };

/* Of equal images that of the first split here counts as the one that was there before. */
static const int turn[SPLITS] = { [GN_TRAIN] = 0, [GN_VAL] = 1, [GN_TEST] = 2 };

struct record {
    uint64_t pixels, file; /* digests; of an image in memory only the first */
    uint32_t sample;
    int32_t label;
    int split;
    int height, width;
    char *fault; /* why it cannot be read, or NULL */
};

struct check {
    const gn_dataset *sets[SPLITS];
    struct record *records;
    size_t n;
    struct gn_check_report *report;
    size_t room; /* of the report's findings */
    struct gn_names texts;
};

/* 64 bits of any bytes: a checksum is not enough to call things equal. */
static uint64_t digest(uint64_t seed, const uint8_t *bytes, size_t n)
{
    uint64_t value = gn_mix64(seed ^ n), word;
    for (; n >= sizeof word; n -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        value = gn_mix64(value ^ word);
    }
    word = 0;
    memcpy(&word, bytes, n);
    return gn_mix64(value ^ word);
}

static gn_status read_file(const gn_dataset *data, struct record *r, struct gn_picture *picture)
{
    char path[GN_PATH_BYTES];
    struct gn_bytes file;
    if (!gn_dataset_path(data, r->sample, path))
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: the path of a picture is too long", data->name);
    GN_TRY(gn_file_read(path, "picture", GN_STATUS_BAD_DATA, GN_PICTURE_FILE_BYTES, &file));
    r->file = digest(1, file.data, file.size);
    const gn_status status = gn_picture_decode(picture, &file, path, 3);
    gn_free(file.data);
    return status;
}

static gn_status look_at(const gn_dataset *data, struct record *r, struct gn_picture *picture)
{
    const uint8_t *pixels = picture->pixels;
    size_t bytes = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    r->height = data->height;
    r->width = data->width;
    if (data->pixels == NULL) {
        const gn_status status = read_file(data, r, picture);
        if (status == GN_STATUS_BAD_DATA) {
            r->fault = gn_strdup(gn_error_message());
            return r->fault == NULL ? gn_last_status() : GN_OK;
        }
        GN_TRY(status);
        pixels = picture->pixels;
        r->height = picture->height;
        r->width = picture->width;
        bytes = (size_t)r->height * (size_t)r->width * 3;
    } else {
        pixels = data->pixels + r->sample * bytes;
    }
    r->pixels = digest((uint64_t)r->height << 32 | (uint64_t)r->width, pixels, bytes);
    return GN_OK;
}

/* All images, by all threads. */
struct look {
    struct check *check;
    atomic_size_t next;
    atomic_int failed;
};

static void look_at_some(struct gn_team *team, int thread, void *argument)
{
    struct look *look = argument;
    struct check *c = look->check;
    struct gn_picture picture = { 0 };
    (void)team;
    (void)thread;
    for (size_t i = atomic_fetch_add(&look->next, 1); i < c->n;
         i = atomic_fetch_add(&look->next, 1)) {
        struct record *r = &c->records[i];
        const gn_status status = look_at(c->sets[r->split], r, &picture);
        if (status != GN_OK)
            atomic_store(&look->failed, (int)status);
    }
    gn_picture_free(&picture);
}

static gn_status look_at_all(struct check *c)
{
    struct look look = { .check = c };
    gn_team_run(gn_usable_threads(NULL), look_at_some, &look);
    if (atomic_load(&look.failed) != GN_OK)
        GN_FAIL((gn_status)atomic_load(&look.failed),
                "the data set cannot be looked at as a whole");
    return GN_OK;
}

static int by_pixels(const void *pa, const void *pb)
{
    const struct record *a = pa, *b = pb;
    if ((a->fault != NULL) != (b->fault != NULL))
        return a->fault != NULL ? -1 : 1;
    if (a->fault == NULL && a->pixels != b->pixels)
        return a->pixels < b->pixels ? -1 : 1;
    if (a->split != b->split)
        return turn[a->split] - turn[b->split];
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

static const char *name_of(const struct check *c, const struct record *r,
                           char buffer[GN_PATH_BYTES])
{
    const gn_dataset *data = c->sets[r->split];
    static const char *const names[SPLITS] = {
        [GN_TRAIN] = "train", [GN_TEST] = "test", [GN_VAL] = "val"
    };
    const char *split = names[r->split];
    if (data->pixels != NULL || !gn_dataset_path(data, r->sample, buffer))
        (void)snprintf(buffer, GN_PATH_BYTES, "%s sample %u", split, r->sample);
    return buffer;
}

/* For one more finding; twice as much each time, so that many take time in proportion. */
static gn_status make_room(struct check *c)
{
    enum { AT_FIRST = 64 };
    if (c->report->n_findings < c->room)
        return GN_OK;
    const size_t room = c->room == 0 ? AT_FIRST : 2 * c->room;
    struct gn_finding *grown = gn_realloc(c->report->findings, room * sizeof *grown, "findings");
    if (grown == NULL)
        return gn_last_status();
    c->report->findings = grown;
    c->room = room;
    return GN_OK;
}

static gn_status add_finding(struct check *c, gn_finding_kind kind, const struct record *r,
                             const struct record *other, const char *message)
{
    struct gn_check_report *report = c->report;
    char name[GN_PATH_BYTES];
    GN_TRY(make_room(c));
    struct gn_finding *f = &report->findings[report->n_findings];
    *f = (struct gn_finding){ .kind = kind };
    GN_TRY(gn_names_add(&c->texts, name_of(c, r, name)));
    f->file = c->texts.text[c->texts.n - 1];
    if (other != NULL) {
        GN_TRY(gn_names_add(&c->texts, name_of(c, other, name)));
        f->other = c->texts.text[c->texts.n - 1];
    }
    GN_TRY(gn_names_add(&c->texts, message));
    f->message = c->texts.text[c->texts.n - 1];
    report->n_findings++;
    report->counts[kind]++;
    return GN_OK;
}

/* `r` has the pixels of `first`. */
static gn_status add_equal(struct check *c, const struct record *first, const struct record *r)
{
    char a[GN_PATH_BYTES], b[GN_PATH_BYTES], text[2 * GN_PATH_BYTES + 64];
    const bool same_file = r->file != 0 && r->file == first->file;
    const gn_finding_kind kind = r->split != first->split   ? GN_FINDING_LEAK
                                 : r->label != first->label ? GN_FINDING_CONFLICT
                                 : same_file                ? GN_FINDING_SAME_FILE
                                                            : GN_FINDING_SAME_PIXELS;
    static const char *const uses[SPLITS] = {
        [GN_TRAIN] = "training", [GN_TEST] = "testing", [GN_VAL] = "validation"
    };
    static const char *const says[] = { [GN_FINDING_CONFLICT] = "has another label than its equal",
                                        [GN_FINDING_SAME_FILE] = "has the same bytes as",
                                        [GN_FINDING_SAME_PIXELS] = "has the same pixels as" };
    if (kind == GN_FINDING_LEAK)
        (void)snprintf(text, sizeof text, "%s is for %s and equals %s, which is for %s",
                       name_of(c, r, a), uses[r->split], name_of(c, first, b), uses[first->split]);
    else
        (void)snprintf(text, sizeof text, "%s %s %s", name_of(c, r, a), says[kind],
                       name_of(c, first, b));
    return add_finding(c, kind, r, first, text);
}

static gn_status report_all(struct check *c)
{
    const struct record *first = NULL;
    for (size_t i = 0; i < c->n; i++) {
        const struct record *r = &c->records[i];
        if (r->fault != NULL) {
            GN_TRY(add_finding(c, GN_FINDING_UNREADABLE, r, NULL, r->fault));
        } else if (first != NULL && first->pixels == r->pixels && first->height == r->height &&
                   first->width == r->width) {
            GN_TRY(add_equal(c, first, r));
        } else {
            first = r;
        }
    }
    return GN_OK;
}

/* Classes and sizes. */
static gn_status count(struct check *c)
{
    struct gn_check_report *report = c->report;
    for (int k = 0; k < SPLITS; k++) {
        const gn_dataset *data = c->sets[k];
        if (data == NULL)
            continue;
        report->classes = data->classes > report->classes ? data->classes : report->classes;
    }
    report->samples = gn_calloc(SPLITS * (size_t)report->classes, sizeof *report->samples,
                                "counts of the classes");
    if (report->samples == NULL)
        return gn_last_status();
    for (size_t i = 0; i < c->n; i++) {
        const struct record *r = &c->records[i];
        report->samples[SPLITS * (size_t)r->label + (size_t)r->split]++;
        if (r->fault != NULL)
            continue;
        const bool begins = report->most_height == 0;
        report->least_height =
            begins || r->height < report->least_height ? r->height : report->least_height;
        report->least_width =
            begins || r->width < report->least_width ? r->width : report->least_width;
        report->most_height = r->height > report->most_height ? r->height : report->most_height;
        report->most_width = r->width > report->most_width ? r->width : report->most_width;
    }
    return GN_OK;
}

static gn_status check(struct check *c)
{
    for (int k = 0; k < SPLITS; k++)
        c->n += c->sets[k] == NULL ? 0 : (size_t)c->sets[k]->samples;
    c->records = gn_calloc(c->n, sizeof *c->records, "the check of a data set");
    if (c->records == NULL)
        return gn_last_status();
    size_t at = 0;
    for (int k = 0; k < SPLITS; k++)
        for (uint64_t i = 0; c->sets[k] != NULL && i < c->sets[k]->samples; i++)
            c->records[at++] = (struct record){ .sample = (uint32_t)i,
                                                .label = c->sets[k]->labels[i],
                                                .split = k };
    GN_TRY(look_at_all(c));
    GN_TRY(count(c));
    qsort(c->records, c->n, sizeof *c->records, by_pixels);
    return report_all(c);
}

gn_status gn_check_data_sets(const gn_dataset *train, const gn_dataset *validation,
                             const gn_dataset *test, struct gn_check_report *report)
{
    GN_NEED(report, "the report");
    *report = (struct gn_check_report){ 0 };
    if (train == NULL)
        return gn_last_status();
    struct check c = { .sets = { [GN_TRAIN] = train, [GN_TEST] = test, [GN_VAL] = validation },
                       .report = report };
    for (int k = 0; k < SPLITS; k++)
        if (c.sets[k] != NULL && c.sets[k]->labels == NULL)
            GN_FAIL(GN_STATUS_BAD_DATA, "check: %s holds images without labels", c.sets[k]->name);
    const gn_status status = check(&c);
    for (size_t i = 0; c.records != NULL && i < c.n; i++)
        gn_free(c.records[i].fault);
    gn_free(c.records);
    /* The texts go on living with the report. */
    struct gn_names *texts = gn_alloc(sizeof *texts, "findings");
    if (texts == NULL) {
        gn_names_free(&c.texts);
        gn_free_check(report);
        return gn_last_status();
    }
    *texts = c.texts;
    report->texts = texts;
    if (status != GN_OK)
        gn_free_check(report);
    return status;
}

void gn_free_check(struct gn_check_report *report)
{
    if (report == NULL)
        return;
    if (report->texts != NULL)
        gn_names_free(report->texts);
    gn_free(report->texts);
    gn_free(report->findings);
    gn_free(report->samples);
    *report = (struct gn_check_report){ 0 };
}
