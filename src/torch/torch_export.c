/* The tensors under torchvision's names and in its orders, float32, each normalisation with the counter
 * that PyTorch keeps. */
#include "base/memory.h"
#include "file/json.h"
#include "foreign/order.h"
#include "foreign/said.h"
#include "torch/names.h"
#include "torch/torch.h"

#include <string.h>

enum { STEPS_TEXT = 1024 };

struct writing {
    const gn_net *net;
    const char *path; /* printable */
    struct gn_st_tensor *tensors;
    char (*names)[GN_TORCH_NAME];
    float *values; /* as the parameters lie, in the other order */
    int n;
};

static const int64_t no_batches;

static void add_counter(struct writing *w, const char *mean)
{
    char *name = w->names[w->n];
    memcpy(name, mean, GN_TORCH_NAME);
    char *last = strrchr(name, '.');
    (void)snprintf(last, GN_TORCH_NAME - (size_t)(last - name), ".num_batches_tracked");
    w->tensors[w->n++] =
        (struct gn_st_tensor){ .name = name, .dtype = GN_I64, .count = 1, .data = &no_batches };
}

static gn_status add(struct writing *w, int i)
{
    int slot;
    const struct gn_graph *g = w->net->graph;
    const struct gn_tensor *t = &g->tensors[i];
    char *name = w->names[w->n];
    if (!gn_torch_name(g, i, name)) {
        char clean[GN_NAME_BYTES + 8];
        (void)gn_fail(GN_STATUS_UNSUPPORTED,
                      "%s: torchvision: its network has no tensor for \"%s\"", w->path,
                      gn_printable(clean, sizeof clean, t->name));
        gn_hint("layers must be called as in the preset googlenet-torchvision");
        return GN_STATUS_UNSUPPORTED;
    }
    struct gn_st_tensor *to = &w->tensors[w->n++];
    *to = (struct gn_st_tensor){ .name = name, .dtype = GN_F32, .count = t->count };
    to->rank = gn_order_shape(g, i, GN_ORDER_TORCH, to->shape);
    to->data = w->values + t->offset;
    gn_order_give(g, i, GN_ORDER_TORCH, w->net->params + t->offset, w->values + t->offset);
    const struct gn_layer *layer = gn_order_owner(g, i, &slot);
    if (layer->op->fuses == GN_FUSE_NORM && layer->op->tensors[slot].running && slot == 2)
        add_counter(w, name);
    return GN_OK;
}

static char *label_text(const gn_net *net)
{
    json_t *list = json_array();
    for (int i = 0; i < net->classes; i++)
        gn_json_add(list, json_string(net->labels[i]));
    return gn_json_text(list, JSON_COMPACT, "class names");
}

static gn_status write(struct writing *w, const char *path)
{
    char steps[STEPS_TEXT], input[64];
    struct gn_st_text texts[4] = { { "format", "pt" },
                                   { "googlenet.input", input },
                                   { "googlenet.preprocess", steps } };
    char *labels = NULL;
    (void)snprintf(input, sizeof input, "[%d,%d,%d]", w->net->input.h, w->net->input.w,
                   w->net->input.c);
    GN_TRY(gn_net_preprocess(w->net, steps, sizeof steps));
    if (w->net->labels != NULL) {
        labels = label_text(w->net);
        if (labels == NULL)
            return gn_last_status();
        texts[3] = (struct gn_st_text){ "googlenet.labels", labels };
    }
    const gn_status status =
        gn_st_write_plain(path, w->tensors, w->n, texts, labels == NULL ? 3 : 4);
    gn_free(labels);
    return status;
}

gn_status gn_torch_export(const gn_net *net, const struct gn_export_options *options)
{
    char path[GN_SAID_TEXT];
    const size_t n = (size_t)net->graph->n_tensors;
    struct writing w = { .net = net, .path = gn_said_name(options->path, path) };
    w.tensors = gn_calloc(2 * n + 1, sizeof *w.tensors, "an exported model");
    w.names = gn_calloc(2 * n + 1, sizeof *w.names, "an exported model");
    w.values = gn_calloc(net->graph->n_floats + 1, sizeof *w.values, "an exported model");
    gn_status status =
        w.tensors == NULL || w.names == NULL || w.values == NULL ? gn_last_status() : GN_OK;
    for (int i = 0; i < (int)n && status == GN_OK; i++)
        status = add(&w, i);
    if (status == GN_OK)
        status = write(&w, options->path);
    gn_free(w.tensors);
    gn_free(w.names);
    gn_free(w.values);
    return status;
}
