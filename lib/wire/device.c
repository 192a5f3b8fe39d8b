// SPDX-License-Identifier: Apache-2.0
#include "wire/device.h"

#include "riser/device/v1/device.pb-c.h"
#include "wire/enums.h"
#include "wire/message.h"

#define DEVICE(TEXT, PLAIN, ENUM) \
  TEXT(site) TEXT(device) TEXT(landlord) TEXT(codec) ENUM(reported_supply, reported_supply, supply) PLAIN(online) \
  ENUM(desired_supply, desired_supply, supply) PLAIN(desired_version) PLAIN(updated_s) \
  TEXT(wrapped_key) TEXT(previous_key)
WIRE_MAPPING(head, struct device, Riser__Device__V1__Device, riser__device__v1__device__init, DEVICE)

enum error wire_device_decode(struct bytes in, struct arena *arena, struct device *out) {
  Riser__Device__V1__Device *message;
  enum error err = wire_unpack(&riser__device__v1__device__descriptor, in, arena, &message);
  if (err) return err;
  head_in(message, out);
  out->meters = (const char *const *)message->meters;
  out->meter_count = message->n_meters;
  return OK;
}

enum error wire_device_encode(const struct device *in, struct buffer *out) {
  Riser__Device__V1__Device message;
  head_out(in, &message);
  message.meters = (char **)in->meters;
  message.n_meters = in->meter_count;
  return wire_pack(&message, out);
}
