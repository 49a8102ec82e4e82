/* Max pooling of bytes, in vectors of channels. A unit is one row of pixels of one image. Compiled once for
 * each instruction set. */
#include "cpu/vector.h"
#include "ops/max_pool/winners.h"

enum { BYTES = 4 * VL };
typedef uint8_t vb_wide __attribute__((vector_size(BYTES)));
typedef uint8_t vb_memory __attribute__((vector_size(BYTES), aligned(1), may_alias));

INLINE vb_wide larger_bytes(vb_wide x, vb_wide y)
{
#if VL == 4 && defined(__SSE2__)
    return (vb_wide)_mm_max_epu8((__m128i)x, (__m128i)y);
#elif VL == 8 && defined(__AVX2__)
    return (vb_wide)_mm256_max_epu8((__m256i)x, (__m256i)y);
#elif VL == 16 && defined(__AVX512BW__)
    return (vb_wide)_mm512_max_epu8((__m512i)x, (__m512i)y);
#else
    const vb_wide wins = (vb_wide)(x > y);
    return (x & wins) | (y & ~wins);
#endif
}

/* The taps of a window inside the image: rows [r0, r1) and columns [s0, s1) of the map. */
struct window {
    int r0, r1, s0, s1;
};

static void pool_pixel(const struct gn_args *a, const uint8_t *image, const struct window *w,
                       uint8_t *y)
{
    const size_t ld = (size_t)a->x.ld, row = (size_t)a->g.w * ld;
    int c = 0;
    for (; c + BYTES <= a->g.c; c += BYTES) {
        vb_wide best = { 0 };
        for (int r = w->r0; r < w->r1; r++)
            for (int s = w->s0; s < w->s1; s++)
                best = larger_bytes(
                    best, *(const vb_memory *)(image + (size_t)r * row + (size_t)s * ld + c));
        *(vb_memory *)(y + c) = best;
    }
    for (; c < a->g.c; c++) {
        uint8_t best = 0;
        for (int r = w->r0; r < w->r1; r++)
            for (int s = w->s0; s < w->s1; s++) {
                const uint8_t x = image[(size_t)r * row + (size_t)s * ld + (size_t)c];
                best = x > best ? x : best;
            }
        y[c] = best;
    }
}

static int units(const struct gn_args *a, const struct gn_run *r)
{
    return r->n * a->g.oh;
}

static void forward(const struct gn_args *a, const struct gn_run *run, int unit, void *scratch)
{
    const struct gn_geometry *g = &a->g;
    const int top = unit % g->oh * g->stride_h - g->pad_top;
    const uint8_t *image = (const uint8_t *)(const void *)a->x.data +
                           (size_t)(unit / g->oh) * (size_t)g->h * (size_t)g->w * (size_t)a->x.ld;
    uint8_t *y = (uint8_t *)(void *)a->y.data + (size_t)unit * (size_t)g->ow * (size_t)a->y.ld;
    (void)run;
    (void)scratch;
    for (int x = 0; x < g->ow; x++, y += a->y.ld) {
        const int left = x * g->stride_w - g->pad_left;
        const struct window w = { top < 0 ? 0 : top, top + g->kh > g->h ? g->h : top + g->kh,
                                  left < 0 ? 0 : left, left + g->kw > g->w ? g->w : left + g->kw };
        pool_pixel(a, image, &w, y);
    }
}

void GN_ISA_FUNCTION(gn_max_pool_byte_kernels)(struct gn_kernel *row)
{
    row[GN_PASS_FORWARD_BYTES] =
        (struct gn_kernel){ .name = "bytes", .units = units, .run = forward };
}
