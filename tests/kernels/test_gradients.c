/* labels: quick
 *
 * The reference kernels' gradients against central finite differences of forward passes written
 * here anew, in double: h = 1e-6 * max(1, |x|); an element may differ by 1e-5 + 1e-3 |n|, the whole
 * by 1e-6 (relative L2). Inputs are shuffled arithmetic sequences, so no two are within 10 h and
 * none is near a kink. The check itself is checked: a gradient 1.001 times too large, of the wrong
 * sign or shifted by one place must be found out. */
#include "base/memory.h"
#include "kernels/kernels.h"
#include "ops/attributes.h"
#include "ops/rules.h"
#include "support/check.h"

#include <math.h>

enum { MOST = 4096 };

/* One operator under test: its inputs in double, and the scalar sum(r * output), whose gradient
 * with respect to the output is r. */
struct problem {
    struct gn_geometry g;
    int n;
    bool relu_before; /* the operator reads max(x, 0), and its gradient is that of x */
    double x[MOST], w[MOST], b[64], r[MOST];
    size_t n_x, n_w, n_b, n_r;
    int label; /* loss */
};

typedef double scalar_fn(const struct problem *p);

/* A shuffled arithmetic sequence around 0 that avoids 0 itself. */
static void sequence(double *values, size_t n, double step, uint64_t stream)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (double)(float)(((double)i - (double)n / 2 + 0.25) * step);
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)draw_below(stream, i, (int)i);
        const double held = values[i - 1];
        values[i - 1] = values[j];
        values[j] = held;
    }
}

static double central_difference(struct problem *p, double *value, scalar_fn *f)
{
    const double old = *value, h = 1e-6 * fmax(1, fabs(old));
    *value = old + h;
    const double above = f(p);
    *value = old - h;
    const double below = f(p);
    *value = old;
    return (above - below) / (2 * h);
}

/* Whether the two agree within the tolerances. */
static bool agree(const double *analytic, const double *numeric, size_t n)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = analytic[i] - numeric[i];
        if (!(fabs(d) <= 1e-5 + 1e-3 * fabs(numeric[i])))
            return false;
        difference += d * d;
        norm += numeric[i] * numeric[i];
    }
    return norm > 0 && sqrt(difference) <= 1e-6 * sqrt(norm);
}

/* Whether the kernel's output is that of the forward pass written here. */
static void check_output(const struct problem *p, const float *y, scalar_fn *f, const char *what)
{
    double sum = 0, size = 0;
    for (size_t i = 0; i < p->n_r; i++) {
        sum += p->r[i] * (double)y[i];
        size += fabs(p->r[i] * (double)y[i]);
    }
    if (!(fabs(sum - f(p)) <= 1e-7 * size))
        fail_msg("%s: weighted sum of the output %.12g, expected %.12g", what, sum, f(p));
}

/* Compares all `n` gradients with respect to `values`, then wrong versions of them. */
static void check_gradient(struct problem *p, double *values, const float *gradient, size_t n,
                           scalar_fn *f, const char *what)
{
    static double analytic[MOST], numeric[MOST], wrong[MOST];
    for (size_t i = 0; i < n; i++) {
        analytic[i] = (double)gradient[i];
        numeric[i] = central_difference(p, &values[i], f);
    }
    if (!agree(analytic, numeric, n)) {
        for (size_t i = 0; i < n && i < 20; i++)
            print_error("  %zu: %.9g, difference quotient %.9g\n", i, analytic[i], numeric[i]);
        fail_msg("%s: the gradient is not the derivative", what);
    }
    for (size_t i = 0; i < n; i++)
        wrong[i] = analytic[i] * 1.001;
    assert_false(agree(wrong, numeric, n));
    for (size_t i = 0; i < n; i++)
        wrong[i] = -analytic[i];
    assert_false(agree(wrong, numeric, n));
    for (size_t i = 0; i < n; i++)
        wrong[i] = analytic[(i + 1) % n];
    assert_false(n > 1 && agree(wrong, numeric, n));
}

/* ---- The forward passes ---- */

/* x in a frame of `frame` around every image: [n][h + pads][w + pads][c], read by absolute row. */
static double framed(const struct problem *p, int image, int row, int column, int c, double frame)
{
    const int y = row - p->g.pad_top, x = column - p->g.pad_left;
    if (y < 0 || x < 0 || y >= p->g.h || x >= p->g.w)
        return frame;
    const double value = p->x[((image * p->g.h + y) * p->g.w + x) * p->g.c + c];
    return p->relu_before && value < 0 ? 0 : value;
}

/* Convolution as a scatter: each input pixel adds to the outputs that see it. */
static double conv_scalar(const struct problem *p)
{
    static double y[MOST];
    const struct gn_geometry *g = &p->g;
    for (size_t i = 0; i < p->n_r; i++)
        y[i] = p->b[i % (size_t)g->oc];
    for (int image = 0; image < p->n; image++)
        for (int row = 0; row < (g->oh - 1) * g->stride_h + g->kh; row++)
            for (int column = 0; column < (g->ow - 1) * g->stride_w + g->kw; column++)
                for (int oy = 0; oy < g->oh; oy++)
                    for (int ox = 0; ox < g->ow; ox++) {
                        const int r = row - oy * g->stride_h, s = column - ox * g->stride_w;
                        if (r < 0 || s < 0 || r >= g->kh || s >= g->kw)
                            continue;
                        double *to = y + ((image * g->oh + oy) * g->ow + ox) * g->oc;
                        const double *w = p->w + (r * g->kw + s) * g->c * g->oc;
                        for (int c = 0; c < g->c; c++) {
                            const double x = framed(p, image, row, column, c, 0);
                            for (int o = 0; o < g->oc; o++)
                                to[o] += x * w[c * g->oc + o];
                        }
                    }
    double sum = 0;
    for (size_t i = 0; i < p->n_r; i++)
        sum += p->r[i] * y[i];
    return sum;
}

static double max_pool_scalar(const struct problem *p)
{
    const struct gn_geometry *g = &p->g;
    double sum = 0;
    for (size_t i = 0; i < p->n_r; i++) {
        const int c = (int)i % g->c, ox = (int)i / g->c % g->ow, oy = (int)i / g->c / g->ow % g->oh;
        const int image = (int)i / g->c / g->ow / g->oh;
        double best = (double)-INFINITY;
        for (int tap = 0; tap < g->kh * g->kw; tap++)
            best = fmax(best, framed(p, image, oy * g->stride_h + tap / g->kw,
                                     ox * g->stride_w + tap % g->kw, c, (double)-INFINITY));
        sum += p->r[i] * best;
    }
    return sum;
}

static double mean_scalar(const struct problem *p)
{
    const int pixels = p->g.h * p->g.w;
    double sum = 0;
    for (size_t i = 0; i < p->n_x; i++) {
        const size_t c = i % (size_t)p->g.c, image = i / (size_t)(p->g.c * pixels);
        const double x = p->relu_before && p->x[i] < 0 ? 0 : p->x[i];
        sum += p->r[image * (size_t)p->g.c + c] * x / pixels;
    }
    return sum;
}

/* ReLU, or a copy: element by element. */
static double relu_scalar(const struct problem *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->n_x; i++)
        sum += p->r[i] * fmax(p->x[i], 0);
    return sum;
}

static double copy_scalar(const struct problem *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->n_x; i++)
        sum += p->r[i] * p->x[i];
    return sum;
}

static double clip_scalar(const struct problem *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->n_x; i++)
        sum += p->r[i] * fmin(fmax(p->x[i], -0.25), 0.5);
    return sum;
}

/* The sum with another input, which is r here. */
static double sum_scalar(const struct problem *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->n_x; i++)
        sum += p->r[i] * ((p->relu_before && p->x[i] < 0 ? 0 : p->x[i]) + p->r[i]);
    return sum;
}

static double loss_scalar(const struct problem *p)
{
    double sum = 0, all = 0;
    for (int image = 0; image < p->n; image++) {
        const double *z = p->x + image * p->g.c;
        all = 0;
        for (int k = 0; k < p->g.c; k++)
            all += exp(z[k]);
        sum += -log(exp(z[(p->label + image) % p->g.c]) / all);
    }
    return sum / p->n;
}

/* ---- The kernels' side ---- */

/* Float copies of a problem and room for gradients. */
struct floats {
    float x[MOST], w[MOST], b[64], dy[MOST], y[MOST], dx[MOST], dw[MOST], db[64];
    uint8_t argmax[MOST];
};

static struct gn_args start(struct problem *p, struct gn_geometry g, int n, struct floats *f)
{
    p->g = g;
    p->n = n;
    p->n_x = (size_t)(n * g.h * g.w * g.c);
    p->n_w = (size_t)(g.kh * g.kw * g.c * g.oc);
    p->n_b = (size_t)g.oc;
    p->n_r = (size_t)(n * g.oh * g.ow * g.oc);
    assert_true(p->n_x <= MOST && p->n_w <= MOST && p->n_r <= MOST && p->n_b <= 64);
    sequence(p->x, p->n_x, 2.0 / (double)p->n_x, 1);
    sequence(p->w, p->n_w, 2.0 / (double)p->n_w, 2);
    sequence(p->b, p->n_b, 2.0 / (double)p->n_b, 3);
    sequence(p->r, p->n_r, 2.0 / (double)p->n_r, 4);
    for (size_t i = 0; i < p->n_x; i++)
        f->x[i] = p->relu_before && p->x[i] < 0 ? 0 : (float)p->x[i];
    for (size_t i = 0; i < p->n_w; i++)
        f->w[i] = (float)p->w[i];
    for (size_t i = 0; i < p->n_b; i++)
        f->b[i] = (float)p->b[i];
    for (size_t i = 0; i < p->n_r; i++)
        f->dy[i] = (float)p->r[i];
    return (struct gn_args){ .g = g,
                             .x = { f->x, g.c },
                             .y = { f->y, g.oc },
                             .dx = { f->dx, g.c },
                             .dy = { f->dy, g.oc },
                             .w = f->w,
                             .b = f->b,
                             .dw = f->dw,
                             .db = f->db,
                             .kept = f->argmax,
                             .mask = p->relu_before };
}

static void run(enum gn_op op, enum gn_pass pass, const struct gn_args *args, int n)
{
    const struct gn_run run = { .n = n, .batch = n };
    run_kernel(gn_reference_kernels(), op, pass, args, &run,
               (uint64_t)op * GN_PASS_COUNT + (uint64_t)pass);
}

/* A problem and its float side, zeroed. */
struct fixture {
    struct problem p;
    struct floats f;
};

static struct fixture *new_fixture(void)
{
    struct fixture *fixture = gn_calloc(1, sizeof *fixture, "a test");
    assert_non_null(fixture);
    return fixture;
}

static void check_conv(struct gn_geometry g, int n, bool relu_before)
{
    struct fixture *t = new_fixture();
    t->p.relu_before = relu_before;
    const struct gn_args args = start(&t->p, g, n, &t->f);
    run(GN_OP_CONV, GN_PASS_FORWARD, &args, n);
    check_output(&t->p, t->f.y, conv_scalar, "convolution");
    run(GN_OP_CONV, GN_PASS_BACK, &args, n);
    run(GN_OP_CONV, GN_PASS_GRADIENT, &args, n);
    check_gradient(&t->p, t->p.x, t->f.dx, t->p.n_x, conv_scalar, "convolution, input");
    check_gradient(&t->p, t->p.w, t->f.dw, t->p.n_w, conv_scalar, "convolution, weights");
    check_gradient(&t->p, t->p.b, t->f.db, t->p.n_b, conv_scalar, "convolution, bias");
    gn_free(t);
}

/* With SAME padding. */
static struct gn_geometry wide_window(int h, int w, int c, int oc, int kh, int kw, int stride_h,
                                      int stride_w)
{
    struct gn_geometry g;
    struct gn_conv_options o = {
        .channels = oc, .kernel_h = kh, .kernel_w = kw, .stride_h = stride_h, .stride_w = stride_w
    };
    assert_int_equal(rule_of(&gn_op_conv, "test", (struct gn_shape){ h, w, c }, &o, &g), GN_OK);
    return g;
}

static struct gn_geometry window(int h, int w, int c, int oc, int kernel, int stride)
{
    return wide_window(h, w, c, oc, kernel, kernel, stride, stride);
}

static void convolution(void **state)
{
    (void)state;
    check_conv(window(5, 6, 3, 4, 3, 1), 2, false);
    check_conv(window(6, 5, 2, 3, 3, 2), 2, false);
    check_conv(window(8, 8, 1, 5, 7, 2), 2, false);
    check_conv(window(4, 5, 2, 2, 5, 1), 1, false);
    check_conv(window(3, 3, 5, 4, 1, 1), 2, false);
    check_conv(window(5, 4, 2, 3, 1, 2), 2, false);
    check_conv(wide_window(5, 6, 3, 4, 1, 7, 1, 1), 2, false);
    check_conv(wide_window(7, 5, 2, 3, 7, 1, 2, 1), 2, false);
    check_conv(wide_window(6, 8, 2, 3, 3, 4, 1, 3), 2, false);
    /* Lopsided pads: 2 above, 0 below, 0 left, 1 right. */
    check_conv((struct gn_geometry){ 4, 5, 2, 4, 4, 3, 3, 3, 1, 1, 2, 0 }, 2, false);
}

static void convolution_behind_a_relu(void **state)
{
    (void)state;
    check_conv(window(5, 6, 3, 4, 3, 1), 2, true);
    check_conv(window(6, 5, 2, 3, 3, 2), 2, true);
}

static void dense(void **state)
{
    (void)state;
    check_conv((struct gn_geometry){ 1, 1, 37, 1, 1, 10, 1, 1, 1, 1, 0, 0 }, 4, false);
    check_conv((struct gn_geometry){ 1, 1, 37, 1, 1, 10, 1, 1, 1, 1, 0, 0 }, 4, true);
}

static void check_max_pool_of(struct gn_geometry g, bool relu_before)
{
    struct fixture *t = new_fixture();
    t->p.relu_before = relu_before;
    const struct gn_args args = start(&t->p, g, 2, &t->f);
    run(GN_OP_MAX_POOL, GN_PASS_FORWARD, &args, 2);
    check_output(&t->p, t->f.y, max_pool_scalar, "max pool");
    run(GN_OP_MAX_POOL, GN_PASS_BACK, &args, 2);
    check_gradient(&t->p, t->p.x, t->f.dx, t->p.n_x, max_pool_scalar, "max pool");
    gn_free(t);
}

static void check_max_pool(int h, int w, int c, int kernel, int stride, bool relu_before)
{
    check_max_pool_of(window(h, w, c, c, kernel, stride), relu_before);
}

static void max_pool(void **state)
{
    (void)state;
    check_max_pool_of(wide_window(6, 7, 3, 3, 1, 3, 1, 2), false);
    check_max_pool_of(wide_window(8, 6, 2, 2, 5, 2, 3, 1), true);
    check_max_pool(6, 7, 3, 3, 1, false);
    check_max_pool(8, 6, 2, 3, 2, false);
    check_max_pool(7, 7, 2, 2, 2, false);
    check_max_pool(5, 5, 2, 5, 3, false);
    check_max_pool(6, 7, 3, 3, 1, true);
    check_max_pool(8, 6, 2, 3, 2, true);
}

static void global_mean(void **state)
{
    (void)state;
    for (int relu_before = 0; relu_before < 2; relu_before++) {
        struct fixture *t = new_fixture();
        t->p.relu_before = relu_before;
        struct gn_geometry g = { 3, 5, 7, 1, 1, 7, 1, 1, 1, 1, 0, 0 };
        const struct gn_args args = start(&t->p, g, 3, &t->f);
        run(GN_OP_GLOBAL_AVG_POOL, GN_PASS_FORWARD, &args, 3);
        check_output(&t->p, t->f.y, mean_scalar, "global mean");
        run(GN_OP_GLOBAL_AVG_POOL, GN_PASS_BACK, &args, 3);
        check_gradient(&t->p, t->p.x, t->f.dx, t->p.n_x, mean_scalar, "global mean");
        gn_free(t);
    }
}

static void relu_and_copy(void **state)
{
    (void)state;
    struct fixture *t = new_fixture();
    const struct gn_args args = start(&t->p, window(4, 5, 7, 7, 1, 1), 2, &t->f);
    run(GN_OP_RELU, GN_PASS_FORWARD, &args, 2);
    run(GN_OP_RELU, GN_PASS_BACK, &args, 2);
    check_gradient(&t->p, t->p.x, t->f.dx, t->p.n_x, relu_scalar, "ReLU");
    run(GN_OP_CONCAT, GN_PASS_BACK, &args, 2);
    check_gradient(&t->p, t->p.x, t->f.dx, t->p.n_x, copy_scalar, "copy of a concatenation");
    gn_free(t);
}

static void clip(void **state)
{
    (void)state;
    struct fixture *t = new_fixture();
    struct gn_args args = start(&t->p, window(4, 5, 7, 7, 1, 1), 2, &t->f);
    args.attributes = &(struct gn_clip_attributes){ -0.25, 0.5 };
    run(GN_OP_CLIP, GN_PASS_FORWARD, &args, 2);
    check_output(&t->p, t->f.y, clip_scalar, "clip");
    run(GN_OP_CLIP, GN_PASS_BACK, &args, 2);
    check_gradient(&t->p, t->p.x, t->f.dx, t->p.n_x, clip_scalar, "clip");
    gn_free(t);
}

static void sum(void **state)
{
    (void)state;
    for (int relu_before = 0; relu_before < 2; relu_before++) {
        struct fixture *t = new_fixture();
        t->p.relu_before = relu_before != 0;
        struct gn_args args = start(&t->p, window(4, 5, 7, 7, 1, 1), 2, &t->f);
        args.x2 = args.dy;
        run(GN_OP_SUM, GN_PASS_FORWARD, &args, 2);
        check_output(&t->p, t->f.y, sum_scalar, "sum");
        run(GN_OP_SUM, GN_PASS_BACK, &args, 2);
        check_gradient(&t->p, t->p.x, t->f.dx, t->p.n_x, sum_scalar, "sum");
        gn_free(t);
    }
}

static void loss(void **state)
{
    (void)state;
    enum { N = 5 };
    struct fixture *t = new_fixture();
    struct gn_args args = start(&t->p, window(1, 1, 10, 10, 1, 1), N, &t->f);
    t->p.label = 7;
    int32_t labels[N];
    for (int i = 0; i < N; i++)
        labels[i] = (7 + i) % 10;
    const int32_t *const current = labels;
    struct gn_loss_sum sum;
    args.loss = &(struct gn_loss_args){ .labels = &current, .sums = &sum, .weight = 1 };
    run(GN_OP_LOSS, GN_PASS_FORWARD, &args, N);
    assert_true(fabs(sum.loss / N - loss_scalar(&t->p)) < 1e-9);
    check_gradient(&t->p, t->p.x, t->f.dx, t->p.n_x, loss_scalar, "softmax cross-entropy");
    gn_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution), cmocka_unit_test(convolution_behind_a_relu),
        cmocka_unit_test(dense),       cmocka_unit_test(max_pool),
        cmocka_unit_test(global_mean), cmocka_unit_test(relu_and_copy),
        cmocka_unit_test(clip),        cmocka_unit_test(sum),
        cmocka_unit_test(loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
