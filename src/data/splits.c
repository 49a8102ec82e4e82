/*
 * The splits of a folder of pictures, by the names of its folders. A set has train/ and at least one of
 * val/ and test/, or only folders of classes, which are divided by seed. Anything between the two could
 * be meant in two ways and is an error that says what was found.
 */
#include "data/open.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/walk.h"
#include "file/crc32c.h"
#include "data/picture_list.h"

#include <string.h>

/* The split that a folder's name means, in any case, or -1. */
static int split_named(const char *name)
{
    static const struct {
        const char *name;
        gn_split split;
    } names[] = { { "train", GN_TRAIN },    { "training", GN_TRAIN }, { "test", GN_TEST },
                  { "testing", GN_TEST },   { "val", GN_VAL },        { "valid", GN_VAL },
                  { "validation", GN_VAL }, { "dev", GN_VAL } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (gn_same_word(name, names[i].name))
            return (int)names[i].split;
    return -1;
}

/* A folder next to splits: one that holds pictures looks like a class. */
static gn_status check_beside(const char *folder, const char *split, const char *name, bool whole)
{
    char path[GN_PATH_BYTES], text[GN_PATH_TEXT], a[GN_PATH_TEXT], b[GN_PATH_TEXT];
    uint64_t pictures = 0;
    GN_TRY(gn_walk_join(path, folder, name));
    if (whole)
        GN_TRY(gn_count_outside(path, NULL, &pictures));
    if (whole && pictures == 0)
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_DATA,
            "%s: data set: holds %s/, which looks like a split, next to %s/, which looks like a "
            "class; a set has train/ and val/ or test/, or only folders of classes",
            gn_printable(text, sizeof text, folder), gn_printable(a, sizeof a, split),
            gn_printable(b, sizeof b, name));
}

/* A folder's splits among its entries: splits[gn_split] is the name or NULL. */
static gn_status find_splits(struct gn_dataset *data, const struct gn_names *entries,
                             const char *splits[3])
{
    char text[GN_PATH_TEXT], a[GN_PATH_TEXT], b[GN_PATH_TEXT];
    const char *some = NULL;
    (void)gn_printable(text, sizeof text, data->path);
    for (size_t i = 0; i < entries->n; i++) {
        const char *name = entries->text[i];
        const int split = split_named(name);
        if (split >= 0 && splits[split] != NULL)
            GN_FAIL(GN_STATUS_BAD_DATA,
                    "%s: data set: holds %s/ and %s/, which both look like the same split; rename "
                    "or remove one",
                    text, gn_printable(a, sizeof a, splits[split]),
                    gn_printable(b, sizeof b, name));
        if (split >= 0)
            some = splits[split] = name;
    }
    const bool whole =
        splits[GN_TRAIN] != NULL && (splits[GN_TEST] != NULL || splits[GN_VAL] != NULL);
    for (size_t i = 0; some != NULL && i < entries->n; i++)
        if (split_named(entries->text[i]) < 0) {
            GN_TRY(check_beside(data->path, some, entries->text[i], whole));
            gn_leave_out(&data->unused, "folder next to the splits", 1);
        }
    if (some != NULL && splits[GN_TRAIN] == NULL && data->options.split == GN_TRAIN)
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: holds %s/ but no train/", text,
                gn_printable(a, sizeof a, some));
    return GN_OK;
}

/* A folder of a split holds folders of classes. */
static gn_status check_split(const char *path)
{
    char text[GN_PATH_TEXT];
    if (gn_holds_folders(path))
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_DATA,
            "%s: data set: by its name this is a split of the set, but it holds no folder of a "
            "class; a class must have another name",
            gn_printable(text, sizeof text, path));
}

static gn_status go_below(struct gn_dataset *data, const char *below)
{
    char path[GN_PATH_BYTES];
    if (below[0] == '\0')
        return GN_OK;
    GN_TRY(gn_walk_join(path, data->path, below));
    gn_free(data->path);
    data->path = gn_strdup(path);
    return data->path == NULL ? gn_last_status() : gn_count_outside(path, &data->unused, NULL);
}

gn_status gn_find_split(struct gn_dataset *data, char classes[GN_PATH_BYTES], bool *divide)
{
    const gn_split wanted = data->options.split;
    const char *splits[3] = { NULL };
    struct gn_names entries = { 0 };
    gn_status status = gn_list_entries(data->path, true, &entries, NULL);
    if (status == GN_OK)
        status = gn_count_outside(data->path, wanted == GN_TRAIN ? &data->unused : NULL, NULL);
    if (status == GN_OK)
        status = find_splits(data, &entries, splits);
    const char *train = splits[GN_TRAIN] == NULL ? "" : splits[GN_TRAIN];
    const char *second = wanted == GN_TEST ? splits[GN_VAL] : splits[GN_TEST];
    const char *held = wanted == GN_TRAIN || splits[wanted] != NULL ? splits[wanted] : second;
    data->has_val = splits[GN_VAL] != NULL;
    data->has_test = splits[GN_TEST] != NULL;
    *divide = !data->has_val && !data->has_test;
    if (status == GN_OK)
        status = gn_walk_join(classes, data->path, train[0] == '\0' && held != NULL ? held : train);
    if (status == GN_OK)
        status = go_below(data, held == NULL ? train : held);
    if (status == GN_OK && train[0] != '\0')
        status = check_split(classes);
    if (status == GN_OK && train[0] != '\0')
        status = check_split(data->path);
    gn_names_free(&entries);
    return status;
}

gn_status gn_check_flat(const char *folder)
{
    char name[GN_PATH_TEXT];
    uint64_t pictures = 0;
    GN_TRY(gn_count_outside(folder, NULL, &pictures));
    if (pictures == 0)
        return GN_OK;
    (void)gn_fail(GN_STATUS_BAD_DATA,
                  "%s: data set: a flat folder: %llu pictures and no folder of a class",
                  gn_printable(name, sizeof name, folder), (unsigned long long)pictures);
    gn_hint(
        "put the pictures of each class into a folder of its own, or name them in a list (.txt: "
        "a path and a label a line)");
    return GN_STATUS_BAD_DATA;
}

/* ---- The fingerprint, by which a run that is resumed recognises its data ---- */

/* CRC32C over sizes, pixels and labels: two data sets of one fingerprint train alike. */
void gn_fingerprint_images(struct gn_dataset *data)
{
    const uint64_t sizes[] = { data->samples, (uint64_t)data->height, (uint64_t)data->width,
                               (uint64_t)data->channels, (uint64_t)data->classes };
    uint32_t crc = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t bytes[8];
        for (int k = 0; k < 8; k++)
            bytes[k] = (uint8_t)(sizes[i] >> (8 * k));
        crc = gn_crc32c(crc, bytes, sizeof bytes);
    }
    const size_t image = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    crc = gn_crc32c(crc, data->pixels, (size_t)data->samples * image);
    /* Images in memory have labels of a byte. */
    for (uint64_t i = 0; i < data->samples; i++) {
        const uint8_t label = (uint8_t)data->labels[i];
        crc = gn_crc32c(crc, &label, 1);
    }
    data->fingerprint = crc;
}

gn_status gn_fingerprint_files(struct gn_dataset *data)
{
    uint32_t crc = 0;
    data->facts = gn_calloc((size_t)data->samples, sizeof *data->facts, "sizes of pictures");
    if (data->facts == NULL)
        return gn_last_status();
    for (uint64_t i = 0; i < data->samples; i++) {
        uint8_t bytes[12];
        (void)gn_picture_stat(data, data->files.text[i], &data->facts[i]);
        for (int k = 0; k < 8; k++)
            bytes[k] = (uint8_t)(data->facts[i].size >> (8 * k));
        for (int k = 0; k < 4; k++)
            bytes[8 + k] = (uint8_t)((uint32_t)data->labels[i] >> (8 * k));
        crc = gn_crc32c(crc, data->files.text[i], strlen(data->files.text[i]) + 1);
        crc = gn_crc32c(crc, bytes, sizeof bytes);
    }
    data->fingerprint = crc;
    return GN_OK;
}
