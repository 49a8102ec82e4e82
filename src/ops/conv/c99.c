/* Convolution and dense layer in C99: the order of sums is that of the generic kernels. */
#include "ops/conv/c99.h"

/* clang-format off */
static const char tile[] =
    "enum { PIXELS = 4, COLUMNS = 8 };\n"
    "\n"
    "/* One tap: `channels` values of each pixel by the rows of w, `ld` floats apart. */\n"
    "static void add_tap(float sums[PIXELS][COLUMNS], const float *const from[PIXELS],\n"
    "                    const int stride[PIXELS], const float *w, int channels, int ld, int n)\n"
    "{\n"
    "    float sum[PIXELS][COLUMNS];\n"
    "    int c, p, j;\n"
    "    for (p = 0; p < PIXELS; p++)\n"
    "        for (j = 0; j < COLUMNS; j++)\n"
    "            sum[p][j] = sums[p][j];\n"
    "    for (c = 0; c < channels; c++, w += ld) {\n"
    "        float row[COLUMNS];\n"
    "        if (n == COLUMNS)\n"
    "            for (j = 0; j < COLUMNS; j++)\n"
    "                row[j] = w[j];\n"
    "        else\n"
    "            for (j = 0; j < COLUMNS; j++)\n"
    "                row[j] = j < n ? w[j] : 0.0F;\n"
    "        for (p = 0; p < PIXELS; p++)\n"
    "            for (j = 0; j < COLUMNS; j++)\n"
    "                sum[p][j] = ROUNDED(sum[p][j] + ROUNDED(from[p][c * stride[p]] * row[j]));\n"
    "    }\n"
    "    for (p = 0; p < PIXELS; p++)\n"
    "        for (j = 0; j < COLUMNS; j++)\n"
    "            sums[p][j] = sum[p][j];\n"
    "}\n"
    "\n"
    "/* Outputs ox to ox + PIXELS - 1 of row oy, n channels from number `first` on. A tap outside of the map\n"
    " * reads one zero again and again. */\n"
    "static void conv_tile(const struct step *s, const float *x, int oy, int ox, int first, int n,\n"
    "                      float sums[PIXELS][COLUMNS])\n"
    "{\n"
    "    static const float zero = 0.0F;\n"
    "    int r, q, p, j;\n"
    "    for (p = 0; p < PIXELS; p++)\n"
    "        for (j = 0; j < COLUMNS; j++)\n"
    "            sums[p][j] = 0.0F;\n"
    "    for (r = 0; r < s->kh; r++) {\n"
    "        const int iy = oy * s->sh - s->top + r;\n"
    "        if (iy < 0 || iy >= s->h)\n"
    "            continue;\n"
    "        for (q = 0; q < s->kw; q++) {\n"
    "            const float *from[PIXELS];\n"
    "            int stride[PIXELS], any = 0;\n"
    "            for (p = 0; p < PIXELS; p++) {\n"
    "                const int ix = (ox + p) * s->sw - s->left + q;\n"
    "                const int inside = ix >= 0 && ix < s->w && ox + p < s->ow;\n"
    "                from[p] = inside ? x + (iy * s->w + ix) * s->ldx : &zero;\n"
    "                stride[p] = inside;\n"
    "                any |= inside;\n"
    "            }\n"
    "            if (any)\n"
    "                add_tap(sums, from, stride, s->a + (r * s->kw + q) * s->c * s->oc + first, s->c,\n"
    "                        s->oc, n);\n"
    "        }\n"
    "    }\n"
    "    for (p = 0; p < PIXELS && ox + p < s->ow; p++)\n"
    "        for (j = 0; j < n; j++) {\n"
    "            const float v = s->b == NULL ? sums[p][j] : ROUNDED(sums[p][j] + s->b[first + j]);\n"
    "            sums[p][j] = s->relu && v < 0.0F ? 0.0F : v;\n"
    "        }\n"
    "}\n";

static const char code[] =
    "/* Convolution; a dense layer is one whose window is its whole input. Each output is one chain of sums\n"
    " * over the taps and channels of its window, then the bias. Weights are [row][column][in][out]. */\n"
    "static void conv(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int oy, ox, o, p, j;\n"
    "    for (o = 0; o < s->oc; o += COLUMNS)\n"
    "        for (oy = 0; oy < s->oh; oy++)\n"
    "            for (ox = 0; ox < s->ow; ox += PIXELS) {\n"
    "                const int n = s->oc - o < COLUMNS ? s->oc - o : COLUMNS;\n"
    "                float sums[PIXELS][COLUMNS];\n"
    "                conv_tile(s, x, oy, ox, o, n, sums);\n"
    "                for (p = 0; p < PIXELS && ox + p < s->ow; p++)\n"
    "                    for (j = 0; j < n; j++)\n"
    "                        y[(oy * s->ow + ox + p) * s->ldy + o + j] = sums[p][j];\n"
    "            }\n"
    "}\n";

static const char to_bytes[] =
    "/* A convolution of floats to bytes: how often a scale, of which k[0] is the inverse, goes into each value. */\n"
    "static void conv_to_bytes(const struct step *s, const float *x, unsigned char *y)\n"
    "{\n"
    "    int oy, ox, o, p, j;\n"
    "    for (o = 0; o < s->oc; o += COLUMNS)\n"
    "        for (oy = 0; oy < s->oh; oy++)\n"
    "            for (ox = 0; ox < s->ow; ox += PIXELS) {\n"
    "                const int n = s->oc - o < COLUMNS ? s->oc - o : COLUMNS;\n"
    "                float sums[PIXELS][COLUMNS];\n"
    "                conv_tile(s, x, oy, ox, o, n, sums);\n"
    "                for (p = 0; p < PIXELS && ox + p < s->ow; p++)\n"
    "                    for (j = 0; j < n; j++)\n"
    "                        y[(oy * s->ow + ox + p) * s->ldy + o + j] = nearest_byte(ROUNDED(sums[p][j] * s->k[0]));\n"
    "            }\n"
    "}\n";
/* clang-format on */

static void floats(const struct gn_args *a, struct gn_c99 *c)
{
    const size_t taps = (size_t)a->g.kh * (size_t)a->g.kw;
    c->on_bytes = a->scales.out > 0;
    c->function = c->on_bytes ? "conv_to_bytes" : "conv";
    c->code[0] = tile;
    c->code[1] = c->on_bytes ? gn_c99_nearest_byte : code;
    c->code[2] = c->on_bytes ? to_bytes : NULL;
    c->numbers[0] = c->on_bytes ? 1.0F / a->scales.out : 0;
    c->arrays[GN_C99_A] = (struct gn_c99_array){ a->w, taps * (size_t)a->g.c * (size_t)a->g.oc };
    c->arrays[GN_C99_B] = (struct gn_c99_array){ a->b, (size_t)a->g.oc };
}

void gn_conv_c99(const struct gn_args *a, struct gn_c99 *c)
{
    if (a->scales.in > 0)
        gn_conv_bytes_c99(a, c);
    else
        floats(a, c);
}

/* A window over the whole map. */
void gn_dense_c99(const struct gn_args *a, struct gn_c99 *c)
{
    floats(a, c);
}
