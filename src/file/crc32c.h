/* CRC32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of our model files. */
#ifndef GN_FILE_CRC32C_H
#define GN_FILE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* 1 in builds for fuzzing alone (GN_FUZZ): a wrong checksum is no error, so that changed bytes reach the
 * code after the check. */
#ifndef GN_SKIP_CHECKSUMS
#define GN_SKIP_CHECKSUMS 0
#endif

/* Continues `crc`, the sum of the bytes before (0 at the start), with n more bytes. That of
 * "123456789" is e3069283. */
uint32_t gn_crc32c(uint32_t crc, const void *data, size_t n);

/* The same for n numbers of `size` bytes in memory, as a file has them: little-endian. */
uint32_t gn_crc32c_numbers(uint32_t crc, const void *numbers, uint64_t n, uint64_t size);

/* The same without special instructions: what gn_crc32c takes on other processors. */
uint32_t gn_crc32c_portable(uint32_t crc, const void *data, size_t n);

/* A sum as TFRecord files and LevelDB hide it in data that has sums of its own. */
uint32_t gn_crc32c_masked(uint32_t crc);

#endif
