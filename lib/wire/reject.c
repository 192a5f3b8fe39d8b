// SPDX-License-Identifier: Apache-2.0
// The refused bytes are a stranger's and stay bytes; the writer sees to it that the texts are UTF-8.
#include "wire/reject.h"

#include <string.h>

#include "riser/reject/v1/reject.pb-c.h"
#include "wire/message.h"

#define REJECT(TEXT, PLAIN, ENUM) \
  TEXT(topic) TEXT(reason) TEXT(detail) PLAIN(length) PLAIN(receive_time_ms) TEXT(site) TEXT(device)
WIRE_MAPPING(head, struct reject, Riser__Reject__V1__Reject, riser__reject__v1__reject__init, REJECT)

enum error wire_reject_decode(struct bytes in, struct arena *arena, struct reject *out) {
  Riser__Reject__V1__Reject *message;
  enum error err = wire_unpack(&riser__reject__v1__reject__descriptor, in, arena, &message);
  if (err) return err;
  if (message->sha256.len != sizeof out->sha256) return ERR_BAD_PROTOBUF;
  head_in(message, out);
  memcpy(out->sha256, message->sha256.data, sizeof out->sha256);
  out->head = message->head.data;
  out->head_len = message->head.len;
  return OK;
}

enum error wire_reject_encode(const struct reject *in, struct buffer *out) {
  Riser__Reject__V1__Reject message;
  head_out(in, &message);
  message.sha256 = (ProtobufCBinaryData){sizeof in->sha256, (uint8_t *)in->sha256};
  message.head = (ProtobufCBinaryData){in->head_len, (uint8_t *)in->head};
  return wire_pack(&message, out);
}
