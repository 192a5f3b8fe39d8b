// SPDX-License-Identifier: Apache-2.0
#include "domain/seal.h"

#include <string.h>

#include "base/decimal.h"
#include "base/hash.h"

_Static_assert((int)SEAL_SIZE == (int)HASH_SIZE, "a head is a hash");

enum { RECORDS_SIZE = 8 };

void seal_add(struct seal *seal, struct bytes key, struct bytes value) {
  struct hash hash;
  uint8_t len[4];
  put_le32(len, (uint32_t)key.len);
  hash_begin(&hash);
  hash_add(&hash, bytes_make(seal->head, SEAL_SIZE));
  hash_add(&hash, bytes_make(len, sizeof len));
  hash_add(&hash, key);
  hash_add(&hash, value);
  hash_end(&hash, seal->head);
  seal->records++;
}

size_t seal_checks_len(const struct seal_state *state) {
  return state->seal.records % SEAL_SPAN * SEAL_CHECK;
}

bool seal_keep(struct seal_state *state, const struct seal *next) {
  memcpy(state->checks + seal_checks_len(state), next->head, SEAL_CHECK);
  state->seal = *next;
  return next->records % SEAL_SPAN == 0;
}

size_t seal_state_encode(const struct seal_state *state, uint8_t to[SEAL_STATE_MAX]) {
  size_t checks = seal_checks_len(state);
  put_le64(to, state->seal.records);
  memcpy(to + RECORDS_SIZE, state->seal.head, SEAL_SIZE);
  memcpy(to + RECORDS_SIZE + SEAL_SIZE, state->checks, checks);
  return RECORDS_SIZE + SEAL_SIZE + checks;
}

enum error seal_state_decode(struct bytes from, struct seal_state *out) {
  if (from.len < RECORDS_SIZE + SEAL_SIZE) return ERR_CORRUPT;
  struct seal_state state = {.seal.records = get_le64(from.data)};
  size_t checks = seal_checks_len(&state);
  if (from.len != RECORDS_SIZE + SEAL_SIZE + checks) return ERR_CORRUPT;
  memcpy(state.seal.head, from.data + RECORDS_SIZE, SEAL_SIZE);
  memcpy(state.checks, from.data + RECORDS_SIZE + SEAL_SIZE, checks);
  *out = state;
  return OK;
}

const char *seal_format(const struct seal *seal, char text[SEAL_TEXT_SIZE]) {
  text[0] = 0;
  if (seal->records == 0) return text;
  char digits[DECIMAL_FORMAT_SIZE];
  const char *number = decimal_format((int64_t)seal->records, 0, 0, digits);
  size_t len = strlen(number);
  memcpy(text, number, len);
  text[len] = '-';
  hex_encode(bytes_make(seal->head, SEAL_SIZE), text + len + 1);
  return text;
}

enum error seal_parse(struct bytes text, struct seal *out) {
  const uint8_t *dash = text.len ? memchr(text.data, '-', text.len) : NULL;
  int64_t records;
  if (!dash) return ERR_BAD_VALUE;
  size_t len = (size_t)(dash - text.data);
  if (decimal_parse(bytes_make(text.data, len), 0, &records) != OK || records < 1) return ERR_BAD_VALUE;
  struct seal seal = {.records = (uint64_t)records};
  enum error err = hex_decode(bytes_make(dash + 1, text.len - len - 1), seal.head, SEAL_SIZE);
  if (!err) *out = seal;
  return err;
}
