/* Writing a model file. */
#include "formats/model_internal.h"

#include "file/file.h"
#include "base/memory.h"
#include "graph/text.h"
#include "ops/kernels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* The numbers of layer i; changed weights that are none would be another network when they are read. */
static gn_status take_numbers(const struct gn_net *net, const char *path, int i, int8_t *numbers)
{
    const struct gn_graph *g = net->graph;
    const struct gn_tensor *t = &g->tensors[g->layers[i].weight];
    const float *weights = net->params + t->offset;
    const float *scales = net->params + g->tensors[g->layers[i].tensors[GN_CONV_SCALE]].offset;
    const size_t columns = (size_t)g->layers[i].out.c;
    char name[GN_PATH_TEXT];
    gn_int8_weights(weights, scales, t->count, columns, numbers);
    for (size_t k = 0; k < t->count; k++)
        if ((float)numbers[k] * scales[k % columns] != weights[k])
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "%s: not saved, because the network is quantised and element %zu of \"%s\", "
                    "%g, is no "
                    "whole number from -%d to %d times its scale, %g",
                    gn_printable(name, sizeof name, path), k, t->name, (double)weights[k],
                    (int)GN_BYTES_WEIGHT, (int)GN_BYTES_WEIGHT, (double)scales[k % columns]);
    return GN_OK;
}

/* The weights of convolutions with weights of 8 bits become such tensors: *bytes, to be freed. */
static gn_status take_int8(const struct gn_net *net, const char *path, struct gn_st_tensor *tensors,
                           int8_t **bytes)
{
    const struct gn_graph *g = net->graph;
    size_t n = 0;
    for (int i = 0; i < g->n_layers; i++)
        if (gn_layer_flag(&g->layers[i], "int8"))
            n += g->tensors[g->layers[i].weight].count;
    if (n == 0)
        return GN_OK;
    int8_t *to = *bytes = gn_alloc(n, "saving a model");
    if (to == NULL)
        return gn_last_status();
    for (int i = 0; i < g->n_layers; i++) {
        if (!gn_layer_flag(&g->layers[i], "int8"))
            continue;
        const int t = g->layers[i].weight;
        tensors[t].dtype = GN_I8;
        tensors[t].data = to;
        GN_TRY(take_numbers(net, path, i, to));
        to += g->tensors[t].count;
    }
    return GN_OK;
}

gn_status gn_model_write(const struct gn_net *net, const char *path, const struct gn_st_text *extra,
                         int n_extra)
{
    const int n = net->graph->n_tensors;
    struct gn_st_tensor *tensors = gn_calloc((size_t)n, sizeof *tensors, "saving a model");
    char *names = gn_calloc((size_t)n, GN_ST_NAME_BYTES, "saving a model");
    struct gn_st_text *texts = gn_calloc((size_t)n_extra + 3, sizeof *texts, "saving a model");
    char *model = gn_model_metadata(net), *graph = NULL;
    int8_t *bytes = NULL;
    gn_status status = GN_OK;
    if (model != NULL)
        graph = gn_graph_text(net->graph, (gn_node){ net->output });
    if (tensors == NULL || names == NULL || texts == NULL || graph == NULL) {
        status = gn_last_status();
    } else {
        char created[32];
        int n_texts = 0;
        texts[n_texts++] = (struct gn_st_text){ "gn.model", model };
        texts[n_texts++] = (struct gn_st_text){ "gn.graph", graph };
        for (int i = 0; i < n_extra; i++)
            texts[n_texts++] = extra[i];
        if (creation_time(created, sizeof created))
            texts[n_texts++] = (struct gn_st_text){ "gn.created", created };
        gn_model_tensors(net, net->params, "", names, tensors);
        status = check_finite(path, tensors, n);
        if (status == GN_OK)
            status = take_int8(net, path, tensors, &bytes);
        if (status == GN_OK)
            status = gn_st_write(path, tensors, n, texts, n_texts, NULL);
    }
    gn_free(tensors);
    gn_free(bytes);
    gn_free(names);
    gn_free(texts);
    gn_free(model);
    gn_free(graph);
    return status;
}

gn_status gn_save(const gn_net *net, const char *path)
{
    if (net == NULL)
        return gn_last_status();
    if (path == NULL)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "the path of the model file is missing");
    GN_TRY(gn_model_write(net, path, NULL, 0));
    char name[GN_PATH_TEXT];
    gn_say(GN_LOG_INFO, "%s: saved", gn_printable(name, sizeof name, path));
    return GN_OK;
}
