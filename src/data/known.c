/*
 * The table of named data sets, and the search for their files.
 *
 * All of them use MNIST's file names, and MNIST has been served under Fashion-MNIST's name before,
 * so only the digests decide what a folder holds.
 */
#include "data/known.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/words.h"
#include "file/download.h"
#include "file/gzip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const gn_idx_file_names[GN_IDX_FILES] = {
    [GN_TRAIN_IMAGES] = "train-images-idx3-ubyte",
    [GN_TRAIN_LABELS] = "train-labels-idx1-ubyte",
    [GN_TEST_IMAGES] = "t10k-images-idx3-ubyte",
    [GN_TEST_LABELS] = "t10k-labels-idx1-ubyte",
};

enum { TRAIN_SAMPLES = 60000, TEST_SAMPLES = 10000, SIDE = 28, CHUNK_BYTES = 64 * 1024 };
#define DOWNLOAD_LIMIT (UINT64_C(64) << 20)

static const char *const fashion_labels[] = { "T-shirt/top", "Trouser",   "Pullover", "Dress",
                                              "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                              "Bag",         "Ankle boot" };
static const char *const digit_labels[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
static const char *const kana_labels[] = { "o",  "ki", "su", "tsu", "na",
                                           "ha", "ma", "ya", "re",  "wo" };

static const char *const fashion_mirrors[] = {
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", NULL
};
static const char *const mnist_mirrors[] = { "https://ossci-datasets.s3.amazonaws.com/mnist/",
                                             "https://storage.googleapis.com/cvdf-datasets/mnist/",
                                             NULL };
static const char *const kmnist_mirrors[] = { "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                                              "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                                              NULL };

static const struct gn_known_set sets[] = {
    {
        .name = "fashion-mnist",
        .classes = 10,
        .labels = fashion_labels,
        .md5 = { "f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
                 "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965" },
        .packed_md5 = { "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
                        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310" },
        .package = "dataset-fashion-mnist",
        .mirrors = fashion_mirrors,
    },
    {
        .name = "mnist",
        .classes = 10,
        .labels = digit_labels,
        .md5 = { "6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
                 "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637" },
        .packed_md5 = { "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
                        "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c" },
        .mirrors = mnist_mirrors,
    },
    {
        .name = "kmnist",
        .classes = 10,
        .labels = kana_labels,
        .packed_md5 = { "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
                        "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134" },
        .mirrors = kmnist_mirrors,
    },
};
enum { SETS = sizeof sets / sizeof sets[0] };

const struct gn_known_set *gn_known_set(int i)
{
    return i >= 0 && i < SETS ? &sets[i] : NULL;
}

const struct gn_known_set *gn_known_find(const char *name)
{
    for (int i = 0; i < SETS; i++)
        if (strcmp(sets[i].name, name) == 0)
            return &sets[i];
    return NULL;
}

const char *gn_known_nearest(const char *word)
{
    const char *names[SETS + 1] = { NULL };
    for (int i = 0; i < SETS; i++)
        names[i] = sets[i].name;
    return gn_nearest(word, names);
}

bool gn_idx_find(char path[GN_PATH_BYTES], const char *folder, enum gn_idx_file file)
{
    static const char *const endings[] = { "", ".gz" };
    /* Programs that unpack MNIST write a dot for the second hyphen. */
    for (int i = 0; i < 4; i++) {
        const char *name = gn_idx_file_names[file];
        const int stem = (int)(strstr(name, "-idx") - name);
        const int n = snprintf(path, GN_PATH_BYTES, "%s/%.*s%s%s%s", folder, stem, name,
                               i < 2 ? "-" : ".", name + stem + 1, endings[i % 2]);
        if (n > 0 && n < GN_PATH_BYTES && gn_path_exists(path))
            return true;
    }
    return false;
}

static bool is_complete(const char *folder)
{
    char path[GN_PATH_BYTES];
    for (int i = 0; i < GN_IDX_FILES; i++)
        if (!gn_idx_find(path, folder, (enum gn_idx_file)i))
            return false;
    return true;
}

/* The folder of this user's downloads. */
static bool cache_folder(char folder[GN_PATH_BYTES], const char *name)
{
    char cache[GN_PATH_BYTES];
    const int n = gn_cache_folder(cache)
                      ? snprintf(folder, GN_PATH_BYTES, "%s/googlenet/%s", cache, name)
                      : -1;
    return n > 0 && n < GN_PATH_BYTES;
}

/* Place number i of the search; false when it does not exist on this machine. */
bool gn_known_place(char folder[GN_PATH_BYTES], int i, const char *name, const char *data_dir)
{
    char variable[GN_PATH_BYTES];
    const char *base = i < 2 ? data_dir : gn_folder_variable(variable, "GOOGLENET_DATA");
    switch (i) {
    case 0:
    case 2:
        return base != NULL && base[0] != '\0' && gn_path_join(folder, base, name);
    case 1:
    case 3: {
        if (base == NULL || base[0] == '\0')
            return false;
        const int n = snprintf(folder, GN_PATH_BYTES, "%s", base);
        return n > 0 && n < GN_PATH_BYTES;
    }
    case 4:
        return gn_path_join(folder, "/usr/share/datasets", name);
    default:
        return cache_folder(folder, name);
    }
}

bool gn_known_locate(char folder[GN_PATH_BYTES], const struct gn_known_set *set,
                     const char *data_dir)
{
    for (int i = 0; i < GN_KNOWN_PLACES; i++)
        if (gn_known_place(folder, i, set->name, data_dir) && is_complete(folder))
            return true;
    return false;
}

/* What the user can do when a set is neither here nor to be fetched. */
static void hint_at_other_ways(const struct gn_known_set *set)
{
    if (set->package != NULL)
        gn_hint("install Debian's package %s, or name a folder with the four IDX files",
                set->package);
    else
        gn_hint("name a folder with the four IDX files of the set");
}

static gn_status not_found(const struct gn_known_set *set, const char *data_dir)
{
    char list[640] = "", folder[GN_PATH_BYTES], name[160];
    size_t used = 0;
    for (int i = 0; i < GN_KNOWN_PLACES; i++) {
        if (!gn_known_place(folder, i, set->name, data_dir))
            continue;
        const int n = snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                               gn_printable(name, sizeof name, folder));
        if (n < 0 || (size_t)n >= sizeof list - used)
            break;
        used += (size_t)n;
    }
    (void)gn_fail(GN_STATUS_BAD_DATA,
                  "%s: data set: not found (looked in %s) and downloading is switched off",
                  set->name, list);
    hint_at_other_ways(set);
    return gn_last_status();
}

static gn_status download(char folder[GN_PATH_BYTES], const struct gn_known_set *set)
{
    if (!cache_folder(folder, set->name))
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: data set: not found, and no place to keep a download: "
                "set HOME or XDG_CACHE_HOME to an absolute path",
                set->name);
    for (int i = 0; i < GN_IDX_FILES; i++) {
        char path[GN_PATH_BYTES], file[64];
        if (gn_idx_find(path, folder, (enum gn_idx_file)i))
            continue;
        (void)snprintf(file, sizeof file, "%s.gz", gn_idx_file_names[i]);
        const struct gn_download wanted = { .what = set->name,
                                            .mirrors = set->mirrors,
                                            .file = file,
                                            .md5 = set->packed_md5[i],
                                            .limit = DOWNLOAD_LIMIT };
        const gn_status status = gn_download(&wanted, folder);
        if (status == GN_STATUS_BAD_DATA)
            hint_at_other_ways(set);
        GN_TRY(status);
    }
    return GN_OK;
}

gn_status gn_known_provide(char folder[GN_PATH_BYTES], const struct gn_known_set *set,
                           const char *data_dir, bool offline)
{
    if (gn_known_locate(folder, set, data_dir))
        return GN_OK;
    return offline ? not_found(set, data_dir) : download(folder, set);
}

/* MD5 of a file as it lies there. */
static gn_status digest_of_file(const char *path, char md5[GN_MD5_HEX])
{
    struct gn_file file;
    GN_TRY(gn_file_open(&file, path, "IDX", GN_STATUS_BAD_DATA));
    uint8_t *chunk = gn_alloc(CHUNK_BYTES, "a piece of a file");
    gn_status status = chunk == NULL ? gn_last_status() : GN_OK;
    struct gn_md5 sum;
    gn_md5_init(&sum);
    for (uint64_t at = 0; at < file.size && status == GN_OK;) {
        const uint64_t left = file.size - at;
        const size_t n = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        status = gn_file_pread(&file, chunk, n, at);
        if (status == GN_OK)
            gn_md5_update(&sum, chunk, n);
        at += n;
    }
    gn_md5_final(&sum, md5);
    gn_free(chunk);
    gn_file_close(&file);
    return status;
}

static gn_status compare(const struct gn_known_set *set, const struct gn_idx *idx, const char *md5,
                         const char *expected)
{
    if (strcmp(md5, expected) == 0)
        return GN_OK;
    char name[GN_PATH_TEXT];
    (void)gn_fail(GN_STATUS_BAD_DATA, "%s: IDX: not the file of %s (MD5 %s, expected %s)",
                  gn_printable(name, sizeof name, idx->path), set->name, md5, expected);
    for (int i = 0; i < SETS; i++)
        for (int k = 0; k < GN_IDX_FILES; k++) {
            const char *other = sets[i].md5[k];
            if (other != NULL && strcmp(md5, other) == 0)
                gn_hint("this is %s of %s", gn_idx_file_names[k], sets[i].name);
        }
    return GN_STATUS_BAD_DATA;
}

gn_status gn_known_check(const struct gn_known_set *set, enum gn_idx_file file,
                         const struct gn_idx *idx, const char *md5)
{
    const bool images = file == GN_TRAIN_IMAGES || file == GN_TEST_IMAGES;
    const bool train = file == GN_TRAIN_IMAGES || file == GN_TRAIN_LABELS;
    const uint64_t count = train ? TRAIN_SAMPLES : TEST_SAMPLES;
    const uint64_t side = images ? SIDE : 1;
    if (idx->dims[0] != count || idx->dims[1] != side || idx->dims[2] != side ||
        idx->dims[3] != 1) {
        char name[GN_PATH_TEXT];
        GN_FAIL(GN_STATUS_BAD_DATA,
                "%s: IDX: not the file of %s (holds %" PRIu64 "x%" PRIu64 "x%" PRIu64
                ", expected %" PRIu64 "x%" PRIu64 "x%" PRIu64 ") at byte 4",
                gn_printable(name, sizeof name, idx->path), set->name, idx->dims[0], idx->dims[1],
                idx->dims[2], count, side, side);
    }
    if (md5[0] == '\0')
        return GN_OK;
    if (set->md5[file] != NULL)
        return compare(set, idx, md5, set->md5[file]);
    /* Only the digest of the packed file is published; a plain one has its size alone. */
    if (!gn_stream_is_packed(idx->stream))
        return GN_OK;
    char packed[GN_MD5_HEX];
    GN_TRY(digest_of_file(idx->path, packed));
    return compare(set, idx, packed, set->packed_md5[file]);
}

static gn_status verify_file(const struct gn_known_set *set, const char *folder,
                             enum gn_idx_file file, bool *compared)
{
    char path[GN_PATH_BYTES], md5[GN_MD5_HEX];
    const bool images = file == GN_TRAIN_IMAGES || file == GN_TEST_IMAGES;
    if (!gn_idx_find(path, folder, file)) {
        char name[GN_PATH_TEXT];
        GN_FAIL(GN_STATUS_BAD_DATA, "%s: data set: %s is missing (plain or .gz)",
                gn_printable(name, sizeof name, folder), gn_idx_file_names[file]);
    }
    struct gn_idx idx;
    uint8_t *values = NULL;
    GN_TRY(gn_idx_open(&idx, path, images, true));
    gn_status status = gn_idx_read(&idx, &values, md5);
    if (status == GN_OK)
        status = gn_known_check(set, file, &idx, md5);
    *compared = set->md5[file] != NULL || gn_stream_is_packed(idx.stream);
    gn_free(values);
    gn_idx_close(&idx);
    return status;
}

gn_status gn_known_verify(const struct gn_known_set *set, const char *folder, bool *verified)
{
    *verified = true;
    for (int i = 0; i < GN_IDX_FILES; i++) {
        bool compared;
        GN_TRY(verify_file(set, folder, (enum gn_idx_file)i, &compared));
        *verified = *verified && compared;
    }
    return GN_OK;
}
