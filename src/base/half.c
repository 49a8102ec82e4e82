/* IEEE 754 binary16 from binary32. */
#include "base/half.h"

#include <string.h>

uint16_t gn_half_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) /* NaN */
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) /* rounds to 65536 or more */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x33000001) /* half of the smallest subnormal, or less */
        return (uint16_t)sign;
    const int exponent = (int)(magnitude >> 23) - 112;
    uint32_t mantissa = magnitude & 0x7fffff;
    int shift = 13;
    if (exponent < 1) { /* subnormal: the leading one becomes a digit */
        mantissa |= 0x800000;
        shift += 1 - exponent;
    } else {
        mantissa |= (uint32_t)exponent << 23;
    }
    const uint32_t half = mantissa >> shift, rest = mantissa & ((1U << shift) - 1);
    const uint32_t middle = 1U << (shift - 1);
    return (uint16_t)(sign | (half + (rest > middle || (rest == middle && (half & 1) != 0))));
}
