/*
 * Numbers of files, which are little-endian, on machines whose own order may be the other one. On a
 * little-endian machine all of it is a plain copy.
 */
#ifndef GN_BASE_ENDIAN_H
#define GN_BASE_ENDIAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const bool gn_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

/* n numbers of `size` bytes from a file into memory, or from memory into a file. Neither needs an
 * alignment; they do not overlap. */
static inline void gn_copy_little(void *to, const void *from, size_t n, size_t size)
{
    if (n == 0)
        return;
    if (!gn_big_endian || size == 1) {
        memcpy(to, from, n * size);
        return;
    }
    const uint8_t *in = from;
    uint8_t *out = to;
    for (size_t i = 0; i < n; i++, in += size, out += size)
        for (size_t k = 0; k < size; k++)
            out[k] = in[size - 1 - k];
}

/* Makes n numbers of a file, which lie in memory of ours, numbers of this machine. */
static inline void gn_turn_little(void *numbers, size_t n, size_t size)
{
    uint8_t *at = numbers;
    for (size_t i = 0; gn_big_endian && i < n; i++, at += size)
        for (size_t k = 0; k < size / 2; k++) {
            const uint8_t byte = at[k];
            at[k] = at[size - 1 - k];
            at[size - 1 - k] = byte;
        }
}

#endif
