/* The global mean in C99. */
#include "ops/c99.h"

/* clang-format off */
static const char code[] =
    "/* The mean of each channel. */\n"
    "static void global_avg_pool(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (c = 0; c < s->c; c++)\n"
    "        y[c] = 0.0F;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++)\n"
    "            y[c] = ROUNDED(y[c] + x[p * s->ldx + c]);\n"
    "    for (c = 0; c < s->c; c++)\n"
    "        y[c] = ROUNDED(y[c] / (float)(s->h * s->w));\n"
    "}\n";

static const char byte_code[] =
    "/* The mean of the bytes of each channel, as a float: their sum times k[0]. */\n"
    "static void global_avg_pool_bytes(const struct step *s, const unsigned char *x, float *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (c = 0; c < s->c; c++) {\n"
    "        int sum = 0;\n"
    "        for (p = 0; p < s->h * s->w; p++)\n"
    "            sum += x[p * s->ldx + c];\n"
    "        y[c] = ROUNDED(ROUNDED((float)sum) * s->k[0]);\n"
    "    }\n"
    "}\n";
/* clang-format on */

void gn_global_avg_pool_c99(const struct gn_args *a, struct gn_c99 *c)
{
    c->on_bytes = a->scales.in > 0;
    c->function = c->on_bytes ? "global_avg_pool_bytes" : "global_avg_pool";
    c->code[0] = c->on_bytes ? byte_code : code;
    c->numbers[0] = a->scales.in / (float)(a->g.h * a->g.w);
}
