/* Convolution of bytes with weights of 8 bits in C99. Sums of whole numbers have no order, so what is here suits
 * compilers: products along the channels, which they turn into whatever instructions there are. */
#include "ops/conv/c99.h"

/* clang-format off */
static const char sums_code[] =
    "enum { SUMS = 4 };\n"
    "\n"
    "/* With -O2, gcc would leave loops of any length to the processor's scalar instructions. */\n"
    "#if defined(__GNUC__) && !defined(__clang__) && !defined(__OPTIMIZE_SIZE__)\n"
    "#pragma GCC push_options\n"
    "#pragma GCC optimize(\"tree-vectorize\", \"vect-cost-model=dynamic\")\n"
    "#endif\n"
    "\n"
    "/* Adds the products of n bytes and the weights of SUMS channels, whose rows begin at w[j]. */\n"
    "static void add_products(int sums[SUMS], const unsigned char *x, const signed char *const w[SUMS], int n)\n"
    "{\n"
    "    const signed char *const w0 = w[0], *const w1 = w[1], *const w2 = w[2], *const w3 = w[3];\n"
    "    int s0 = 0, s1 = 0, s2 = 0, s3 = 0, i;\n"
    "    for (i = 0; i < n; i++) {\n"
    "        s0 += x[i] * w0[i];\n"
    "        s1 += x[i] * w1[i];\n"
    "        s2 += x[i] * w2[i];\n"
    "        s3 += x[i] * w3[i];\n"
    "    }\n"
    "    sums[0] += s0;\n"
    "    sums[1] += s1;\n"
    "    sums[2] += s2;\n"
    "    sums[3] += s3;\n"
    "}\n"
    "\n"
    "/* One pixel of n (1 to SUMS) output channels from number `first` on, with their biases. Weights are\n"
    " * [out][row][column][in]. Pixels of a row that lie next to each other are one run of products. */\n"
    "static void byte_sums(const struct step *s, const unsigned char *x, int oy, int ox, int first, int n,\n"
    "                      int sums[SUMS])\n"
    "{\n"
    "    const int y0 = oy * s->sh - s->top, x0 = ox * s->sw - s->left;\n"
    "    const int q0 = x0 < 0 ? -x0 : 0, q1 = x0 + s->kw > s->w ? s->w - x0 : s->kw;\n"
    "    const int together = s->ldx == s->c ? q1 - q0 : 1;\n"
    "    int r, q, j;\n"
    "    for (j = 0; j < SUMS; j++)\n"
    "        sums[j] = j < n ? s->n[first + j] : 0;\n"
    "    for (r = 0; r < s->kh; r++) {\n"
    "        if (y0 + r < 0 || y0 + r >= s->h)\n"
    "            continue;\n"
    "        for (q = q0; q < q1; q += together) {\n"
    "            const signed char *w[SUMS];\n"
    "            for (j = 0; j < SUMS; j++)\n"
    "                w[j] = s->m + (((first + (j < n ? j : 0)) * s->kh + r) * s->kw + q) * s->c;\n"
    "            add_products(sums, x + ((y0 + r) * s->w + x0 + q) * s->ldx, w, together * s->c);\n"
    "        }\n"
    "    }\n"
    "}\n"
    "\n"
    "#if defined(__GNUC__) && !defined(__clang__) && !defined(__OPTIMIZE_SIZE__)\n"
    "#pragma GCC pop_options\n"
    "#endif\n";

static const char to_bytes[] =
    "/* Convolution of bytes to bytes: each sum of whole numbers times a factor of its channel, rounded, which\n"
    " * is a ReLU, too. */\n"
    "static void conv_bytes(const struct step *s, const unsigned char *x, unsigned char *y)\n"
    "{\n"
    "    int oy, ox, o, j, sums[SUMS];\n"
    "    for (o = 0; o < s->oc; o += SUMS)\n"
    "        for (oy = 0; oy < s->oh; oy++)\n"
    "            for (ox = 0; ox < s->ow; ox++) {\n"
    "                const int n = s->oc - o < SUMS ? s->oc - o : SUMS;\n"
    "                unsigned char *const to = y + (oy * s->ow + ox) * s->ldy + o;\n"
    "                byte_sums(s, x, oy, ox, o, n, sums);\n"
    "                for (j = 0; j < n; j++)\n"
    "                    to[j] = nearest_byte(ROUNDED(ROUNDED((float)sums[j]) * s->b[o + j]));\n"
    "            }\n"
    "}\n";

static const char to_floats[] =
    "/* Convolution of bytes to floats. */\n"
    "static void conv_bytes_to_floats(const struct step *s, const unsigned char *x, float *y)\n"
    "{\n"
    "    int oy, ox, o, j, sums[SUMS];\n"
    "    for (o = 0; o < s->oc; o += SUMS)\n"
    "        for (oy = 0; oy < s->oh; oy++)\n"
    "            for (ox = 0; ox < s->ow; ox++) {\n"
    "                const int n = s->oc - o < SUMS ? s->oc - o : SUMS;\n"
    "                float *const to = y + (oy * s->ow + ox) * s->ldy + o;\n"
    "                byte_sums(s, x, oy, ox, o, n, sums);\n"
    "                for (j = 0; j < n; j++) {\n"
    "                    const float v = ROUNDED(ROUNDED((float)sums[j]) * s->b[o + j]);\n"
    "                    to[j] = s->relu && v < 0.0F ? 0.0F : v;\n"
    "                }\n"
    "            }\n"
    "}\n";
/* clang-format on */

/* Weights from [row][column][in][out] to [out][row][column][in], then factors and biases, into `packed`. */
static void make_arrays(const struct gn_args *a, int8_t *weights, float *factors, int32_t *biases)
{
    const size_t oc = (size_t)a->g.oc, rows = (size_t)(a->g.kh * a->g.kw) * (size_t)a->g.c;
    const float *scales = a->tensors[GN_CONV_SCALE];
    for (size_t o = 0; o < oc; o++) {
        for (size_t k = 0; k < rows; k++)
            gn_int8_weights(&a->w[k * oc + o], &scales[o], 1, 1, &weights[o * rows + k]);
        const struct gn_int8_end end =
            gn_int8_end(&a->scales, scales[o], a->b == NULL ? 0 : a->b[o]);
        factors[o] = end.factor;
        biases[o] = end.bias;
    }
}

void gn_conv_bytes_c99(const struct gn_args *a, struct gn_c99 *c)
{
    const size_t oc = (size_t)a->g.oc;
    const size_t weights = (size_t)(a->g.kh * a->g.kw) * (size_t)a->g.c * oc;
    c->on_bytes = true;
    c->function = a->scales.out > 0 ? "conv_bytes" : "conv_bytes_to_floats";
    c->code[0] = sums_code;
    c->code[1] = a->scales.out > 0 ? gn_c99_nearest_byte : to_floats;
    c->code[2] = a->scales.out > 0 ? to_bytes : NULL;
    c->arrays[GN_C99_B].count = c->arrays[GN_C99_N].count = oc;
    c->arrays[GN_C99_M].count = weights;
    c->room = oc * (sizeof(float) + sizeof(int32_t)) + weights;
    if (a->packed == NULL)
        return;
    float *factors = a->packed;
    int32_t *biases = (int32_t *)(void *)(factors + oc);
    int8_t *numbers = (int8_t *)(void *)(biases + oc);
    make_arrays(a, numbers, factors, biases);
    c->arrays[GN_C99_B].values = factors;
    c->arrays[GN_C99_N].values = biases;
    c->arrays[GN_C99_M].values = numbers;
}
