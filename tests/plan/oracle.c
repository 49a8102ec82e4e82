/* An oracle for plans: loss and gradients layer by layer in double. Outputs of all layers and
 * their gradients stand side by side, one array each; every layer reads whole inputs and adds to
 * whole gradients. */
#include "plan/oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pass {
    const gn_net *net;
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
            const int iy = oy * g->stride + r - g->pad_top, ix = ox * g->stride + s - g->pad_left;
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
    const size_t bias = p->net->graph->tensors[layer->bias].offset;
    for (int image = 0; image < p->n; image++) {
        for (int pixel = 0; pixel < g->oh * g->ow; pixel++) {
            const size_t y = (size_t)((image * g->oh * g->ow + pixel) * g->oc);
            convolve_pixel(p, i, back, image, pixel / g->ow, pixel % g->ow, y);
            for (size_t o = 0; o < (size_t)g->oc; o++) {
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
            const int iy = oy * g->stride + r - g->pad_top, ix = ox * g->stride + s - g->pad_left;
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

static void run_layer(const struct pass *p, int i, bool back)
{
    static void (*const operators[GN_OP_COUNT])(const struct pass *, int, bool) = {
        [GN_OP_CONV] = convolution,
        [GN_OP_DENSE] = convolution,
        [GN_OP_RELU] = relu,
        [GN_OP_MAX_POOL] = max_pool,
        [GN_OP_CONCAT] = concatenation,
        [GN_OP_GLOBAL_AVG_POOL] = global_mean,
    };
    const enum gn_op op = p->net->graph->layers[i].op;
    if (operators[op] != NULL)
        operators[op](p, i, back);
}

/* Mean loss; the gradient goes to the output layer. */
static double loss(const struct pass *p, const int32_t *labels)
{
    const int out = p->net->output;
    const size_t classes = (size_t)p->net->classes;
    double sum = 0;
    for (int image = 0; image < p->n; image++) {
        const double *z = p->y[out] + (size_t)image * classes;
        double *dz = p->dy[out] + (size_t)image * classes;
        double all = 0;
        for (size_t k = 0; k < classes; k++)
            all += exp(z[k]);
        for (size_t k = 0; k < classes; k++)
            dz[k] = (exp(z[k]) / all - (k == (size_t)labels[image] ? 1 : 0)) / p->n;
        sum += log(all) - z[labels[image]];
    }
    return sum / p->n;
}

double oracle_gradients(const gn_net *net, const float *images, const int32_t *labels, int n,
                        double *grads, double *logits)
{
    const int layers = net->graph->n_layers;
    struct pass p = { .net = net, .n = n, .grads = grads };
    p.y = calloc((size_t)layers, sizeof *p.y);
    p.dy = calloc((size_t)layers, sizeof *p.dy);
    if (p.y == NULL || p.dy == NULL)
        abort();
    memset(grads, 0, net->graph->n_floats * sizeof *grads);
    for (int i = 0; i < layers; i++) {
        p.y[i] = zeros(count(&p, i));
        p.dy[i] = zeros(count(&p, i));
        for (size_t k = 0; net->graph->layers[i].op == GN_OP_INPUT && k < count(&p, i); k++)
            p.y[i][k] = (double)images[k];
        run_layer(&p, i, false);
    }
    if (logits != NULL)
        memcpy(logits, p.y[net->output], count(&p, net->output) * sizeof *logits);
    const double mean = loss(&p, labels);
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
