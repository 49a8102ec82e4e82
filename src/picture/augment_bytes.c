/*
 * Operations on the bytes of an image: geometry by an inverse map with bilinear weights, colour by
 * tables and by mixing with a grey version (as Pillow's ImageEnhance does), random erasing (Zhong et
 * al. 2017) and TrivialAugment (Mueller and Hutter 2021, the wide ranges).
 */
#include "picture/augment_draws.h"

#include "base/random.h"

#include <math.h>
#include <string.h>

struct image {
    uint8_t *pixels, *spare; /* h*w*c bytes each */
    int h, w, c;
};

static size_t bytes_of(const struct image *m)
{
    return (size_t)m->h * (size_t)m->w * (size_t)m->c;
}

static uint8_t to_byte(double v)
{
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5);
}

/* ---- Geometry ---- */

static void mirror(const struct image *m)
{
    const size_t w = (size_t)m->w, c = (size_t)m->c;
    for (size_t y = 0; y < (size_t)m->h; y++) {
        uint8_t *row = m->pixels + y * w * c;
        for (size_t a = 0, b = w - 1; a < b; a++, b--)
            for (size_t k = 0; k < c; k++) {
                const uint8_t left = row[a * c + k];
                row[a * c + k] = row[b * c + k];
                row[b * c + k] = left;
            }
    }
}

/* Moves the image down and to the right; zeros move in. */
static void shift(const struct image *m, int down, int right)
{
    const int h = m->h, w = m->w;
    const size_t c = (size_t)m->c, row = (size_t)w * c;
    const int from = right < 0 ? -right : 0, to = right < 0 ? w : w - right;
    memcpy(m->spare, m->pixels, bytes_of(m));
    memset(m->pixels, 0, bytes_of(m));
    for (int y = 0; y < h && from < to; y++) {
        const int source = y - down;
        if (source >= 0 && source < h)
            memcpy(m->pixels + (size_t)y * row + (size_t)(from + right) * c,
                   m->spare + (size_t)source * row + (size_t)from * c, (size_t)(to - from) * c);
    }
}

/* The byte at a place between pixels; zeros lie outside. */
static double sample(const struct image *m, double y, double x, int k)
{
    const double fy = floor(y), fx = floor(x);
    double sum = 0;
    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++) {
            const double sy = fy + dy, sx = fx + dx;
            if (sy < 0 || sx < 0 || sy >= m->h || sx >= m->w)
                continue;
            const size_t at = ((size_t)sy * (size_t)m->w + (size_t)sx) * (size_t)m->c + (size_t)k;
            sum += m->spare[at] * (1 - fabs(y - sy)) * (1 - fabs(x - sx));
        }
    return sum;
}

/* Pixel (y, x), seen from the middle, comes from (yy*y + yx*x, xy*y + xx*x). */
static void turn(const struct image *m, double yy, double yx, double xy, double xx)
{
    const double my = (m->h - 1) / 2.0, mx = (m->w - 1) / 2.0;
    uint8_t *to = m->pixels;
    memcpy(m->spare, m->pixels, bytes_of(m));
    for (int y = 0; y < m->h; y++)
        for (int x = 0; x < m->w; x++)
            for (int k = 0; k < m->c; k++)
                *to++ = to_byte(sample(m, yy * (y - my) + yx * (x - mx) + my,
                                       xy * (y - my) + xx * (x - mx) + mx, k));
}

static void rotate(const struct image *m, double degrees)
{
    const double angle = degrees * 0.017453292519943295, s = sin(angle), c = cos(angle);
    turn(m, c, s, -s, c);
}

/* ---- Colour ---- */

static void apply_table(const struct image *m, const uint8_t table[256])
{
    const size_t n = bytes_of(m);
    for (size_t i = 0; i < n; i++)
        m->pixels[i] = table[m->pixels[i]];
}

/* factor*v + (1-factor)*base for each byte */
static void blend_with(const struct image *m, double base, double factor)
{
    uint8_t table[256];
    for (int v = 0; v < 256; v++)
        table[v] = to_byte(base + factor * (v - base));
    apply_table(m, table);
}

static unsigned grey(const struct image *m, size_t pixel)
{
    const uint8_t *p = m->pixels + pixel * (size_t)m->c;
    return m->c == 1 ? p[0] : (19595U * p[0] + 38470U * p[1] + 7471U * p[2] + 0x8000U) >> 16;
}

static void brightness(const struct image *m, double factor)
{
    blend_with(m, 0, factor);
}

/* The mean grey stays. */
static void contrast(const struct image *m, double factor)
{
    const size_t n = (size_t)m->h * (size_t)m->w;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += grey(m, i);
    blend_with(m, floor((double)sum / (double)n + 0.5), factor);
}

static void saturation(const struct image *m, double factor)
{
    const size_t n = (size_t)m->h * (size_t)m->w;
    for (size_t i = 0; i < n && m->c == 3; i++) {
        uint8_t *p = m->pixels + 3 * i;
        const double base = grey(m, i);
        for (int k = 0; k < 3; k++)
            p[k] = to_byte(base + factor * (p[k] - base));
    }
}

static void posterize(const struct image *m, int bits)
{
    uint8_t table[256];
    for (int v = 0; v < 256; v++)
        table[v] = (uint8_t)(v & (0xff << (8 - bits)));
    apply_table(m, table);
}

static void solarize(const struct image *m, double threshold)
{
    uint8_t table[256];
    for (int v = 0; v < 256; v++)
        table[v] = (uint8_t)(v >= threshold ? 255 - v : v);
    apply_table(m, table);
}

/* Maps each channel through the table that `make` draws from its histogram. */
static void by_histogram(const struct image *m,
                         void (*make)(uint8_t table[256], const uint64_t counts[256]))
{
    const size_t n = bytes_of(m), c = (size_t)m->c;
    for (size_t k = 0; k < c; k++) {
        uint64_t counts[256] = { 0 };
        uint8_t table[256];
        for (size_t i = k; i < n; i += c)
            counts[m->pixels[i]]++;
        make(table, counts);
        for (size_t i = k; i < n; i += c)
            m->pixels[i] = table[m->pixels[i]];
    }
}

/* Darkest to 0, lightest to 255. */
static void stretch(uint8_t table[256], const uint64_t counts[256])
{
    int low = 0, high = 255;
    while (low < 255 && counts[low] == 0)
        low++;
    while (high > 0 && counts[high] == 0)
        high--;
    for (int v = 0; v < 256; v++)
        table[v] = high <= low ? (uint8_t)v : to_byte((v - low) * 255.0 / (high - low));
}

/* Every lightness as often as any other, as Pillow's ImageOps.equalize does. */
static void equalize(uint8_t table[256], const uint64_t counts[256])
{
    uint64_t all = 0, last = 0;
    int used = 0;
    for (int v = 0; v < 256; v++)
        if (counts[v] > 0) {
            all += counts[v];
            last = counts[v];
            used++;
        }
    const uint64_t step = (all - last) / 255;
    uint64_t sum = step / 2;
    for (int v = 0; v < 256; v++) {
        const uint64_t level = step == 0 ? 0 : sum / step;
        table[v] = used < 2 || step == 0 ? (uint8_t)v : (uint8_t)(level > 255 ? 255 : level);
        sum += counts[v];
    }
}

/* Mixes the image with a smoothed one (3x3, the middle five times); the border stays. */
static void sharpness(const struct image *m, double factor)
{
    const size_t c = (size_t)m->c, row = (size_t)m->w * c;
    memcpy(m->spare, m->pixels, bytes_of(m));
    for (size_t y = 1; y + 1 < (size_t)m->h; y++)
        for (size_t i = c; i + c < row; i++) {
            const uint8_t *p = m->spare + y * row + i;
            const uint8_t *above = p - row, *below = p + row;
            const int sum = above[-(ptrdiff_t)c] + above[0] + above[c] + p[-(ptrdiff_t)c] +
                            5 * p[0] + p[c] + below[-(ptrdiff_t)c] + below[0] + below[c];
            const double smooth = floor(sum / 13.0 + 0.5);
            m->pixels[y * row + i] = to_byte(smooth + factor * (p[0] - smooth));
        }
}

/* ---- Erasing ---- */

/* A rectangle of 2% to 33% of the area and sides of 0.3 to 3.3 becomes noise. */
static void erase(const struct image *m, const struct gn_draws *d)
{
    enum { TRIES = 10 };
    const double area = (double)m->h * (double)m->w;
    for (int i = 0; i < TRIES; i++) {
        const int at = GN_DRAWS_ERASE + 1 + 4 * i;
        const double target = area * gn_draw_between(d, at, 0.02, 0.33);
        const double ratio = exp(gn_draw_between(d, at + 1, log(0.3), log(3.3)));
        const int h = (int)lrint(sqrt(target * ratio)), w = (int)lrint(sqrt(target / ratio));
        if (h < 1 || w < 1 || h >= m->h || w >= m->w)
            continue;
        const int y = gn_draw_below(d, at + 2, m->h - h + 1);
        const int x = gn_draw_below(d, at + 3, m->w - w + 1);
        const size_t n = (size_t)w * (size_t)m->c;
        for (int line = 0; line < h; line++) {
            uint8_t *to =
                m->pixels + ((size_t)(y + line) * (size_t)m->w + (size_t)x) * (size_t)m->c;
            for (size_t k = 0; k < n; k++)
                to[k] = (uint8_t)(gn_random_bits(d->seed, GN_RANDOM_AUGMENT, d->sample,
                                                 GN_DRAWS_NOISE + (uint64_t)line * n + k) >>
                                  56);
        }
        return;
    }
}

/* ---- TrivialAugment ---- */

/* One operation; its strength in [0, 1) and sign are drawn. */
static void trivial(const struct image *m, const struct gn_draws *d)
{
    enum { OPERATIONS = 14 };
    const double strength = gn_draw(d, GN_DRAWS_TRIVIAL + 1);
    const double sign = gn_draw(d, GN_DRAWS_TRIVIAL + 2) < 0.5 ? -1 : 1, factor = sign * strength;
    switch (gn_draw_below(d, GN_DRAWS_TRIVIAL, OPERATIONS)) {
    case 1: /* shear along x */
        turn(m, 1, 0, 0.99 * factor, 1);
        return;
    case 2:
        turn(m, 1, 0.99 * factor, 0, 1);
        return;
    case 3: /* up to 32 pixels of an image of 224 */
        shift(m, 0, (int)lrint(factor * m->w / 7.0));
        return;
    case 4:
        shift(m, (int)lrint(factor * m->h / 7.0), 0);
        return;
    case 5:
        rotate(m, 135 * factor);
        return;
    case 6:
        brightness(m, 1 + 0.99 * factor);
        return;
    case 7:
        saturation(m, 1 + 0.99 * factor);
        return;
    case 8:
        contrast(m, 1 + 0.99 * factor);
        return;
    case 9:
        sharpness(m, 1 + 0.99 * factor);
        return;
    case 10:
        posterize(m, 8 - (int)(7 * strength));
        return;
    case 11:
        solarize(m, 255 * (1 - strength));
        return;
    case 12:
        by_histogram(m, stretch);
        return;
    case 13:
        by_histogram(m, equalize);
        return;
    default: /* as it is */
        return;
    }
}

static double factor_of(const struct gn_draws *d, int number, double range)
{
    const double low = range < 1 ? 1 - range : 0;
    return gn_draw_between(d, number, low, 1 + range);
}

void gn_augment_bytes(const struct gn_augment *a, const struct gn_draws *d, uint8_t *pixels,
                      uint8_t *spare, int h, int w, int c)
{
    const struct image m = { pixels, spare, h, w, c };
    if (a->alternate ? gn_draw_alternates(d, GN_DRAWS_MIRROR)
                     : a->mirror && gn_draw(d, GN_DRAWS_MIRROR) < 0.5)
        mirror(&m);
    if (a->shift > 0)
        shift(&m, gn_draw_below(d, GN_DRAWS_SHIFT, 2 * a->shift + 1) - a->shift,
              gn_draw_below(d, GN_DRAWS_SHIFT + 1, 2 * a->shift + 1) - a->shift);
    if (a->rotate > 0)
        rotate(&m, gn_draw_between(d, GN_DRAWS_ROTATE, -a->rotate, a->rotate));
    if (a->brightness > 0)
        brightness(&m, factor_of(d, GN_DRAWS_COLOUR, a->brightness));
    if (a->contrast > 0)
        contrast(&m, factor_of(d, GN_DRAWS_COLOUR + 1, a->contrast));
    if (a->saturation > 0)
        saturation(&m, factor_of(d, GN_DRAWS_COLOUR + 2, a->saturation));
    if (a->trivial)
        trivial(&m, d);
    if (a->erase > 0 && gn_draw(d, GN_DRAWS_ERASE) < a->erase)
        erase(&m, d);
}
