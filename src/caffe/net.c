/* Messages of Caffe's files into tables. */
#include "caffe/net.h"

#include "base/endian.h"
#include "base/memory.h"

#include <string.h>

enum { MOST_LAYERS = 4096 };

static const struct {
    const char *word;
    int old; /* of V1LayerParameter.LayerType */
    enum gn_caffe_type type;
    int own, old_own; /* the field of its parameters */
} types[] = {
    { "Convolution", 4, GN_CAFFE_CONV, 106, 10 },   { "Pooling", 17, GN_CAFFE_POOL, 121, 19 },
    { "ReLU", 18, GN_CAFFE_RELU, 123, 30 },         { "LRN", 15, GN_CAFFE_LRN, 118, 18 },
    { "Concat", 3, GN_CAFFE_CONCAT, 104, 9 },       { "InnerProduct", 14, GN_CAFFE_DENSE, 117, 17 },
    { "Dropout", 6, GN_CAFFE_DROPOUT, 108, 12 },    { "Softmax", 20, GN_CAFFE_SOFTMAX, 0, 0 },
    { "SoftmaxWithLoss", 21, GN_CAFFE_LOSS, 0, 0 }, { "BatchNorm", -1, GN_CAFFE_NORM, 139, 0 },
    { "Scale", -1, GN_CAFFE_SCALE, 142, 0 },        { "Split", 22, GN_CAFFE_SAME, 0, 0 },
    { "Input", -1, GN_CAFFE_INPUT, 143, 0 },        { "Data", 5, GN_CAFFE_DATA, 0, 0 },
    { "ImageData", 12, GN_CAFFE_DATA, 0, 0 },       { "MemoryData", 29, GN_CAFFE_DATA, 0, 0 },
    { "HDF5Data", 9, GN_CAFFE_DATA, 0, 0 },         { "Accuracy", 1, GN_CAFFE_NOTHING, 0, 0 },
    { "Silence", 36, GN_CAFFE_NOTHING, 0, 0 },
};

const char *gn_caffe_text(struct gn_pb_slice slice, char text[GN_CAFFE_TEXT])
{
    char raw[GN_CAFFE_TEXT];
    const size_t n = slice.n < sizeof raw - 1 ? slice.n : sizeof raw - 1;
    if (n > 0)
        memcpy(raw, slice.bytes, n);
    raw[n] = '\0';
    return gn_printable(text, GN_CAFFE_TEXT, raw);
}

int64_t gn_caffe_whole(struct gn_pb_slice message, int number, int64_t otherwise)
{
    struct gn_reader r = gn_pb_message(message);
    struct gn_pb_field f;
    bool bad = false;
    while (message.bytes != NULL && gn_pb_next(&r, &f, &bad))
        if (f.number == number) { /* repeated ones: the last, packed or not */
            struct gn_reader rest = gn_pb_message(f.slice);
            for (uint64_t value; gn_pb_whole(&f, &rest, &value);)
                otherwise = (int64_t)value;
        }
    return otherwise;
}

float gn_caffe_real(struct gn_pb_slice message, int number, float otherwise)
{
    struct gn_reader r = gn_pb_message(message);
    struct gn_pb_field f;
    bool bad = false;
    while (message.bytes != NULL && gn_pb_next(&r, &f, &bad))
        if (f.number == number && !f.is_slice) {
            const uint32_t bits = (uint32_t)f.value;
            memcpy(&otherwise, &bits, sizeof otherwise);
        }
    return otherwise;
}

/* ---- Layers ---- */

/* A layer that only training has: phase TRAIN, or a stage that is not "deploy". */
static bool leaves_out(struct gn_pb_slice rule, bool excludes)
{
    struct gn_reader r = gn_pb_message(rule);
    struct gn_pb_field f;
    bool bad = false, fits = true;
    while (gn_pb_next(&r, &f, &bad)) {
        if (f.number == 1 && f.value == 0)
            fits = false;
        if (f.number == 4 && !gn_pb_is(f.slice, "deploy"))
            fits = false;
        if (f.number == 5 && gn_pb_is(f.slice, "deploy"))
            fits = false;
    }
    return excludes ? fits : !fits;
}

static void set_type(struct gn_caffe_layer *layer, bool old, int *own)
{
    *own = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (old ? types[i].old == layer->old_type : gn_pb_is(layer->word, types[i].word)) {
            layer->type = types[i].type;
            *own = old ? types[i].old_own : types[i].own;
        }
}

static bool add_end(struct gn_pb_slice *ends, int *n, struct gn_pb_slice name)
{
    if (*n == GN_CAFFE_ENDS)
        return false;
    ends[(*n)++] = name;
    return true;
}

/* The fields that new and old layers have under different numbers. */
static bool take_field(struct gn_caffe_layer *layer, const struct gn_pb_field *f, bool old,
                       int *includes, bool *included)
{
    const int name = old ? 4 : 1, bottom = old ? 2 : 3, top = old ? 3 : 4;
    if (f->number == name)
        layer->name = f->slice;
    else if (f->number == bottom)
        return add_end(layer->bottoms, &layer->n_bottoms, f->slice);
    else if (f->number == top)
        return add_end(layer->tops, &layer->n_tops, f->slice);
    else if (f->number == (old ? 6 : 7))
        return add_end(layer->blobs, &layer->n_blobs, f->slice) && layer->n_blobs <= 4;
    else if (f->number == (old ? 32 : 8)) {
        ++*includes;
        *included |= !leaves_out(f->slice, false);
    } else if (f->number == (old ? 33 : 9))
        layer->left_out |= leaves_out(f->slice, true);
    else if (f->number == (old ? 36 : 100))
        layer->transform = f->slice;
    else if (f->number == (old ? 35 : 5) && !f->is_slice) {
        const uint32_t bits = (uint32_t)f->value;
        memcpy(&layer->loss_weight, &bits, sizeof bits);
    } else if (!old && f->number == 2)
        layer->word = f->slice;
    else if (old && f->number == 5)
        layer->old_type = (int)(f->value & 0xffff);
    return true;
}

static gn_status read_layer(const char *file, struct gn_pb_slice message, bool old,
                            struct gn_caffe_layer *layer)
{
    char name[GN_CAFFE_TEXT];
    struct gn_reader r = gn_pb_message(message);
    struct gn_pb_field f;
    bool bad = false, included = false, fits = true;
    int own, includes = 0;
    *layer = (struct gn_caffe_layer){ .loss_weight = 1 };
    while (fits && gn_pb_next(&r, &f, &bad))
        fits = take_field(layer, &f, old, &includes, &included);
    if (bad || !fits)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: Caffe: layer \"%s\" is damaged, or has too many ends",
                file, gn_caffe_text(layer->name, name));
    layer->left_out |= includes > 0 && !included;
    set_type(layer, old, &own);
    r = gn_pb_message(message);
    while (own > 0 && gn_pb_next(&r, &f, &bad))
        if (f.number == own)
            layer->own = f.slice;
    return GN_OK;
}

static gn_status add_layer(struct gn_caffe_net *net, const char *file, struct gn_pb_slice message,
                           bool old)
{
    if (net->n_layers == MOST_LAYERS)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: Caffe: more than %d layers", file, MOST_LAYERS);
    if (net->n_layers == net->room) {
        const int room = net->room * 2 + 32;
        struct gn_caffe_layer *grown =
            gn_realloc(net->layers, (size_t)room * sizeof *grown, "layers of a Caffe file");
        if (grown == NULL)
            return gn_last_status();
        net->layers = grown;
        net->room = room;
    }
    return read_layer(file, message, old, &net->layers[net->n_layers++]);
}

static void read_dims(struct gn_caffe_net *net, struct gn_pb_slice shape)
{
    struct gn_reader r = gn_pb_message(shape);
    struct gn_pb_field f;
    bool bad = false;
    net->n_dims = 0;
    while (gn_pb_next(&r, &f, &bad)) {
        struct gn_reader rest = gn_pb_message(f.slice);
        for (uint64_t value; f.number == 1 && gn_pb_whole(&f, &rest, &value);)
            if (net->n_dims < 4)
                net->dims[net->n_dims++] = (int64_t)value;
    }
}

gn_status gn_caffe_open(struct gn_caffe_net *net, const char *file, struct gn_pb_slice bytes)
{
    struct gn_reader r = gn_pb_message(bytes);
    struct gn_pb_field f;
    bool bad = false;
    while (gn_pb_next(&r, &f, &bad)) {
        if (f.number == 1 && f.is_slice)
            net->name = f.slice;
        else if (f.number == 3 && f.is_slice)
            net->input = f.slice;
        else if (f.number == 4 && !f.is_slice && net->n_dims < 4)
            net->dims[net->n_dims++] = (int64_t)f.value;
        else if (f.number == 8 && f.is_slice)
            read_dims(net, f.slice);
        else if ((f.number == 2 || f.number == 100) && f.is_slice)
            GN_TRY(add_layer(net, file, f.slice, f.number == 2));
    }
    if (bad || net->n_layers == 0)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: Caffe: %s", file,
                bad ? "the file is cut off or no Caffe file" : "the file has no layers");
    for (int i = 0; i < net->n_layers; i++) {
        struct gn_pb_slice inner = net->layers[i].own;
        r = gn_pb_message(inner);
        while (net->layers[i].type == GN_CAFFE_INPUT && inner.n > 0 && gn_pb_next(&r, &f, &bad))
            if (f.number == 1 && f.is_slice)
                read_dims(net, f.slice);
    }
    return GN_OK;
}

const struct gn_caffe_layer *gn_caffe_find(const struct gn_caffe_net *net, struct gn_pb_slice name)
{
    for (int i = 0; i < net->n_layers; i++)
        if (net->layers[i].name.n == name.n && name.n > 0 &&
            memcmp(net->layers[i].name.bytes, name.bytes, name.n) == 0)
            return &net->layers[i];
    return NULL;
}

/* ---- Blobs ---- */

static void add_dim(struct gn_caffe_blob *blob, uint64_t dim, bool *bad)
{
    *bad |= blob->rank == 4 || dim > UINT32_MAX;
    if (!*bad)
        blob->dims[blob->rank++] = dim;
}

gn_status gn_caffe_blob(const char *file, struct gn_pb_slice message, struct gn_caffe_blob *blob)
{
    struct gn_reader r = gn_pb_message(message);
    struct gn_pb_field f, d;
    bool bad = false;
    uint64_t old[4] = { 0 };
    *blob = (struct gn_caffe_blob){ .rank = 0 };
    while (gn_pb_next(&r, &f, &bad)) {
        struct gn_reader inner = gn_pb_message(f.slice);
        if (f.number >= 1 && f.number <= 4 && !f.is_slice)
            old[f.number - 1] = f.value;
        while (f.number == 7 && f.is_slice && gn_pb_next(&inner, &d, &bad)) {
            struct gn_reader rest = gn_pb_message(d.slice);
            for (uint64_t value; d.number == 1 && gn_pb_whole(&d, &rest, &value);)
                add_dim(blob, value, &bad);
        }
        if (f.number == 5)
            blob->floats = f.slice;
        if (f.number == 8)
            blob->doubles = f.slice;
    }
    for (int i = 0; i < 4 && old[3] > 0 && blob->rank < 4; i++)
        if (old[i] != 1 || blob->rank > 0 || i == 3)
            add_dim(blob, old[i], &bad);
    const uint64_t wide = blob->doubles.bytes == NULL ? sizeof(float) : sizeof(double);
    const size_t bytes = blob->doubles.bytes == NULL ? blob->floats.n : blob->doubles.n;
    if (bad || !gn_product(blob->dims, blob->rank, &blob->count) || bytes % wide != 0 ||
        blob->count != bytes / wide || (blob->floats.n > 0 && blob->doubles.n > 0))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: Caffe: a blob whose shape has %llu numbers holds %llu, packed", file,
                (unsigned long long)blob->count, (unsigned long long)(bytes / wide));
    return GN_OK;
}

void gn_caffe_values(const struct gn_caffe_blob *blob, float *values)
{
    for (uint64_t i = 0; blob->doubles.bytes != NULL && i < blob->count; i++) {
        double value;
        gn_copy_little(&value, blob->doubles.bytes + i * sizeof value, 1, sizeof value);
        values[i] = (float)value;
    }
    if (blob->doubles.bytes == NULL && blob->count > 0)
        gn_copy_little(values, blob->floats.bytes, (size_t)blob->count, sizeof *values);
}
