/* The tensors of a graph in a file: found and checked first, copied when nothing can fail any more. */
#include "formats/model_internal.h"

#include "file/file.h"
#include "base/memory.h"
#include "base/team.h"
#include "base/threads.h"
#include "ops/kernels.h"

#include <float.h>
#include <inttypes.h>
#include <string.h>

enum { NAME_TEXT = 128, SHAPE_TEXT = 96 };

static const char *wanted_shape(char *buffer, size_t size, const struct gn_tensor *tensor)
{
    uint64_t shape[4];
    for (int d = 0; d < tensor->rank; d++)
        shape[d] = (uint64_t)tensor->shape[d];
    return gn_st_shape_text(buffer, size, shape, tensor->rank);
}

/* Equal shapes, but for the last `free` dimensions. */
static bool has_shape(const struct gn_st_tensor *stored, const struct gn_tensor *wanted, int free)
{
    if (stored->rank != wanted->rank)
        return false;
    for (int d = 0; d < wanted->rank - free; d++)
        if (stored->shape[d] != (uint64_t)wanted->shape[d])
            return false;
    return true;
}

static gn_status missing(const struct gn_model_search *s, const char *name,
                         const struct gn_tensor *wanted)
{
    char needed[SHAPE_TEXT], other[NAME_TEXT];
    const struct gn_st_tensor *first = gn_st_tensor(s->file, 0);
    (void)gn_fail(GN_STATUS_BAD_MODEL, "%s: safetensors: tensor \"%s\" of shape %s is missing",
                  s->name, name, wanted_shape(needed, sizeof needed, wanted));
    if (first == NULL)
        gn_hint("the file holds no tensor at all");
    else
        gn_hint("the file holds %d tensors, such as \"%s\"", gn_st_count(s->file),
                gn_printable(other, sizeof other, first->name));
    return GN_STATUS_BAD_MODEL;
}

/* The tensor of a graph that holds the scales of weights of 8 bits, tensor i; -1: they are not of those. */
static int scales_of(const struct gn_graph *g, int i)
{
    char name[sizeof g->tensors[i].name + sizeof "_scale"];
    (void)snprintf(name, sizeof name, "%s_scale", g->tensors[i].name);
    return gn_graph_find_tensor(g, name);
}

/* Weights of 8 bits: larger ones than a sum has room for are damage. */
static gn_status check_int8(const struct gn_model_search *s, const char *name,
                            const struct gn_st_tensor *tensor)
{
    const int8_t *values = tensor->data;
    if (tensor->dtype != GN_I8)
        GN_FAIL(
            GN_STATUS_BAD_MODEL,
            "%s: safetensors: tensor \"%s\" has dtype %s, the network is quantised and needs I8 at "
            "byte %" PRIu64,
            s->name, name, gn_dtype_name(tensor->dtype), gn_st_header_offset(s->file, name));
    for (uint64_t i = 0; i < tensor->count; i++)
        if (values[i] > GN_BYTES_WEIGHT || values[i] < -GN_BYTES_WEIGHT)
            GN_FAIL(GN_STATUS_BAD_MODEL,
                    "%s: safetensors: tensor \"%s\" is %d at element %" PRIu64
                    ", weights of 8 bits are from -%d to %d",
                    s->name, name, values[i], i, (int)GN_BYTES_WEIGHT, (int)GN_BYTES_WEIGHT);
    return GN_OK;
}

static gn_status check_value(const struct gn_model_search *s, const char *name,
                             const struct gn_st_tensor *tensor)
{
    uint64_t where = 0;
    if (tensor->dtype != GN_F32 && tensor->dtype != GN_F64 && tensor->dtype != GN_F16 &&
        tensor->dtype != GN_BF16)
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: tensor \"%s\" has dtype %s, weights are F64, F32, F16 or BF16 at "
                "byte %" PRIu64,
                s->name, name, gn_dtype_name(tensor->dtype), gn_st_header_offset(s->file, name));
    /* Ours never hold NaN, so it is damage; what another tool wrote is its author's business. */
    if (gn_st_is_ours(s->file) && !gn_st_is_finite(tensor, &where))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: tensor \"%s\" is NaN or infinite at element %" PRIu64, s->name,
                name, where);
    return GN_OK;
}

static bool is_scales(const struct gn_graph *g, int i)
{
    for (int k = 0; k < g->n_layers; k++)
        if (gn_layer_flag(&g->layers[k], "int8") && g->layers[k].tensors[GN_CONV_SCALE] == i)
            return true;
    return false;
}

/* Weights of 8 bits are divided by them. */
static gn_status check_scales(const struct gn_model_search *s, const char *name,
                              const struct gn_st_tensor *tensor)
{
    float *values = gn_alloc((size_t)tensor->count * sizeof *values, "reading a model");
    if (values == NULL || !gn_st_to_float(tensor, values)) {
        gn_free(values);
        return gn_last_status();
    }
    size_t i = 0;
    while (i < tensor->count && values[i] > 0 && values[i] <= FLT_MAX)
        i++;
    const bool good = i == tensor->count;
    const double value = good ? 1 : (double)values[i];
    gn_free(values);
    if (good)
        return GN_OK;
    GN_FAIL(GN_STATUS_BAD_MODEL,
            "%s: safetensors: tensor \"%s\" is %g at element %zu, scales are above 0", s->name,
            name, value, i);
}

/* Tensor i. */
static gn_status find_one(struct gn_model_search *s, int i, bool of_logits,
                          struct gn_model_found *found)
{
    char name[GN_ST_NAME_BYTES], held[SHAPE_TEXT], needed[SHAPE_TEXT];
    const struct gn_tensor *wanted = &s->graph->tensors[i];
    (void)snprintf(name, sizeof name, "%s%s", s->prefix, wanted->name);
    const struct gn_st_tensor *tensor = gn_st_find(s->file, name);
    if (tensor == NULL)
        return missing(s, name, wanted);
    const bool maps = of_logits && s->map != NULL && s->map->from != NULL &&
                      has_shape(tensor, wanted, 1) &&
                      tensor->shape[tensor->rank - 1] == (uint64_t)s->map->held;
    if (maps) {
        s->drawn += s->map->kept < s->map->classes;
        *found = (struct gn_model_found){ tensor, true };
        return check_value(s, name, tensor);
    }
    if (!has_shape(tensor, wanted, 0)) {
        if (of_logits && has_shape(tensor, wanted, 1)) {
            s->drawn++;
            return GN_OK;
        }
        (void)gn_fail(
            GN_STATUS_BAD_MODEL,
            "%s: safetensors: tensor \"%s\" has shape %s, this network needs %s at byte "
            "%" PRIu64,
            s->name, name, gn_st_shape_text(held, sizeof held, tensor->shape, tensor->rank),
            wanted_shape(needed, sizeof needed, wanted), gn_st_header_offset(s->file, name));
        gn_hint("the preset, the channels and the classes must be those of the file");
        return GN_STATUS_BAD_MODEL;
    }
    found->tensor = tensor;
    if (scales_of(s->graph, i) >= 0)
        return check_int8(s, name, tensor);
    GN_TRY(check_value(s, name, tensor));
    return is_scales(s->graph, i) ? check_scales(s, name, tensor) : GN_OK;
}

/* Version 0.1.0 did not say which tensors are those of heads, which prediction leaves out. */
static bool is_of_old_head(const struct gn_graph *graph, const char *name)
{
    return graph->n_heads == 0 && strncmp(name, "aux", 3) == 0 && name[3] >= '1' &&
           name[3] <= '0' + GN_MAX_HEADS && name[4] == '.';
}

static bool is_known(const struct gn_model_search *s, const char *name)
{
    return gn_graph_find_tensor(s->graph, name) >= 0 ||
           (s->held != NULL ? gn_graph_find_tensor(s->held, name) >= 0
                            : is_of_old_head(s->graph, name));
}

/* Tensors that nobody knows: with an empty prefix among all but the training state, otherwise among
 * those below the prefix. */
static gn_status check_extra(const struct gn_model_search *s)
{
    const size_t n_prefix = strlen(s->prefix);
    const char *unknown = NULL;
    int n_unknown = 0;
    for (int i = 0; i < gn_st_count(s->file); i++) {
        const char *name = gn_st_tensor(s->file, i)->name;
        const bool concerned = n_prefix > 0 ? strncmp(name, s->prefix, n_prefix) == 0
                                            : strncmp(name, "train/", 6) != 0;
        if (!concerned || is_known(s, name + n_prefix))
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
            s->name, gn_printable(text, sizeof text, unknown), n_unknown,
            gn_st_header_offset(s->file, unknown));
}

gn_status gn_model_find(struct gn_model_search *s, struct gn_model_found *found)
{
    const struct gn_graph *g = s->graph;
    bool *of_logits = gn_calloc((size_t)g->n_tensors, sizeof *of_logits, "reading a model");
    gn_status status = of_logits == NULL ? gn_last_status() : GN_OK;
    for (int i = 0; s->logits != NULL && status == GN_OK && i < g->n_layers; i++)
        for (int k = 0; k < GN_LAYER_TENSORS; k++)
            if (s->logits[i] && g->layers[i].tensors[k] >= 0)
                of_logits[g->layers[i].tensors[k]] = true;
    s->drawn = 0;
    for (int i = 0; i < g->n_tensors && status == GN_OK; i++)
        status = find_one(s, i, of_logits[i], &found[i]);
    gn_free(of_logits);
    return status == GN_OK ? check_extra(s) : status;
}

/* Tensors of a file that become values of a net. */
struct conversion {
    const struct gn_graph *graph;
    const struct gn_model_found *found;
    float *values;
};

static void convert(void *argument, size_t i)
{
    const struct conversion *c = argument;
    if (c->found[i].tensor != NULL && c->found[i].tensor->dtype == GN_I8)
        return; /* when their scales are there */
    if (c->found[i].tensor != NULL && !c->found[i].by_class)
        (void)gn_st_to_float(c->found[i].tensor, c->values + c->graph->tensors[i].offset);
}

/* Tensor i: whole numbers times the scale of their output channel. */
static void multiply(const struct gn_graph *g, int i, const int8_t *numbers, float *values)
{
    const struct gn_tensor *t = &g->tensors[i];
    const size_t columns = (size_t)t->shape[t->rank - 1];
    const float *scales = values + g->tensors[scales_of(g, i)].offset;
    for (size_t k = 0; k < t->count; k++)
        values[t->offset + k] = (float)numbers[k] * scales[k % columns];
}

gn_status gn_model_copy(const struct gn_model_search *search, const struct gn_model_found *found,
                        float *values)
{
    const struct gn_graph *g = search->graph;
    struct conversion conversion = { g, found, values };
    for (int i = 0; i < g->n_tensors; i++)
        if (found[i].by_class)
            GN_TRY(gn_class_map_copy(search->map, found[i].tensor, values + g->tensors[i].offset));
    gn_parallel(gn_usable_threads(NULL), (size_t)g->n_tensors, convert, &conversion);
    for (int i = 0; i < g->n_tensors; i++)
        if (found[i].tensor != NULL && found[i].tensor->dtype == GN_I8)
            multiply(g, i, found[i].tensor->data, values);
    return GN_OK;
}

gn_status gn_model_read(struct gn_model_search *search, float *values)
{
    struct gn_model_found *found =
        gn_calloc((size_t)search->graph->n_tensors, sizeof *found, "reading a model");
    gn_status status = found == NULL ? gn_last_status() : gn_model_find(search, found);
    /* The caller's values change completely or not at all. */
    if (status == GN_OK)
        status = gn_model_copy(search, found, values);
    gn_free(found);
    return status;
}

gn_status gn_model_read_tensors(const struct gn_net *net, const struct gn_st_file *file,
                                const char *path, const char *prefix, float *values)
{
    char name[GN_PATH_TEXT];
    struct gn_model_search search = { .file = file,
                                      .name = gn_printable(name, sizeof name, path),
                                      .prefix = prefix,
                                      .graph = net->graph };
    return gn_model_read(&search, values);
}
