/*
 * Reading a graph from JSON that may come from anywhere: every key, name, count and number is checked
 * here or where the layer is appended, which is the way of all layers.
 */
#include "graph/text.h"

#include "base/enums.h"
#include "file/json.h"
#include "base/number.h"

#include <string.h>

enum { SHOWN = 96 };

/* What is wrong, for a layer that may have any name. */
#define BAD(...) return gn_fail(GN_STATUS_BAD_MODEL, __VA_ARGS__)

static gn_status unknown(const char *layer, const char *what, const char *word)
{
    char name[SHOWN], text[SHOWN];
    (void)gn_fail(GN_STATUS_UNSUPPORTED, "%s: %s \"%s\" is not known to this version",
                  gn_printable(name, sizeof name, layer), what,
                  gn_printable(text, sizeof text, word));
    gn_hint("a newer googlenet may read it");
    return GN_STATUS_UNSUPPORTED;
}

/* Every key of the object must be one of `keys` or, with `op`, one of its attributes. */
static gn_status check_keys(const char *layer, json_t *object, const char *const *keys,
                            const struct gn_operator *op)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        bool found = false;
        for (int i = 0; keys[i] != NULL; i++)
            found |= strcmp(keys[i], key) == 0;
        for (int i = 0; op != NULL && i < op->n_attributes; i++)
            found |= strcmp(op->attributes[i].name, key) == 0;
        if (!found)
            return unknown(layer, op == NULL ? "the key" : "the attribute", key);
    }
    return GN_OK;
}

/* A text that can be a name. `what` begins the sentence. */
static gn_status read_name(const json_t *value, const char *what, const char **name)
{
    *name = json_string_value(value);
    if (*name == NULL)
        BAD("%s is not a text", what);
    if (json_string_length(value) != strlen(*name) || !gn_is_name(*name))
        BAD("%s is not a name of 1 to %d bytes without control characters", what,
            GN_NAME_BYTES - 1);
    return GN_OK;
}

/* A hexadecimal text or a whole number. */
static bool read_real(const json_t *value, double *real)
{
    if (json_is_integer(value)) {
        *real = (double)json_integer_value(value);
        return true;
    }
    return json_is_string(value) && gn_short_hex_parse(json_string_value(value), real);
}

/* The layer with this name; -1: none. */
static int find_layer(const struct gn_graph *g, const char *name)
{
    for (int i = g->n_layers - 1; i >= 0; i--)
        if (strcmp(g->layers[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- A layer ---- */

/* What a layer's keys say. */
struct layer {
    json_t *object;
    struct gn_layer_spec spec;
    gn_node inputs[GN_MAX_INPUTS];
    alignas(double) unsigned char attributes[GN_ATTRIBUTE_BYTES];
};

static gn_status read_inputs(const struct gn_graph *g, struct layer *l)
{
    const json_t *inputs = json_object_get(l->object, "inputs");
    const size_t n = json_array_size(inputs);
    if (inputs != NULL && (!json_is_array(inputs) || n > GN_MAX_INPUTS))
        BAD("%s: \"inputs\" is not a list of at most %d names", l->spec.name, (int)GN_MAX_INPUTS);
    for (size_t i = 0; i < n; i++) {
        const char *name;
        GN_TRY(read_name(json_array_get(inputs, i), l->spec.name, &name));
        l->inputs[i].id = find_layer(g, name);
        if (l->inputs[i].id < 0)
            BAD("%s: its input \"%s\" is not a layer before it", l->spec.name, name);
    }
    l->spec.inputs = l->inputs;
    l->spec.n_inputs = (int)n;
    return GN_OK;
}

static gn_status read_attributes(struct layer *l)
{
    const struct gn_operator *op = l->spec.op;
    for (int i = 0; i < op->n_attributes; i++) {
        const struct gn_attribute *a = &op->attributes[i];
        const json_t *value = json_object_get(l->object, a->name);
        double number = 0;
        if (value == NULL)
            continue;
        bool good = a->kind == GN_ATTRIBUTE_FLAG  ? json_is_boolean(value)
                    : a->kind == GN_ATTRIBUTE_INT ? json_is_integer(value)
                                                  : true;
        if (good && a->kind == GN_ATTRIBUTE_FLAG)
            number = json_is_true(value);
        else
            good = good && read_real(value, &number);
        if (!good || !gn_attribute_set(a, l->attributes, number))
            BAD("%s: \"%s\" is not %s", l->spec.name, a->name,
                a->kind == GN_ATTRIBUTE_FLAG  ? "true or false"
                : a->kind == GN_ATTRIBUTE_INT ? "a whole number of 32 bits"
                                              : "a number in hexadecimal form");
    }
    l->spec.attributes = l->attributes;
    return GN_OK;
}

static gn_status read_initial(struct layer *l)
{
    static const char *const keys[] = { "kernels", "deviation", "biases", NULL };
    json_t *value = json_object_get(l->object, "initial");
    if (value == NULL)
        return GN_OK;
    if (!json_is_object(value))
        BAD("%s: \"initial\" is not an object", l->spec.name);
    GN_TRY(check_keys(l->spec.name, value, keys, NULL));
    struct gn_initialization *initial = &l->spec.initial;
    const char *kernels;
    GN_TRY(read_name(json_object_get(value, "kernels"), l->spec.name, &kernels));
    const int rule = gn_enum_find(gn_initial_name, GN_INITIAL_GLOROT, kernels);
    if (rule < 0)
        return unknown(l->spec.name, "the initial rule", kernels);
    initial->kernels = (gn_initial)rule;
    if (!read_real(json_object_get(value, "deviation"), &initial->deviation) ||
        !read_real(json_object_get(value, "biases"), &initial->biases) ||
        !(initial->deviation >= 0) || initial->deviation > 1e6 || !(initial->biases >= -1e6) ||
        initial->biases > 1e6)
        BAD("%s: \"initial\" has a deviation or biases that are not numbers up to 1000000",
            l->spec.name);
    return GN_OK;
}

static gn_status read_flag(const struct layer *l, const char *key, bool *flag)
{
    const json_t *value = json_object_get(l->object, key);
    if (value != NULL && !json_is_boolean(value))
        BAD("%s: \"%s\" is not true or false", l->spec.name, key);
    *flag = json_is_true(value);
    return GN_OK;
}

static gn_status read_layer(gn_graph *g, json_t *object)
{
    static const char *const keys[] = { "name",   "op",      "stage",   "inputs",
                                        "hidden", "tensors", "initial", NULL };
    struct layer l = { .object = object, .spec = { .stage = -1 } };
    char what[SHOWN];
    const char *op;
    (void)snprintf(what, sizeof what, "the name of layer %d", g->n_layers);
    if (!json_is_object(object))
        BAD("layer %d is not an object", g->n_layers);
    GN_TRY(read_name(json_object_get(object, "name"), what, &l.spec.name));
    (void)snprintf(what, sizeof what, "%s: \"op\"", l.spec.name);
    GN_TRY(read_name(json_object_get(object, "op"), what, &op));
    l.spec.op = gn_operator_named(op);
    if (l.spec.op == NULL)
        return unknown(l.spec.name, "the operator", op);
    GN_TRY(check_keys(l.spec.name, object, keys, l.spec.op));
    const json_t *stage = json_object_get(object, "stage");
    if (stage != NULL) {
        if (!json_is_integer(stage) || json_integer_value(stage) < 0 ||
            json_integer_value(stage) >= g->n_stages)
            BAD("%s: \"stage\" is not an index into the %d stages", l.spec.name, g->n_stages);
        l.spec.stage = (int)json_integer_value(stage);
    }
    (void)snprintf(what, sizeof what, "%s: \"tensors\"", l.spec.name);
    if (json_object_get(object, "tensors") != NULL)
        GN_TRY(read_name(json_object_get(object, "tensors"), what, &l.spec.owner));
    GN_TRY(read_flag(&l, "hidden", &l.spec.hidden));
    GN_TRY(read_inputs(g, &l));
    GN_TRY(read_attributes(&l));
    GN_TRY(read_initial(&l));
    (void)gn_graph_append(g, &l.spec);
    return g->status;
}

/* ---- The whole ---- */

static gn_status read_list(const json_t *root, const char *key, size_t most, const json_t **list)
{
    *list = json_object_get(root, key);
    if (!json_is_array(*list) || json_array_size(*list) > most)
        BAD("\"%s\" is not a list of at most %d", key, (int)most);
    return GN_OK;
}

static gn_status read_stages(gn_graph *g, const json_t *root)
{
    const json_t *stages;
    GN_TRY(read_list(root, "stages", GN_MAX_LAYERS, &stages));
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const char *name;
        GN_TRY(read_name(json_array_get(stages, i), "a stage", &name));
        gn_stage(g, name);
        GN_TRY(g->status);
    }
    gn_stage(g, NULL);
    return GN_OK;
}

/* A layer by its name. */
static gn_status read_node(const struct gn_graph *g, const json_t *value, const char *what,
                           gn_node *node)
{
    const char *name;
    GN_TRY(read_name(value, what, &name));
    node->id = find_layer(g, name);
    if (node->id < 0)
        BAD("%s, \"%s\", is not a layer", what, name);
    return GN_OK;
}

static gn_status read_heads(gn_graph *g, const json_t *root)
{
    static const char *const keys[] = { "name", "logits", "weight", NULL };
    const json_t *heads;
    GN_TRY(read_list(root, "heads", GN_MAX_HEADS, &heads));
    for (size_t i = 0; i < json_array_size(heads); i++) {
        json_t *head = json_array_get(heads, i);
        const char *name;
        double weight;
        gn_node logits;
        if (!json_is_object(head))
            BAD("a head is not an object");
        GN_TRY(read_name(json_object_get(head, "name"), "the name of a head", &name));
        GN_TRY(check_keys(name, head, keys, NULL));
        GN_TRY(read_node(g, json_object_get(head, "logits"), "the logits of a head", &logits));
        if (!read_real(json_object_get(head, "weight"), &weight))
            BAD("%s: the weight of a head is not a number in hexadecimal form", name);
        gn_head(g, logits, weight, name);
        GN_TRY(g->status);
    }
    return GN_OK;
}

static gn_status read_version(const json_t *root)
{
    const json_t *version = json_object_get(root, "version");
    if (!json_is_integer(version))
        BAD("\"version\" is not a whole number");
    if (json_integer_value(version) == GN_GRAPH_VERSION)
        return GN_OK;
    (void)gn_fail(GN_STATUS_UNSUPPORTED,
                  "the graph has version %lld, this program reads version %d",
                  (long long)json_integer_value(version), (int)GN_GRAPH_VERSION);
    gn_hint("a newer googlenet wrote this file");
    return GN_STATUS_UNSUPPORTED;
}

static gn_status read_root(gn_graph *g, json_t *root, gn_node *output)
{
    static const char *const keys[] = { "version", "stages", "layers", "output", "heads", NULL };
    const json_t *layers;
    if (!json_is_object(root))
        BAD("the text is not a JSON object");
    GN_TRY(read_version(root));
    GN_TRY(check_keys("the graph", root, keys, NULL));
    GN_TRY(read_stages(g, root));
    GN_TRY(read_list(root, "layers", GN_MAX_LAYERS, &layers));
    for (size_t i = 0; i < json_array_size(layers); i++)
        GN_TRY(read_layer(g, json_array_get(layers, i)));
    GN_TRY(read_node(g, json_object_get(root, "output"), "the output", output));
    return read_heads(g, root);
}

gn_graph *gn_graph_read(const char *text, gn_node *output)
{
    gn_graph *g = gn_graph_create();
    if (g == NULL)
        return NULL;
    json_t *root;
    gn_status status = gn_json_parse(text, &root);
    if (status == GN_OK)
        status = read_root(g, root, output);
    json_decref(root);
    /* What a builder calls a wrong argument is here what the text says. */
    if (g->status != GN_OK)
        status = gn_fail(g->status == GN_STATUS_NO_MEMORY ? g->status : GN_STATUS_BAD_MODEL, "%s",
                         g->message);
    if (status == GN_OK)
        return g;
    gn_graph_free(g);
    return NULL;
}
