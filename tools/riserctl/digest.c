// SPDX-License-Identifier: Apache-2.0
#include "riserctl/digest.h"

#include <assert.h>

#include <openssl/evp.h>

void digest_of(struct bytes content, uint8_t digest[DIGEST_SIZE]) {
  unsigned int len = 0;
  int done = EVP_Digest(content.data, content.len, digest, &len, EVP_sha256(), NULL);
  assert(done == 1 && len == DIGEST_SIZE);
}

void digest_text(struct bytes content, char text[DIGEST_TEXT_SIZE]) {
  uint8_t digest[DIGEST_SIZE];
  digest_of(content, digest);
  hex_encode(bytes_make(digest, sizeof digest), text);
}
