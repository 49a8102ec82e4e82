/* Max pool in C99. */
#include "ops/c99.h"

/* clang-format off */
static const char code[] =
    "/* The largest value of the pixels of a window that lie on the map. */\n"
    "static void max_pool(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int oy, ox, r, q, c;\n"
    "    for (oy = 0; oy < s->oh; oy++)\n"
    "        for (ox = 0; ox < s->ow; ox++, y += s->ldy) {\n"
    "            int first = 1;\n"
    "            for (r = 0; r < s->kh; r++)\n"
    "                for (q = 0; q < s->kw; q++) {\n"
    "                    const int iy = oy * s->sh - s->top + r, ix = ox * s->sw - s->left + q;\n"
    "                    const float *from;\n"
    "                    if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w)\n"
    "                        continue;\n"
    "                    from = x + (iy * s->w + ix) * s->ldx;\n"
    "                    for (c = 0; c < s->c; c++)\n"
    "                        y[c] = first || from[c] > y[c] ? from[c] : y[c];\n"
    "                    first = 0;\n"
    "                }\n"
    "        }\n"
    "}\n";

static const char byte_code[] =
    "/* The largest byte of the pixels of a window that lie on the map. */\n"
    "static void max_pool_bytes(const struct step *s, const unsigned char *x, unsigned char *y)\n"
    "{\n"
    "    int oy, ox, r, q, c;\n"
    "    for (oy = 0; oy < s->oh; oy++)\n"
    "        for (ox = 0; ox < s->ow; ox++, y += s->ldy) {\n"
    "            for (c = 0; c < s->c; c++)\n"
    "                y[c] = 0;\n"
    "            for (r = 0; r < s->kh; r++)\n"
    "                for (q = 0; q < s->kw; q++) {\n"
    "                    const int iy = oy * s->sh - s->top + r, ix = ox * s->sw - s->left + q;\n"
    "                    const unsigned char *from;\n"
    "                    if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w)\n"
    "                        continue;\n"
    "                    from = x + (iy * s->w + ix) * s->ldx;\n"
    "                    for (c = 0; c < s->c; c++)\n"
    "                        y[c] = from[c] > y[c] ? from[c] : y[c];\n"
    "                }\n"
    "        }\n"
    "}\n";
/* clang-format on */

void gn_max_pool_c99(const struct gn_args *a, struct gn_c99 *c)
{
    c->on_bytes = a->scales.in > 0;
    c->function = c->on_bytes ? "max_pool_bytes" : "max_pool";
    c->code[0] = c->on_bytes ? byte_code : code;
}
