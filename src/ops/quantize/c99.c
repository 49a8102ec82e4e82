/* Rounding to a multiple of a scale in C99: as floats, and to bytes. */
#include "ops/attributes.h"
#include "ops/c99.h"

/* clang-format off */
const char gn_c99_nearest_byte[] =
    "/* The nearest whole number from 0 to 255, of two the even one; NaN: 0. Floats from 2^23 on have no\n"
    " * room for a fraction, so the sum is rounded. */\n"
    "static unsigned char nearest_byte(float v)\n"
    "{\n"
    "    const float cut = v > 0.0F ? v < 255.0F ? v : 255.0F : 0.0F;\n"
    "    return (unsigned char)(int)ROUNDED(ROUNDED(cut + 8388608.0F) - 8388608.0F);\n"
    "}\n";

static const char code[] =
    "/* The nearest multiple of k[1], from 0 to 255 times; k[0] is 1 / k[1]. */\n"
    "static void quantize(const struct step *s, const float *x, float *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++)\n"
    "            y[p * s->ldy + c] =\n"
    "                ROUNDED((float)nearest_byte(ROUNDED(x[p * s->ldx + c] * s->k[0])) * s->k[1]);\n"
    "}\n";

static const char byte_code[] =
    "/* How often k[1] goes into each value, as bytes; k[0] is 1 / k[1]. */\n"
    "static void quantize_bytes(const struct step *s, const float *x, unsigned char *y)\n"
    "{\n"
    "    int p, c;\n"
    "    for (p = 0; p < s->h * s->w; p++)\n"
    "        for (c = 0; c < s->c; c++)\n"
    "            y[p * s->ldy + c] = nearest_byte(ROUNDED(x[p * s->ldx + c] * s->k[0]));\n"
    "}\n";
/* clang-format on */

void gn_quantize_c99(const struct gn_args *a, struct gn_c99 *c)
{
    const struct gn_quantize_attributes *own = a->attributes;
    c->on_bytes = a->scales.out > 0;
    c->function = c->on_bytes ? "quantize_bytes" : "quantize";
    c->code[0] = gn_c99_nearest_byte;
    c->code[1] = c->on_bytes ? byte_code : code;
    c->numbers[0] = 1.0F / (float)own->scale;
    c->numbers[1] = (float)own->scale;
}
