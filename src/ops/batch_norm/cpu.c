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

INLINE int lanes(const struct gn_args *a, int c)
{
    return a->g.c - c < VL ? a->g.c - c : VL;
}

/* Sums of d and d * d with d = x - the chunk's first pixel, which keeps them small where the mean is
 * not. */
INLINE void sum_pixels(const struct gn_args *a, const float *x, int n, const float *shift,
                       float *sum, float *squares)
{
    const size_t ld = (size_t)a->x.ld;
    for (int c = 0; c < a->g.c; c += VL) {
        const int l = lanes(a, c);
        const vf s = load_some(shift + c, l);
        vf d1 = { 0 }, d2 = { 0 };
        for (int i = 0; i < n; i++) {
            const vf d = load_some(x + (size_t)i * ld + c, l) - s;
            d1 += d;
            d2 += d * d;
        }
        store(sum + c, load(sum + c) + d1);
        store(squares + c, load(squares + c) + d2);
    }
}

static void sums(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    const struct chunk k = grain_chunk_at(a, run, unit);
    const float *x = a->x.data + k.first * (size_t)a->x.ld, *shift = x;
    float *sum = gn_norm_sum(a, run, unit, 0), *squares = gn_norm_sum(a, run, unit, 1);
    memset(sum, 0, 2 * gn_norm_stride(&a->g) * sizeof *sum);
    int i = 0;
    for (; i + 4 <= k.n; i += 4, x += 4 * a->x.ld)
        sum_pixels(a, x, 4, shift, sum, squares);
    sum_pixels(a, x, k.n - i, shift, sum, squares);
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

static void forward(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    const struct chunk k = chunk_at(a, run, unit);
    const float *mean = gn_norm_row(a, GN_NORM_MEAN), *scale = gn_norm_row(a, GN_NORM_SCALE);
    const float *beta = a->tensors[GN_NORM_BETA];
    for (size_t p = k.first; p < k.first + (size_t)k.n; p++) {
        const float *x = a->x.data + p * (size_t)a->x.ld;
        float *y = a->y.data + p * (size_t)a->y.ld;
        for (int c = 0; c < a->g.c; c += VL) {
            const int l = lanes(a, c);
            const vf v =
                (load_some(x + c, l) - load(mean + c)) * load(scale + c) + load_some(beta + c, l);
            store_some(y + c, a->relu ? relu(v) : v, l);
        }
    }
}

/* Sums of dy and dy * (x - mean). */
INLINE void back_sum_pixels(const struct gn_args *a, size_t first, int n, float *sum,
                            float *products)
{
    const float *mean = gn_norm_row(a, GN_NORM_MEAN);
    const float *x = a->x.data + first * (size_t)a->x.ld;
    const float *dy = a->dy.data + first * (size_t)a->dy.ld;
    for (int c = 0; c < a->g.c; c += VL) {
        const int l = lanes(a, c);
        const vf m = load(mean + c);
        vf d1 = { 0 }, d2 = { 0 };
        for (int i = 0; i < n; i++) {
            const vf d = load_some(dy + (size_t)i * (size_t)a->dy.ld + c, l);
            d1 += d;
            d2 += d * (load_some(x + (size_t)i * (size_t)a->x.ld + c, l) - m);
        }
        store(sum + c, load(sum + c) + d1);
        store(products + c, load(products + c) + d2);
    }
}

static void back_sums(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    const struct chunk k = grain_chunk_at(a, run, unit);
    float *sum = gn_norm_sum(a, run, unit, 0), *products = gn_norm_sum(a, run, unit, 1);
    memset(sum, 0, 2 * gn_norm_stride(&a->g) * sizeof *sum);
    int i = 0;
    for (; i + 4 <= k.n; i += 4)
        back_sum_pixels(a, k.first + (size_t)i, 4, sum, products);
    back_sum_pixels(a, k.first + (size_t)i, k.n - i, sum, products);
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

static void back(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    (void)scratch;
    const struct chunk k = chunk_at(a, run, unit);
    const float *mean = gn_norm_row(a, GN_NORM_MEAN), *scale = gn_norm_row(a, GN_NORM_SCALE);
    const float *dy_mean = gn_norm_row(a, GN_NORM_DY_MEAN);
    const float *slope = gn_norm_row(a, GN_NORM_DY_SLOPE);
    for (size_t p = k.first; p < k.first + (size_t)k.n; p++) {
        const float *x = a->x.data + p * (size_t)a->x.ld;
        const float *dy = a->dy.data + p * (size_t)a->dy.ld;
        float *dx = a->dx.data + p * (size_t)a->dx.ld;
        for (int c = 0; c < a->g.c; c += VL) {
            const int l = lanes(a, c);
            const vf in = load_some(x + c, l);
            vf v = load(scale + c) * load_some(dy + c, l) -
                   (load(dy_mean + c) + (in - load(mean + c)) * load(slope + c));
            if (a->accumulate)
                v += load_some(dx + c, l);
            store_some(dx + c, a->mask ? where_positive(in, v) : v, l);
        }
    }
}

void GN_ISA_FUNCTION(gn_batch_norm_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_SUMS] = (struct gn_kernel){ .name = "norm-sums", .units = sum_units, .run = sums };
    row[GN_PASS_GRAIN_SUMS] = (struct gn_kernel){ .name = "norm-sums",
                                                  .units = used_channel_units,
                                                  .run = grain_sums,
                                                  .shared = gn_norm_shared,
                                                  .of_grains = true };
    row[GN_PASS_STATISTICS] = (struct gn_kernel){
        .name = "norm-stats", .units = channel_units, .run = stats, .of_grains = true
    };
    row[GN_PASS_FORWARD] =
        (struct gn_kernel){ .name = "norm", .units = chunk_units, .run = forward };
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
    gn_norm_fold_kernels(row);
}
