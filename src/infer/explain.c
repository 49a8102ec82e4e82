/*
 * What an answer rests on: Grad-CAM through the plan's steps backward, and occlusion by many forward
 * passes. The maps are the methods' own values; drawing scales them.
 */
#include "infer/explain.h"

#include "base/memory.h"
#include "base/threads.h"
#include "infer/layer.h"

#include <math.h>
#include <string.h>

enum { DEFAULT_CLASSES = 5, MOST_CLASSES = 1000 };

/* ---- Making and freeing ---- */

/* The layer that is named, or the last one before the answer that is more than a vector. */
static gn_status choose_layer(struct gn_explainer *e, const char *name)
{
    const struct gn_graph *g = e->net->graph;
    bool live[GN_MAX_LAYERS] = { false };
    gn_graph_mark_live(g, e->net->output, live);
    e->layer = 0;
    if (name != NULL)
        GN_TRY(gn_layer_index(e->net, name, &e->layer));
    for (int i = e->net->output; name == NULL && i > 0 && e->layer == 0; i--)
        if (live[i] && g->layers[i].out.h * g->layers[i].out.w > 1)
            e->layer = i;
    if (e->layer < 1)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "explain: no layer of the network is a map (name one as .layer)");
    const struct gn_layer *layer = &g->layers[e->layer];
    e->layer_name = layer->hidden ? g->layers[layer->inputs[0]].name : layer->name;
    e->shape = layer->out;
    if (!live[e->layer])
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "explain: the answer does not depend on layer %s, which is of an auxiliary head",
                e->layer_name);
    return GN_OK;
}

static gn_status prepare(struct gn_explainer *e, const struct gn_explainer_options *o)
{
    const struct gn_shape in = e->net->input;
    const int side = in.h < in.w ? in.h : in.w;
    if (o->classes < 0 || o->classes > MOST_CLASSES)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "explain: classes is %d, it must be 1 to %d", o->classes,
                MOST_CLASSES);
    if (o->window < 0 || o->window > side)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "explain: window is %d, it must be 1 to %d, the input's shorter side", o->window,
                side);
    if (o->threads < 0 || o->threads > GN_MAX_THREADS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "explain: threads is %d, it must be 1 to %d", o->threads,
                GN_MAX_THREADS);
    e->classes = o->classes > 0 ? o->classes : DEFAULT_CLASSES;
    e->threads = o->threads;
    e->window = o->window > 0 ? o->window : (side + 3) / 4;
    e->stride = o->stride > 0 ? o->stride : (e->window + 3) / 4;
    if (o->stride < 0 || e->stride > e->window)
        GN_FAIL(
            GN_STATUS_BAD_ARGUMENT,
            "explain: stride is %d, it must be 1 to %d, the window, so that no pixel is left out",
            o->stride, e->window);
    GN_TRY(choose_layer(e, o->layer));
    const size_t copies =
        (size_t)(e->classes > GN_OCCLUSION_BATCH ? e->classes : GN_OCCLUSION_BATCH);
    const size_t values = (size_t)e->classes * (size_t)e->shape.h * (size_t)e->shape.w;
    e->images = gn_calloc(copies * (size_t)in.h * (size_t)in.w, (size_t)in.c * sizeof(float),
                          "copies of an image");
    e->values = gn_calloc(values, (size_t)e->shape.c * sizeof(float), "values of a layer");
    e->gradient = gn_calloc(values, (size_t)e->shape.c * sizeof(float), "gradients of a layer");
    e->logits = gn_calloc(copies, (size_t)e->net->classes * sizeof(float), "logits");
    if (e->images == NULL || e->values == NULL || e->gradient == NULL || e->logits == NULL)
        return gn_last_status();
    return GN_OK;
}

gn_explainer *gn_explainer_create_with(gn_net *net, const struct gn_explainer_options *options)
{
    static const struct gn_explainer_options defaults = { 0 };
    if (net == NULL) {
        if (gn_error_status() == GN_OK)
            (void)gn_fail(GN_STATUS_BAD_ARGUMENT, "explain: no network is given");
        return NULL;
    }
    struct gn_explainer *e = gn_calloc(1, sizeof *e, "an explainer");
    if (e == NULL)
        return NULL;
    e->net = net;
    if (prepare(e, options == NULL ? &defaults : options) == GN_OK)
        return e;
    gn_explainer_free(e);
    return NULL;
}

void gn_explainer_free(gn_explainer *e)
{
    if (e == NULL)
        return;
    gn_plan_free(e->plan);
    gn_predictor_free(e->predictor);
    gn_free(e->images);
    gn_free(e->values);
    gn_free(e->gradient);
    gn_free(e->logits);
    gn_free(e);
}

/* Squares along a side: at 0, stride, ... and one that ends with the side. */
static int squares(const struct gn_explainer *e, int side)
{
    return (side - e->window + e->stride - 1) / e->stride + 1;
}

gn_status gn_explainer_describe(const gn_explainer *e, struct gn_explainer_info *info)
{
    if (e == NULL)
        return gn_last_status();
    GN_NEED(info, "the description");
    *info = (struct gn_explainer_info){ .layer = e->layer_name,
                                        .height = e->shape.h,
                                        .width = e->shape.w,
                                        .window = e->window,
                                        .stride = e->stride,
                                        .positions = squares(e, e->net->input.h) *
                                                     squares(e, e->net->input.w) };
    return GN_OK;
}

/* ---- Grad-CAM ---- */

static gn_status check_call(const gn_explainer *e, const float *input, const int *classes, int n,
                            const float *maps)
{
    if (e == NULL)
        return gn_last_status();
    GN_NEED(input, "the network's input");
    GN_NEED(classes, "the classes");
    GN_NEED(maps, "the place for the maps");
    if (n < 1 || n > e->classes)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "explain: %d classes, the explainer was made for 1 to %d",
                n, e->classes);
    for (int i = 0; i < n; i++)
        if (classes[i] < 0 || classes[i] >= e->net->classes)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "explain: class %d of 0 to %d", classes[i],
                    e->net->classes - 1);
    return GN_OK;
}

static size_t input_floats(const struct gn_explainer *e)
{
    const struct gn_shape in = e->net->input;
    return (size_t)in.h * (size_t)in.w * (size_t)in.c;
}

static void copy_image(struct gn_explainer *e, const float *input, int n)
{
    for (int i = 0; i < n; i++)
        memcpy(e->images + (size_t)i * input_floats(e), input, input_floats(e) * sizeof *input);
}

static void weigh(const struct gn_shape s, const float *values, const float *gradient, float *map)
{
    const size_t pixels = (size_t)s.h * (size_t)s.w, channels = (size_t)s.c;
    for (size_t p = 0; p < pixels; p++)
        map[p] = 0;
    for (size_t c = 0; c < channels; c++) {
        double mean = 0;
        for (size_t p = 0; p < pixels; p++)
            mean += (double)gradient[p * channels + c];
        mean /= (double)pixels;
        for (size_t p = 0; p < pixels; p++)
            map[p] += (float)(mean * (double)values[p * channels + c]);
    }
    for (size_t p = 0; p < pixels; p++)
        map[p] = map[p] > 0 ? map[p] : 0;
}

gn_status gn_grad_cam(gn_explainer *e, const float *input, const int *classes, int n, float *maps)
{
    GN_TRY(check_call(e, input, classes, n, maps));
    if (e->plan == NULL)
        e->plan = gn_plan_create(e->net, &(struct gn_plan_options){ .batch = e->classes,
                                                                    .slice = e->classes,
                                                                    .threads = e->threads,
                                                                    .focus = e->layer });
    if (e->plan == NULL)
        return gn_last_status();
    copy_image(e, input, n);
    int32_t wanted[MOST_CLASSES];
    for (int i = 0; i < n; i++)
        wanted[i] = classes[i];
    GN_TRY(gn_plan_attend(e->plan, e->images, wanted, n, e->logits, e->values, e->gradient));
    const size_t pixels = (size_t)e->shape.h * (size_t)e->shape.w;
    const size_t floats = pixels * (size_t)e->shape.c;
    for (int i = 0; i < n; i++)
        weigh(e->shape, e->values + (size_t)i * floats, e->gradient + (size_t)i * floats,
              maps + (size_t)i * pixels);
    return GN_OK;
}

/* ---- Occlusion ---- */

static gn_status need_predictor(struct gn_explainer *e)
{
    if (e->predictor == NULL)
        e->predictor = gn_predictor_create_with(
            e->net,
            &(struct gn_predictor_options){ .batch = GN_OCCLUSION_BATCH, .threads = e->threads });
    return e->predictor == NULL ? gn_last_status() : GN_OK;
}

gn_status gn_explainer_answer(gn_explainer *e, const float *input, float *logits)
{
    GN_TRY(need_predictor(e));
    return gn_predictor_run(e->predictor, logits,
                            &(struct gn_predict_options){ .inputs = input, .n = 1 });
}

gn_status gn_explainer_values(gn_explainer *e, const float *input, float *values)
{
    struct gn_predict_options options = { .inputs = input, .n = 1, .threads = e->threads };
    options.layer = e->layer_name;
    return gn_predict_with(e->net, values, &options);
}

/* Where square number i along a side begins. */
static int square_at(const struct gn_explainer *e, int i, int side)
{
    const int at = i * e->stride, last = side - e->window;
    return at < last ? at : last;
}

static void paint(const struct gn_explainer *e, float *image, int top, int left,
                  const double *colour)
{
    const struct gn_shape in = e->net->input;
    for (int y = top; y < top + e->window; y++)
        for (int x = left; x < left + e->window; x++)
            for (int c = 0; c < in.c; c++)
                image[((size_t)y * (size_t)in.w + (size_t)x) * (size_t)in.c + (size_t)c] =
                    (float)colour[c];
}

static gn_status mean_colour(const struct gn_explainer *e, const float *input, double **colour)
{
    const size_t channels = (size_t)e->net->input.c, pixels = input_floats(e) / channels;
    double *mean = gn_calloc(channels, sizeof *mean, "the mean colour");
    *colour = mean;
    if (mean == NULL)
        return gn_last_status();
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            mean[c] += (double)input[p * channels + c] / (double)pixels;
    return GN_OK;
}

/* What the squares make of the maps: sums of falls, and how many squares cover a pixel. */
struct occlusion {
    struct gn_explainer *e;
    const float *input;
    const int *classes;
    int n;
    double *before, *after; /* probabilities */
    double *sums;           /* n maps, then the counts */
    int tops[GN_OCCLUSION_BATCH], lefts[GN_OCCLUSION_BATCH];
    int pending;
};

static void add_square(const struct occlusion *o, double fall, double *map, int k)
{
    const size_t w = (size_t)o->e->net->input.w;
    for (int y = o->tops[k]; y < o->tops[k] + o->e->window; y++)
        for (int x = o->lefts[k]; x < o->lefts[k] + o->e->window; x++)
            map[(size_t)y * w + (size_t)x] += fall;
}

static gn_status flush(struct occlusion *o)
{
    struct gn_explainer *e = o->e;
    const int classes = e->net->classes;
    const size_t pixels = input_floats(e) / (size_t)e->net->input.c;
    if (o->pending == 0)
        return GN_OK;
    GN_TRY(gn_predictor_run(
        e->predictor, e->logits,
        &(struct gn_predict_options){ .inputs = e->images, .n = (uint64_t)o->pending }));
    for (int k = 0; k < o->pending; k++) {
        GN_TRY(gn_softmax(e->logits + (size_t)k * (size_t)classes, classes, o->after));
        for (int i = 0; i < o->n; i++)
            add_square(o, o->before[o->classes[i]] - o->after[o->classes[i]],
                       o->sums + (size_t)i * pixels, k);
        add_square(o, 1, o->sums + (size_t)o->n * pixels, k);
    }
    o->pending = 0;
    return GN_OK;
}

static gn_status occlude(struct occlusion *o, const double *colour)
{
    struct gn_explainer *e = o->e;
    const struct gn_shape in = e->net->input;
    const size_t floats = input_floats(e);
    GN_TRY(gn_explainer_answer(e, o->input, e->logits));
    GN_TRY(gn_softmax(e->logits, e->net->classes, o->before));
    for (int i = 0; i < squares(e, in.h); i++) {
        for (int k = 0; k < squares(e, in.w); k++) {
            float *image = e->images + (size_t)o->pending * floats;
            memcpy(image, o->input, floats * sizeof *image);
            o->tops[o->pending] = square_at(e, i, in.h);
            o->lefts[o->pending] = square_at(e, k, in.w);
            paint(e, image, o->tops[o->pending], o->lefts[o->pending], colour);
            if (++o->pending == GN_OCCLUSION_BATCH)
                GN_TRY(flush(o));
        }
    }
    return flush(o);
}

gn_status gn_occlusion(gn_explainer *e, const float *input, const int *classes, int n, float *maps)
{
    GN_TRY(check_call(e, input, classes, n, maps));
    GN_TRY(need_predictor(e));
    const size_t pixels = input_floats(e) / (size_t)e->net->input.c;
    double *colour = NULL;
    struct occlusion o = { .e = e, .input = input, .classes = classes, .n = n };
    gn_status status = mean_colour(e, input, &colour);
    o.before = gn_calloc((size_t)e->net->classes, sizeof *o.before, "probabilities");
    o.after = gn_calloc((size_t)e->net->classes, sizeof *o.after, "probabilities");
    o.sums = gn_calloc(((size_t)n + 1) * pixels, sizeof *o.sums, "the maps");
    if (o.before == NULL || o.after == NULL || o.sums == NULL)
        status = status != GN_OK ? status : gn_last_status();
    if (status == GN_OK)
        status = occlude(&o, colour);
    for (size_t p = 0; status == GN_OK && p < (size_t)n * pixels; p++)
        maps[p] = (float)(o.sums[p] / o.sums[(size_t)n * pixels + p % pixels]);
    gn_free(colour);
    gn_free(o.before);
    gn_free(o.after);
    gn_free(o.sums);
    return status;
}

double gn_cosine(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return aa > 0 && bb > 0 ? ab / (sqrt(aa) * sqrt(bb)) : 0;
}
