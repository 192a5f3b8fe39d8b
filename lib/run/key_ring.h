// SPDX-License-Identifier: Apache-2.0
// The keys of devices, wrapped for Kafka and Redis: XChaCha20-Poly1305 (libsodium) under a wrapping key that only a
// file holds, bound to the device's site and id. The file has a wrapping key a line, 64 hexadecimal digits; the first
// one wraps, all of them unwrap, so that the wrapping key can be changed. One thread; the owner frees.
#ifndef RISER_RUN_KEY_RING_H
#define RISER_RUN_KEY_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "domain/device.h"
#include "domain/signature.h"

// Version, name of the wrapping key, nonce, key, tag; in hexadecimal with a zero.
enum { KEY_RING_MAX = 16, KEY_WRAPPED_SIZE = 2 * (1 + 8 + 24 + DEVICE_KEY_SIZE + 16) + 1 };

struct key_ring;

// The file's content ("": no keys; empty lines and those that begin with '#' are skipped). ERR_BAD_VALUE: a line is no
// key; ERR_LIMIT: more than KEY_RING_MAX; ERR_INTERNAL: the system gives no random numbers.
enum error key_ring_open(const char *content, struct key_ring **out) MUST_USE;
void key_ring_free(struct key_ring *ring); // wipes it

size_t key_ring_count(const struct key_ring *ring);

void key_ring_random(uint8_t key[DEVICE_KEY_SIZE]); // a new key

// ERR_NOT_FOUND: there is no wrapping key.
enum error key_ring_wrap(const struct key_ring *ring, const char *site, const char *device,
                         const uint8_t key[DEVICE_KEY_SIZE], char wrapped[KEY_WRAPPED_SIZE]) MUST_USE;
// ERR_NOT_FOUND: wrapped with a key that is not in the ring; ERR_BAD_SIGNATURE: not what was wrapped for this device;
// ERR_BAD_VALUE: nothing of ours.
enum error key_ring_unwrap(const struct key_ring *ring, const char *site, const char *device, const char *wrapped,
                           uint8_t key[DEVICE_KEY_SIZE]) MUST_USE;

// The keys of a record of riser.device.v1. False: it has none.
bool key_ring_keys(const struct key_ring *ring, const struct device *device, struct device_keys *out);

#endif
