/* Clip in C99. */
#include "ops/attributes.h"
#include "ops/c99.h"

/* clang-format off */
static const char code[] =
    "/* Values cut off below k[0] and above k[1]. */\n"
    "static void clip(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++) {\n"
    "            const float v = x[p * s->ldx + c];\n"
    "            y[p * s->ldy + c] = v < s->k[0] ? s->k[0] : v > s->k[1] ? s->k[1] : v;\n"
    "        }\n"
    "}\n";
/* clang-format on */

void gn_clip_c99(const struct gn_args *a, struct gn_c99 *c)
{
    const struct gn_clip_attributes *own = a->attributes;
    c->function = "clip";
    c->code[0] = code;
    c->numbers[0] = (float)own->low;
    c->numbers[1] = (float)own->high;
}
