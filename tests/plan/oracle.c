/* An oracle for plans: loss and gradients layer by layer in double. Outputs of all layers and
 * their gradients stand side by side, one array each; every layer reads whole inputs and adds to
 * whole gradients. */
#include "plan/oracle.h"

#include "graph/pattern.h"
#include "ops/attributes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pass {
    const gn_net *net;
    const char *freeze;
    int n;
    double **y, **dy; /* of each layer */
    double *grads;
};

static double *zeros(size_t n)
{
    double *values = calloc(n + 1, sizeof *values);
    if (values == NULL)
        abort();
    return values;
}

static size_t count(const struct pass *p, int layer)
{
    const struct gn_shape s = p->net->graph->layers[layer].out;
    return (size_t)p->n * (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

/* One multiplication of a convolution: y += x * w, forward; dx += dy * w and dw += dy * x, back. */
static void multiply(const struct pass *p, int i, bool back, size_t x, size_t w, size_t y)
{
    const struct gn_layer *layer = &p->net->graph->layers[i];
    const size_t offset = p->net->graph->tensors[layer->weight].offset + w;
    const double weight = (double)p->net->params[offset];
    const int in = layer->inputs[0];
    if (!back) {
        p->y[i][y] += p->y[in][x] * weight;
        return;
    }
    p->dy[in][x] += p->dy[i][y] * weight;
    p->grads[offset] += p->dy[i][y] * p->y[in][x];
}

/* All multiplications of one output pixel; `y` is its first channel. */
static void convolve_pixel(const struct pass *p, int i, bool back, int image, int oy, int ox,
                           size_t y)
{
    const struct gn_geometry *g = &p->net->graph->layers[i].window;
    for (int r = 0; r < g->kh; r++) {
        for (int s = 0; s < g->kw; s++) {
            const int iy = oy * g->stride_h + r - g->pad_top,
                      ix = ox * g->stride_w + s - g->pad_left;
            if (iy < 0 || ix < 0 || iy >= g->h || ix >= g->w)
                continue;
            const size_t x = (size_t)(((image * g->h + iy) * g->w + ix) * g->c);
            const size_t w = (size_t)((r * g->kw + s) * g->c * g->oc);
            for (int c = 0; c < g->c; c++)
                for (int o = 0; o < g->oc; o++)
                    multiply(p, i, back, x + (size_t)c, w + (size_t)(c * g->oc + o), y + (size_t)o);
        }
    }
}

static void convolution(const struct pass *p, int i, bool back)
{
    const struct gn_layer *layer = &p->net->graph->layers[i];
    const struct gn_geometry *g = &layer->window;
    const size_t bias = layer->bias < 0 ? 0 : p->net->graph->tensors[layer->bias].offset;
    for (int image = 0; image < p->n; image++) {
        for (int pixel = 0; pixel < g->oh * g->ow; pixel++) {
            const size_t y = (size_t)((image * g->oh * g->ow + pixel) * g->oc);
            convolve_pixel(p, i, back, image, pixel / g->ow, pixel % g->ow, y);
            for (size_t o = 0; layer->bias >= 0 && o < (size_t)g->oc; o++) {
                if (back)
                    p->grads[bias + o] += p->dy[i][y + o];
                else
                    p->y[i][y + o] += (double)p->net->params[bias + o];
            }
        }
    }
}

/* Element of the input that wins a window. */
static size_t winner(const struct pass *p, int i, int image, int oy, int ox, int c)
{
    const struct gn_geometry *g = &p->net->graph->layers[i].window;
    const double *x = p->y[p->net->graph->layers[i].inputs[0]];
    size_t best = SIZE_MAX;
    for (int r = 0; r < g->kh; r++) {
        for (int s = 0; s < g->kw; s++) {
            const int iy = oy * g->stride_h + r - g->pad_top,
                      ix = ox * g->stride_w + s - g->pad_left;
            if (iy < 0 || ix < 0 || iy >= g->h || ix >= g->w)
                continue;
            const size_t at = (size_t)(((image * g->h + iy) * g->w + ix) * g->c + c);
            if (best == SIZE_MAX || x[at] > x[best])
                best = at;
        }
    }
    return best;
}

static void max_pool(const struct pass *p, int i, bool back)
{
    const struct gn_geometry *g = &p->net->graph->layers[i].window;
    const int in = p->net->graph->layers[i].inputs[0];
    for (size_t k = 0; k < count(p, i); k++) {
        const int c = (int)k % g->c, pixel = (int)k / g->c;
        const size_t at =
            winner(p, i, pixel / (g->oh * g->ow), pixel / g->ow % g->oh, pixel % g->ow, c);
        if (back)
            p->dy[in][at] += p->dy[i][k];
        else
            p->y[i][k] = p->y[in][at];
    }
}

static void global_mean(const struct pass *p, int i, bool back)
{
    const int in = p->net->graph->layers[i].inputs[0];
    const struct gn_shape s = p->net->graph->layers[in].out;
    const size_t pixels = (size_t)(s.h * s.w), c = (size_t)s.c;
    for (size_t k = 0; k < count(p, in); k++) {
        const size_t to = k / (pixels * c) * c + k % c;
        if (back)
            p->dy[in][k] += p->dy[i][to] / (double)pixels;
        else
            p->y[i][to] += p->y[in][k] / (double)pixels;
    }
}

static void relu(const struct pass *p, int i, bool back)
{
    const int in = p->net->graph->layers[i].inputs[0];
    for (size_t k = 0; k < count(p, i); k++) {
        if (back)
            p->dy[in][k] += p->y[in][k] > 0 ? p->dy[i][k] : 0;
        else
            p->y[i][k] = p->y[in][k] > 0 ? p->y[in][k] : 0;
    }
}

static void clip(const struct pass *p, int i, bool back)
{
    const struct gn_clip_attributes *a = gn_layer_attributes(&p->net->graph->layers[i]);
    const int in = p->net->graph->layers[i].inputs[0];
    for (size_t k = 0; k < count(p, i); k++) {
        const double x = p->y[in][k];
        if (back)
            p->dy[in][k] += x > a->low && x < a->high ? p->dy[i][k] : 0;
        else
            p->y[i][k] = fmin(fmax(x, a->low), a->high);
    }
}

static void sum(const struct pass *p, int i, bool back)
{
    const struct gn_layer *layer = &p->net->graph->layers[i];
    for (int k = 0; k < layer->n_inputs; k++)
        for (size_t e = 0; e < count(p, i); e++) {
            if (back)
                p->dy[layer->inputs[k]][e] += p->dy[i][e];
            else
                p->y[i][e] += p->y[layer->inputs[k]][e];
        }
}

static void concatenation(const struct pass *p, int i, bool back)
{
    const struct gn_layer *layer = &p->net->graph->layers[i];
    const size_t wide = (size_t)layer->out.c;
    size_t channel = 0;
    for (int k = 0; k < layer->n_inputs; k++) {
        const int in = layer->inputs[k];
        const size_t c = (size_t)p->net->graph->layers[in].out.c;
        for (size_t e = 0; e < count(p, in); e++) {
            const size_t to = e / c * wide + channel + e % c;
            if (back)
                p->dy[in][e] += p->dy[i][to];
            else
                p->y[i][to] = p->y[in][e];
        }
        channel += c;
    }
}

/* Pixels of the input along one axis that output o averages. */
static void span(const struct gn_layer *layer, bool across, int o, int *first, int *end)
{
    const struct gn_geometry *g = &layer->window;
    const int n = across ? g->w : g->h, parts = across ? g->ow : g->oh;
    const int from = across ? o * g->stride_w - g->pad_left : o * g->stride_h - g->pad_top;
    const struct gn_pool_options *own = gn_layer_attributes(layer);
    *first = own->adaptive > 0 ? o * n / parts : from;
    *end = own->adaptive > 0 ? (int)ceil((o + 1) * (double)n / parts)
                             : *first + (across ? g->kw : g->kh);
    *first = *first < 0 ? 0 : *first;
    *end = *end > n ? n : *end;
}

static void average(const struct pass *p, int i, bool back)
{
    const struct gn_layer *layer = &p->net->graph->layers[i];
    const struct gn_geometry *g = &layer->window;
    const struct gn_pool_options *own = gn_layer_attributes(layer);
    const int in = layer->inputs[0];
    for (size_t k = 0; k < count(p, i); k++) {
        const int c = (int)k % g->c, pixel = (int)k / g->c, image = pixel / (g->oh * g->ow);
        int r0, r1, s0, s1;
        span(layer, false, pixel / g->ow % g->oh, &r0, &r1);
        span(layer, true, pixel % g->ow, &s0, &s1);
        const double size = own->count_padding ? g->kh * g->kw : (r1 - r0) * (s1 - s0);
        for (int r = r0; r < r1; r++) {
            for (int s = s0; s < s1; s++) {
                const size_t at = (size_t)(((image * g->h + r) * g->w + s) * g->c + c);
                if (back)
                    p->dy[in][at] += p->dy[i][k] / size;
                else
                    p->y[i][k] += p->y[in][at] / size;
            }
        }
    }
}

static double eps_of(const struct gn_layer *layer)
{
    const struct gn_norm_options *own = gn_layer_attributes(layer);
    return own->eps;
}

/* By the running statistics, which are constants. */
static void scale_channel(const struct pass *p, int i, bool back, size_t channel)
{
    const struct gn_graph *g = p->net->graph;
    const struct gn_layer *layer = &g->layers[i];
    const size_t c = (size_t)layer->out.c;
    const float *params = p->net->params + channel;
    const double mean = (double)params[g->tensors[layer->tensors[2]].offset];
    const double variance = (double)params[g->tensors[layer->tensors[3]].offset];
    const double scale =
        (double)params[g->tensors[layer->weight].offset] / sqrt(variance + eps_of(layer));
    for (size_t k = channel; k < count(p, i); k += c) {
        if (back)
            p->dy[layer->inputs[0]][k] += scale * p->dy[i][k];
        else
            p->y[i][k] = scale * (p->y[layer->inputs[0]][k] - mean) +
                         (double)params[g->tensors[layer->bias].offset];
    }
}

/* Gradient by the chain rule through mean and variance, one channel. */
static void normalise_channel(const struct pass *p, int i, bool back, size_t channel)
{
    const struct gn_layer *layer = &p->net->graph->layers[i];
    const size_t c = (size_t)layer->out.c, n = count(p, i) / c;
    const size_t gamma = p->net->graph->tensors[layer->weight].offset + channel;
    const size_t beta = p->net->graph->tensors[layer->bias].offset + channel;
    const double *x = p->y[layer->inputs[0]] + channel, *dy = p->dy[i] + channel;
    double mean = 0, variance = 0, sum = 0, products = 0;
    for (size_t k = 0; k < n; k++)
        mean += x[k * c] / (double)n;
    for (size_t k = 0; k < n; k++)
        variance += (x[k * c] - mean) * (x[k * c] - mean) / (double)n;
    const double rstd = 1 / sqrt(variance + eps_of(layer));
    for (size_t k = 0; k < n; k++) {
        sum += dy[k * c];
        products += dy[k * c] * (x[k * c] - mean) * rstd;
    }
    for (size_t k = 0; k < n; k++) {
        const double hat = (x[k * c] - mean) * rstd;
        const double g = (double)p->net->params[gamma];
        if (back)
            p->dy[layer->inputs[0]][k * c + channel] +=
                g * rstd * (dy[k * c] - sum / (double)n - hat * products / (double)n);
        else
            p->y[i][k * c + channel] = g * hat + (double)p->net->params[beta];
    }
    if (back) {
        p->grads[gamma] += products;
        p->grads[beta] += sum;
    }
}

static void batch_norm(const struct pass *p, int i, bool back)
{
    const struct gn_graph *g = p->net->graph;
    const bool frozen = gn_pattern_matches(p->freeze, g->tensors[g->layers[i].weight].name) &&
                        gn_pattern_matches(p->freeze, g->tensors[g->layers[i].bias].name);
    for (size_t channel = 0; channel < (size_t)p->net->graph->layers[i].out.c; channel++)
        (frozen ? scale_channel : normalise_channel)(p, i, back, channel);
}

static void lrn(const struct pass *p, int i, bool back)
{
    const struct gn_layer *layer = &p->net->graph->layers[i];
    const struct gn_lrn_options *l = gn_layer_attributes(layer);
    const int in = layer->inputs[0], c = layer->out.c, half = l->size / 2;
    for (size_t k = 0; k < count(p, i); k++) {
        const int channel = (int)k % c;
        const double *x = p->y[in] + k - channel;
        double s = l->k;
        for (int j = channel - half; j <= channel + half; j++)
            s += j < 0 || j >= c ? 0 : l->alpha / l->size * x[j] * x[j];
        if (!back) {
            p->y[i][k] = x[channel] * pow(s, -l->beta);
            continue;
        }
        /* This output's part of the gradient of each input in its window. */
        p->dy[in][k] += p->dy[i][k] * pow(s, -l->beta);
        for (int j = channel - half; j <= channel + half; j++)
            if (j >= 0 && j < c)
                p->dy[in][k - (size_t)channel + (size_t)j] -= p->dy[i][k] * x[channel] * l->beta *
                                                              pow(s, -l->beta - 1) * 2 * l->alpha /
                                                              l->size * x[j];
    }
}

static void run_layer(const struct pass *p, int i, bool back)
{
    static void (*const operators[GN_OP_COUNT])(const struct pass *, int, bool) = {
        [GN_OP_CONV] = convolution,
        [GN_OP_DENSE] = convolution,
        [GN_OP_RELU] = relu,
        [GN_OP_MAX_POOL] = max_pool,
        [GN_OP_CONCAT] = concatenation,
        [GN_OP_SUM] = sum,
        [GN_OP_CLIP] = clip,
        [GN_OP_GLOBAL_AVG_POOL] = global_mean,
        [GN_OP_AVG_POOL] = average,
        [GN_OP_BATCH_NORM] = batch_norm,
        [GN_OP_LRN] = lrn,
    };
    const enum gn_op op = p->net->graph->layers[i].op->id;
    if (operators[op] != NULL)
        operators[op](p, i, back);
}

/* Mean loss of the answer or of a head; its gradient, `weight` times, goes to that layer. */
static double loss(const struct pass *p, const int32_t *labels, int out, double weight)
{
    const size_t classes = (size_t)p->net->classes;
    double sum = 0;
    for (int image = 0; image < p->n; image++) {
        const double *z = p->y[out] + (size_t)image * classes;
        double *dz = p->dy[out] + (size_t)image * classes;
        double all = 0;
        for (size_t k = 0; k < classes; k++)
            all += exp(z[k]);
        for (size_t k = 0; k < classes; k++)
            dz[k] = (exp(z[k]) / all - (k == (size_t)labels[image] ? 1 : 0)) / p->n * weight;
        sum += log(all) - z[labels[image]];
    }
    return sum / p->n;
}

double oracle_gradients(const gn_net *net, const char *freeze, const float *images,
                        const int32_t *labels, int n, double *grads, double *logits)
{
    const int layers = net->graph->n_layers;
    struct pass p = { .net = net, .freeze = freeze, .n = n, .grads = grads };
    p.y = calloc((size_t)layers, sizeof *p.y);
    p.dy = calloc((size_t)layers, sizeof *p.dy);
    if (p.y == NULL || p.dy == NULL)
        abort();
    memset(grads, 0, net->graph->n_floats * sizeof *grads);
    for (int i = 0; i < layers; i++) {
        p.y[i] = zeros(count(&p, i));
        p.dy[i] = zeros(count(&p, i));
        for (size_t k = 0; net->graph->layers[i].n_inputs == 0 && k < count(&p, i); k++)
            p.y[i][k] = (double)images[k];
        run_layer(&p, i, false);
    }
    if (logits != NULL)
        memcpy(logits, p.y[net->output], count(&p, net->output) * sizeof *logits);
    double mean = loss(&p, labels, net->output, 1);
    for (int h = 0; h < net->graph->n_heads; h++) {
        const struct gn_head *head = &net->graph->heads[h];
        mean += head->weight * loss(&p, labels, head->layer, head->weight);
    }
    for (int i = layers - 1; i >= 0; i--)
        run_layer(&p, i, true);
    for (int i = 0; i < layers; i++) {
        free(p.y[i]);
        free(p.dy[i]);
    }
    free(p.y);
    free(p.dy);
    return mean;
}
