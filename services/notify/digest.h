// SPDX-License-Identifier: Apache-2.0
// The two digests that notify needs, from libcrypto. Thread-safe.
#ifndef RISER_NOTIFY_DIGEST_H
#define RISER_NOTIFY_DIGEST_H

#include "base/bytes.h"
#include "base/error.h"

enum { DIGEST_MESSAGE_ID_MAX = 320, DIGEST_HEX_SIZE = 65 };

// "<32 hexadecimal digits@domain>": of SHA-256 of "decision|person|channel", so the same for every attempt.
// ERR_LIMIT: the domain is too long.
struct message_name {
  const char *decision;
  const char *person;
  const char *channel;
  const char *domain;
};
enum error digest_message_id(const struct message_name *name, char id[DIGEST_MESSAGE_ID_MAX]) MUST_USE;

// HMAC-SHA256 of `head` followed by `body`, in hexadecimal.
enum error digest_sign(struct bytes key, struct bytes head, struct bytes body, char hex[DIGEST_HEX_SIZE]) MUST_USE;

#endif
