// SPDX-License-Identifier: Apache-2.0
#include "domain/signature.h"

#include <string.h>

#define JSON_BEFORE ",\"signature\":\""
#define JSON_BEHIND "\"}"

enum {
  PB_TAG = 0x7a, // field 15, length-delimited
  PB_TAIL = 2 + HMAC_SIZE,
  JSON_BEFORE_LEN = sizeof JSON_BEFORE - 1,
  JSON_BEHIND_LEN = sizeof JSON_BEHIND - 1,
  JSON_TAIL = JSON_BEFORE_LEN + 2 * HMAC_SIZE + JSON_BEHIND_LEN,
};

static bool is_json(struct bytes payload) {
  return payload.len > 0 && payload.data[0] == '{';
}

static void sign(const uint8_t key[DEVICE_KEY_SIZE], struct bytes topic, struct bytes content,
                 uint8_t signature[HMAC_SIZE]) {
  static const uint8_t zero[1] = {0};
  struct hmac hmac;
  hmac_begin(&hmac, key);
  hmac_add(&hmac, topic);
  hmac_add(&hmac, bytes_make(zero, 1));
  hmac_add(&hmac, content);
  hmac_end(&hmac, signature);
}

// The payload without its end, which is the signature.
static enum error split(struct bytes payload, struct bytes *content, uint8_t signature[HMAC_SIZE]) {
  size_t tail = is_json(payload) ? JSON_TAIL : PB_TAIL;
  if (payload.len < tail) return ERR_NOT_SIGNED;
  *content = bytes_make(payload.data, payload.len - tail);
  const uint8_t *at = payload.data + content->len;
  if (!is_json(payload)) {
    if (at[0] != PB_TAG || at[1] != HMAC_SIZE) return ERR_NOT_SIGNED;
    memcpy(signature, at + 2, HMAC_SIZE);
    return OK;
  }
  bool framed = memcmp(at, JSON_BEFORE, JSON_BEFORE_LEN) == 0 &&
                memcmp(at + JSON_TAIL - JSON_BEHIND_LEN, JSON_BEHIND, JSON_BEHIND_LEN) == 0;
  if (!framed) return ERR_NOT_SIGNED;
  return hex_decode(bytes_make(at + JSON_BEFORE_LEN, 2 * HMAC_SIZE), signature, HMAC_SIZE) ? ERR_NOT_SIGNED : OK;
}

enum error signature_check(const struct device_keys *keys, struct bytes topic, struct bytes payload) {
  uint8_t given[HMAC_SIZE], made[HMAC_SIZE];
  struct bytes content;
  enum error err = split(payload, &content, given);
  if (err) return err;
  for (size_t i = 0; i < keys->count; i++) {
    sign(keys->keys[i], topic, content, made);
    if (hmac_equal(given, made)) return OK;
  }
  return keys->unusable ? ERR_KEY_UNUSABLE : ERR_BAD_SIGNATURE;
}

static enum error append_json(struct buffer *payload, const uint8_t signature[HMAC_SIZE]) {
  char text[JSON_TAIL + 1] = JSON_BEFORE;
  hex_encode(bytes_make(signature, HMAC_SIZE), text + JSON_BEFORE_LEN);
  memcpy(text + JSON_TAIL - JSON_BEHIND_LEN, JSON_BEHIND, JSON_BEHIND_LEN);
  return buffer_append(payload, text, JSON_TAIL);
}

enum error signature_append(const uint8_t key[DEVICE_KEY_SIZE], struct bytes topic, struct buffer *payload) {
  uint8_t tail[PB_TAIL] = {PB_TAG, HMAC_SIZE};
  bool json = is_json(buffer_bytes(payload));
  if (json && payload->data[payload->len - 1] != '}') return ERR_BAD_JSON;
  struct bytes content = bytes_make(payload->data, payload->len - json);
  sign(key, topic, content, tail + 2);
  enum error err = buffer_reserve(payload, JSON_TAIL);
  if (err) return err;
  payload->len -= json; // the brace comes again behind the signature
  return json ? append_json(payload, tail + 2) : buffer_append(payload, tail, PB_TAIL);
}
