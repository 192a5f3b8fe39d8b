// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), by libcrypto. Thread-safe.
#ifndef RISER_RISERCTL_DIGEST_H
#define RISER_RISERCTL_DIGEST_H

#include <stdint.h>

#include "base/bytes.h"

enum { DIGEST_SIZE = 32, DIGEST_TEXT_SIZE = 65 };

void digest_of(struct bytes content, uint8_t digest[DIGEST_SIZE]);
void digest_text(struct bytes content, char text[DIGEST_TEXT_SIZE]); // in hexadecimal

#endif
