/* MD5 (RFC 1321), by which published data sets are recognised. Not a protection against forgery. */
#ifndef GN_FILE_MD5_H
#define GN_FILE_MD5_H

#include <stddef.h>
#include <stdint.h>

struct gn_md5 {
    uint32_t state[4];
    uint64_t bytes;    /* fed so far */
    uint8_t block[64]; /* the last bytes % 64 of them */
};

enum { GN_MD5_HEX = 33 }; /* 32 digits and the end */

void gn_md5_init(struct gn_md5 *md5);
void gn_md5_update(struct gn_md5 *md5, const void *data, size_t n);

/* Ends the sum and writes it as lower-case hex digits. */
void gn_md5_final(struct gn_md5 *md5, char hex[GN_MD5_HEX]);

#endif
