// SPDX-License-Identifier: Apache-2.0
// How a command looks to a device. A variant is one file device_<name>.c with one descriptor, and one word in the list
// of this folder's CMakeLists.txt; a device names its variant in riser.device.v1 (codec). Pure; any thread.
#ifndef RISER_CONTROL_CORE_DEVICE_CODEC_H
#define RISER_CONTROL_CORE_DEVICE_CODEC_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "domain/command.h"

enum { DEVICE_TOPIC_MAX = 256, DEVICE_PAYLOAD_MAX = 1024 };

struct device_codec {
  const char *name;
  const char *help; // one sentence
  // Appends the payload of down/cmd. ERR_LIMIT: the buffer is too small.
  enum error (*encode)(const struct device_command *command, struct buffer *out) MUST_USE;
};

extern const struct device_codec *const device_table[]; // the first is the default
extern const size_t device_count;

// The variant of that name, the default for ""; NULL if there is none.
const struct device_codec *device_codec_find(const char *name);

// "riser/v1/{site}/{device}/down/cmd". ERR_LIMIT if it does not fit DEVICE_TOPIC_MAX.
enum error device_topic(const char *site, const char *device, char topic[DEVICE_TOPIC_MAX]) MUST_USE;

#endif
