/*
 * A network from Caffe's files. The description is the caller's prototxt, the one next to the weights
 * (deploy.prototxt, or the weights' own name), or what the file of weights holds itself.
 */
#include "base/memory.h"
#include "base/number.h"
#include "base/path.h"
#include "caffe/build.h"
#include "caffe/caffe.h"
#include "caffe/prototxt.h"
#include "file/file.h"
#include "foreign/order.h"
#include "foreign/said.h"
#include "ops/batch_norm/norm.h"
#include "ops/rules.h"

#include <string.h>

enum { COLOURS = 3, TEXT_LIMIT = 4 << 20 };
#define WEIGHTS_LIMIT (UINT64_C(2) << 30)

static const char kind[] = "Caffe";

struct import {
    const struct gn_import_options *options;
    char file[GN_SAID_TEXT];
    struct gn_bytes bytes;
    struct gn_pb text; /* the prototxt in binary form */
    struct gn_caffe_net weights, described;
    struct gn_caffe_build build;
    gn_net *net;
};

/* ---- The files ---- */

/* A file next to the weights; false: there is none. */
static bool beside(const struct import *im, const char *name, char path[GN_PATH_BYTES])
{
    const char *own = im->options->path;
    char folder[GN_PATH_BYTES];
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(gn_path_name(own) - own), own);
    return gn_path_join(path, folder, name) && gn_path_exists(path);
}

static bool find_prototxt(const struct import *im, char path[GN_PATH_BYTES])
{
    const char *name = gn_path_name(im->options->path), *ending = gn_path_extension(name);
    char own[GN_PATH_BYTES];
    if (im->options->prototxt != NULL) {
        (void)snprintf(path, GN_PATH_BYTES, "%s", im->options->prototxt);
        return true;
    }
    (void)snprintf(own, sizeof own, "%.*s.prototxt", (int)(ending - name), name);
    return beside(im, own, path) || beside(im, "deploy.prototxt", path);
}

static gn_status read_prototxt(struct import *im)
{
    char path[GN_PATH_BYTES], name[GN_SAID_TEXT];
    struct gn_bytes text;
    if (!find_prototxt(im, path)) {
        gn_said_note(im->options, "the network is that in the file of weights");
        return GN_OK;
    }
    GN_TRY(gn_file_read(path, kind, GN_STATUS_BAD_MODEL, TEXT_LIMIT, &text));
    (void)gn_said_name(path, name);
    gn_status status = gn_prototxt_read(name, (const char *)text.data, text.size, &im->text);
    gn_free(text.data);
    if (status == GN_OK)
        status = gn_caffe_open(&im->described, name,
                               (struct gn_pb_slice){ im->text.bytes, im->text.size });
    gn_said_note(im->options, "the network is that of %s", name);
    return status;
}

/* ---- Values ---- */

/* BatchNorm's statistics are sums, to be divided by its third number. */
static float divisor(const struct import *im, const struct gn_caffe_layer *theirs)
{
    struct gn_caffe_blob blob;
    float value = 0;
    if (theirs->n_blobs > 2 && gn_caffe_blob(im->file, theirs->blobs[2], &blob) == GN_OK &&
        blob.count == 1)
        gn_caffe_values(&blob, &value);
    return value == 0 ? 0 : 1 / value;
}

static gn_status fill_one(struct import *im, const struct gn_caffe_weight *w)
{
    struct gn_caffe_blob blob;
    const struct gn_graph *g = im->net->graph;
    const int tensor = g->layers[w->layer].tensors[w->slot];
    const struct gn_tensor *t = &g->tensors[tensor];
    uint64_t shape[4];
    const int rank = gn_order_shape(g, tensor, GN_ORDER_TORCH, shape);
    GN_TRY(gn_caffe_blob(im->file, w->theirs->blobs[w->blob], &blob));
    const bool differs = blob.rank == rank && memcmp(blob.dims, shape, (size_t)rank * 8) != 0;
    if (blob.count != t->count || differs) {
        char held[64], needed[64];
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: layer \"%s\" has weights of shape %s, it needs %s",
                im->file, kind, g->layers[w->layer].name,
                gn_st_shape_text(held, sizeof held, blob.dims, blob.rank),
                gn_st_shape_text(needed, sizeof needed, shape, rank));
    }
    float *values = gn_alloc(t->count * sizeof *values, "weights of a Caffe file");
    if (values == NULL)
        return gn_last_status();
    gn_caffe_values(&blob, values);
    const float factor = w->scaled ? divisor(im, w->theirs) : 1.0F;
    for (size_t i = 0; w->scaled && i < t->count; i++)
        values[i] *= factor;
    gn_order_take(g, tensor, GN_ORDER_TORCH, values, im->net->params + t->offset);
    gn_free(values);
    return GN_OK;
}

/* Gamma is 1 and beta 0 where no Scale follows. */
static gn_status fill(struct import *im)
{
    const struct gn_graph *g = im->net->graph;
    GN_TRY(gn_net_reserve(im->net));
    for (int i = 0; i < g->n_layers; i++)
        for (size_t k = 0; g->layers[i].op->fuses == GN_FUSE_NORM &&
                           k < g->tensors[g->layers[i].tensors[GN_NORM_GAMMA]].count;
             k++)
            im->net->params[g->tensors[g->layers[i].tensors[GN_NORM_GAMMA]].offset + k] = 1;
    for (int i = 0; i < im->build.n_list; i++)
        GN_TRY(fill_one(im, &im->build.list[i]));
    return GN_OK;
}

/* ---- Pictures ---- */

/* "104,117,123" */
static int values_of_text(const char *text, float values[COLOURS])
{
    int n = 0;
    while (n < COLOURS) {
        double value;
        text = gn_real_scan(text, &value);
        if (text == NULL)
            return 0;
        values[n++] = (float)value;
        if (*text == '\0')
            return n;
        if (*text++ != ',')
            return 0;
    }
    return 0;
}

/* The mean of each channel of a picture of means. */
static gn_status values_of_file(const struct import *im, const char *path, float values[COLOURS],
                                int *n)
{
    struct gn_bytes bytes;
    struct gn_caffe_blob blob;
    char name[GN_SAID_TEXT];
    (void)gn_said_name(path, name);
    GN_TRY(gn_file_read(path, kind, GN_STATUS_BAD_MODEL, 256 << 20, &bytes));
    gn_status status = gn_caffe_blob(name, (struct gn_pb_slice){ bytes.data, bytes.size }, &blob);
    const uint64_t c = blob.rank >= 3 ? blob.dims[blob.rank - 3] : blob.rank == 2 ? 1 : 0;
    if (status == GN_OK && (c < 1 || c > COLOURS || blob.count == 0))
        status = gn_fail(GN_STATUS_BAD_MODEL, "%s: %s: this is no mean of pictures", name, kind);
    float *all = status == GN_OK ? gn_alloc((size_t)blob.count * sizeof *all, "a mean file") : NULL;
    if (all != NULL) {
        gn_caffe_values(&blob, all);
        const size_t pixels = (size_t)(blob.count / c);
        for (size_t i = 0; i < c; i++) {
            double sum = 0;
            for (size_t k = 0; k < pixels; k++)
                sum += (double)all[i * pixels + k];
            values[i] = (float)(sum / (double)pixels);
        }
        *n = (int)c;
        gn_said_note(im->options, "the mean picture %s is taken as its mean colour", name);
    } else if (status == GN_OK) {
        status = gn_last_status();
    }
    gn_free(all);
    gn_free(bytes.data);
    return status;
}

/* The transform_param of the data: of the description, else of the weights' file. */
static struct gn_pb_slice find_transform(const struct import *im)
{
    const struct gn_caffe_net *nets[] = { &im->described, &im->weights };
    for (size_t k = 0; k < 2; k++)
        for (int i = 0; i < nets[k]->n_layers; i++)
            if (nets[k]->layers[i].transform.n > 0)
                return nets[k]->layers[i].transform;
    return (struct gn_pb_slice){ NULL, 0 };
}

static int values_of_transform(struct gn_pb_slice transform, float values[COLOURS])
{
    struct gn_reader r = gn_pb_message(transform);
    struct gn_pb_field f;
    bool bad = false;
    int n = 0;
    while (transform.n > 0 && gn_pb_next(&r, &f, &bad))
        if (f.number == 5 && !f.is_slice && n < COLOURS) {
            const uint32_t bits = (uint32_t)f.value;
            memcpy(&values[n++], &bits, sizeof bits);
        }
    return n;
}

static gn_status find_mean(const struct import *im, struct gn_pb_slice transform,
                           float values[COLOURS], int *n)
{
    char path[GN_PATH_BYTES];
    const char *given = im->options->mean;
    *n = given != NULL ? values_of_text(given, values) : values_of_transform(transform, values);
    if (*n > 0)
        return GN_OK;
    if (given != NULL)
        return values_of_file(im, given, values, n);
    return beside(im, "mean.binaryproto", path) ? values_of_file(im, path, values, n) : GN_OK;
}

/* Blue first, 0 to 255, a square of 256/224 of the input: what Caffe's tools make. */
static gn_status set_pictures(struct import *im)
{
    gn_net *net = im->net;
    float mean[COLOURS] = { 104, 117, 123 };
    int n = 0;
    const struct gn_pb_slice transform = find_transform(im);
    const float scale = gn_caffe_real(transform, 1, 1);
    net->resize = GN_RESIZE_HALF_PIXEL;
    net->resize_is_given = true;
    GN_TRY(find_mean(im, transform, mean, &n));
    struct gn_pixel_rule rule = { .short_side = 256,
                                  .square = true,
                                  .bgr = net->input.c == COLOURS,
                                  .bytes = true,
                                  .normalise = n > 0 || net->input.c == COLOURS };
    for (int i = 0; i < COLOURS; i++) {
        rule.mean[i] = n == 1 ? mean[0] : mean[i];
        rule.deviation[i] = scale > 0 ? 1 / scale : 1;
    }
    rule.normalise |= scale != 1;
    if (!(scale > 0) || (n > 1 && n != net->input.c))
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: %s: pictures with a scale of %g and %d means", im->file,
                kind, (double)scale, n);
    if (rule.normalise && net->input.c > COLOURS)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: %s: a mean or a scale of pictures with %d channels, at most %d can have one",
                im->file, kind, net->input.c, COLOURS);
    if (n == 0 && net->input.c != COLOURS)
        for (int i = 0; i < COLOURS; i++)
            rule.mean[i] = 0;
    gn_net_take_pixels(net, &rule, (struct gn_shape){ 224, 224, net->input.c });
    if (n == 0)
        gn_said_note(im->options, "the files say no mean of pictures");
    gn_said_assumed(net, im->options);
    return GN_OK;
}

/* ---- The whole ---- */

/* Of the caller, the description, or the crop of the data. */
static gn_status find_input(struct import *im, const struct gn_caffe_net *net)
{
    const struct gn_import_options *o = im->options;
    const int n = net->n_dims;
    const int64_t crop = gn_caffe_whole(find_transform(im), 3, 224);
    int64_t c = n > 2 ? net->dims[n - 3] : 3, h = n > 1 ? net->dims[n - 2] : crop;
    int64_t w = n > 1 ? net->dims[n - 1] : crop;
    if (o->size > 0)
        h = w = o->size;
    if (o->width > 0)
        w = o->width;
    if (c < 1 || c > GN_MAX_CHANNELS || h < 1 || h > GN_MAX_SIZE || w < 1 || w > GN_MAX_SIZE)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: an input of %lldx%lldx%lld", im->file, kind,
                (long long)h, (long long)w, (long long)c);
    im->build.input = (struct gn_shape){ (int)h, (int)w, (int)c };
    return GN_OK;
}

static gn_status build(struct import *im)
{
    GN_TRY(gn_file_read(im->options->path, kind, GN_STATUS_BAD_MODEL, WEIGHTS_LIMIT, &im->bytes));
    GN_TRY(gn_caffe_open(&im->weights, im->file,
                         (struct gn_pb_slice){ im->bytes.data, im->bytes.size }));
    GN_TRY(read_prototxt(im));
    const struct gn_caffe_net *net = im->described.n_layers > 0 ? &im->described : &im->weights;
    GN_TRY(find_input(im, net));
    im->build.file = im->file;
    im->build.net = net;
    im->build.weights = &im->weights;
    GN_TRY(gn_caffe_make(&im->build));
    gn_graph *graph = im->build.graph;
    im->build.graph = NULL;
    im->net = gn_net_create(graph, im->build.answer);
    if (im->net == NULL)
        return gn_fail(gn_last_status(), "%s: %s: %s", im->file, kind, gn_error_message());
    GN_TRY(fill(im));
    return set_pictures(im);
}

gn_net *gn_caffe_import(const struct gn_import_options *options)
{
    struct import im = { .options = options };
    (void)gn_said_name(options->path, im.file);
    im.build.graph = gn_graph_create();
    const gn_status status = im.build.graph == NULL ? gn_last_status() : build(&im);
    gn_caffe_build_free(&im.build);
    gn_graph_free(im.build.graph);
    gn_free(im.weights.layers);
    gn_free(im.described.layers);
    gn_free(im.text.bytes);
    gn_free(im.bytes.data);
    if (status == GN_OK)
        return im.net;
    gn_free_net(im.net);
    return NULL;
}
