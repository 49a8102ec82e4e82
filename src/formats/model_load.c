/*
 * Loading a model file: the network that it is of, what the caller wants changed, the tensors found
 * and checked, and only then room for the parameters.
 */
#include "formats/model_internal.h"

#include "file/file.h"
#include "base/memory.h"
#include "graph/derive.h"
#include "models/presets.h"

#include <stdlib.h>
#include <string.h>

/* ---- The network that the caller wants ---- */

/* Copies what is no part of a graph. */
static gn_net *like(const gn_net *net, gn_graph *graph, gn_node output)
{
    gn_net *other = graph == NULL ? NULL : gn_net_create(graph, output);
    if (other == NULL)
        return NULL;
    memcpy(other->preset, net->preset, sizeof other->preset);
    other->resize = net->resize;
    gn_net_take_pixels(other, &net->pixels, net->input);
    return other;
}

static gn_net *derive(const gn_net *net, const struct gn_graph_changes *changes)
{
    gn_node output = { net->output };
    gn_graph *graph = gn_graph_derive(net->graph, changes, &output);
    return like(net, graph, output);
}

/* A size beyond the largest possible one is a matter of memory, if it is. */
static gn_status check_size(const gn_net *net, const struct gn_graph_changes *changes)
{
    const int size = changes->height > changes->width ? changes->height : changes->width;
    struct gn_graph_changes largest = *changes;
    if (size <= GN_MAX_SIZE)
        return GN_OK;
    largest.height = largest.width = GN_MAX_SIZE;
    return gn_preset_check_size(derive(net, &largest), size);
}

/* The net itself, or another in its place. NULL: the net is gone. */
static gn_net *change(gn_net *net, const struct gn_load_options *o, const char *name)
{
    const struct gn_graph_changes changes = {
        .height = o->size,
        .width = o->width != 0 ? o->width : o->size,
        .channels = o->channels,
        .classes = o->classes,
        .drop_heads = !o->aux,
    };
    const struct gn_shape in = net->input;
    const bool is_same =
        (o->size == 0 || o->size == in.h) && (changes.width == 0 || changes.width == in.w) &&
        (o->channels == 0 || o->channels == in.c) &&
        (o->classes == 0 || o->classes == net->classes) && (o->aux || net->graph->n_heads == 0);
    if (is_same)
        return net;
    gn_net *other = check_size(net, &changes) == GN_OK ? derive(net, &changes) : NULL;
    if (other == NULL)
        (void)gn_fail(gn_last_status(), "%s: %s", name, gn_error_message());
    return other;
}

/* ---- Values and words ---- */

/* Finds the tensors first: a small file must not take the memory of a large network. */
static gn_status take_values(gn_net *net, struct gn_model_search *search,
                             const struct gn_load_options *options)
{
    struct gn_model_found *found =
        gn_calloc((size_t)net->graph->n_tensors, sizeof *found, "reading a model");
    gn_status status = found == NULL ? gn_last_status() : gn_model_find(search, found);
    /* What is drawn keeps its initial values; all others come from the file. */
    if (status == GN_OK)
        status = search->drawn > 0 ? gn_net_init(net, options->seed) : gn_net_reserve(net);
    if (status == GN_OK)
        status = gn_model_copy(search, found, net->params);
    net->is_loaded = true;
    gn_free(found);
    return status;
}

static gn_status fill(gn_net *net, const struct gn_graph *held, const struct gn_st_file *file,
                      const struct gn_model_fields *fields, const struct gn_load_options *options,
                      const char *name)
{
    bool logits[GN_MAX_LAYERS] = { false };
    struct gn_class_map map = { .from = NULL };
    struct gn_model_search search = {
        .file = file, .name = name, .prefix = "", .graph = net->graph, .held = held
    };
    if (options->new_head) {
        gn_graph_mark_logits(net->graph, (gn_node){ net->output }, logits);
        search.logits = logits;
        search.map = &map;
        GN_TRY(gn_class_map_make(&map, options, fields, net->classes));
    }
    const gn_status status = take_values(net, &search, options);
    if (status == GN_OK && options->drawn != NULL)
        *options->drawn = search.drawn;
    if (status == GN_OK && options->new_head)
        gn_class_map_note(&map, options, fields, search.drawn);
    gn_free(map.from);
    return status;
}

static gn_status set_labels(gn_net *net, const struct gn_load_options *options,
                            const struct gn_model_fields *fields, const char *name)
{
    if (options->labels != NULL)
        return gn_net_set_labels(net, options->labels, net->classes);
    if (fields->labels == NULL || fields->classes != net->classes)
        return GN_OK;
    const char **labels = gn_calloc((size_t)net->classes, sizeof *labels, "class names");
    if (labels == NULL)
        return gn_last_status();
    for (int i = 0; i < net->classes; i++)
        labels[i] = json_string_value(json_array_get(fields->labels, (size_t)i));
    const gn_status status = gn_net_set_labels(net, labels, net->classes);
    gn_free(labels);
    return status == GN_STATUS_BAD_ARGUMENT
               ? gn_fail(GN_STATUS_BAD_MODEL, "%s: safetensors: %s", name, gn_error_message())
               : status;
}

/* ---- Loading ---- */

static gn_status check_options(const struct gn_load_options *options)
{
    if (options->path == NULL && options->bytes == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the path of the model file is missing");
    if (options->size < 0 || options->width < 0 || options->channels < 0 || options->classes < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "size %d, width %d, channels %d and classes %d must not be negative", options->size,
                options->width, options->channels, options->classes);
    if ((int)options->resize < 0 || options->resize > GN_RESIZE_PIL_BILINEAR)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d is not a resize rule", (int)options->resize);
    if (options->labels != NULL && (options->classes == 0 || !options->new_head))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "class names are given without their number (.classes) and .new_head");
    return GN_OK;
}

/* The network of the file as it is becomes the one that the caller wants. */
static gn_net *load_net(const struct gn_load_options *options, const struct gn_st_file *file,
                        const struct gn_model_fields *fields, const char *name)
{
    gn_net *held = gn_model_network(options, file, fields, name);
    if (held == NULL)
        return NULL;
    const bool ours = fields->root != NULL;
    if (ours && options->resize == GN_RESIZE_DEFAULT)
        held->resize = fields->resize;
    else if (options->resize != GN_RESIZE_DEFAULT)
        held->resize = options->resize;
    if (ours)
        gn_net_take_pixels(held, &fields->pixels,
                           (struct gn_shape){ fields->h, fields->w, fields->channels });
    gn_net *net = NULL;
    /* A network that was built from the file's own graph is that of the file. */
    const bool by_name = ours && (options->preset != NULL || fields->graph == NULL);
    if (!by_name || gn_model_check_network(held, fields, name) == GN_OK)
        net = change(held, options, name);
    if (net != NULL && (fill(net, held->graph, file, fields, options, name) != GN_OK ||
                        set_labels(net, options, fields, name) != GN_OK)) {
        if (net != held)
            gn_free_net(net);
        net = NULL;
    }
    if (net != held)
        gn_free_net(held);
    return net;
}

static gn_net *load(const struct gn_load_options *options, const struct gn_st_file *file)
{
    char name[GN_PATH_TEXT];
    (void)gn_printable(name, sizeof name, options->path);
    if (!gn_st_is_ours(file) && options->preset == NULL) {
        (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                      "%s: safetensors: the file does not say which network its weights belong to",
                      name);
        gn_hint("give .preset, and .size, .channels, .classes and .resize where they are not the "
                "preset's");
        return NULL;
    }
    struct gn_model_fields fields = { .root = NULL };
    gn_net *net = NULL;
    if (!gn_st_is_ours(file) || gn_model_fields_read(file, name, &fields) == GN_OK)
        net = load_net(options, file, &fields, name);
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
    struct gn_load_options named = *options;
    if (options->bytes != NULL && options->path == NULL)
        named.path = "model in memory";
    struct gn_st_file *file =
        options->bytes == NULL
            ? gn_st_open(options->path)
            : gn_st_of_bytes(options->bytes->bytes, options->bytes->size, named.path);
    if (file == NULL)
        return NULL;
    gn_net *net = load(&named, file);
    gn_st_close(file);
    char name[GN_PATH_TEXT];
    if (net != NULL)
        gn_say(GN_LOG_INFO, "%s: loaded, %s at %dx%dx%d with %d classes",
               gn_printable(name, sizeof name, named.path), net->preset, net->input.h, net->input.w,
               net->input.c, net->classes);
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
    struct gn_model_search search = {
        .file = file, .name = name, .prefix = "", .graph = net->graph
    };
    gn_net *held = NULL;
    gn_status status = GN_OK;
    if (gn_st_is_ours(file))
        status = gn_model_fields_read(file, name, &fields);
    if (status == GN_OK && fields.root != NULL)
        status = gn_model_check_network(net, &fields, name);
    if (status == GN_OK && fields.graph != NULL) {
        held = gn_model_network(&(struct gn_load_options){ .path = path }, file, &fields, name);
        status = held == NULL ? gn_last_status() : GN_OK;
    }
    search.held = held == NULL ? NULL : held->graph;
    if (status == GN_OK)
        status = gn_model_read(&search, net->params);
    gn_free_net(held);
    gn_model_fields_free(&fields);
    gn_st_close(file);
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

gn_status gn_model_check_file(const struct gn_net *net, const struct gn_st_file *file,
                              const char *path)
{
    char name[GN_PATH_TEXT];
    struct gn_model_fields fields;
    gn_status status = gn_model_fields_read(file, gn_printable(name, sizeof name, path), &fields);
    if (status == GN_OK && (fields.h != net->input.h || fields.w != net->input.w ||
                            fields.channels != net->input.c || fields.classes != net->classes))
        status = gn_fail(GN_STATUS_BAD_MODEL,
                         "%s: safetensors: the file is of another network (input %dx%dx%d and %d "
                         "classes, this one has %dx%dx%d and %d)",
                         name, fields.h, fields.w, fields.channels, fields.classes, net->input.h,
                         net->input.w, net->input.c, net->classes);
    if (status == GN_OK)
        status = gn_model_check_network(net, &fields, name);
    gn_model_fields_free(&fields);
    return status;
}
