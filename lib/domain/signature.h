// SPDX-License-Identifier: Apache-2.0
// The signature that ends a message of a device with a key, or one to it: HMAC-SHA-256, under the device's key, of the
// topic, a zero byte, and the payload's bytes that stand before the signature. So nobody needs a canonical form.
//   protobuf: the payload ends in field 15 with 32 bytes, 7a 20 and the signature; signed is what stands before the 7a.
//   JSON:     the payload ends in ,"signature":"<64 hexadecimal digits>"} without any space; signed is what stands
//             before that comma.
// Pure; any thread. docs/device-keys.md is the guide for those who make devices.
#ifndef RISER_DOMAIN_SIGNATURE_H
#define RISER_DOMAIN_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hmac.h"

enum { DEVICE_KEY_SIZE = HMAC_KEY_SIZE, DEVICE_KEYS_MAX = 2 };

// What is believed of a device: any of these keys. While one takes another's place there are two, the newer first.
struct device_keys {
  uint8_t keys[DEVICE_KEYS_MAX][DEVICE_KEY_SIZE];
  size_t count;
  bool unusable; // it has a key, but not one that we could unwrap: nothing it says can be believed
};

// Whether the payload is signed with one of the keys. ERR_NOT_SIGNED, ERR_BAD_SIGNATURE, ERR_KEY_UNUSABLE.
enum error signature_check(const struct device_keys *keys, struct bytes topic, struct bytes payload) MUST_USE;

// Signs the payload in place. JSON must be an object with a member at least. ERR_LIMIT: the buffer is full;
// ERR_BAD_JSON: it ends in no brace.
enum error signature_append(const uint8_t key[DEVICE_KEY_SIZE], struct bytes topic, struct buffer *payload) MUST_USE;

#endif
