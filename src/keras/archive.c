/*
 * .keras: a zip of the model's description, its weights as in .weights.h5, and a line about who wrote it. The
 * block is a class of the Python file next to it, registered there as "googlenet>Inception".
 */
#include "keras/export.h"

#include "base/memory.h"
#include "file/json.h"
#include "foreign/zip.h"
#include "ops/batch_norm/norm.h"

#include <string.h>

enum { MEMBERS = 3, MEMBER_EXTRA = 256 };

/* Fixed, so that the same model gives the same bytes. */
static const char metadata[] =
    "{\"keras_version\": \"3.0.0\", \"date_saved\": \"1980-01-01@00:00:00\"}";

/* A name that Keras takes, where slashes separate paths, and dots become underlines. */
static void plain_name(char name[GN_NAME_BYTES], const char *own)
{
    (void)snprintf(name, GN_NAME_BYTES, "%s", own);
    for (char *c = name; *c != '\0'; c++)
        if (*c == '.' || *c == '/')
            *c = '_';
}

/* The layer's name, with its number where the plain names of two would be the same. */
static json_t *name_of(const gn_net *net, int layer)
{
    char own[GN_NAME_BYTES], other[GN_NAME_BYTES], text[GN_NAME_BYTES + 16];
    plain_name(own, net->graph->layers[layer].name);
    (void)snprintf(text, sizeof text, "%s", own);
    for (int i = 0; i < layer; i++) {
        plain_name(other, net->graph->layers[i].name);
        if (strcmp(own, other) == 0)
            (void)snprintf(text, sizeof text, "%s_%d", own, layer);
    }
    return json_string(text);
}

/* An object as Keras describes it; `config` is given up. */
static json_t *object(const char *module, const char *class, json_t *config, const char *registered)
{
    return json_pack("{s:s, s:s, s:o, s:s?}", "module", module, "class_name", class, "config",
                     config, "registered_name", registered);
}

static json_t *layer(const char *class, json_t *config)
{
    return object("keras.layers", class, config, NULL);
}

static json_t *pair(int a, int b)
{
    return json_pack("[i, i]", a, b);
}

static void add_conv(json_t *list, const gn_net *net, const struct gn_keras_step *s)
{
    const struct gn_layer *l = &net->graph->layers[s->layer];
    const struct gn_geometry *g = &l->window;
    const int norm = s->norms[0];
    const bool fused = s->relu && norm < 0;
    gn_json_add(
        list, layer("Conv2D",
                    json_pack("{s:o, s:i, s:o, s:o, s:s, s:s, s:b}", "name", name_of(net, s->layer),
                              "filters", g->oc, "kernel_size", pair(g->kh, g->kw), "strides",
                              pair(g->stride_h, g->stride_w), "padding", "same", "activation",
                              fused ? "relu" : "linear", "use_bias", l->bias >= 0)));
    if (norm < 0)
        return;
    const struct gn_norm_options *o = gn_layer_attributes(&net->graph->layers[norm]);
    gn_json_add(list,
                layer("BatchNormalization",
                      json_pack("{s:o, s:f}", "name", name_of(net, norm), "epsilon", o->eps)));
    if (s->relu)
        gn_json_add(list, layer("ReLU", json_object()));
}

static json_t *block(const gn_net *net, const struct gn_keras_step *s)
{
    const struct gn_layer *l = net->graph->layers;
    int c[6];
    for (int i = 0; i < 6; i++)
        c[i] = l[s->convs[i]].out.c;
    return object("googlenet", "Inception",
                  json_pack("{s:o, s:i, s:o, s:o, s:i, s:i}", "name", name_of(net, s->layer), "c1",
                            c[0], "c2", pair(c[1], c[2]), "c3", pair(c[3], c[4]), "c4", c[5],
                            "third", l[s->convs[4]].window.kh),
                  "googlenet>Inception");
}

static void add_step(json_t *list, const gn_net *net, const struct gn_keras_step *s)
{
    const struct gn_geometry *g = &net->graph->layers[s->layer].window;
    json_t *name = s->part == GN_KERAS_CONV || s->part == GN_KERAS_BLOCK
                       ? NULL
                       : json_pack("{s:o}", "name", name_of(net, s->layer));
    switch (s->part) {
    case GN_KERAS_CONV:
        add_conv(list, net, s);
        break;
    case GN_KERAS_BLOCK:
        gn_json_add(list, block(net, s));
        break;
    case GN_KERAS_POOL:
        gn_json_set(name, "pool_size", pair(g->kh, g->kw));
        gn_json_set(name, "strides", pair(g->stride_h, g->stride_w));
        gn_json_set(name, "padding", json_string("same"));
        gn_json_add(list, layer("MaxPooling2D", name));
        break;
    case GN_KERAS_MEAN_POOL:
        gn_json_add(list, layer("GlobalAveragePooling2D", name));
        break;
    case GN_KERAS_DENSE:
        gn_json_set(name, "units", json_integer(net->classes));
        gn_json_add(list, layer("Dense", name));
        break;
    case GN_KERAS_NORM:
        break;
    }
}

static json_t *sequential(const char *name, json_t *layers)
{
    return object("keras", "Sequential", json_pack("{s:s, s:o}", "name", name, "layers", layers),
                  NULL);
}

static char *make_config(const gn_net *net, const struct gn_keras_step *steps, int n)
{
    char name[GN_NAME_BYTES];
    json_t *all = json_array(), *list = NULL;
    gn_json_add(all, layer("InputLayer", json_pack("{s:[n, i, i, i], s:s, s:s}", "batch_shape",
                                                   net->input.h, net->input.w, net->input.c,
                                                   "dtype", "float32", "name", "input")));
    for (int i = 0; i < n; i++) {
        const int stage = steps[i].stage;
        if (stage >= 0 && list == NULL)
            list = json_array();
        add_step(stage >= 0 ? list : all, net, &steps[i]);
        if (stage < 0 || (i + 1 < n && steps[i + 1].stage == stage))
            continue;
        plain_name(name, net->graph->stages[stage]);
        gn_json_add(all, sequential(name, list));
        list = NULL;
    }
    return gn_json_text(sequential("googlenet", all), JSON_COMPACT, "the description of a model");
}

gn_status gn_keras_archive(const gn_net *net, const char *path, const struct gn_keras_step *steps,
                           int n, const struct gn_bytes *weights)
{
    char *config = make_config(net, steps, n);
    if (config == NULL)
        return gn_last_status();
    const struct gn_bytes about = { (uint8_t *)(uintptr_t)metadata, sizeof metadata - 1 };
    const struct gn_bytes what = { (uint8_t *)config, strlen(config) };
    gn_status status = GN_OK;
    struct gn_zip_writer *zip = gn_zip_create(
        path, "Keras", about.size + what.size + weights->size + (uint64_t)MEMBERS * MEMBER_EXTRA);
    if (zip == NULL) {
        status = gn_last_status();
    } else {
        (void)gn_zip_add(zip, "metadata.json", &about, NULL);
        (void)gn_zip_add(zip, "config.json", &what, NULL);
        status = gn_zip_commit(zip, gn_zip_add(zip, "model.weights.h5", weights, NULL));
    }
    gn_free(config);
    return status;
}
