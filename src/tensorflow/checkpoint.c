/*
 * Messages of tensorflow/core/protobuf/tensor_bundle.proto: the empty key has the header (1 shards, 2 byte order),
 * every other one an entry (1 type, 2 shape, 3 shard, 4 offset, 5 size, 6 checksum, 7 slices).
 */
#include "tensorflow/checkpoint.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/endian.h"
#include "file/crc32c.h"
#include "tensorflow/table.h"

#include <string.h>

enum { MOST = 16384, RANK = 8 };
#define INDEX_LIMIT (UINT64_C(64) << 20)
#define DATA_LIMIT  (UINT64_C(4) << 30)

static const char kind[] = "TensorFlow", ending[] = "/.ATTRIBUTES/VARIABLE_VALUE";

static const struct {
    uint64_t number;
    enum gn_dtype dtype;
    uint64_t size;
} types[] = { { 1, GN_F32, 4 }, { 2, GN_F64, 8 }, { 14, GN_BF16, 2 }, { 19, GN_F16, 2 } };

struct reading {
    struct gn_checkpoint *to;
    const char *name;
    const struct gn_bytes *data;
    uint64_t taken; /* bytes of variables: no byte belongs to two */
    bool has_header;
};

struct entry {
    uint64_t type, shard, at, size, sum;
    bool sliced;
    int rank;
    uint64_t shape[RANK];
};

static gn_status bad(const struct reading *r, const char *key, const char *what)
{
    char clean[128];
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: \"%s\" %s", r->name, kind,
            gn_printable(clean, sizeof clean, key), what);
}

static gn_status read_header(struct reading *r, struct gn_pb_slice value)
{
    struct gn_reader message = gn_pb_message(value);
    struct gn_pb_field field;
    uint64_t shards = 1, order = 0;
    bool damaged = false;
    while (gn_pb_next(&message, &field, &damaged)) {
        if (field.number == 1)
            shards = field.value;
        else if (field.number == 2)
            order = field.value;
    }
    r->has_header = !damaged;
    if (damaged)
        return bad(r, "", "is a damaged header");
    if (shards != 1 || order != 0)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: %s: %llu files of data with byte order %llu; one with order 0 is read",
                r->name, kind, (unsigned long long)shards, (unsigned long long)order);
    return GN_OK;
}

/* TensorShapeProto: 2 dimensions, each with 1 its size. */
static bool read_shape(struct gn_pb_slice slice, struct entry *e)
{
    struct gn_reader message = gn_pb_message(slice);
    struct gn_pb_field field, inner;
    bool damaged = false;
    while (gn_pb_next(&message, &field, &damaged)) {
        if (field.number != 2 || !field.is_slice)
            continue;
        if (e->rank == RANK)
            return false;
        struct gn_reader dimension = gn_pb_message(field.slice);
        uint64_t *size = &e->shape[e->rank++];
        while (gn_pb_next(&dimension, &inner, &damaged))
            if (inner.number == 1)
                *size = inner.value;
    }
    return !damaged;
}

static bool read_entry(struct gn_pb_slice value, struct entry *e)
{
    struct gn_reader message = gn_pb_message(value);
    struct gn_pb_field field;
    bool damaged = false, good = true;
    *e = (struct entry){ .type = 0 };
    while (gn_pb_next(&message, &field, &damaged)) {
        uint64_t *const numbers[] = { NULL, &e->type, NULL, &e->shard, &e->at, &e->size, &e->sum };
        if (field.number == 2)
            good = good && field.is_slice && read_shape(field.slice, e);
        else if (field.number == 7)
            e->sliced = true;
        else if (field.number < 7)
            *numbers[field.number] = field.value;
    }
    return good && !damaged;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The length of a variable's name, 0: it is none, or an optimizer's. */
static size_t variable_name(const char *key)
{
    const size_t n = strlen(key), m = sizeof ending - 1;
    return n > m && strcmp(key + n - m, ending) == 0 && strstr(key, "/.OPTIMIZER_SLOT/") == NULL &&
                   !begins(key, "optimizer/") && !begins(key, "_optimizer/") &&
                   !begins(key, "keras_api/")
               ? n - m
               : 0;
}

static gn_status make_room(struct gn_checkpoint *c)
{
    const int room = 2 * c->room + 256;
    if (c->n < c->room)
        return GN_OK;
    struct gn_st_tensor *tensors =
        gn_realloc(c->tensors, (size_t)room * sizeof *tensors, "a checkpoint");
    if (tensors == NULL)
        return gn_last_status();
    c->tensors = tensors;
    char **names = gn_realloc(c->names, (size_t)room * sizeof *names, "a checkpoint");
    if (names == NULL)
        return gn_last_status();
    c->names = names;
    c->room = room;
    return GN_OK;
}

static gn_status add(struct reading *r, const char *key, size_t length, const struct entry *e,
                     size_t type)
{
    struct gn_checkpoint *c = r->to;
    struct gn_reader data;
    const uint8_t *values;
    uint64_t bytes, count;
    if (e->sliced || e->shard != 0)
        return bad(r, key, "is a variable in parts, which is not read");
    gn_rd_init(&data, r->data->data, r->data->size);
    if (!gn_product(e->shape, e->rank, &count) || !gn_mul_u64(count, types[type].size, &bytes) ||
        bytes != e->size || !gn_rd_seek(&data, e->at) || !gn_rd_bytes(&data, bytes, &values) ||
        !gn_add_u64(r->taken, bytes, &r->taken) || r->taken > r->data->size)
        return bad(r, key, "lies outside of the file of data, or has another size than its shape");
    if (!GN_SKIP_CHECKSUMS && gn_crc32c_masked(gn_crc32c(0, values, (size_t)bytes)) != e->sum)
        return bad(r, key, "has another checksum: take another copy of the files");
    if (c->n == MOST)
        return bad(r, key, "is one of more than 16384 variables");
    GN_TRY(make_room(c));
    char *name = gn_alloc(length + 1, "a checkpoint");
    if (name == NULL)
        return gn_last_status();
    memcpy(name, key, length);
    name[length] = '\0';
    c->names[c->n] = name;
    struct gn_st_tensor *t = &c->tensors[c->n++];
    *t = (struct gn_st_tensor){ .name = name, .dtype = types[type].dtype, .rank = e->rank };
    memcpy(t->shape, e->shape, sizeof e->shape);
    t->count = count;
    t->data = values;
    gn_turn_little((uint8_t *)(uintptr_t)values, (size_t)count, (size_t)types[type].size);
    return GN_OK;
}

static gn_status take(void *argument, const char *key, struct gn_pb_slice value)
{
    struct reading *r = argument;
    struct entry e;
    const size_t length = variable_name(key);
    if (*key == '\0')
        return read_header(r, value);
    if (length == 0)
        return GN_OK;
    if (!read_entry(value, &e))
        return bad(r, key, "is a damaged entry");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].number == e.type)
            return add(r, key, length, &e, i);
    return GN_OK; /* a counter */
}

gn_status gn_checkpoint_of_bytes(struct gn_checkpoint *c, const char *name,
                                 const struct gn_bytes *index, const struct gn_bytes *data)
{
    struct reading r = { .to = c, .name = name, .data = data };
    GN_TRY(gn_table_each(name, index, take, &r));
    if (!r.has_header)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: the table has no header", name, kind);
    return GN_OK;
}

gn_status gn_checkpoint_open(struct gn_checkpoint *c, const char *path)
{
    char name[GN_PATH_TEXT], data[GN_PATH_BYTES];
    const size_t n = strlen(path) - strlen(gn_path_extension(path));
    *c = (struct gn_checkpoint){ .n = 0 };
    (void)gn_printable(name, sizeof name, path);
    if (n + 32 > sizeof data)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: %s: the path is too long", name, kind);
    (void)snprintf(data, sizeof data, "%.*s.data-00000-of-00001", (int)n, path);
    GN_TRY(gn_file_read(path, kind, GN_STATUS_BAD_MODEL, INDEX_LIMIT, &c->index));
    GN_TRY(gn_file_read(data, kind, GN_STATUS_BAD_MODEL, DATA_LIMIT, &c->data));
    return gn_checkpoint_of_bytes(c, name, &c->index, &c->data);
}

void gn_checkpoint_close(struct gn_checkpoint *c)
{
    for (int i = 0; i < c->n; i++)
        gn_free(c->names[i]);
    gn_free(c->names);
    gn_free(c->tensors);
    gn_free(c->index.data);
    gn_free(c->data.data);
    *c = (struct gn_checkpoint){ .n = 0 };
}
