/* The model's definition in Keras' code: what the weights are loaded into. Nothing that comes from a file but
 * numbers, and the name of the weights as a literal, goes into it. */
#include "keras/export.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/path.h"

#include <stdarg.h>
#include <string.h>

enum { TEXT = 1 << 16 };

struct text {
    char *at;
    size_t left;
};

static void put(struct text *t, const char *format, ...) GN_PRINTF(2, 3);
static void put(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = gn_format_list(t->at, t->left, format, args);
    va_end(args);
    const size_t most = t->left - 1, step = n < 0 ? 0 : (size_t)n < most ? (size_t)n : most;
    t->at += step;
    t->left -= step;
}

/* A Python literal: what is not plain ASCII becomes an escape. */
static void put_literal(struct text *t, const char *text)
{
    put(t, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c >= ' ' && *c < 127 && *c != '"' && *c != '\\')
            put(t, "%c", *c);
        else
            put(t, "\\x%02x", *c);
    }
    put(t, "\"");
}

static void put_block(struct text *t, bool as_model, bool normed)
{
    put(t,
        "@keras.saving.register_keras_serializable(package=\"googlenet\")\n"
        "class Inception(keras.%s):\n"
        "    def __init__(self, c1, c2, c3, c4, third=5, **kwargs):\n"
        "        super().__init__(**kwargs)\n"
        "        self.widths = dict(c1=c1, c2=c2, c3=c3, c4=c4, third=third)\n"
        "        conv = lambda channels, kernel: layers.Conv2D(\n"
        "            channels, kernel, padding=\"same\", %s)\n"
        "        self.p1_1 = conv(c1, 1)\n"
        "        self.p2_1 = conv(c2[0], 1)\n"
        "        self.p2_2 = conv(c2[1], 3)\n"
        "        self.p3_1 = conv(c3[0], 1)\n"
        "        self.p3_2 = conv(c3[1], third)\n"
        "        self.p4_1 = layers.MaxPool2D(3, 1, padding=\"same\")\n"
        "        self.p4_2 = conv(c4, 1)\n",
        as_model ? "Model" : "layers.Layer", normed ? "use_bias=False" : "activation=\"relu\"");
    if (normed)
        put(t, "        self.n1_1 = layers.BatchNormalization(epsilon=EPSILON)\n"
               "        self.n2_1 = layers.BatchNormalization(epsilon=EPSILON)\n"
               "        self.n2_2 = layers.BatchNormalization(epsilon=EPSILON)\n"
               "        self.n3_1 = layers.BatchNormalization(epsilon=EPSILON)\n"
               "        self.n3_2 = layers.BatchNormalization(epsilon=EPSILON)\n"
               "        self.n4_2 = layers.BatchNormalization(epsilon=EPSILON)\n"
               "\n    def call(self, x, training=False):\n"
               "        unit = lambda conv, norm, x: keras.ops.relu(norm(conv(x), "
               "training=training))\n"
               "        p1 = unit(self.p1_1, self.n1_1, x)\n"
               "        p2 = unit(self.p2_2, self.n2_2, unit(self.p2_1, self.n2_1, x))\n"
               "        p3 = unit(self.p3_2, self.n3_2, unit(self.p3_1, self.n3_1, x))\n"
               "        p4 = unit(self.p4_2, self.n4_2, self.p4_1(x))\n");
    else
        put(t, "\n    def call(self, x):\n"
               "        p1 = self.p1_1(x)\n"
               "        p2 = self.p2_2(self.p2_1(x))\n"
               "        p3 = self.p3_2(self.p3_1(x))\n"
               "        p4 = self.p4_2(self.p4_1(x))\n");
    put(t, "        return keras.ops.concatenate([p1, p2, p3, p4], axis=-1)\n"
           "\n    def get_config(self):\n"
           "        return {**super().get_config(), **self.widths}\n\n\n");
}

static void put_conv(struct text *t, const gn_net *net, const struct gn_keras_step *s)
{
    const struct gn_layer *l = &net->graph->layers[s->layer];
    const struct gn_geometry *g = &l->window;
    put(t, "layers.Conv2D(%d, (%d, %d), (%d, %d), padding=\"same\"", g->oc, g->kh, g->kw,
        g->stride_h, g->stride_w);
    if (l->bias < 0)
        put(t, ", use_bias=False");
    if (s->relu && s->norms[0] < 0)
        put(t, ", activation=\"relu\"");
    put(t, ")");
    if (s->norms[0] >= 0)
        put(t, ", layers.BatchNormalization(epsilon=EPSILON)");
    if (s->relu && s->norms[0] >= 0)
        put(t, ", layers.ReLU()");
}

static void put_step(struct text *t, const gn_net *net, const struct gn_keras_step *s)
{
    const struct gn_layer *layers = net->graph->layers;
    const struct gn_geometry *g = &layers[s->layer].window;
    switch (s->part) {
    case GN_KERAS_CONV:
        put_conv(t, net, s);
        break;
    case GN_KERAS_POOL:
        put(t, "layers.MaxPool2D((%d, %d), (%d, %d), padding=\"same\")", g->kh, g->kw, g->stride_h,
            g->stride_w);
        break;
    case GN_KERAS_MEAN_POOL:
        put(t, "layers.GlobalAvgPool2D()");
        break;
    case GN_KERAS_BLOCK:
        put(t, "Inception(%d, (%d, %d), (%d, %d), %d, third=%d)", layers[s->convs[0]].out.c,
            layers[s->convs[1]].out.c, layers[s->convs[2]].out.c, layers[s->convs[3]].out.c,
            layers[s->convs[4]].out.c, layers[s->convs[5]].out.c, layers[s->convs[4]].window.kh);
        break;
    case GN_KERAS_DENSE:
        put(t, "layers.Dense(%d)", net->classes);
        break;
    case GN_KERAS_NORM:
        break;
    }
}

static const char weights_body[] = "    model = build()\n"
                                   "    model.load_weights(weights)\n"
                                   "    return model\n";
static const char archive_body[] =
    "    with keras.saving.custom_object_scope({\"googlenet>Inception\": Inception}):\n"
    "        return keras.saving.load_model(weights)\n";

static const struct gn_norm_options *norm_of(const gn_net *net)
{
    for (int i = 0; i < net->graph->n_layers; i++)
        if (net->graph->layers[i].op->fuses == GN_FUSE_NORM)
            return gn_layer_attributes(&net->graph->layers[i]);
    return NULL;
}

char *gn_keras_python(const gn_net *net, const char *weights, const struct gn_keras_step *steps,
                      int n, bool as_model)
{
    char number[GN_NUMBER_TEXT], pictures[1024] = "";
    char *made = gn_alloc(TEXT, "a Python file");
    if (made == NULL)
        return NULL;
    struct text t = { made, TEXT };
    const bool is_archive = strcmp(gn_path_extension(weights), ".keras") == 0;
    const struct gn_norm_options *norm = norm_of(net);
    (void)gn_net_preprocess(net, pictures, sizeof pictures);
    put(&t,
        GN_KERAS_PYTHON_HEAD
        "build() makes it, load() gives it its weights."
        "\n\nFrom a picture to the numbers of its input:\n%s\n\"\"\"\n\n"
        "import pathlib\n\nimport keras\nfrom keras import layers\n\nINPUT = (%d, %d, %d)\n",
        pictures, net->input.h, net->input.w, net->input.c);
    if (norm != NULL)
        put(&t, "EPSILON = %s\n", gn_decimal_text(norm->eps, number));
    put(&t, "\n\n");
    put_block(&t, as_model, norm != NULL);
    put(&t, "def build():\n    model = keras.Sequential([\n");
    for (int i = 0; i < n; i++) {
        const bool opens = steps[i].stage >= 0 && (i == 0 || steps[i - 1].stage != steps[i].stage);
        const bool closes =
            steps[i].stage >= 0 && (i + 1 == n || steps[i + 1].stage != steps[i].stage);
        put(&t, "%s", opens ? "        keras.Sequential([\n" : "");
        put(&t, "%s", steps[i].stage >= 0 ? "            " : "        ");
        put_step(&t, net, &steps[i]);
        put(&t, ",\n%s", closes ? "        ]),\n" : "");
    }
    put(&t, "    ])\n    model.build((None,) + INPUT)\n    model(keras.ops.zeros((1,) + INPUT))\n"
            "    return model\n\n\n"
            "def load(weights=pathlib.Path(__file__).parent / ");
    put_literal(&t, weights);
    put(&t, "):\n%s", is_archive ? archive_body : weights_body);
    return made;
}
