/* The network that a model file is of. */
#include "formats/model_internal.h"
#include "graph/text.h"
#include "models/net_file.h"
#include "models/presets.h"

#include <string.h>

enum { NAME_TEXT = 128 };

/* The last error with the file's name in front; what a file says is the file's fault. */
static gn_status blame(const char *name, const char *what, bool on_file)
{
    const gn_status status = gn_last_status();
    const bool keeps = !on_file || status == GN_STATUS_NO_MEMORY || status == GN_STATUS_UNSUPPORTED;
    return gn_fail(keeps ? status : GN_STATUS_BAD_MODEL, "%s: %s%s", name, what,
                   gn_error_message());
}

static gn_net *of_graph(const struct gn_model_fields *fields, const char *name)
{
    gn_node output;
    gn_graph *graph = gn_graph_read(fields->graph, &output);
    gn_net *net = graph == NULL ? NULL : gn_net_create(graph, output);
    if (net == NULL) {
        (void)blame(name, "safetensors: the network of the file: ", true);
        return NULL;
    }
    if (net->input.h == fields->h && net->input.w == fields->w &&
        net->input.c == fields->channels && net->classes == fields->classes) {
        (void)gn_printable(net->preset, sizeof net->preset, fields->preset);
        return net;
    }
    (void)gn_fail(
        GN_STATUS_BAD_MODEL,
        "%s: safetensors: \"gn.model\" has an input of %dx%dx%d and %d classes, the graph "
        "has %dx%dx%d and %d",
        name, fields->h, fields->w, fields->channels, fields->classes, net->input.h, net->input.w,
        net->input.c, net->classes);
    gn_free_net(net);
    return NULL;
}

/* What a file of version 0.1.0 cannot say. */
static gn_status check_old(const struct gn_model_fields *fields, const char *name)
{
    if (strcmp(fields->preset, "custom") == 0) {
        (void)gn_fail(GN_STATUS_BAD_MODEL,
                      "%s: safetensors: the file holds weights of a network of your own, but not "
                      "the network, which version 0.1.0 did not write",
                      name);
        gn_hint("build the same network and read the file with gn_load_weights");
        return GN_STATUS_BAD_MODEL;
    }
    /* No path that is in a file is opened. */
    if (fields->net == NULL && gn_is_net_file(fields->preset))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: the description of the network (\"net\") is missing", name);
    return GN_OK;
}

gn_net *gn_model_network(const struct gn_load_options *options, const struct gn_st_file *file,
                         const struct gn_model_fields *fields, const char *name)
{
    const bool ours = fields->root != NULL;
    if (options->preset == NULL && fields->graph != NULL)
        return of_graph(fields, name);
    if (options->preset == NULL && check_old(fields, name) != GN_OK)
        return NULL;
    const struct gn_preset_options wanted = {
        .preset = options->preset != NULL ? options->preset : fields->preset,
        .size = ours ? fields->h : options->size,
        .width = ours ? fields->w : options->width,
        .channels = ours ? fields->channels : options->channels,
        .classes = ours ? fields->classes : options->classes,
        .resize = options->resize != GN_RESIZE_DEFAULT ? options->resize : fields->resize,
        .aux = ours ? fields->has_heads : gn_st_find(file, "aux1.fc1.weight") != NULL,
        .net_text = options->preset != NULL ? NULL : fields->net,
    };
    gn_net *net = gn_preset_blank(&wanted);
    if (net == NULL)
        (void)blame(name, "", ours && options->preset == NULL);
    return net;
}

/* By the graph that the file holds. */
static gn_status check_graph(const struct gn_net *net, const struct gn_model_fields *fields,
                             const char *name)
{
    char ours[GN_FINGERPRINT_BYTES], theirs[GN_FINGERPRINT_BYTES], preset[NAME_TEXT];
    gn_net *held = of_graph(fields, name);
    gn_status status = held == NULL ? gn_last_status() : GN_OK;
    if (status == GN_OK)
        status = gn_net_fingerprint(held, theirs);
    if (status == GN_OK)
        status = gn_net_fingerprint(net, ours);
    gn_free_net(held);
    if (status == GN_OK && strcmp(ours, theirs) != 0)
        status = gn_fail(GN_STATUS_BAD_MODEL,
                         "%s: safetensors: the file is of another network (\"%s\" with fingerprint "
                         "%s, this one has %s)",
                         name, gn_printable(preset, sizeof preset, fields->preset), theirs, ours);
    return status;
}

gn_status gn_model_check_network(const struct gn_net *net, const struct gn_model_fields *fields,
                                 const char *name)
{
    char layers[GN_FINGERPRINT_BYTES], preset[NAME_TEXT], stored[32];
    /* Other channels or classes differ in the shape of a tensor, which says more. */
    if (fields->channels != net->input.c || fields->classes != net->classes)
        return GN_OK;
    if (fields->graph != NULL && GN_TRAINING)
        return check_graph(net, fields, name);
    if (fields->graph != NULL)
        GN_FAIL(
            GN_STATUS_UNSUPPORTED,
            "%s: safetensors: the file holds its own network; this library, which only predicts, "
            "cannot compare it with a preset: load the file without one",
            name);
    /* The old hash holds the pads, which follow from the size. */
    gn_net_old_fingerprint(net, layers);
    if (fields->h != net->input.h || fields->w != net->input.w ||
        strcmp(layers, fields->layers) == 0)
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_MODEL,
            "%s: safetensors: the file is of another network (preset \"%s\" with layer table %s, "
            "this one has %s)",
            name, gn_printable(preset, sizeof preset, fields->preset),
            gn_printable(stored, sizeof stored, fields->layers), layers);
}
