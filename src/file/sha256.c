/* The rounds as the standard writes them. */
#include "file/sha256.h"

#include "file/file.h"

#include <stdio.h>
#include <string.h>

static const uint32_t k[64] = {
    0x428a2f98U, 0x71374491U, 0xb5c0fbcfU, 0xe9b5dba5U, 0x3956c25bU, 0x59f111f1U, 0x923f82a4U,
    0xab1c5ed5U, 0xd807aa98U, 0x12835b01U, 0x243185beU, 0x550c7dc3U, 0x72be5d74U, 0x80deb1feU,
    0x9bdc06a7U, 0xc19bf174U, 0xe49b69c1U, 0xefbe4786U, 0x0fc19dc6U, 0x240ca1ccU, 0x2de92c6fU,
    0x4a7484aaU, 0x5cb0a9dcU, 0x76f988daU, 0x983e5152U, 0xa831c66dU, 0xb00327c8U, 0xbf597fc7U,
    0xc6e00bf3U, 0xd5a79147U, 0x06ca6351U, 0x14292967U, 0x27b70a85U, 0x2e1b2138U, 0x4d2c6dfcU,
    0x53380d13U, 0x650a7354U, 0x766a0abbU, 0x81c2c92eU, 0x92722c85U, 0xa2bfe8a1U, 0xa81a664bU,
    0xc24b8b70U, 0xc76c51a3U, 0xd192e819U, 0xd6990624U, 0xf40e3585U, 0x106aa070U, 0x19a4c116U,
    0x1e376c08U, 0x2748774cU, 0x34b0bcb5U, 0x391c0cb3U, 0x4ed8aa4aU, 0x5b9cca4fU, 0x682e6ff3U,
    0x748f82eeU, 0x78a5636fU, 0x84c87814U, 0x8cc70208U, 0x90befffaU, 0xa4506cebU, 0xbef9a3f7U,
    0xc67178f2U
};

static uint32_t turn(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void take_block(struct gn_sha256 *sha, const uint8_t *block)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
               (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    memcpy(s, sha->state, sizeof s);
    for (int i = 0; i < 64; i++) {
        const uint32_t t1 = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) +
                            ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        const uint32_t t2 = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) +
                            ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        sha->state[i] += s[i];
}

void gn_sha256_begin(struct gn_sha256 *sha)
{
    *sha = (struct gn_sha256){ .state = { 0x6a09e667U, 0xbb67ae85U, 0x3c6ef372U, 0xa54ff53aU,
                                          0x510e527fU, 0x9b05688cU, 0x1f83d9abU, 0x5be0cd19U } };
}

void gn_sha256_add(struct gn_sha256 *sha, const void *data, size_t n)
{
    const uint8_t *at = data;
    for (size_t part; n > 0; at += part, n -= part) {
        const size_t used = sha->bytes % 64;
        part = 64 - used < n ? 64 - used : n;
        memcpy(sha->block + used, at, part);
        sha->bytes += part;
        if (used + part == 64)
            take_block(sha, sha->block);
    }
}

void gn_sha256_end(struct gn_sha256 *sha, char hex[65])
{
    static const uint8_t one = 0x80, zero = 0;
    const uint64_t bits = 8 * sha->bytes;
    uint8_t length[8];
    gn_sha256_add(sha, &one, 1);
    while (sha->bytes % 64 != 56)
        gn_sha256_add(sha, &zero, 1);
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    gn_sha256_add(sha, length, 8);
    for (int i = 0; i < 8; i++)
        (void)snprintf(hex + (size_t)8 * (size_t)i, 9, "%08x", (unsigned)sha->state[i]);
}

gn_status gn_sha256_file(const char *path, char hex[65])
{
    enum { PART = 1 << 14 };
    struct gn_file file;
    struct gn_sha256 sha;
    uint8_t part[PART];
    gn_status status = GN_OK;
    if (path == NULL || hex == NULL)
        return gn_fail(GN_STATUS_BAD_ARGUMENT, "sha256: no %s is given",
                       path == NULL ? "file" : "place for the digest");
    GN_TRY(gn_file_open(&file, path, "file", GN_STATUS_BAD_DATA));
    gn_sha256_begin(&sha);
    for (uint64_t at = 0; status == GN_OK && at < file.size; at += PART) {
        const size_t n = file.size - at < PART ? (size_t)(file.size - at) : PART;
        status = gn_file_pread(&file, part, n, at);
        if (status == GN_OK)
            gn_sha256_add(&sha, part, n);
    }
    gn_file_close(&file);
    gn_sha256_end(&sha, hex);
    return status;
}
