/* Batch normalisation in C99, where no convolution before it could take it over. */
#include "ops/batch_norm/norm.h"
#include "ops/c99.h"

/* clang-format off */
static const char code[] =
    "/* (x - mean) * scale + beta: a, b and d of the step. */\n"
    "static void batch_norm(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++) {\n"
    "            const float d = ROUNDED(x[p * s->ldx + c] - s->a[c]);\n"
    "            const float v = ROUNDED(ROUNDED(d * s->b[c]) + s->d[c]);\n"
    "            y[p * s->ldy + c] = s->relu && v < 0.0F ? 0.0F : v;\n"
    "        }\n"
    "}\n";
/* clang-format on */

void gn_batch_norm_c99(const struct gn_args *a, struct gn_c99 *c)
{
    c->function = "batch_norm";
    c->code[0] = code;
    for (int i = GN_C99_A; i <= GN_C99_D; i++)
        c->arrays[i].count = (size_t)a->g.c;
    if (a->shared == NULL)
        return;
    for (int i = 0; i < a->g.c; i++)
        gn_norm_use_running(a, i);
    c->arrays[GN_C99_A].values = gn_norm_row(a, GN_NORM_MEAN);
    c->arrays[GN_C99_B].values = gn_norm_row(a, GN_NORM_SCALE);
    c->arrays[GN_C99_D].values = a->tensors[GN_NORM_BETA];
}
