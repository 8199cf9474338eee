/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): tells a torn or rotten spool record from a whole one. */
#ifndef CORE_CRC32C_H
#define CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* `crc` is 0 for the first piece and the last result for the next: pieces give the sum of the whole. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);
/* The same without the processor's own instruction; the yardstick crc32c() is tested against. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len);

#endif
