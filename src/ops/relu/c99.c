/* ReLU in C99. */
#include "ops/c99.h"

/* clang-format off */
static const char code[] =
    "static void relu(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++)\n"
    "            y[p * s->ldy + c] = x[p * s->ldx + c] < 0.0F ? 0.0F : x[p * s->ldx + c];\n"
    "}\n";
/* clang-format on */

void gn_relu_c99(const struct gn_args *a, struct gn_c99 *c)
{
    (void)a;
    c->function = "relu";
    c->code[0] = code;
}
