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
/* clang-format on */

void gn_global_avg_pool_c99(const struct gn_args *a, struct gn_c99 *c)
{
    (void)a;
    c->function = "global_avg_pool";
    c->code = code;
}
