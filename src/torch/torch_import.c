/* Channels, classes and heads follow from the shapes; everything else must be torchvision's network, or
 * the one that the caller names. */
#include "base/memory.h"
#include "foreign/pairs.h"
#include "foreign/said.h"
#include "ops/rules.h"
#include "torch/names.h"
#include "torch/torch.h"

#include <string.h>

static const char kind[] = "torchvision", first_name[] = "conv1.conv.weight";

/* "module." in front of all names, which a model that was trained on several devices has. */
static const char *wrapper_of(const struct gn_st_file *file)
{
    for (int i = 0; i < gn_st_count(file); i++)
        if (strncmp(gn_st_tensor(file, i)->name, gn_torch_wrapper, strlen(gn_torch_wrapper)) != 0)
            return "";
    return gn_st_count(file) > 0 ? gn_torch_wrapper : "";
}

static const struct gn_st_tensor *find(const struct gn_st_file *file, const char *name)
{
    char whole[GN_TORCH_NAME];
    (void)snprintf(whole, sizeof whole, "%s%s", wrapper_of(file), name);
    return gn_st_find(file, whole);
}

bool gn_torch_is(const struct gn_st_file *file)
{
    return find(file, first_name) != NULL;
}

/* Counters of batches are of no use here. */
static bool is_counter(const char *name)
{
    const char *last = strrchr(name, '.');
    return last != NULL && strcmp(last, ".num_batches_tracked") == 0;
}

static gn_status pair(struct gn_pairs *p, const char *wrapper)
{
    char name[GN_TORCH_NAME], whole[GN_TORCH_NAME];
    GN_TRY(gn_pairs_make(p));
    for (int i = 0; i < p->net->graph->n_tensors; i++) {
        if (!gn_torch_name(p->net->graph, i, name))
            continue;
        (void)snprintf(whole, sizeof whole, "%s%.100s", wrapper, name);
        p->of[i] = gn_pairs_find(p, whole);
        if (p->of[i] >= 0)
            p->used[p->of[i]] = true;
    }
    for (int i = 0; i < p->n_theirs; i++)
        p->used[i] |= is_counter(p->theirs[i]->name);
    return GN_OK;
}

/* What our own export said, or what the published weights expect. */
static gn_status finish(gn_net *net, const struct gn_import_options *options,
                        const struct gn_st_file *file, const char *name)
{
    const char *steps = gn_st_metadata(file, "googlenet.preprocess");
    const char *labels = gn_st_metadata(file, "googlenet.labels");
    struct gn_shape input = net->input;
    (void)gn_said_input(gn_st_metadata(file, "googlenet.input"), &input);
    if (steps == NULL && options->no_transform_input)
        net->pixels.affine = false;
    if (steps != NULL) {
        GN_TRY(gn_said_steps(net, input, name, steps, strlen(steps)));
        gn_said_note(options, "the preprocessing is the file's");
    } else {
        if (net->pixels.affine)
            gn_said_note(options, "transform_input is taken to be on, as in the published weights");
        gn_said_assumed(net, options);
    }
    return labels == NULL ? GN_OK : gn_said_labels(net, name, labels, strlen(labels));
}

static gn_status fill(gn_net *net, const struct gn_import_options *options,
                      const struct gn_st_file *file, const char *name)
{
    const struct gn_st_tensor **theirs = gn_pairs_tensors(file);
    struct gn_pairs pairs = { .name = name,
                              .kind = kind,
                              .theirs = theirs,
                              .n_theirs = gn_st_count(file),
                              .net = net,
                              .order = GN_ORDER_TORCH };
    gn_status status = theirs == NULL ? gn_last_status() : pair(&pairs, wrapper_of(file));
    if (status == GN_OK)
        status = gn_pairs_check(&pairs, options);
    if (status == GN_OK)
        status = gn_pairs_copy(&pairs);
    if (status == GN_OK)
        status = finish(net, options, file, name);
    gn_pairs_free(&pairs);
    gn_free(theirs);
    return status;
}

gn_net *gn_torch_import(const struct gn_import_options *options, const struct gn_st_file *file)
{
    char name[GN_SAID_TEXT];
    (void)gn_said_name(options->path, name);
    const struct gn_st_tensor *first = find(file, first_name), *last = find(file, "fc.weight");
    if (first->rank != 4 || last == NULL || last->rank != 2 || first->shape[1] > GN_MAX_CHANNELS ||
        last->shape[0] > GN_MAX_CHANNELS || first->shape[1] < 1 || last->shape[0] < 1) {
        (void)gn_fail(GN_STATUS_BAD_MODEL,
                      "%s: %s: conv1.conv.weight and fc.weight do not say how many channels and "
                      "classes there are",
                      name, kind);
        return NULL;
    }
    const bool heads = find(file, "aux1.fc1.weight") != NULL;
    struct gn_shape input = { 0, 0, 0 };
    (void)gn_said_input(gn_st_metadata(file, "googlenet.input"), &input);
    input.c = (int)first->shape[1];
    gn_net *net =
        gn_said_network(options, "googlenet-torchvision", input, (int)last->shape[0], heads);
    if (net == NULL || fill(net, options, file, name) != GN_OK) {
        gn_free_net(net);
        return NULL;
    }
    gn_said_note(options, heads ? "with both auxiliary heads" : "without auxiliary heads");
    return net;
}
