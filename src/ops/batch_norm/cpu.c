/*
 * Batch normalisation in vectors of channels, see ref.c. Both directions are one pass for the sums
 * and one that writes; what memory brings is the limit, so four pixels are taken at a time and the
 * sums of a chunk of pixels stay in L1. The sums of chunks are added in double, chunk after chunk,
 * so that neither threads nor vector width change a bit. Compiled once for each instruction set.
 */
#include "cpu/vector.h"
#include "ops/batch_norm/norm.h"

/* Pixels [first, first + n) of a chunk. */
struct chunk {
    size_t first;
    int n;
};

/* What is computed pixel by pixel: chunks of the slice. */
static struct chunk chunk_at(const struct gn_args *a, const struct gn_run *run, int unit)
{
    const int all = run->n * a->g.h * a->g.w, first = unit * GN_NORM_CHUNK;
    return (struct chunk){ (size_t)first,
                           all - first < GN_NORM_CHUNK ? all - first : GN_NORM_CHUNK };
}

static int chunk_units(const struct gn_args *a, const struct gn_run *run)
{
    return gn_norm_chunks(&a->g, run->n);
}

/* What is added up: chunks of each grain. */
static int grain_chunks(const struct gn_args *a, const struct gn_run *run)
{
    int chunks = 0;
    for (int i = 0; i < gn_norm_own_grains(run); i++)
        chunks += gn_norm_chunks(&a->g, gn_norm_grain_at(run, i).n);
    return chunks;
}

static struct chunk grain_chunk_at(const struct gn_args *a, const struct gn_run *run, int unit)
{
    const int pixels = a->g.h * a->g.w;
    struct gn_grain grain = gn_norm_grain_at(run, 0);
    for (int i = 0; unit >= gn_norm_chunks(&a->g, grain.n); grain = gn_norm_grain_at(run, ++i))
        unit -= gn_norm_chunks(&a->g, grain.n);
    const int left = grain.n * pixels - unit * GN_NORM_CHUNK;
    return (struct chunk){ (size_t)(grain.first * pixels + unit * GN_NORM_CHUNK),
                           left < GN_NORM_CHUNK ? left : GN_NORM_CHUNK };
}

static int sum_units(const struct gn_args *a, const struct gn_run *run)
{
    return gn_norm_uses_batch(a, run) ? grain_chunks(a, run) : 0;
}

enum { PIXELS = 4 }; /* that are taken at a time */

/* Sums of d and d * d with d = x - the chunk's first pixel, which keeps them small where the mean is
 * not. One vector of n pixels. */
INLINE void sum_vector(const float *x, int ld, int c, int l, int n, const float *shift, float *sum,
                       float *squares)
{
    const vf s = load_some(shift + c, l);
    vf d1 = { 0 }, d2 = { 0 };
    for (int i = 0; i < n; i++) {
        const vf d = load_some(x + i * ld + c, l) - s;
        d1 += d;
        d2 += d * d;
    }
    store(sum + c, load(sum + c) + d1);
    store(squares + c, load(squares + c) + d2);
}

INLINE void sum_pixels(int channels, const float *x, int ld, int n, const float *shift, float *sum,
                       float *squares)
{
    int c = 0;
    for (; c + VL <= channels; c += VL)
        sum_vector(x, ld, c, VL, n, shift, sum, squares);
    if (c < channels)
        sum_vector(x, ld, c, channels - c, n, shift, sum, squares);
}

static void sums(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    const struct chunk k = grain_chunk_at(a, run, unit);
    const float *x = a->x.data + k.first * (size_t)a->x.ld, *shift = x;
    float *sum = gn_norm_sum(a, run, unit, 0), *squares = gn_norm_sum(a, run, unit, 1);
    memset(sum, 0, 2 * gn_norm_stride(&a->g) * sizeof *sum);
    const int c = a->g.c, ld = a->x.ld;
    int i = 0;
    for (; i + PIXELS <= k.n; i += PIXELS, x += PIXELS * ld)
        sum_pixels(c, x, ld, PIXELS, shift, sum, squares);
    sum_pixels(c, x, ld, k.n - i, shift, sum, squares);
}

enum { CHANNELS = 16 }; /* of a unit of the steps that finish a channel */

static int channel_units(const struct gn_args *a, const struct gn_run *run)
{
    (void)run;
    return (a->g.c + CHANNELS - 1) / CHANNELS;
}

static int used_channel_units(const struct gn_args *a, const struct gn_run *run)
{
    return gn_norm_uses_batch(a, run) ? channel_units(a, run) : 0;
}

/* Mean and squared deviations of the chunks so far and one more (Chan, Golub, LeVeque 1979). */
static void merge(double *mean, double *deviations, double *count, double chunk_mean,
                  double chunk_deviations, double n)
{
    const double delta = chunk_mean - *mean, all = *count + n;
    *mean += delta * n / all;
    *deviations += chunk_deviations + delta * delta * *count * n / all;
    *count = all;
}

static void grain_sums(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    int chunk = 0;
    (void)scratch;
    for (int i = 0; i < gn_norm_own_grains(run); i++) {
        const struct gn_grain grain = gn_norm_grain_at(run, i);
        const int end = chunk + gn_norm_chunks(&a->g, grain.n);
        for (int c = unit * CHANNELS; c < a->g.c && c < (unit + 1) * CHANNELS; c++) {
            double mean = 0, deviations = 0, count = 0;
            for (int u = chunk; u < end; u++) {
                const struct chunk k = grain_chunk_at(a, run, u);
                const double shift = (double)a->x.data[k.first * (size_t)a->x.ld + (size_t)c];
                const double d = (double)gn_norm_sum(a, run, u, 0)[c] / k.n;
                merge(&mean, &deviations, &count, shift + d,
                      (double)gn_norm_sum(a, run, u, 1)[c] - d * d * k.n, k.n);
            }
            gn_norm_grain(a, grain.number, 0)[c] = mean;
            gn_norm_grain(a, grain.number, 1)[c] = deviations;
        }
        chunk = end;
    }
}

static void stats(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    for (int c = unit * CHANNELS; c < a->g.c && c < (unit + 1) * CHANNELS; c++) {
        if (gn_norm_uses_batch(a, run))
            gn_norm_use_grains(a, run, c);
        else
            gn_norm_use_running(a, c);
    }
}

/* One vector of n pixels; which of the things happen is known where this is inlined. */
INLINE void normalise(const struct gn_args *a, const float *x, float *y, int c, int l, int n,
                      bool rectify)
{
    const vf mean = load(gn_norm_row(a, GN_NORM_MEAN) + c);
    const vf scale = load(gn_norm_row(a, GN_NORM_SCALE) + c);
    const vf beta = load_some(a->tensors[GN_NORM_BETA] + c, l);
    vf v[PIXELS];
    UNROLL
    for (int i = 0; i < n; i++)
        v[i] = (load_some(x + i * a->x.ld + c, l) - mean) * scale + beta;
    UNROLL
    for (int i = 0; i < n; i++)
        store_some(y + i * a->y.ld + c, rectify ? relu(v[i]) : v[i], l);
}

INLINE void forward_pixels(const struct gn_args *a, size_t first, int n, bool rectify)
{
    const float *x = a->x.data + first * (size_t)a->x.ld;
    float *y = a->y.data + first * (size_t)a->y.ld;
    int c = 0;
    for (; c + VL <= a->g.c; c += VL)
        normalise(a, x, y, c, VL, n, rectify);
    if (c < a->g.c)
        normalise(a, x, y, c, a->g.c - c, n, rectify);
}

INLINE void forward_chunk(const struct gn_args *all, struct chunk k, bool rectify)
{
    const struct gn_args a = *all; /* for the compiler, a store to y might change it */
    size_t p = k.first;
    const size_t end = k.first + (size_t)k.n;
    for (; p + PIXELS <= end; p += PIXELS)
        forward_pixels(&a, p, PIXELS, rectify);
    for (; p < end; p++)
        forward_pixels(&a, p, 1, rectify);
}

static void forward(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    const struct chunk k = chunk_at(a, run, unit);
    if (a->relu)
        forward_chunk(a, k, true);
    else
        forward_chunk(a, k, false);
}

/* Sums of dy and dy * (x - mean): one vector of n pixels. */
INLINE void back_sum_vector(const struct gn_args *a, size_t first, int c, int l, int n, float *sum,
                            float *products)
{
    const float *x = a->x.data + first * (size_t)a->x.ld;
    const float *dy = a->dy.data + first * (size_t)a->dy.ld;
    const vf m = load(gn_norm_row(a, GN_NORM_MEAN) + c);
    vf d1 = { 0 }, d2 = { 0 };
    for (int i = 0; i < n; i++) {
        const vf d = load_some(dy + i * a->dy.ld + c, l);
        d1 += d;
        d2 += d * (load_some(x + i * a->x.ld + c, l) - m);
    }
    store(sum + c, load(sum + c) + d1);
    store(products + c, load(products + c) + d2);
}

INLINE void back_sum_pixels(const struct gn_args *a, size_t first, int n, float *sum,
                            float *products)
{
    int c = 0;
    for (; c + VL <= a->g.c; c += VL)
        back_sum_vector(a, first, c, VL, n, sum, products);
    if (c < a->g.c)
        back_sum_vector(a, first, c, a->g.c - c, n, sum, products);
}

static void back_sums(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    const struct chunk k = grain_chunk_at(a, run, unit);
    float *sum = gn_norm_sum(a, run, unit, 0), *products = gn_norm_sum(a, run, unit, 1);
    memset(sum, 0, 2 * gn_norm_stride(&a->g) * sizeof *sum);
    const struct gn_args own = *a; /* for the compiler, a store to the sums might change it */
    int i = 0;
    for (; i + PIXELS <= k.n; i += PIXELS)
        back_sum_pixels(&own, k.first + (size_t)i, PIXELS, sum, products);
    back_sum_pixels(&own, k.first + (size_t)i, k.n - i, sum, products);
}

static void grain_back_sums(const struct gn_args *a, const struct gn_run *run, int unit,
                            void *scratch)
{
    int chunk = 0;
    (void)scratch;
    for (int i = 0; i < gn_norm_own_grains(run); i++) {
        const struct gn_grain grain = gn_norm_grain_at(run, i);
        const int end = chunk + gn_norm_chunks(&a->g, grain.n);
        for (int c = unit * CHANNELS; c < a->g.c && c < (unit + 1) * CHANNELS; c++) {
            double dy = 0, dy_x = 0;
            for (int u = chunk; u < end; u++) {
                dy += (double)gn_norm_sum(a, run, u, 0)[c];
                dy_x += (double)gn_norm_sum(a, run, u, 1)[c];
            }
            gn_norm_grain(a, grain.number, 0)[c] = dy;
            gn_norm_grain(a, grain.number, 1)[c] = dy_x;
        }
        chunk = end;
    }
}

static void back_stats(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    for (int c = unit * CHANNELS; c < a->g.c && c < (unit + 1) * CHANNELS; c++)
        gn_norm_use_gradient(a, run, c);
}

/* The same for the gradient: one vector of n pixels. */
INLINE void back_vector(const struct gn_args *a, size_t first, int c, int l, int n, bool accumulate,
                        bool mask)
{
    const float *x = a->x.data + first * (size_t)a->x.ld;
    const float *dy = a->dy.data + first * (size_t)a->dy.ld;
    float *dx = a->dx.data + first * (size_t)a->dx.ld;
    const vf mean = load(gn_norm_row(a, GN_NORM_MEAN) + c);
    const vf scale = load(gn_norm_row(a, GN_NORM_SCALE) + c);
    const vf dy_mean = load(gn_norm_row(a, GN_NORM_DY_MEAN) + c);
    const vf slope = load(gn_norm_row(a, GN_NORM_DY_SLOPE) + c);
    vf v[PIXELS];
    UNROLL
    for (int i = 0; i < n; i++) {
        const vf in = load_some(x + i * a->x.ld + c, l);
        v[i] = scale * load_some(dy + i * a->dy.ld + c, l) - (dy_mean + (in - mean) * slope);
        if (accumulate)
            v[i] += load_some(dx + i * a->dx.ld + c, l);
        if (mask)
            v[i] = where_positive(in, v[i]);
    }
    UNROLL
    for (int i = 0; i < n; i++)
        store_some(dx + i * a->dx.ld + c, v[i], l);
}

INLINE void back_pixels(const struct gn_args *a, size_t first, int n, bool accumulate, bool mask)
{
    int c = 0;
    for (; c + VL <= a->g.c; c += VL)
        back_vector(a, first, c, VL, n, accumulate, mask);
    if (c < a->g.c)
        back_vector(a, first, c, a->g.c - c, n, accumulate, mask);
}

INLINE void back_chunk(const struct gn_args *all, struct chunk k, bool accumulate, bool mask)
{
    const struct gn_args a = *all;
    size_t p = k.first;
    const size_t end = k.first + (size_t)k.n;
    for (; p + PIXELS <= end; p += PIXELS)
        back_pixels(&a, p, PIXELS, accumulate, mask);
    for (; p < end; p++)
        back_pixels(&a, p, 1, accumulate, mask);
}

static void back(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    const struct chunk k = chunk_at(a, run, unit);
    if (a->accumulate && a->mask)
        back_chunk(a, k, true, true);
    else if (a->accumulate)
        back_chunk(a, k, true, false);
    else if (a->mask)
        back_chunk(a, k, false, true);
    else
        back_chunk(a, k, false, false);
}

static void running(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    for (int c = unit * CHANNELS; c < a->g.c && c < (unit + 1) * CHANNELS; c++)
        gn_norm_use_groups(a, run, c);
}

void GN_ISA_FUNCTION(gn_batch_norm_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "norm", .units = chunk_units, .run = forward };
    gn_norm_fold_kernels(row);
    if (!GN_TRAINING)
        return;
    row[GN_PASS_SUMS] = (struct gn_kernel){ .name = "norm-sums", .units = sum_units, .run = sums };
    row[GN_PASS_GRAIN_SUMS] = (struct gn_kernel){ .name = "norm-sums",
                                                  .units = used_channel_units,
                                                  .run = grain_sums,
                                                  .shared = gn_norm_shared,
                                                  .of_grains = true };
    row[GN_PASS_STATISTICS] = (struct gn_kernel){
        .name = "norm-stats", .units = channel_units, .run = stats, .of_grains = true
    };
    row[GN_PASS_GRADIENT_SUMS] =
        (struct gn_kernel){ .name = "norm-sums", .units = grain_chunks, .run = back_sums };
    row[GN_PASS_GRADIENT_GRAIN_SUMS] = (struct gn_kernel){ .name = "norm-sums",
                                                           .units = channel_units,
                                                           .run = grain_back_sums,
                                                           .shared = gn_norm_shared,
                                                           .of_grains = true };
    row[GN_PASS_GRADIENT] = (struct gn_kernel){
        .name = "norm-stats", .units = channel_units, .run = back_stats, .of_grains = true
    };
    row[GN_PASS_BACK] = (struct gn_kernel){ .name = "norm", .units = chunk_units, .run = back };
    row[GN_PASS_RUNNING] =
        (struct gn_kernel){ .name = "norm-stats", .units = channel_units, .run = running };
}
