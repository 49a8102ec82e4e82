/* Model files: a net's tensors into a file and back, and the public functions that do so. */
#include "formats/model_internal.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/team.h"
#include "base/threads.h"
#include "models/net_file.h"
#include "models/presets.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_TEXT = 128, SHAPE_TEXT = 96 };

/* ---- Writing ---- */

void gn_model_tensors(const struct gn_net *net, const float *values, const char *prefix,
                      char *names, struct gn_st_tensor *tensors)
{
    for (int i = 0; i < net->graph->n_tensors; i++) {
        const struct gn_tensor *tensor = &net->graph->tensors[i];
        char *name = names + (size_t)i * GN_ST_NAME_BYTES;
        (void)snprintf(name, GN_ST_NAME_BYTES, "%s%s", prefix, tensor->name);
        tensors[i] = (struct gn_st_tensor){ .name = name,
                                            .dtype = GN_F32,
                                            .rank = tensor->rank,
                                            .count = tensor->count,
                                            .data = values + tensor->offset };
        for (int d = 0; d < tensor->rank; d++)
            tensors[i].shape[d] = (uint64_t)tensor->shape[d];
    }
}

/* RFC 3339 UTC time of SOURCE_DATE_EPOCH; false when it is unset or no time. Without the variable
 * no time is written, so that equal runs give equal bytes. */
static bool creation_time(char *text, size_t size)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    if (epoch == NULL || *epoch < '0' || *epoch > '9')
        return false;
    char *end;
    errno = 0;
    const long long seconds = strtoll(epoch, &end, 10);
    struct tm utc;
    const time_t when = (time_t)seconds;
    return errno == 0 && *end == '\0' && gmtime_r(&when, &utc) != NULL &&
           strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0;
}

/* A file with NaN in it would replace the last good one. */
static gn_status check_finite(const char *path, const struct gn_st_tensor *tensors, int n)
{
    for (int i = 0; i < n; i++) {
        uint64_t where;
        char name[GN_PATH_TEXT];
        if (!gn_st_is_finite(&tensors[i], &where))
            GN_FAIL(GN_STATUS_DIVERGED,
                    "%s: safetensors: not saved, because tensor \"%s\" is NaN or infinite at "
                    "element %" PRIu64,
                    gn_printable(name, sizeof name, path), tensors[i].name, where);
    }
    return GN_OK;
}

gn_status gn_model_write(const struct gn_net *net, const char *path, const struct gn_st_text *extra,
                         int n_extra)
{
    const int n = net->graph->n_tensors;
    struct gn_st_tensor *tensors = gn_calloc((size_t)n, sizeof *tensors, "saving a model");
    char *names = gn_calloc((size_t)n, GN_ST_NAME_BYTES, "saving a model");
    struct gn_st_text *texts = gn_calloc((size_t)n_extra + 2, sizeof *texts, "saving a model");
    char *model = gn_model_metadata(net);
    gn_status status = GN_OK;
    if (tensors == NULL || names == NULL || texts == NULL || model == NULL) {
        status = gn_last_status();
    } else {
        char created[32];
        int n_texts = 0;
        texts[n_texts++] = (struct gn_st_text){ "gn.model", model };
        for (int i = 0; i < n_extra; i++)
            texts[n_texts++] = extra[i];
        if (creation_time(created, sizeof created))
            texts[n_texts++] = (struct gn_st_text){ "gn.created", created };
        gn_model_tensors(net, net->params, "", names, tensors);
        status = check_finite(path, tensors, n);
        if (status == GN_OK)
            status = gn_st_write(path, tensors, n, texts, n_texts, NULL);
    }
    gn_free(tensors);
    gn_free(names);
    gn_free(texts);
    gn_free(model);
    return status;
}

gn_status gn_save(const gn_net *net, const char *path)
{
    if (net == NULL)
        return gn_last_status();
    if (path == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the path of the model file is missing");
    return gn_model_write(net, path, NULL, 0);
}

/* ---- Reading tensors ---- */

static const char *wanted_shape(char *buffer, size_t size, const struct gn_tensor *tensor)
{
    uint64_t shape[4];
    for (int d = 0; d < tensor->rank; d++)
        shape[d] = (uint64_t)tensor->shape[d];
    return gn_st_shape_text(buffer, size, shape, tensor->rank);
}

static bool has_shape(const struct gn_st_tensor *stored, const struct gn_tensor *wanted)
{
    if (stored->rank != wanted->rank)
        return false;
    for (int d = 0; d < wanted->rank; d++)
        if (stored->shape[d] != (uint64_t)wanted->shape[d])
            return false;
    return true;
}

/* One tensor of the net against the file; *stored gets where its values are. */
static gn_status check_tensor(const struct gn_st_file *file, const char *path, const char *prefix,
                              const struct gn_tensor *wanted, const struct gn_st_tensor **stored)
{
    char name[GN_ST_NAME_BYTES], held[SHAPE_TEXT], needed[SHAPE_TEXT], other[NAME_TEXT];
    (void)snprintf(name, sizeof name, "%s%s", prefix, wanted->name);
    const struct gn_st_tensor *tensor = gn_st_find(file, name);
    const struct gn_st_tensor *first = gn_st_tensor(file, 0);
    if (tensor == NULL) {
        (void)gn_fail(GN_STATUS_BAD_MODEL, "%s: safetensors: tensor \"%s\" of shape %s is missing",
                      path, name, wanted_shape(needed, sizeof needed, wanted));
        if (first == NULL)
            gn_hint("the file holds no tensor at all");
        else
            gn_hint("the file holds %d tensors, such as \"%s\"", gn_st_count(file),
                    gn_printable(other, sizeof other, first->name));
        return GN_STATUS_BAD_MODEL;
    }
    if (!has_shape(tensor, wanted)) {
        (void)gn_fail(GN_STATUS_BAD_MODEL,
                      "%s: safetensors: tensor \"%s\" has shape %s, this network needs %s at byte "
                      "%" PRIu64,
                      path, name, gn_st_shape_text(held, sizeof held, tensor->shape, tensor->rank),
                      wanted_shape(needed, sizeof needed, wanted), gn_st_header_offset(file, name));
        gn_hint("the preset, the channels and the classes must be those of the file");
        return GN_STATUS_BAD_MODEL;
    }
    uint64_t where = 0;
    if (tensor->dtype != GN_F32 && tensor->dtype != GN_F64 && tensor->dtype != GN_F16 &&
        tensor->dtype != GN_BF16)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: tensor \"%s\" has dtype %s, weights are F64, F32, F16 or BF16 at "
                "byte %" PRIu64,
                path, name, gn_dtype_name(tensor->dtype), gn_st_header_offset(file, name));
    /* Ours never hold NaN, so it is damage; what another tool wrote is its author's business. */
    if (gn_st_is_ours(file) && !gn_st_is_finite(tensor, &where))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: tensor \"%s\" is NaN or infinite at element %" PRIu64, path, name,
                where);
    *stored = tensor;
    return GN_OK;
}

/* Prediction builds a network without the auxiliary heads that its file holds. */
static bool is_of_dropped_head(const struct gn_graph *graph, const char *name)
{
    return graph->n_heads == 0 && strncmp(name, "aux", 3) == 0 && name[3] >= '1' &&
           name[3] <= '0' + GN_MAX_HEADS && name[4] == '.';
}

/* Tensors that the net does not have: with an empty prefix all but the training state, else those
 * below the prefix. */
static gn_status check_extra(const struct gn_net *net, const struct gn_st_file *file,
                             const char *path, const char *prefix)
{
    const size_t n_prefix = strlen(prefix);
    const char *unknown = NULL;
    int n_unknown = 0;
    for (int i = 0; i < gn_st_count(file); i++) {
        const char *name = gn_st_tensor(file, i)->name;
        const bool concerned =
            n_prefix > 0 ? strncmp(name, prefix, n_prefix) == 0 : strncmp(name, "train/", 6) != 0;
        if (!concerned || gn_graph_find_tensor(net->graph, name + n_prefix) >= 0 ||
            is_of_dropped_head(net->graph, name + n_prefix))
            continue;
        unknown = unknown == NULL ? name : unknown;
        n_unknown++;
    }
    if (n_unknown == 0)
        return GN_OK;
    char text[NAME_TEXT];
    GN_FAIL(GN_STATUS_BAD_MODEL,
            "%s: safetensors: tensor \"%s\" is none of this network's (%d such in the file) at "
            "byte %" PRIu64,
            path, gn_printable(text, sizeof text, unknown), n_unknown,
            gn_st_header_offset(file, unknown));
}

/* Whether a tensor belongs to a layer of logits that the file has for another number of classes. */
static bool is_other_head(const struct gn_net *net, const struct gn_st_file *file, int i)
{
    const struct gn_graph *g = net->graph;
    const struct gn_tensor *wanted = &g->tensors[i];
    const struct gn_st_tensor *stored = gn_st_find(file, wanted->name);
    bool of_head = false;
    for (int k = 0; k < g->n_layers; k++)
        of_head |= (g->layers[k].weight == i || g->layers[k].bias == i) &&
                   g->layers[k].op->makes_vector && g->layers[k].out.c == net->classes;
    if (!of_head || stored == NULL || stored->rank != wanted->rank)
        return false;
    for (int d = 0; d + 1 < wanted->rank; d++)
        if (stored->shape[d] != (uint64_t)wanted->shape[d])
            return false;
    return stored->shape[wanted->rank - 1] != (uint64_t)net->classes;
}

/* Tensors of a file that become values of a net. */
struct conversion {
    const struct gn_graph *graph;
    const struct gn_st_tensor **stored; /* NULL: stays as it is */
    float *values;
};

static void convert(void *argument, size_t i)
{
    const struct conversion *c = argument;
    if (c->stored[i] != NULL)
        (void)gn_st_to_float(c->stored[i], c->values + c->graph->tensors[i].offset);
}

/* `drawn` not NULL: a head of another number of classes is left as it is, *drawn counts its
 * tensors. */
static gn_status read_tensors(const struct gn_net *net, const struct gn_st_file *file,
                              const char *path, const char *prefix, float *values, int *drawn)
{
    char name[GN_PATH_TEXT];
    const struct gn_graph *graph = net->graph;
    (void)gn_printable(name, sizeof name, path);
    const struct gn_st_tensor **stored =
        gn_calloc((size_t)graph->n_tensors, sizeof *stored, "reading a model");
    if (stored == NULL)
        return gn_last_status();
    gn_status status = GN_OK;
    for (int i = 0; i < graph->n_tensors && status == GN_OK; i++) {
        if (drawn != NULL && is_other_head(net, file, i))
            ++*drawn;
        else
            status = check_tensor(file, name, prefix, &graph->tensors[i], &stored[i]);
    }
    if (status == GN_OK)
        status = check_extra(net, file, name, prefix);
    /* Nothing can fail any more: the caller's values change completely or not at all. */
    struct conversion conversion = { graph, stored, values };
    if (status == GN_OK)
        gn_parallel(gn_usable_threads(NULL), (size_t)graph->n_tensors, convert, &conversion);
    gn_free(stored);
    return status;
}

gn_status gn_model_read_tensors(const struct gn_net *net, const struct gn_st_file *file,
                                const char *path, const char *prefix, float *values)
{
    return read_tensors(net, file, path, prefix, values, NULL);
}

/* ---- Loading ---- */

/* The file's layer table against the net's. Another input size changes the table, not the
 * tensors, and is allowed. */
static gn_status check_layers(const struct gn_net *net, const struct gn_model_fields *fields,
                              const char *name)
{
    char layers[17], preset[NAME_TEXT], stored[32];
    gn_net_fingerprint(net, layers);
    if (fields->h != net->input.h || fields->w != net->input.w ||
        fields->channels != net->input.c || fields->classes != net->classes ||
        strcmp(layers, fields->layers) == 0)
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_MODEL,
            "%s: safetensors: the file is of another network (preset \"%s\" with layer table %s, "
            "this one has %s)",
            name, gn_printable(preset, sizeof preset, fields->preset),
            gn_printable(stored, sizeof stored, fields->layers), layers);
}

/* A network for the file: its own description, overridden by the caller's options. */
static gn_net *build(const struct gn_load_options *options, const struct gn_model_fields *fields,
                     const char *name)
{
    const bool ours = fields->root != NULL;
    if (ours && options->preset == NULL && strcmp(fields->preset, "custom") == 0) {
        (void)gn_fail(GN_STATUS_BAD_MODEL,
                      "%s: safetensors: the file holds weights of a network of your own, not of a "
                      "preset",
                      name);
        gn_hint("build the same network and read the file with gn_load_weights");
        return NULL;
    }
    /* No path that stands in a file is opened. */
    if (ours && options->preset == NULL && fields->net == NULL && gn_is_net_file(fields->preset)) {
        (void)gn_fail(GN_STATUS_BAD_MODEL,
                      "%s: safetensors: the description of the network (\"net\") is missing", name);
        return NULL;
    }
    if (ours && options->size == 0 && fields->h != fields->w) {
        (void)gn_fail(GN_STATUS_UNSUPPORTED, "%s: safetensors: the input of %dx%d is not square",
                      name, fields->h, fields->w);
        return NULL;
    }
    const struct gn_preset_options wanted = {
        .preset = options->preset != NULL ? options->preset : fields->preset,
        .size = options->size != 0 ? options->size : fields->h,
        .channels = options->channels != 0 ? options->channels : fields->channels,
        .classes = options->classes != 0 ? options->classes : fields->classes,
        .resize = options->resize != GN_RESIZE_DEFAULT ? options->resize : fields->resize,
        .seed = options->seed,
        .aux = options->aux && fields->has_heads,
        .net_text = options->preset != NULL ? NULL : fields->net,
    };
    /* A new head keeps its initial values; all others come from the file. */
    gn_net *net = options->new_head ? gn_preset_with(&wanted) : gn_preset_blank(&wanted);
    if (net != NULL && gn_net_reserve(net) == GN_OK)
        return net;
    gn_free_net(net);
    /* What the file says is the file's fault. */
    const bool by_caller = !ours || options->size != 0 || options->channels != 0 ||
                           options->classes != 0 || options->preset != NULL;
    const gn_status status = gn_last_status();
    const bool is_file = !by_caller && status != GN_STATUS_NO_MEMORY;
    (void)gn_fail(is_file ? GN_STATUS_BAD_MODEL : status, "%s: %s", name, gn_error_message());
    return NULL;
}

static gn_status set_labels(gn_net *net, const struct gn_model_fields *fields)
{
    if (fields->labels == NULL || fields->classes != net->classes)
        return GN_OK;
    const char **labels = gn_calloc((size_t)net->classes, sizeof *labels, "class names");
    if (labels == NULL)
        return gn_last_status();
    for (int i = 0; i < net->classes; i++)
        labels[i] = json_string_value(json_array_get(fields->labels, (size_t)i));
    const gn_status status = gn_net_set_labels(net, labels, net->classes);
    gn_free(labels);
    return status;
}

gn_status gn_model_read_pixels(struct gn_net *net, const struct gn_st_file *file, const char *path)
{
    char name[GN_PATH_TEXT];
    struct gn_model_fields fields;
    const gn_status status =
        gn_model_fields_read(file, gn_printable(name, sizeof name, path), &fields);
    if (status == GN_OK)
        gn_net_take_pixels(net, &fields.pixels,
                           (struct gn_shape){ fields.h, fields.w, fields.channels });
    gn_model_fields_free(&fields);
    return status;
}

static gn_status fill(gn_net *net, const struct gn_st_file *file,
                      const struct gn_load_options *options, const char *name,
                      const struct gn_model_fields *fields)
{
    int drawn = 0;
    if (fields->root != NULL && strcmp(fields->preset, net->preset) == 0)
        GN_TRY(gn_model_fields_check(net, name, fields));
    if (fields->root != NULL)
        GN_TRY(check_layers(net, fields, name));
    GN_TRY(
        read_tensors(net, file, options->path, "", net->params, options->new_head ? &drawn : NULL));
    if (options->drawn != NULL)
        *options->drawn = drawn;
    if (fields->root != NULL)
        gn_net_take_pixels(net, &fields->pixels,
                           (struct gn_shape){ fields->h, fields->w, fields->channels });
    return set_labels(net, fields);
}

static gn_status check_options(const struct gn_load_options *options)
{
    if (options->path == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the path of the model file is missing");
    if (options->size < 0 || options->channels < 0 || options->classes < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "size %d, channels %d and classes %d must not be negative",
                options->size, options->channels, options->classes);
    if ((int)options->resize < 0 || options->resize > GN_RESIZE_PIL_BILINEAR)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d is no resize rule", (int)options->resize);
    return GN_OK;
}

static gn_net *load(const struct gn_load_options *options, const struct gn_st_file *file)
{
    char name[GN_PATH_TEXT];
    (void)gn_printable(name, sizeof name, options->path);
    if (!gn_st_is_ours(file) && options->preset == NULL) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "%s: safetensors: the file does not say which network its weights belong to",
                      name);
        gn_hint("--preset NAME --size N --channels N --classes N --resize RULE say it");
        return NULL;
    }
    struct gn_model_fields fields = { .root = NULL };
    gn_net *net = NULL;
    if (!gn_st_is_ours(file))
        fields.has_heads = gn_st_find(file, "aux1.fc1.weight") != NULL;
    if (!gn_st_is_ours(file) || gn_model_fields_read(file, name, &fields) == GN_OK)
        net = build(options, &fields, name);
    if (net != NULL && fill(net, file, options, name, &fields) != GN_OK) {
        gn_free_net(net);
        net = NULL;
    }
    if (net != NULL)
        net->resize_is_given = true;
    gn_model_fields_free(&fields);
    return net;
}

gn_net *gn_load_with(const struct gn_load_options *options)
{
    static const struct gn_load_options none = { .path = NULL };
    options = options == NULL ? &none : options;
    if (check_options(options) != GN_OK)
        return NULL;
    struct gn_st_file *file = gn_st_open(options->path);
    if (file == NULL)
        return NULL;
    gn_net *net = load(options, file);
    gn_st_close(file);
    return net;
}

gn_status gn_load_weights(gn_net *net, const char *path)
{
    if (net == NULL)
        return gn_last_status();
    struct gn_st_file *file = gn_st_open(path);
    if (file == NULL)
        return gn_last_status();
    char name[GN_PATH_TEXT];
    (void)gn_printable(name, sizeof name, path);
    struct gn_model_fields fields = { .root = NULL };
    gn_status status = GN_OK;
    if (gn_st_is_ours(file))
        status = gn_model_fields_read(file, name, &fields);
    if (status == GN_OK && fields.root != NULL)
        status = check_layers(net, &fields, name);
    if (status == GN_OK)
        status = gn_model_read_tensors(net, file, path, "", net->params);
    gn_model_fields_free(&fields);
    gn_st_close(file);
    return status;
}
