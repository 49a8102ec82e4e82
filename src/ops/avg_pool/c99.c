/* Average pool in C99. */
#include "ops/c99.h"

/* clang-format off */
static const char code[] =
    "/* Where window number o begins, and ends, along an axis of n pixels with `parts` outputs: as an\n"
    " * adaptive window (k[1]), or one of `kernel` pixels. */\n"
    "static int window_begin(const struct step *s, int o, int n, int parts, int stride, int before)\n"
    "{\n"
    "    const int at = o * stride - before;\n"
    "    return s->k[1] > 0.0F ? o * n / parts : at < 0 ? 0 : at;\n"
    "}\n"
    "\n"
    "static int window_end(const struct step *s, int o, int n, int parts, int stride, int before, int kernel)\n"
    "{\n"
    "    const int at = o * stride - before + kernel;\n"
    "    return s->k[1] > 0.0F ? ((o + 1) * n + parts - 1) / parts : at > n ? n : at;\n"
    "}\n"
    "\n"
    "/* The mean of the pixels of a window that lie on the map; or, where k[0] is not zero, their sum over\n"
    " * the size of the whole window. */\n"
    "static void avg_pool(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int oy, ox, iy, ix, c;\n"
    "    for (oy = 0; oy < s->oh; oy++)\n"
    "        for (ox = 0; ox < s->ow; ox++, y += s->ldy) {\n"
    "            const int y0 = window_begin(s, oy, s->h, s->oh, s->sh, s->top);\n"
    "            const int y1 = window_end(s, oy, s->h, s->oh, s->sh, s->top, s->kh);\n"
    "            const int x0 = window_begin(s, ox, s->w, s->ow, s->sw, s->left);\n"
    "            const int x1 = window_end(s, ox, s->w, s->ow, s->sw, s->left, s->kw);\n"
    "            const int count = s->k[0] > 0.0F ? s->kh * s->kw : (y1 - y0) * (x1 - x0);\n"
    "            for (c = 0; c < s->c; c++)\n"
    "                y[c] = 0.0F;\n"
    "            for (iy = y0; iy < y1; iy++)\n"
    "                for (ix = x0; ix < x1; ix++)\n"
    "                    for (c = 0; c < s->c; c++)\n"
    "                        y[c] = ROUNDED(y[c] + x[(iy * s->w + ix) * s->ldx + c]);\n"
    "            for (c = 0; c < s->c; c++)\n"
    "                y[c] = ROUNDED(y[c] / (float)count);\n"
    "        }\n"
    "}\n";
/* clang-format on */

void gn_avg_pool_c99(const struct gn_args *a, struct gn_c99 *c)
{
    const struct gn_pool_options *o = a->attributes;
    c->function = "avg_pool";
    c->code[0] = code;
    c->numbers[0] = o->count_padding ? 1 : 0;
    c->numbers[1] = o->adaptive > 0 ? 1 : 0;
}
