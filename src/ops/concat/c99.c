/* In C99, the copy of an input of a concatenation that could not be computed in place. */
#include "ops/c99.h"

/* clang-format off */
static const char code[] =
    "/* One input of a concatenation, into its channels. */\n"
    "static void concat(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++)\n"
    "            y[p * s->ldy + c] = x[p * s->ldx + c];\n"
    "}\n";

static const char byte_code[] =
    "/* One input of a concatenation of bytes, into its channels. */\n"
    "static void concat_bytes(const struct step *s, const unsigned char *x, unsigned char *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++)\n"
    "            y[p * s->ldy + c] = x[p * s->ldx + c];\n"
    "}\n";
/* clang-format on */

void gn_concat_c99(const struct gn_args *a, struct gn_c99 *c)
{
    c->on_bytes = a->scales.in > 0;
    c->function = c->on_bytes ? "concat_bytes" : "concat";
    c->code[0] = c->on_bytes ? byte_code : code;
}
