/*
 * "gn.model": the JSON text in a model file that tells all that prediction needs besides the weights
 * and the graph: input, labels and how a picture becomes numbers.
 */
#include "formats/model_internal.h"

#include "file/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- Writing ---- */

#if GN_TRAINING

/* Whether every window of the net is padded as TensorFlow's SAME. */
static bool is_same_padded(const struct gn_graph *graph)
{
    for (int i = 0; i < graph->n_layers; i++) {
        const struct gn_layer *layer = &graph->layers[i];
        const struct gn_geometry *g = &layer->window;
        if (!layer->op->has_window)
            continue;
        int oh, ow, top, left, after;
        gn_same_padding(g->h, g->kh, g->stride_h, &oh, &top, &after);
        gn_same_padding(g->w, g->kw, g->stride_w, &ow, &left, &after);
        if (oh != g->oh || ow != g->ow || top != g->pad_top || left != g->pad_left)
            return false;
    }
    return true;
}

static json_t *make_labels(const struct gn_net *net)
{
    if (net->labels == NULL)
        return json_null();
    json_t *labels = json_array();
    for (int i = 0; i < net->classes; i++)
        gn_json_add(labels, json_string(net->labels[i]));
    return labels;
}

static json_t *make_heads(const struct gn_graph *graph)
{
    json_t *heads = json_pack("[s]", "main");
    for (int i = 0; i < graph->n_heads; i++)
        gn_json_add(heads, json_string(graph->heads[i].name));
    return heads;
}

char *gn_model_metadata(const struct gn_net *net)
{
    json_t *steps = gn_preprocess_make(net);
    if (steps == NULL)
        return NULL;
    json_t *model = json_object();
    gn_json_set(model, "preset", json_string(net->preset));
    gn_json_set(model, "padding", json_string(is_same_padded(net->graph) ? "same" : "explicit"));
    gn_json_set(model, "input", json_pack("[i,i,i]", net->input.h, net->input.w, net->input.c));
    gn_json_set(model, "classes", json_integer(net->classes));
    gn_json_set(model, "labels", make_labels(net));
    gn_json_set(model, "output", json_string("logits"));
    gn_json_set(model, "heads", make_heads(net->graph));
    gn_json_set(model, "preprocess", steps);
    return gn_json_text(model, JSON_COMPACT, "the description of the model");
}

#endif

/* ---- Reading ---- */

gn_status gn_model_bad_field(const char *name, const char *field, const char *what)
{
    GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: the field \"%s\" of \"gn.model\" %s", name,
            field, what);
}

gn_status gn_model_not_supported(const char *name, const char *field, const json_t *value)
{
    char text[128], shown[128];
    const char *string = json_string_value(value);
    text[0] = '\0';
    if (string == NULL && value != NULL) {
        const size_t n =
            gn_json_write(value, text, sizeof text - 1, JSON_COMPACT | JSON_ENCODE_ANY);
        text[n < sizeof text ? n : 0] = '\0';
    }
    (void)gn_fail(
        GN_STATUS_UNSUPPORTED,
        "%s: safetensors: the model needs \"%s\" = %s, which this version cannot do", name, field,
        value == NULL ? "nothing"
                      : gn_printable(shown, sizeof shown, string != NULL ? string : text));
    gn_hint("a newer googlenet may read it");
    return GN_STATUS_UNSUPPORTED;
}

bool gn_model_read_count(const json_t *value, int limit, int *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > limit)
        return false;
    *number = (int)json_integer_value(value);
    return true;
}

static gn_status read_geometry(const char *name, struct gn_model_fields *fields)
{
    const json_t *input = json_object_get(fields->root, "input");
    if (!json_is_array(input) || json_array_size(input) != 3 ||
        !gn_model_read_count(json_array_get(input, 0), GN_MAX_SIZE, &fields->h) ||
        !gn_model_read_count(json_array_get(input, 1), GN_MAX_SIZE, &fields->w) ||
        !gn_model_read_count(json_array_get(input, 2), GN_MAX_CHANNELS, &fields->channels))
        return gn_model_bad_field(name, "input",
                                  "is not a height, a width (1 to 8192) and channels (1 to 65536)");
    if (!gn_model_read_count(json_object_get(fields->root, "classes"), GN_MODEL_MAX_CLASSES,
                             &fields->classes))
        return gn_model_bad_field(name, "classes", "is not a whole number from 1 to 65536");
    const json_t *labels = json_object_get(fields->root, "labels");
    if (labels == NULL || json_is_null(labels))
        return GN_OK;
    if (!json_is_array(labels) || json_array_size(labels) != (size_t)fields->classes)
        return gn_model_bad_field(name, "labels", "is neither null nor one text for each class");
    for (size_t i = 0; i < json_array_size(labels); i++)
        if (!json_is_string(json_array_get(labels, i)))
            return gn_model_bad_field(name, "labels", "holds something that is not a text");
    fields->labels = labels;
    return GN_OK;
}

/* What other versions may write and this one would silently do wrong. */
static gn_status check_kind(const char *name, const struct gn_model_fields *fields)
{
    const json_t *output = json_object_get(fields->root, "output");
    if (!json_is_string(output) || strcmp(json_string_value(output), "logits") != 0)
        return gn_model_not_supported(name, "output", output);
    return GN_OK;
}

gn_status gn_model_fields_read(const struct gn_st_file *file, const char *name,
                               struct gn_model_fields *fields)
{
    *fields = (struct gn_model_fields){ .root = NULL };
    const char *text = gn_st_metadata(file, "gn.model");
    if (text == NULL)
        GN_FAIL(GN_STATUS_BAD_MODEL, "%s: safetensors: the metadata \"gn.model\" is missing", name);
    GN_TRY(gn_json_parse(text, &fields->root));
    if (!json_is_object(fields->root))
        GN_FAIL(GN_STATUS_BAD_MODEL,
                "%s: safetensors: the metadata \"gn.model\" is not a JSON object", name);
    fields->graph = gn_st_metadata(file, "gn.graph");
    fields->preset = json_string_value(json_object_get(fields->root, "preset"));
    fields->layers = json_string_value(json_object_get(fields->root, "layers"));
    fields->net = json_string_value(json_object_get(fields->root, "net"));
    if (fields->preset == NULL)
        return gn_model_bad_field(name, "preset", "is not a text");
    if (fields->graph == NULL && fields->layers == NULL)
        return gn_model_bad_field(name, "layers", "is not a text");
    GN_TRY(read_geometry(name, fields));
    GN_TRY(check_kind(name, fields));
    fields->has_heads = json_array_size(json_object_get(fields->root, "heads")) > 1;
    return gn_preprocess_read(name, fields);
}

void gn_model_fields_free(struct gn_model_fields *fields)
{
    json_decref(fields->root);
    fields->root = NULL;
}
