/* SHA-256 (FIPS 180-4), by which a file that was given away is recognised. */
#ifndef GN_FILE_SHA256_H
#define GN_FILE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct gn_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};

void gn_sha256_begin(struct gn_sha256 *sha);
void gn_sha256_add(struct gn_sha256 *sha, const void *data, size_t n);

/* The digest as 64 hex digits. */
void gn_sha256_end(struct gn_sha256 *sha, char hex[65]);

#endif
