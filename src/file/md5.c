/* MD5 (RFC 1321), written after the text of the standard. */
#include "file/md5.h"

#include <string.h>

/* floor(2^32 * |sin(i + 1)|), i in radians. */
static const uint32_t sines[64] = {
    0xd76aa478U, 0xe8c7b756U, 0x242070dbU, 0xc1bdceeeU, 0xf57c0fafU, 0x4787c62aU, 0xa8304613U,
    0xfd469501U, 0x698098d8U, 0x8b44f7afU, 0xffff5bb1U, 0x895cd7beU, 0x6b901122U, 0xfd987193U,
    0xa679438eU, 0x49b40821U, 0xf61e2562U, 0xc040b340U, 0x265e5a51U, 0xe9b6c7aaU, 0xd62f105dU,
    0x02441453U, 0xd8a1e681U, 0xe7d3fbc8U, 0x21e1cde6U, 0xc33707d6U, 0xf4d50d87U, 0x455a14edU,
    0xa9e3e905U, 0xfcefa3f8U, 0x676f02d9U, 0x8d2a4c8aU, 0xfffa3942U, 0x8771f681U, 0x6d9d6122U,
    0xfde5380cU, 0xa4beea44U, 0x4bdecfa9U, 0xf6bb4b60U, 0xbebfbc70U, 0x289b7ec6U, 0xeaa127faU,
    0xd4ef3085U, 0x04881d05U, 0xd9d4d039U, 0xe6db99e5U, 0x1fa27cf8U, 0xc4ac5665U, 0xf4292244U,
    0x432aff97U, 0xab9423a7U, 0xfc93a039U, 0x655b59c3U, 0x8f0ccc92U, 0xffeff47dU, 0x85845dd1U,
    0x6fa87e4fU, 0xfe2ce6e0U, 0xa3014314U, 0x4e0811a1U, 0xf7537e82U, 0xbd3af235U, 0x2ad7d2bbU,
    0xeb86d391U
};

static const uint8_t rotations[4][4] = {
    { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
};

void gn_md5_init(struct gn_md5 *md5)
{
    *md5 = (struct gn_md5){ .state = { 0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U } };
}

/* One of the 64 operations: `mixed` is a function of b, c and d. What does not wait for the operation
 * before, which makes b, is added first: only its way through b takes time. */
#define OPERATION(i, word, mixed)                                                                  \
    do {                                                                                           \
        const unsigned by = rotations[(i) / 16][(i) % 4];                                          \
        const uint32_t sum = (a + (sines[i] + words[(word) % 16])) + (mixed);                      \
        a = d;                                                                                     \
        d = c;                                                                                     \
        c = b;                                                                                     \
        b += sum << by | sum >> (32 - by);                                                         \
    } while (0)

static void digest_block(struct gn_md5 *md5, const uint8_t *block)
{
    uint32_t words[16];
    for (int i = 0; i < 16; i++, block += 4)
        words[i] = (uint32_t)block[0] | (uint32_t)block[1] << 8 | (uint32_t)block[2] << 16 |
                   (uint32_t)block[3] << 24;
    uint32_t a = md5->state[0], b = md5->state[1], c = md5->state[2], d = md5->state[3];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        OPERATION(i, i, d ^ (b & (c ^ d)));
#pragma GCC unroll 16
    for (int i = 16; i < 32; i++)
        OPERATION(i, 5 * i + 1, (c & ~d) + (b & d));
#pragma GCC unroll 16
    for (int i = 32; i < 48; i++)
        OPERATION(i, 3 * i + 5, b ^ (c ^ d));
#pragma GCC unroll 16
    for (int i = 48; i < 64; i++)
        OPERATION(i, 7 * i, c ^ (b | ~d));
    md5->state[0] += a;
    md5->state[1] += b;
    md5->state[2] += c;
    md5->state[3] += d;
}

void gn_md5_update(struct gn_md5 *md5, const void *data, size_t n)
{
    const uint8_t *bytes = data;
    const size_t held = (size_t)(md5->bytes % 64);
    md5->bytes += n;
    if (held > 0) {
        const size_t taken = n < 64 - held ? n : 64 - held;
        memcpy(md5->block + held, bytes, taken);
        bytes += taken;
        n -= taken;
        if (held + taken < 64)
            return;
        digest_block(md5, md5->block);
    }
    for (; n >= 64; n -= 64, bytes += 64)
        digest_block(md5, bytes);
    if (n > 0)
        memcpy(md5->block, bytes, n);
}

void gn_md5_final(struct gn_md5 *md5, char hex[GN_MD5_HEX])
{
    static const uint8_t padding[64] = { 0x80 };
    const uint64_t bits = md5->bytes * 8;
    const size_t held = (size_t)(md5->bytes % 64);
    gn_md5_update(md5, padding, held < 56 ? 56 - held : 120 - held);
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (8 * i));
    gn_md5_update(md5, length, sizeof length);

    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        const uint32_t byte = md5->state[i / 4] >> (8 * (i % 4)) & 0xff;
        hex[2 * i] = digits[byte >> 4];
        hex[2 * i + 1] = digits[byte & 15];
    }
    hex[32] = '\0';
}
