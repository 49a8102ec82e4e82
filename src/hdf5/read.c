/*
 * Walks through the groups and writes every data set of real numbers as a float32 tensor under its path, and
 * the texts among the attributes as JSON. Links that leave the file, storage outside of it, unknown filters and
 * types are refused.
 */
#include "hdf5/hdf5.h"

#include "base/memory.h"
#include "file/json.h"
#include "file/reader.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 16384, PATH = 240, DEEPEST = 24, MOST_TEXTS = 1 << 16, MOST_RANK = 8 };

static struct {
    struct set {
        char path[PATH];
        uint64_t count;
        int rank;
        hsize_t shape[MOST_RANK];
    } * sets;
    int n;
    json_t *attributes;
    size_t texts; /* bytes of them */
    uint64_t total, file;
} found;

/* ---- Attributes ---- */

static json_t *text_of(const char *text, size_t n)
{
    char buffer[1024];
    found.texts += n;
    if (found.texts > (8 << 20))
        gn_hdf5_fail("more than 8 MiB of texts");
    json_t *value = json_stringn(text, n);
    if (value != NULL)
        return value;
    (void)snprintf(buffer, sizeof buffer, "%.*s", (int)(n < 1000 ? n : 1000), text);
    char clean[1024];
    return json_string(gn_printable(clean, sizeof clean, buffer));
}

static json_t *read_fixed(hid_t attribute, hid_t type, size_t n)
{
    const size_t size = H5Tget_size(type);
    if (size == 0 || size > (8 << 20) || n > (size_t)(8 << 20) / size)
        gn_hdf5_fail("an attribute of %zu texts of %zu bytes", n, size);
    char *all = gn_alloc(size * n + 1, "an attribute");
    if (all == NULL || H5Aread(attribute, type, all) < 0)
        gn_hdf5_fail("an attribute cannot be read");
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, text_of(all + i * size, strnlen(all + i * size, size)));
    gn_free(all);
    return list;
}

static json_t *read_variable(hid_t attribute, size_t n)
{
    char **all = gn_calloc(n + 1, sizeof *all, "an attribute");
    hid_t type = H5Tcopy(H5T_C_S1);
    (void)H5Tset_size(type, H5T_VARIABLE);
    hid_t own = H5Aget_type(attribute);
    (void)H5Tset_cset(type, H5Tget_cset(own));
    if (all == NULL || H5Aread(attribute, type, all) < 0)
        gn_hdf5_fail("an attribute cannot be read");
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, text_of(all[i] ? all[i] : "", all[i] ? strlen(all[i]) : 0));
    (void)H5Tclose(own);
    (void)H5Tclose(type);
    gn_free(all);
    return list;
}

static herr_t take_attribute(hid_t at, const char *name, const H5A_info_t *info, void *own)
{
    (void)info;
    hid_t attribute = H5Aopen(at, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const hssize_t n = H5Sget_simple_extent_npoints(space);
    if (attribute < 0 || type < 0 || space < 0)
        gn_hdf5_fail("an attribute cannot be opened");
    if (H5Tget_class(type) == H5T_STRING && n >= 0 && n <= MOST_TEXTS && strlen(name) < PATH) {
        json_t *list = H5Tis_variable_str(type) > 0 ? read_variable(attribute, (size_t)n)
                                                    : read_fixed(attribute, type, (size_t)n);
        json_object_set_new(own, name, list);
    }
    (void)H5Sclose(space);
    (void)H5Tclose(type);
    (void)H5Aclose(attribute);
    return 0;
}

static void take_attributes(hid_t object, const char *path)
{
    json_t *own = json_object();
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, take_attribute, own) < 0)
        gn_hdf5_fail("the attributes of \"%s\" cannot be read", path);
    if (json_object_size(own) > 0)
        json_object_set_new(found.attributes, path, own);
    else
        json_decref(own);
}

/* ---- Data sets ---- */

static void check_storage(hid_t set, const char *path)
{
    hid_t list = H5Dget_create_plist(set);
    const H5D_layout_t layout = H5Pget_layout(list);
    if (list < 0 || layout == H5D_VIRTUAL || layout < 0 || H5Pget_external_count(list) != 0)
        gn_hdf5_fail("data set \"%s\" is stored outside of the file", path);
    for (int i = 0; i < H5Pget_nfilters(list); i++) {
        unsigned flags, values[8], config;
        size_t n = 8;
        char name[8];
        const H5Z_filter_t filter =
            H5Pget_filter2(list, (unsigned)i, &flags, &n, values, sizeof name, name, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32)
            gn_hdf5_fail("data set \"%s\" has filter %d, which is not read", path, (int)filter);
    }
    (void)H5Pclose(list);
}

static void take_set(hid_t set, const char *path)
{
    hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    if (type < 0 || space < 0)
        gn_hdf5_fail("data set \"%s\" cannot be opened", path);
    const int rank = H5Sget_simple_extent_ndims(space);
    if (H5Tget_class(type) == H5T_FLOAT && rank >= 0 && rank <= MOST_RANK) {
        struct set *s = &found.sets[found.n];
        if (found.n == MOST)
            gn_hdf5_fail("more than %d data sets", MOST);
        check_storage(set, path);
        (void)snprintf(s->path, sizeof s->path, "%s", path);
        s->rank = rank;
        s->count = 1;
        if (rank > 0 && H5Sget_simple_extent_dims(space, s->shape, NULL) != rank)
            gn_hdf5_fail("data set \"%s\" has no shape", path);
        for (int d = 0; d < rank; d++)
            if (!gn_mul_u64(s->count, s->shape[d], &s->count))
                gn_hdf5_fail("data set \"%s\" is too large", path);
        /* What is packed may unpack to more than the file, but not without bound. */
        if (s->count > UINT64_MAX / 8 || !gn_add_u64(found.total, 4 * s->count, &found.total) ||
            found.total > 8 * found.file + (64 << 20))
            gn_hdf5_fail("data set \"%s\" claims more numbers than the file can hold", path);
        found.n++;
    }
    (void)H5Sclose(space);
    (void)H5Tclose(type);
}

/* ---- The walk ---- */

struct place {
    const char *path;
    int depth;
};

static herr_t take_link(hid_t group, const char *name, const H5L_info_t *info, void *argument)
{
    const struct place *place = argument;
    char path[PATH];
    const int n = snprintf(path, sizeof path, "%s%s%s", place->path, *place->path ? "/" : "", name);
    if (n <= 0 || n >= PATH || place->depth >= DEEPEST)
        gn_hdf5_fail("a path is longer than %d characters, or deeper than %d groups", PATH - 1,
                     DEEPEST);
    if (info->type != H5L_TYPE_HARD)
        gn_hdf5_fail("\"%s\" is a link that leaves its place", path);
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    const H5I_type_t kind = object < 0 ? H5I_BADID : H5Iget_type(object);
    if (kind == H5I_GROUP) {
        struct place inner = { path, place->depth + 1 };
        take_attributes(object, path);
        if (H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, take_link, &inner) < 0)
            gn_hdf5_fail("group \"%s\" cannot be read", path);
    } else if (kind == H5I_DATASET) {
        take_set(object, path);
    } else {
        gn_hdf5_fail("\"%s\" is damaged, or neither a group nor a data set", path);
    }
    (void)H5Oclose(object);
    return 0;
}

/* ---- The answer ---- */

static char *make_header(void)
{
    json_t *root = json_object(), *texts = json_object();
    uint64_t at = 0;
    char *attributes = gn_json_text(found.attributes, JSON_COMPACT, "texts of the file");
    gn_json_set(texts, "attributes", json_string(attributes == NULL ? "{}" : attributes));
    gn_free(attributes);
    gn_json_set(root, "__metadata__", texts);
    for (int i = 0; i < found.n; i++) {
        const struct set *s = &found.sets[i];
        json_t *shape = json_array();
        for (int d = 0; d < s->rank; d++)
            gn_json_add(shape, json_integer((json_int_t)s->shape[d]));
        gn_json_set(root, s->path,
                    json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", shape, "data_offsets",
                              (json_int_t)at, (json_int_t)(at + 4 * s->count)));
        at += 4 * s->count;
    }
    return gn_json_text(root, JSON_COMPACT, "the header");
}

hid_t gn_hdf5_open(const struct gn_bytes *bytes)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (H5Pset_fapl_core(access, 1 << 20, 0) < 0 ||
        H5Pset_file_image(access, bytes->data, bytes->size) < 0)
        gn_hdf5_fail("no memory for the file");
    hid_t file = H5Fopen("memory", H5F_ACC_RDONLY, access);
    if (file < 0)
        gn_hdf5_fail("this is no HDF5 file, or a damaged one");
    return file;
}

void gn_hdf5_read(const struct gn_bytes *bytes)
{
    hid_t file = gn_hdf5_open(bytes);
    found.file = bytes->size;
    found.attributes = json_object();
    found.sets = gn_calloc(MOST, sizeof *found.sets, "data sets");
    if (found.sets == NULL)
        gn_hdf5_fail("no memory");
    hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    struct place place = { "", 0 };
    take_attributes(root, "");
    if (H5Literate(root, H5_INDEX_NAME, H5_ITER_INC, NULL, take_link, &place) < 0)
        gn_hdf5_fail("the groups of the file cannot be read");
    char *header = make_header();
    if (header == NULL)
        gn_hdf5_fail("no memory for the header");
    const uint64_t n = strlen(header), size = 8 + n + found.total;
    gn_hdf5_put(&size, sizeof size);
    gn_hdf5_put(&n, sizeof n);
    gn_hdf5_put(header, (size_t)n);
    for (int i = 0; i < found.n; i++) {
        const struct set *s = &found.sets[i];
        hid_t set = H5Dopen2(file, s->path, H5P_DEFAULT);
        float *values = gn_alloc((size_t)s->count * sizeof *values, "a data set");
        if (set < 0 || values == NULL ||
            (s->count > 0 &&
             H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0))
            gn_hdf5_fail("data set \"%s\" cannot be read", s->path);
        gn_hdf5_put(values, (size_t)s->count * sizeof *values);
        gn_free(values);
        (void)H5Dclose(set);
    }
}
