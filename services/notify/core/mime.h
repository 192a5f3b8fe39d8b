// SPDX-License-Identifier: Apache-2.0
// An Internet message (RFC 5322, 2045, 2047): headers and one text/plain part in UTF-8, lines ended by CRLF, ready for
// SMTP but for dot-stuffing, which the client does. Pure. A header value with a line break or other control
// character is refused, so that nobody's name or address can add a header.
#ifndef RISER_NOTIFY_CORE_MIME_H
#define RISER_NOTIFY_CORE_MIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

enum { MIME_ADDRESS_MAX = 254, MIME_HEADER_LINE_MAX = 998 };

struct mime_mail {
  const char *from_name; // "": none
  const char *from;      // address
  const char *reply_to;  // address; "": none
  const char *to_name;
  const char *to;
  const char *subject;
  const char *message_id; // with its angle brackets
  const char *language;
  const char *kind;     // of message
  const char *decision; // id
  const char *text;
  int64_t date_s;
  bool base64; // encode the body even when its lines are short enough for 8bit
};

// One mailbox that SMTP can take as it is: local@domain in ASCII, at most MIME_ADDRESS_MAX, no space, quote, comma,
// angle bracket or control character.
bool mime_address_valid(const char *address);

// Appends the whole message. ERR_BAD_VALUE: an address or a header value is not fit. ERR_LIMIT: the buffer is full.
enum error mime_write(const struct mime_mail *mail, struct buffer *out) MUST_USE;

#endif
