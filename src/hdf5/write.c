/*
 * An HDF5 file in memory from a safetensors file: tensors become data sets under their names, in the groups
 * that "groups" names with their attributes, texts and lists of texts. The same input gives the same bytes: no
 * times are kept.
 */
#include "hdf5/hdf5.h"

#include "base/memory.h"
#include "file/json.h"
#include "formats/safetensors.h"

#include <string.h>

static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (H5Tset_size(type, size == 0 ? 1 : size) < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)
        gn_hdf5_fail("no memory");
    return type;
}

static void write_attribute(hid_t object, const char *name, const json_t *value)
{
    const size_t n = json_is_array(value) ? json_array_size(value) : 1;
    size_t longest = 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        const size_t size = json_string_length(one);
        longest = size > longest ? size : longest;
    }
    char *all = gn_calloc(n * longest + 1, 1, "an attribute");
    if (all == NULL)
        gn_hdf5_fail("no memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(one))
            gn_hdf5_fail("the attribute %s is no text", name);
        memcpy(all + i * longest, json_string_value(one), json_string_length(one));
    }
    const hsize_t dims = n;
    hid_t type = text_type(longest);
    hid_t space = json_is_array(value) ? H5Screate_simple(1, &dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || (n > 0 && H5Awrite(attribute, type, all) < 0))
        gn_hdf5_fail("the attribute %s cannot be written", name);
    (void)H5Aclose(attribute);
    (void)H5Sclose(space);
    (void)H5Tclose(type);
    gn_free(all);
}

static void write_groups(hid_t file, const char *text)
{
    json_t *groups = NULL, *attributes;
    const char *name;
    size_t i;
    json_t *group, *value;
    hid_t links = H5Pcreate(H5P_LINK_CREATE), how = H5Pcreate(H5P_GROUP_CREATE);
    (void)H5Pset_create_intermediate_group(links, 1);
    (void)H5Pset_obj_track_times(how, 0);
    if (gn_json_parse(text, &groups) != GN_OK || !json_is_array(groups))
        gn_hdf5_fail("the list of groups is missing");
    json_array_foreach(groups, i, group)
    {
        const char *path = json_string_value(json_object_get(group, "path"));
        if (path == NULL)
            gn_hdf5_fail("a group has no path");
        hid_t object = *path == '\0' ? H5Gopen2(file, "/", H5P_DEFAULT)
                                     : H5Gcreate2(file, path, links, how, H5P_DEFAULT);
        if (object < 0)
            gn_hdf5_fail("the group %s cannot be made", path);
        attributes = json_object_get(group, "attributes");
        json_object_foreach(attributes, name, value) write_attribute(object, name, value);
        (void)H5Gclose(object);
    }
    json_decref(groups);
}

static void write_set(hid_t file, const struct gn_st_tensor *t)
{
    hsize_t shape[8];
    for (int d = 0; d < t->rank; d++)
        shape[d] = t->shape[d];
    hid_t space = H5Screate_simple(t->rank, shape, NULL);
    hid_t links = H5Pcreate(H5P_LINK_CREATE), how = H5Pcreate(H5P_DATASET_CREATE);
    (void)H5Pset_create_intermediate_group(links, 1);
    (void)H5Pset_obj_track_times(how, 0);
    hid_t set = H5Dcreate2(file, t->name, H5T_IEEE_F32LE, space, links, how, H5P_DEFAULT);
    if (set < 0 || t->dtype != GN_F32 ||
        H5Dwrite(set, H5T_IEEE_F32LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data) < 0)
        gn_hdf5_fail("the data set %s cannot be written", t->name);
    (void)H5Dclose(set);
    (void)H5Pclose(links);
    (void)H5Pclose(how);
    (void)H5Sclose(space);
}

void gn_hdf5_write(const struct gn_bytes *bytes)
{
    struct gn_st_file *in = gn_st_of_bytes(bytes->data, bytes->size, "input");
    if (in == NULL)
        gn_hdf5_fail("%s", gn_error_message());
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    (void)H5Pset_fapl_core(access, 1 << 20, 0);
    (void)H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
    hid_t file = H5Fcreate("memory", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (file < 0)
        gn_hdf5_fail("no memory for the file");
    write_groups(file, gn_st_metadata(in, "groups"));
    for (int i = 0; i < gn_st_count(in); i++)
        write_set(file, gn_st_tensor(in, i));
    gn_st_close(in);
    if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0)
        gn_hdf5_fail("the file cannot be made");
    const ssize_t size = H5Fget_file_image(file, NULL, 0);
    uint8_t *image = size > 0 ? gn_alloc((size_t)size, "the file") : NULL;
    if (image == NULL || H5Fget_file_image(file, image, (size_t)size) != size)
        gn_hdf5_fail("no memory for the file");
    const uint64_t n = (uint64_t)size;
    gn_hdf5_put(&n, sizeof n);
    gn_hdf5_put(image, (size_t)size);
}
