/* Local response normalisation in C99. */
#include "ops/c99.h"
#include "ops/lrn/constants.h"

/* clang-format off */
static const char code[] =
    "#include <math.h>\n"
    "\n"
    "/* x / (k[1] + k[0] * sum of the squares of k[3] channels around it) ^ k[2]. */\n"
    "static void lrn(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    const int half = (int)s->k[3] / 2;\n"
    "    int p, c, i;\n"
    "    for (p = 0; p < s->h * s->w; p++, x += s->ldx, y += s->ldy)\n"
    "        for (c = 0; c < s->c; c++) {\n"
    "            float total = 0.0F, power, root;\n"
    "            for (i = c < half ? 0 : c - half; i <= c + half && i < s->c; i++)\n"
    "                total = ROUNDED(total + ROUNDED(x[i] * x[i]));\n"
    "            total = ROUNDED(ROUNDED(total * s->k[0]) + s->k[1]);\n"
    "            if (s->k[2] == 0.75F) {\n"
    "                root = ROUNDED(sqrtf(total));\n"
    "                power = ROUNDED(1.0F / ROUNDED(root * ROUNDED(sqrtf(root))));\n"
    "            } else {\n"
    "                power = ROUNDED(powf(total, -s->k[2]));\n"
    "            }\n"
    "            y[c] = ROUNDED(x[c] * power);\n"
    "        }\n"
    "}\n";
/* clang-format on */

void gn_lrn_c99(const struct gn_args *a, struct gn_c99 *c)
{
    const struct gn_lrn_constants k = gn_lrn_constants(a);
    c->function = "lrn";
    c->code[0] = code;
    c->numbers[0] = k.alpha / (float)k.size;
    c->numbers[1] = k.k;
    c->numbers[2] = k.beta;
    c->numbers[3] = (float)k.size;
}
