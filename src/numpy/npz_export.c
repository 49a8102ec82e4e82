/*
 * An array a tensor, float32 in our order, and one with the description of the model as JSON:
 * json.loads(numpy.load("x.npz")["googlenet.json"].item()). Arrays are stored, so NumPy may map them.
 */
#include "numpy/numpy.h"

#include "base/endian.h"
#include "base/memory.h"
#include "file/json.h"
#include "formats/model.h"
#include "foreign/zip.h"
#include "numpy/npy.h"

#include <string.h>

enum { MEMBER_EXTRA = 512 }; /* bytes of an archive around the values of an array, and more */

/* "gn.model" of our model files, and the graph. */
static char *make_description(const gn_net *net)
{
    json_t *root = NULL, *graph = NULL;
    char *model = gn_model_metadata(net);
    char *layers = gn_graph_text(net->graph, (gn_node){ net->output });
    gn_status status = model == NULL || layers == NULL ? gn_last_status() : GN_OK;
    if (status == GN_OK)
        status = gn_json_parse(model, &root);
    if (status == GN_OK)
        status = gn_json_parse(layers, &graph);
    gn_free(model);
    gn_free(layers);
    if (status == GN_OK)
        gn_json_set(root, "graph", graph);
    if (status == GN_OK)
        return gn_json_text(root, JSON_COMPACT, "the description of a model");
    json_decref(root);
    return NULL;
}

static gn_status add_description(struct gn_zip_writer *zip, const gn_net *net)
{
    uint8_t head[GN_NPY_HEAD];
    char type[32], *text = make_description(net);
    if (text == NULL)
        return gn_last_status();
    const struct gn_bytes value = { (uint8_t *)text, strlen(text) };
    (void)snprintf(type, sizeof type, "|S%zu", value.size);
    const struct gn_bytes first = { head, gn_npy_head(head, type, 0, NULL) };
    const gn_status status = gn_zip_add(zip, GN_NUMPY_DESCRIPTION ".npy", &first, &value);
    gn_free(text);
    return status;
}

static gn_status add_tensor(struct gn_zip_writer *zip, const gn_net *net, int i)
{
    uint8_t head[GN_NPY_HEAD];
    char name[sizeof net->graph->tensors[0].name + 4];
    uint64_t shape[4];
    const struct gn_tensor *t = &net->graph->tensors[i];
    for (int d = 0; d < t->rank; d++)
        shape[d] = (uint64_t)t->shape[d];
    (void)snprintf(name, sizeof name, "%s.npy", t->name);
    const struct gn_bytes first = { head, gn_npy_head(head, "<f4", t->rank, shape) };
    struct gn_bytes values = { (uint8_t *)(net->params + t->offset),
                               t->count * sizeof *net->params };
    if (!gn_big_endian)
        return gn_zip_add(zip, name, &first, &values);
    values.data = gn_alloc(values.size, "a NumPy array");
    if (values.data == NULL)
        return gn_last_status();
    gn_copy_little(values.data, net->params + t->offset, t->count, sizeof *net->params);
    const gn_status status = gn_zip_add(zip, name, &first, &values);
    gn_free(values.data);
    return status;
}

gn_status gn_npz_export(const gn_net *net, const struct gn_export_options *options)
{
    const struct gn_graph *g = net->graph;
    struct gn_zip_writer *zip =
        gn_zip_create(options->path, "NumPy",
                      g->n_floats * sizeof(float) + (uint64_t)g->n_tensors * MEMBER_EXTRA);
    if (zip == NULL)
        return gn_last_status();
    gn_status status = add_description(zip, net);
    for (int i = 0; i < g->n_tensors && status == GN_OK; i++)
        status = add_tensor(zip, net, i);
    return gn_zip_commit(zip, status);
}
