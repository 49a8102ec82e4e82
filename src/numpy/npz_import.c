/*
 * Arrays under our names of tensors, as our export writes them or numpy.savez does. The network is the one that
 * the file describes, or the caller's; shapes decide. Arrays lie where they are in the archive, unless they
 * are packed or in Fortran's order.
 */
#include "numpy/numpy.h"

#include "base/endian.h"
#include "base/memory.h"
#include "file/json.h"
#include "foreign/pairs.h"
#include "foreign/said.h"
#include "foreign/zip.h"
#include "graph/derive.h"
#include "numpy/npy.h"
#include "ops/rules.h"

#include <string.h>

enum { MOST = 16384, NAME = 256 };
#define FILE_LIMIT    (UINT64_C(4) << 30)
#define LARGEST_GROWN (UINT64_C(64) << 20) /* bytes of unpacked arrays beyond twice the file */

static const char kind[] = "NumPy";

struct import {
    const struct gn_import_options *options;
    char name[GN_SAID_TEXT];
    struct gn_bytes file;
    struct array {
        char name[NAME];
        struct gn_st_tensor tensor;
        uint8_t *own; /* values that do not lie in the file; NULL: they do */
    } * arrays;
    int n, room;
    json_t *description; /* NULL: none */
    struct gn_shape input;
    gn_net *net;
};

/* ---- The arrays ---- */

static gn_status take_description(struct import *im, const struct gn_npy *array)
{
    json_t *root = NULL;
    if (array->is_text && array->count == 1 && im->description == NULL)
        GN_TRY(gn_json_load((const char *)array->data,
                            strnlen((const char *)array->data, (size_t)array->item), &root, NULL));
    if (!json_is_object(root)) {
        json_decref(root);
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: the array %s is not the description of a model",
                im->name, kind, GN_NUMPY_DESCRIPTION);
    }
    im->description = root;
    return GN_OK;
}

static struct array *new_array(struct import *im)
{
    if (im->n == im->room) {
        const int room = 2 * im->room + 256;
        struct array *grown =
            gn_realloc(im->arrays, (size_t)room * sizeof *grown, "arrays of a file");
        if (grown == NULL)
            return NULL;
        im->arrays = grown;
        im->room = room;
    }
    struct array *a = &im->arrays[im->n++];
    *a = (struct array){ .own = NULL };
    return a;
}

/* The values stay where they are, or become the array's own. */
static gn_status take_values(struct array *a, const struct gn_npy *npy, uint64_t *left)
{
    const uint64_t bytes = npy->count * npy->item;
    a->tensor.data = npy->data;
    gn_turn_little((uint8_t *)(uintptr_t)npy->data, (size_t)npy->count, (size_t)npy->item);
    if (!npy->fortran || npy->rank < 2)
        return GN_OK;
    if (bytes > *left)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "arrays in Fortran's order need more memory than is taken");
    uint8_t *turned = gn_alloc((size_t)bytes, "an array");
    if (turned == NULL)
        return gn_last_status();
    *left -= bytes;
    gn_npy_turn(npy, turned);
    gn_free(a->own);
    a->own = turned;
    a->tensor.data = turned;
    return GN_OK;
}

/* `member` gives up what it has unpacked. */
static gn_status take_array(struct import *im, struct gn_zip_member *member, uint64_t *left)
{
    char clean[NAME];
    struct gn_npy npy;
    const size_t n = strlen(member->name);
    (void)gn_printable(clean, sizeof clean, member->name);
    if (n < 5 || strcmp(member->name + n - 4, ".npy") != 0)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: %s: \"%s\" in it is no array", im->name, kind, clean);
    member->name[n - 4] = '\0';
    gn_status status = gn_npy_read(im->name, member->content, member->size, &npy);
    if (status != GN_OK)
        return gn_fail(status, "%s, array \"%.*s\"", gn_error_message(), (int)(n - 4), clean);
    if (strcmp(member->name, GN_NUMPY_DESCRIPTION) == 0)
        return take_description(im, &npy);
    if (npy.is_text)
        GN_FAIL(GN_STATUS_UNSUPPORTED, "%s: %s: the array \"%s\" holds text", im->name, kind,
                gn_printable(clean, sizeof clean, member->name));
    struct array *a = im->n == MOST ? NULL : new_array(im);
    if (a == NULL)
        return im->n == MOST ? gn_fail(GN_STATUS_UNSUPPORTED, "%s: %s: more than %d arrays",
                                       im->name, kind, MOST)
                             : gn_last_status();
    (void)snprintf(a->name, sizeof a->name, "%s", member->name);
    a->tensor = (struct gn_st_tensor){ .dtype = npy.dtype, .rank = npy.rank, .count = npy.count };
    memcpy(a->tensor.shape, npy.shape, sizeof npy.shape);
    a->own = member->unpacked;
    member->unpacked = NULL;
    status = take_values(a, &npy, left);
    return status == GN_OK ? GN_OK
                           : gn_fail(status, "%s: %s: %s", im->name, kind, gn_error_message());
}

static gn_status open_file(struct import *im)
{
    struct gn_zip_walk walk;
    struct gn_zip_member member;
    bool end = false;
    GN_TRY(gn_file_read(im->options->path, kind, GN_STATUS_BAD_MODEL, FILE_LIMIT, &im->file));
    uint64_t left = 2 * (uint64_t)im->file.size + LARGEST_GROWN;
    GN_TRY(gn_zip_begin(&walk, &im->file, im->name));
    while (!end) {
        GN_TRY(gn_zip_next(&walk, left, &member, &end));
        left -= end || member.unpacked == NULL ? 0 : member.size;
        const gn_status status = end ? GN_OK : take_array(im, &member, &left);
        gn_free(member.unpacked);
        GN_TRY(status);
    }
    for (int i = 0; i < im->n; i++) /* now that they do not move any more */
        im->arrays[i].tensor.name = im->arrays[i].name;
    return GN_OK;
}

/* ---- The network ---- */

static const struct gn_st_tensor *find(const struct import *im, const char *name)
{
    for (int i = 0; i < im->n; i++)
        if (strcmp(im->arrays[i].name, name) == 0)
            return &im->arrays[i].tensor;
    return NULL;
}

/* Dimension d of the array for the weights of a layer, 0: there is none. */
static int dimension(const struct import *im, const gn_net *net, int layer, int d)
{
    const int weight = net->graph->layers[layer].weight;
    const struct gn_st_tensor *t = weight < 0 ? NULL : find(im, net->graph->tensors[weight].name);
    return t != NULL && t->rank > d && t->shape[d] >= 1 && t->shape[d] <= GN_MAX_CHANNELS
               ? (int)t->shape[d]
               : 0;
}

/* The caller's network, or the notebook's, with the channels and classes of the arrays. */
static gn_net *by_name(const struct import *im)
{
    static const char standard[] = "googlenet";
    struct gn_shape input = im->input;
    const bool heads = find(im, "aux1.fc1.weight") != NULL;
    gn_net *net = gn_said_network(im->options, standard, input, 0, heads);
    if (net == NULL)
        return NULL;
    int first = 0;
    while (first < net->output && net->graph->layers[first].weight < 0)
        first++;
    input.c = dimension(im, net, first, 2);
    const int classes = dimension(im, net, net->output, 1);
    if ((input.c == 0 || input.c == net->input.c) && (classes == 0 || classes == net->classes))
        return net;
    gn_free_net(net);
    return gn_said_network(im->options, standard, input, classes, heads);
}

/* The one that the file describes, for the input that the caller wants. */
static gn_net *by_description(const struct import *im)
{
    const struct gn_import_options *o = im->options;
    gn_node output = { -1 };
    char *text = gn_json_text(json_incref(json_object_get(im->description, "graph")), JSON_COMPACT,
                              "the graph of a file");
    gn_graph *graph = text == NULL ? NULL : gn_graph_read(text, &output);
    gn_free(text);
    if (graph != NULL && (o->size != 0 || o->width != 0)) {
        const struct gn_graph_changes changes = {
            .height = o->size,
            .width = o->width != 0 ? o->width : o->size,
        };
        gn_graph *other = gn_graph_derive(graph, &changes, &output);
        gn_graph_free(graph);
        graph = other;
    }
    gn_net *net = graph == NULL ? NULL : gn_net_create(graph, output);
    const char *preset = json_string_value(json_object_get(im->description, "preset"));
    if (net != NULL && preset != NULL)
        (void)gn_printable(net->preset, sizeof net->preset, preset);
    return net;
}

/* A member of the description as text; NULL and GN_OK: there is none. */
static gn_status said(const struct import *im, const char *key, char **text)
{
    json_t *value = json_object_get(im->description, key);
    *text = NULL;
    if (value == NULL || json_is_null(value))
        return GN_OK;
    *text = gn_json_text(json_incref(value), JSON_COMPACT | JSON_ENCODE_ANY, "what a file says");
    return *text == NULL ? gn_last_status() : GN_OK;
}

static gn_status make_net(struct import *im)
{
    char *input;
    GN_TRY(said(im, "input", &input));
    (void)gn_said_input(input, &im->input);
    gn_free(input);
    const bool described =
        im->options->model == NULL && json_is_object(json_object_get(im->description, "graph"));
    im->net = described ? by_description(im) : by_name(im);
    return im->net == NULL
               ? gn_fail(gn_last_status(), "%s: %s: %s", im->name, kind, gn_error_message())
               : GN_OK;
}

/* ---- Weights and what else the file says ---- */

static gn_status fill(struct import *im)
{
    const struct gn_st_tensor **theirs =
        gn_calloc((size_t)im->n + 1, sizeof *theirs, "arrays of a file");
    if (theirs == NULL)
        return gn_last_status();
    for (int i = 0; i < im->n; i++)
        theirs[i] = &im->arrays[i].tensor;
    struct gn_pairs pairs = { .name = im->name,
                              .kind = kind,
                              .theirs = theirs,
                              .n_theirs = im->n,
                              .net = im->net,
                              .order = GN_ORDER_OURS };
    gn_status status = gn_pairs_make(&pairs);
    for (int i = 0; i < im->net->graph->n_tensors && status == GN_OK; i++) {
        pairs.of[i] = gn_pairs_find(&pairs, im->net->graph->tensors[i].name);
        if (pairs.of[i] >= 0)
            pairs.used[pairs.of[i]] = true;
    }
    if (status == GN_OK)
        status = gn_pairs_check(&pairs, im->options);
    if (status == GN_OK)
        status = gn_pairs_copy(&pairs);
    gn_pairs_free(&pairs);
    gn_free(theirs);
    return status;
}

static gn_status finish(struct import *im)
{
    char *steps, *labels;
    const struct gn_shape input = im->input.h > 0 ? im->input : im->net->input;
    GN_TRY(said(im, "preprocess", &steps));
    gn_status status = said(im, "labels", &labels);
    if (status == GN_OK && steps != NULL) {
        gn_said_note(im->options, "the preprocessing is the file's");
        status = gn_said_steps(im->net, input, im->name, steps, strlen(steps));
    } else if (status == GN_OK) {
        gn_said_assumed(im->net, im->options);
    }
    if (status == GN_OK && labels != NULL)
        status = gn_said_labels(im->net, im->name, labels, strlen(labels));
    gn_free(steps);
    gn_free(labels);
    return status;
}

gn_net *gn_npz_import(const struct gn_import_options *options)
{
    struct import im = { .options = options };
    (void)gn_said_name(options->path, im.name);
    gn_status status = open_file(&im);
    if (status == GN_OK)
        status = make_net(&im);
    if (status == GN_OK)
        status = fill(&im);
    if (status == GN_OK)
        status = finish(&im);
    for (int i = 0; i < im.n; i++)
        gn_free(im.arrays[i].own);
    gn_free(im.arrays);
    gn_free(im.file.data);
    json_decref(im.description);
    if (status == GN_OK)
        return im.net;
    gn_free_net(im.net);
    return NULL;
}
