/*
 * Weights for Keras: .weights.h5 as Keras 3 writes it, in .keras, too; .h5 as all versions read it. The converter
 * makes the HDF5. Next to it lies a Python file with the model's definition, without which nobody can load them.
 */
#include "keras/export.h"

#include "base/endian.h"
#include "base/memory.h"
#include "base/path.h"
#include "file/json.h"
#include "foreign/said.h"
#include "keras/process.h"
#include "ops/batch_norm/norm.h"

#include <string.h>

enum { NAME = 192, STEPS_TEXT = 1024 };

static const char *const parts[] = { "p1_1", "p2_1", "p2_2", "p3_1", "p3_2", "p4_2" };

struct writing {
    const gn_net *net;
    bool as_model, legacy;
    char *labels; /* as JSON; NULL: none */
    const struct gn_keras_step *steps;
    int n_steps;
    struct item {
        char name[NAME];
        int tensor;
        int group;    /* legacy: the step whose top-level layer it is in */
        bool running; /* legacy: after those that are trained */
    } * items;
    int n;
};

/* ---- Which tensor has which name ---- */

static void add(struct writing *w, int group, const char *path, const char *own, int tensor,
                bool running)
{
    struct item *item = &w->items[w->n++];
    (void)snprintf(item->name, sizeof item->name, "%s/%s", path, own);
    item->tensor = tensor;
    item->group = group;
    item->running = running;
}

static void add_conv(struct writing *w, int group, const char *path, int layer)
{
    const struct gn_layer *l = &w->net->graph->layers[layer];
    add(w, group, path, w->legacy ? "kernel" : "vars/0", l->weight, false);
    if (l->bias >= 0)
        add(w, group, path, w->legacy ? "bias" : "vars/1", l->bias, false);
}

static void add_norm(struct writing *w, int group, const char *path, int layer)
{
    static const char *const numbers[] = { "vars/0", "vars/1", "vars/2", "vars/3" };
    static const char *const words[] = { "gamma", "beta", "moving_mean", "moving_variance" };
    static const int slots[] = { GN_NORM_GAMMA, GN_NORM_BETA, GN_NORM_RUNNING_MEAN,
                                 GN_NORM_RUNNING_VARIANCE };
    const struct gn_layer *l = &w->net->graph->layers[layer];
    for (int i = 0; i < 4; i++)
        add(w, group, path, (w->legacy ? words : numbers)[i], l->tensors[slots[i]], i > 1);
}

static void ranked(char *text, size_t size, const char *kind, int rank)
{
    if (rank > 0)
        (void)snprintf(text, size, "layers/%s_%d", kind, rank);
    else
        (void)snprintf(text, size, "layers/%s", kind);
}

static void add_block(struct writing *w, int group, const struct gn_keras_step *s)
{
    char own[48], path[NAME];
    for (int k = 0; k < 6; k++) {
        (void)snprintf(own, sizeof own, "%s", parts[k]);
        if (w->as_model)
            ranked(own, sizeof own, "conv2d", k);
        (void)snprintf(path, sizeof path, "%s/%s", s->path, own);
        add_conv(w, group, path, s->convs[k]);
    }
    /* In the order in which the block's code makes its layers, which legacy files depend on. */
    for (int k = 0; k < 6; k++) {
        if (s->norms[k] < 0)
            continue;
        (void)snprintf(own, sizeof own, "n%s", parts[k] + 1);
        if (w->as_model)
            ranked(own, sizeof own, "batch_normalization", k);
        (void)snprintf(path, sizeof path, "%s/%s", s->path, own);
        add_norm(w, group, path, s->norms[k]);
    }
}

static void add_all(struct writing *w)
{
    for (int i = 0; i < w->n_steps; i++) {
        const struct gn_keras_step *s = &w->steps[i];
        if (s->part == GN_KERAS_BLOCK)
            add_block(w, i, s);
        else if (s->part == GN_KERAS_CONV || s->part == GN_KERAS_DENSE)
            add_conv(w, i, s->path, s->layer);
        if (s->part == GN_KERAS_CONV && s->norms[0] >= 0) {
            char own[48], path[NAME];
            const char *end = strrchr(s->path, '/'); /* "layers/sequential/layers/conv2d" */
            ranked(own, sizeof own, "batch_normalization", s->convs[0]);
            (void)snprintf(path, sizeof path, "%.*s/%s", (int)(end - s->path), s->path, own + 7);
            add_norm(w, i, path, s->norms[0]);
        }
    }
}

/* ---- Groups and their attributes ---- */

/* "sequential_2" of "layers/sequential_2/layers/inception". */
static void top_of(const struct gn_keras_step *s, char top[64])
{
    const char *at = s->path + strlen("layers/");
    (void)snprintf(top, 64, "%.*s", (int)strcspn(at, "/"), at);
}

static void add_group(json_t *groups, const char *path, json_t *attributes)
{
    gn_json_add(groups, json_pack("{s:s, s:o}", "path", path, "attributes", attributes));
}

static json_t *root_attributes(const struct writing *w)
{
    char steps[STEPS_TEXT], input[64];
    json_t *root = json_object();
    (void)snprintf(input, sizeof input, "[%d,%d,%d]", w->net->input.h, w->net->input.w,
                   w->net->input.c);
    gn_json_set(root, "googlenet.input", json_string(input));
    if (gn_net_preprocess(w->net, steps, sizeof steps) == GN_OK)
        gn_json_set(root, "googlenet.preprocess", json_string(steps));
    if (w->labels != NULL)
        gn_json_set(root, "googlenet.labels", json_string(w->labels));
    return root;
}

/* The class names as one attribute. An attribute holds 64 KiB with its head. */
static gn_status take_labels(struct writing *w, const char *name)
{
    enum { MOST = 64000 };
    if (w->net->labels == NULL)
        return GN_OK;
    json_t *list = json_array();
    for (int i = 0; i < w->net->classes; i++)
        gn_json_add(list, json_string(w->net->labels[i]));
    w->labels = gn_json_text(list, JSON_COMPACT, "class names");
    if (w->labels == NULL)
        return gn_last_status();
    if (strlen(w->labels) > MOST)
        GN_FAIL(GN_STATUS_UNSUPPORTED,
                "%s: Keras: the %d class names take %zu bytes, a Keras file holds at most %d", name,
                w->net->classes, strlen(w->labels), MOST);
    return GN_OK;
}

/* Legacy files name the weights of each top-level layer in order, statistics last. */
static void add_legacy(struct writing *w, json_t *groups, json_t *root)
{
    json_t *layers = json_array();
    char top[64], last[64] = "";
    for (int i = 0; i < w->n; i++) {
        top_of(&w->steps[w->items[i].group], top);
        if (strcmp(top, last) == 0)
            continue;
        (void)snprintf(last, sizeof last, "%s", top);
        gn_json_add(layers, json_string(top));
        json_t *names = json_array(), *attributes = json_object();
        for (int turn = 0; turn < 2; turn++)
            for (int k = i; k < w->n; k++) {
                char other[64];
                top_of(&w->steps[w->items[k].group], other);
                if (strcmp(other, top) != 0 || w->items[k].running != (turn == 1))
                    continue;
                gn_json_add(names, json_string(w->items[k].name));
            }
        gn_json_set(attributes, "weight_names", names);
        add_group(groups, top, attributes);
    }
    for (int i = 0; i < w->n; i++) { /* the data sets lie in their layer's group */
        char whole[NAME + 64];
        top_of(&w->steps[w->items[i].group], top);
        (void)snprintf(whole, sizeof whole, "%s/%s", top, w->items[i].name);
        (void)snprintf(w->items[i].name, NAME, "%.*s", NAME - 1, whole);
    }
    gn_json_set(root, "layer_names", layers);
    gn_json_set(root, "backend", json_string("tensorflow"));
    gn_json_set(root, "keras_version", json_string("2.15.0"));
}

/* ---- The converter's input ---- */

static char *make_header(struct writing *w)
{
    json_t *root = json_object(), *texts = json_object(), *groups = json_array();
    json_t *attributes = root_attributes(w);
    uint64_t at = 0;
    if (w->legacy)
        add_legacy(w, groups, attributes);
    add_group(groups, "", attributes);
    char *text = gn_json_text(groups, JSON_COMPACT, "groups of a Keras file");
    gn_json_set(texts, "groups", text == NULL ? NULL : json_string(text));
    gn_free(text);
    gn_json_set(root, "__metadata__", texts);
    for (int i = 0; i < w->n; i++) {
        const struct gn_tensor *t = &w->net->graph->tensors[w->items[i].tensor];
        json_t *shape = json_array();
        for (int d = 0; d < t->rank; d++)
            gn_json_add(shape, json_integer(t->shape[d]));
        gn_json_set(root, w->items[i].name,
                    json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", shape, "data_offsets",
                              (json_int_t)at, (json_int_t)(at + 4 * t->count)));
        at += 4 * t->count;
    }
    return gn_json_text(root, JSON_COMPACT, "the header of a Keras file");
}

static gn_status make_input(struct writing *w, struct gn_bytes *input)
{
    char *header = make_header(w);
    if (header == NULL)
        return gn_last_status();
    const uint64_t n = strlen(header);
    input->size = 8 + (size_t)n;
    for (int i = 0; i < w->n; i++)
        input->size += 4 * w->net->graph->tensors[w->items[i].tensor].count;
    input->data = gn_alloc(input->size, "a Keras file");
    if (input->data != NULL) {
        uint8_t *to = input->data;
        for (int i = 0; i < 8; i++) /* little-endian, whatever this machine is */
            to[i] = (uint8_t)(n >> (8 * i));
        memcpy(to + 8, header, (size_t)n);
        to += 8 + n;
        for (int i = 0; i < w->n; i++) {
            const struct gn_tensor *t = &w->net->graph->tensors[w->items[i].tensor];
            gn_copy_little(to, w->net->params + t->offset, t->count, 4);
            to += 4 * t->count;
        }
    }
    gn_free(header);
    return input->data == NULL ? gn_last_status() : GN_OK;
}

/* ---- The files ---- */

static const char weights_ending[] = ".weights.h5", archive_ending[] = ".keras";

static bool ends(const char *path, const char *ending)
{
    const size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

/* "net.weights.h5", "net.h5" and "net.keras" have "net.py" next to them. */
static void python_path(const char *path, char py[GN_PATH_BYTES])
{
    const char *ending = gn_path_extension(path);
    const size_t n = strlen(path) - strlen(ends(path, weights_ending) ? weights_ending : ending);
    (void)snprintf(py, GN_PATH_BYTES, "%.*s.py", (int)n, path);
}

/* A file of the same name that somebody else has written stays. */
static gn_status check_python(const char *path)
{
    static const char ours[] = GN_KERAS_PYTHON_HEAD;
    char py[GN_PATH_BYTES], head[sizeof ours - 1] = "";
    struct gn_file file;
    python_path(path, py);
    if (!gn_path_exists(py))
        return GN_OK;
    GN_TRY(gn_file_open(&file, py, "Python", GN_STATUS_IO));
    const bool is_ours = file.size >= sizeof head &&
                         gn_file_pread(&file, head, sizeof head, 0) == GN_OK &&
                         memcmp(head, ours, sizeof head) == 0;
    gn_file_close(&file);
    if (!is_ours)
        GN_FAIL(
            GN_STATUS_IO,
            "%s: is there already and was not made by an export; the network's Python code would "
            "replace it: move it, or export under another name",
            py);
    return GN_OK;
}

static gn_status write_python(const struct writing *w, const char *path)
{
    char py[GN_PATH_BYTES];
    char *text = gn_keras_python(w->net, gn_path_name(path), w->steps, w->n_steps, w->as_model);
    if (text == NULL)
        return gn_last_status();
    python_path(path, py);
    const gn_status status = gn_file_write(py, "Python", text, strlen(text), NULL);
    gn_free(text);
    return status;
}

static gn_status export_steps(struct writing *w, const char *path, const char *name)
{
    struct gn_bytes input = { NULL, 0 }, output = { NULL, 0 };
    w->items = gn_calloc((size_t)w->net->graph->n_tensors + 1, sizeof *w->items, "names");
    if (w->items == NULL)
        return gn_last_status();
    add_all(w);
    GN_TRY(make_input(w, &input));
    GN_TRY(gn_keras_convert("write", name, &input, &output));
    gn_status status = ends(path, archive_ending)
                           ? gn_keras_archive(w->net, path, w->steps, w->n_steps, &output)
                           : gn_file_write(path, "Keras", output.data, output.size, NULL);
    gn_free(output.data);
    return status == GN_OK ? write_python(w, path) : status;
}

gn_status gn_keras_export(const gn_net *net, const struct gn_export_options *options)
{
    char name[GN_SAID_TEXT];
    const char *block = options->keras_block, *path = options->path;
    struct gn_keras_step *steps = NULL;
    if (block != NULL && strcmp(block, "layer") != 0 && strcmp(block, "model") != 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the block of a Keras file is \"layer\" or \"model\"");
    struct writing w = { .net = net,
                         .as_model = block != NULL && strcmp(block, "model") == 0,
                         .legacy = !ends(path, weights_ending) && !ends(path, archive_ending) };
    (void)gn_said_name(path, name);
    gn_status status = gn_keras_steps(net, name, w.as_model, &steps, &w.n_steps);
    w.steps = steps;
    if (status == GN_OK)
        status = check_python(path);
    if (status == GN_OK)
        status = take_labels(&w, name);
    if (status == GN_OK)
        status = export_steps(&w, path, name);
    gn_free(w.labels);
    gn_free(w.items);
    gn_free(steps);
    return status;
}
