/*
 * A network from a Keras file: the caller's, or the notebook's with the widths that the kernels have. Weights
 * are mapped by rank, compared by shape, and copied.
 */
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "file/json.h"
#include "foreign/pairs.h"
#include "foreign/said.h"
#include "foreign/zip.h"
#include "keras/content.h"
#include "keras/keras.h"
#include "keras/process.h"
#include "models/models.h"
#include "ops/batch_norm/norm.h"
#include "ops/rules.h"

#include <string.h>

enum { NOTEBOOK = 57, BLOCKS = 9, IN_BLOCK = 6, STEM = 3, CONFIG_LIMIT = 8 << 20 };
#define FILE_LIMIT (UINT64_C(2) << 30)

static const char kind[] = "Keras";

struct import {
    const struct gn_import_options *options;
    char name[GN_SAID_TEXT];
    struct gn_keras_content content;
    struct gn_shape input; /* zeros: not said */
    gn_net *net;
};

/* ---- The file ---- */

/* [null, 96, 96, 1] somewhere in the description of a model. */
static bool find_shape(const json_t *value, int depth, struct gn_shape *input)
{
    const char *key;
    json_t *inner;
    size_t i;
    if (depth > 24)
        return false;
    if (json_is_array(value) && json_array_size(value) == 4 &&
        json_is_null(json_array_get(value, 0))) {
        int sizes[3];
        for (i = 0; i < 3; i++) {
            const json_int_t size = json_integer_value(json_array_get(value, i + 1));
            if (size < 1 || size > (i < 2 ? GN_MAX_SIZE : GN_MAX_CHANNELS))
                return false;
            sizes[i] = (int)size;
        }
        *input = (struct gn_shape){ sizes[0], sizes[1], sizes[2] };
        return true;
    }
    json_array_foreach(value, i, inner) if (find_shape(inner, depth + 1, input)) return true;
    if (json_is_object(value)) {
        void *at = json_object_iter((json_t *)(uintptr_t)value);
        for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
            key = json_object_iter_key(at);
            (void)key;
            if (find_shape(json_object_iter_value(at), depth + 1, input))
                return true;
        }
    }
    return false;
}

static void read_config(struct import *im, const char *text, size_t n)
{
    json_t *config = NULL;
    if (gn_json_load(text, n, &config, NULL) == GN_OK && config != NULL)
        (void)find_shape(config, 0, &im->input);
    json_decref(config);
}

/* The HDF5 file in a .keras, whose description says the input's shape. */
static gn_status open_archive(struct import *im, struct gn_bytes *bytes)
{
    struct gn_bytes config, weights;
    bool found;
    GN_TRY(gn_zip_read(bytes, im->name, "config.json", CONFIG_LIMIT, &found, &config));
    if (found)
        read_config(im, (const char *)config.data, config.size);
    gn_free(config.data);
    GN_TRY(gn_zip_read(bytes, im->name, "model.weights.h5", FILE_LIMIT, &found, &weights));
    if (!found)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: %s: there is no model.weights.h5 in it; weights in parts are not read",
                im->name, kind);
    gn_free(bytes->data);
    *bytes = weights;
    return GN_OK;
}

static gn_status open_file(struct import *im)
{
    struct gn_bytes bytes, answer;
    GN_TRY(gn_file_read(im->options->path, kind, GN_STATUS_BAD_MODEL, FILE_LIMIT, &bytes));
    gn_status status = GN_OK;
    if (bytes.size >= 4 && memcmp(bytes.data, "PK\3\4", 4) == 0)
        status = open_archive(im, &bytes);
    else if (bytes.size < 8 || memcmp(bytes.data, "\x89HDF\r\n\x1a\n", 8) != 0)
        status =
            gn_fail(GN_STATUS_BAD_MODEL, "%s: %s: this is neither HDF5 nor a zip", im->name, kind);
    if (status != GN_OK) {
        gn_free(bytes.data);
        return status;
    }
    GN_TRY(gn_keras_convert("read", im->name, &bytes, &answer));
    status = gn_keras_content(&im->content, im->name, answer.data, answer.size);
    gn_free(answer.data);
    return status;
}

/* ---- The network ---- */

static int width_of(const struct import *im, int conv)
{
    const int i = gn_keras_nth(&im->content, GN_KERAS_KERNEL, conv);
    const uint64_t width = i < 0 ? 0 : im->content.list[i]->shape[3];
    return width < 1 || width > GN_MAX_CHANNELS ? -1 : (int)width;
}

static gn_node conv(gn_graph *g, gn_node x, const struct gn_unit *unit, int channels, int kernel,
                    int stride, const char *name)
{
    return gn_conv_unit(
        g, x, unit,
        &(struct gn_conv_options){
            .channels = channels, .kernel = kernel, .stride = stride, .name = name });
}

/* The notebook's five stages with other numbers of channels. */
static gn_net *build_notebook(const struct import *im, struct gn_shape in, int classes)
{
    static const char *const stages[] = { "b3", "b4", "b5" };
    static const int last[] = { 1, 6, 8 };
    const bool normed = gn_keras_count(&im->content, GN_KERAS_GAMMA) > 0;
    const struct gn_unit unit = { .norm = normed ? &gn_norm_keras : NULL, .third = 5 };
    gn_graph *g = gn_graph_create();
    if (g == NULL)
        return NULL;
    gn_node x = gn_input(g, in.h, in.w, in.c);
    gn_stage(g, "b1");
    x = max_pool(g, conv(g, x, &unit, width_of(im, 0), 7, 2, "conv"), 3, 2, "pool");
    gn_stage(g, "b2");
    x = conv(g, x, &unit, width_of(im, 1), 1, 1, "conv1");
    x = max_pool(g, conv(g, x, &unit, width_of(im, 2), 3, 1, "conv2"), 3, 2, "pool");
    for (int s = 0, b = 0; s < 3; s++) {
        gn_stage(g, stages[s]);
        for (; b <= last[s]; b++) {
            int w[IN_BLOCK];
            for (int i = 0; i < IN_BLOCK; i++)
                w[i] = width_of(im, STEM + b * IN_BLOCK + i);
            const struct gn_widths widths = {
                gn_paper_widths[b].name, w[0], { w[1], w[2] }, { w[3], w[4] }, w[5]
            };
            x = gn_inception_of(g, x, &widths, &unit);
        }
        x = s < 2 ? max_pool(g, x, 3, 2, "pool") : gn_global_avg_pool(g, x);
    }
    gn_stage(g, NULL);
    return gn_net_create(g, gn_dense(g, x, classes, "dense"));
}

static gn_status make_net(struct import *im)
{
    const struct gn_keras_content *c = &im->content;
    const struct gn_import_options *o = im->options;
    const int first = gn_keras_nth(c, GN_KERAS_KERNEL, 0);
    const int last = gn_keras_nth(c, GN_KERAS_MATRIX, gn_keras_count(c, GN_KERAS_MATRIX) - 1);
    if (first < 0 || last < 0)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: %s: no weights of convolutions, or of a dense layer, are in the file",
                im->name, kind);
    const uint64_t channels = c->list[first]->shape[2], classes = c->list[last]->shape[1];
    if (channels < 1 || channels > GN_MAX_CHANNELS || classes < 1 || classes > GN_MAX_CHANNELS)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: %llu channels and %llu classes", im->name, kind,
                (unsigned long long)channels, (unsigned long long)classes);
    struct gn_shape in = im->input;
    in.c = (int)channels;
    if (o->model == NULL && gn_keras_count(c, GN_KERAS_KERNEL) == NOTEBOOK) {
        in.h = o->size > 0 ? o->size : in.h > 0 ? in.h : 96;
        in.w = o->width > 0 ? o->width : o->size > 0 ? o->size : in.w > 0 ? in.w : in.h;
        im->net = build_notebook(im, in, (int)classes);
    } else {
        im->net = gn_said_network(o, "googlenet", in, (int)classes, false);
    }
    return im->net == NULL
               ? gn_fail(gn_last_status(), "%s: %s: %s", im->name, kind, gn_error_message())
               : GN_OK;
}

/* ---- Weights ---- */

static void put(struct gn_pairs *p, int tensor, int theirs)
{
    if (tensor < 0 || theirs < 0)
        return;
    p->of[tensor] = theirs;
    p->used[theirs] = true;
}

static void pair_all(struct gn_pairs *p, const struct gn_keras_content *c)
{
    static const enum gn_keras_kind norms[] = { GN_KERAS_GAMMA, GN_KERAS_BETA, GN_KERAS_MEAN,
                                                GN_KERAS_VARIANCE };
    const struct gn_graph *g = p->net->graph;
    int convs = 0, matrices = 0, n_norms = 0;
    for (int i = 0; i < g->n_layers; i++) {
        const struct gn_layer *l = &g->layers[i];
        if (l->op->fuses == GN_FUSE_NORM) {
            for (int k = 0; k < 4; k++)
                put(p, l->tensors[k], gn_keras_nth(c, norms[k], n_norms));
            n_norms++;
        } else if (l->op->multiplies && l->weight >= 0) {
            const bool is_conv = l->op->tensors[0].shape == GN_TENSOR_WINDOW;
            const int theirs = is_conv ? gn_keras_nth(c, GN_KERAS_KERNEL, convs++)
                                       : gn_keras_nth(c, GN_KERAS_MATRIX, matrices++);
            put(p, l->weight, theirs);
            if (l->bias >= 0 && theirs >= 0)
                put(p, l->bias, gn_keras_bias(c, theirs));
        }
    }
}

/* Both orders of classes of containers are tried; shapes decide. */
static gn_status fill(struct import *im)
{
    gn_status status = GN_OK;
    for (int turn = 0; turn < 2; turn++) {
        struct gn_pairs pairs = { .name = im->name,
                                  .kind = kind,
                                  .theirs = im->content.list,
                                  .n_theirs = im->content.n,
                                  .net = im->net,
                                  .order = GN_ORDER_OURS };
        im->content.reversed = turn == 1;
        gn_keras_order(&im->content);
        status = gn_pairs_make(&pairs);
        if (status == GN_OK) {
            pair_all(&pairs, &im->content);
            status = gn_pairs_check(&pairs, im->options);
        }
        if (status == GN_OK)
            status = gn_pairs_copy(&pairs);
        gn_pairs_free(&pairs);
        if (status != GN_STATUS_BAD_MODEL)
            break;
    }
    return status;
}

static gn_status finish(struct import *im)
{
    const char *steps = gn_keras_text(&im->content, "", "googlenet.preprocess");
    const char *labels = gn_keras_text(&im->content, "", "googlenet.labels");
    const char *version = gn_keras_text(&im->content, "", "keras_version");
    struct gn_shape input = im->net->input;
    (void)gn_said_input(gn_keras_text(&im->content, "", "googlenet.input"), &input);
    if (version != NULL) {
        char clean[64];
        gn_said_note(im->options, "written by Keras %s",
                     gn_printable(clean, sizeof clean, version));
    }
    if (steps != NULL) {
        GN_TRY(gn_said_steps(im->net, input, im->name, steps, strlen(steps)));
        gn_said_note(im->options, "the preprocessing is the file's");
    } else {
        gn_said_assumed(im->net, im->options);
    }
    return labels == NULL ? GN_OK : gn_said_labels(im->net, im->name, labels, strlen(labels));
}

gn_net *gn_keras_import(const struct gn_import_options *options)
{
    struct import im = { .options = options };
    (void)gn_said_name(options->path, im.name);
    gn_status status = open_file(&im);
    if (status == GN_OK) {
        const char *config = gn_keras_text(&im.content, "", "model_config");
        if (config != NULL)
            read_config(&im, config, strlen(config));
        (void)gn_said_input(gn_keras_text(&im.content, "", "googlenet.input"), &im.input);
        status = make_net(&im);
    }
    if (status == GN_OK)
        status = fill(&im);
    if (status == GN_OK)
        status = finish(&im);
    gn_keras_content_free(&im.content);
    if (status == GN_OK)
        return im.net;
    gn_free_net(im.net);
    return NULL;
}
