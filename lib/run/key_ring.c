// SPDX-License-Identifier: Apache-2.0
// A wrapping key is named by the first bytes of its own hash, so that the right one of several is found at once.
#include "run/key_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum {
  VERSION = 1,
  NAME_SIZE = 8,
  NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
  MAC_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
  HEAD_SIZE = 1 + NAME_SIZE,
  WRAPPED_BYTES = HEAD_SIZE + NONCE_SIZE + DEVICE_KEY_SIZE + MAC_SIZE,
  BOUND_MAX = 1100, // site and device of a fact are not longer
};
_Static_assert(2 * WRAPPED_BYTES + 1 == KEY_WRAPPED_SIZE, "room for the text");
_Static_assert(DEVICE_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "wrapping keys have the same size");

struct wrapping_key {
  uint8_t key[DEVICE_KEY_SIZE];
  uint8_t name[NAME_SIZE];
};

struct key_ring {
  struct wrapping_key keys[KEY_RING_MAX];
  size_t count;
};

static enum error add(struct key_ring *ring, struct bytes line) {
  if (ring->count == KEY_RING_MAX) return ERR_LIMIT;
  struct wrapping_key *key = &ring->keys[ring->count];
  uint8_t name[HASH_SIZE];
  if (hex_decode(line, key->key, sizeof key->key)) return ERR_BAD_VALUE;
  struct hash hash;
  hash_begin(&hash);
  hash_add(&hash, bytes_make(key->key, sizeof key->key));
  hash_end(&hash, name);
  memcpy(key->name, name, NAME_SIZE);
  ring->count++;
  return OK;
}

enum error key_ring_open(const char *content, struct key_ring **out) {
  if (sodium_init() < 0) return ERR_INTERNAL;
  struct key_ring *ring = calloc(1, sizeof *ring);
  if (!ring) return ERR_NO_MEMORY;
  enum error err = OK;
  while (!err && *content) {
    size_t len = strcspn(content, "\n"), used = len;
    while (used > 0 && strchr(" \t\r", content[used - 1])) used--;
    if (used > 0 && content[0] != '#') err = add(ring, bytes_make(content, used));
    content += len + (content[len] != 0);
  }
  if (err) {
    key_ring_free(ring);
    return err;
  }
  *out = ring;
  return OK;
}

void key_ring_free(struct key_ring *ring) {
  if (!ring) return;
  sodium_memzero(ring, sizeof *ring);
  free(ring);
}

size_t key_ring_count(const struct key_ring *ring) {
  return ring->count;
}

void key_ring_random(uint8_t key[DEVICE_KEY_SIZE]) {
  randombytes_buf(key, DEVICE_KEY_SIZE);
}

// What the wrapped key is bound to: an id has no slash. ERR_BAD_VALUE: too long to be ids.
static enum error bind(const char *site, const char *device, char bound[BOUND_MAX], size_t *len) {
  int written = snprintf(bound, BOUND_MAX, "%s/%s", site, device);
  if (written < 0 || written >= BOUND_MAX) return ERR_BAD_VALUE;
  *len = (size_t)written;
  return OK;
}

enum error key_ring_wrap(const struct key_ring *ring, const char *site, const char *device,
                         const uint8_t key[DEVICE_KEY_SIZE], char wrapped[KEY_WRAPPED_SIZE]) {
  uint8_t bytes[WRAPPED_BYTES] = {VERSION};
  char bound[BOUND_MAX];
  size_t len;
  enum error err = ring->count ? bind(site, device, bound, &len) : ERR_NOT_FOUND;
  if (err) return err;
  memcpy(bytes + 1, ring->keys[0].name, NAME_SIZE);
  randombytes_buf(bytes + HEAD_SIZE, NONCE_SIZE);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + HEAD_SIZE + NONCE_SIZE, NULL, key, DEVICE_KEY_SIZE,
                                             (const uint8_t *)bound, len, NULL, bytes + HEAD_SIZE, ring->keys[0].key);
  hex_encode(bytes_make(bytes, sizeof bytes), wrapped);
  return OK;
}

static const struct wrapping_key *named(const struct key_ring *ring, const uint8_t name[NAME_SIZE]) {
  for (size_t i = 0; i < ring->count; i++)
    if (memcmp(ring->keys[i].name, name, NAME_SIZE) == 0) return &ring->keys[i];
  return NULL;
}

enum error key_ring_unwrap(const struct key_ring *ring, const char *site, const char *device, const char *wrapped,
                           uint8_t key[DEVICE_KEY_SIZE]) {
  uint8_t bytes[WRAPPED_BYTES];
  char bound[BOUND_MAX];
  size_t len;
  if (hex_decode(bytes_text(wrapped), bytes, sizeof bytes) || bytes[0] != VERSION) return ERR_BAD_VALUE;
  enum error err = bind(site, device, bound, &len);
  if (err) return err;
  const struct wrapping_key *by = named(ring, bytes + 1);
  if (!by) return ERR_NOT_FOUND;
  int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(key, NULL, NULL, bytes + HEAD_SIZE + NONCE_SIZE,
                                                          DEVICE_KEY_SIZE + MAC_SIZE, (const uint8_t *)bound, len,
                                                          bytes + HEAD_SIZE, by->key);
  return failed ? ERR_BAD_SIGNATURE : OK;
}

bool key_ring_keys(const struct key_ring *ring, const struct device *device, struct device_keys *out) {
  const char *const wrapped[DEVICE_KEYS_MAX] = {device->wrapped_key, device->previous_key};
  *out = (struct device_keys){.count = 0};
  for (int i = 0; i < DEVICE_KEYS_MAX; i++) {
    if (!wrapped[i][0]) continue;
    enum error err = key_ring_unwrap(ring, device->site, device->device, wrapped[i], out->keys[out->count]);
    if (err)
      out->unusable = true;
    else
      out->count++;
  }
  return out->count > 0 || out->unusable;
}
