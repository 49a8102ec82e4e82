/* A sum in C99, two inputs at a time. */
#include "ops/c99.h"

/* clang-format off */
static const char code[] =
    "static void sum(const struct step *s, const float *x, const float *x2, float *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++) {\n"
    "            const float v = ROUNDED(x[p * s->ldx + c] + x2[p * s->ldx2 + c]);\n"
    "            y[p * s->ldy + c] = s->relu && v < 0.0F ? 0.0F : v;\n"
    "        }\n"
    "}\n";
/* clang-format on */

void gn_sum_c99(const struct gn_args *a, struct gn_c99 *c)
{
    (void)a;
    c->function = "sum";
    c->code[0] = code;
}
