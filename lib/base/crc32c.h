// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, RFC 3720 appendix B.4): reflected polynomial 0x82f63b78. Uses the processor's instruction where
// there is one. Pure and thread-safe.
#ifndef RISER_BASE_CRC32C_H
#define RISER_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

// Continues from `crc` (0 to begin): crc32c(crc32c(0, a), b) is the checksum of a followed by b.
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
