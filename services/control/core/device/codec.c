// SPDX-License-Identifier: Apache-2.0
#include "control/core/device/codec.h"

#include <stdio.h>
#include <string.h>

const struct device_codec *device_codec_find(const char *name) {
  if (name[0] == '\0') return device_table[0];
  for (size_t i = 0; i < device_count; i++) {
    if (strcmp(device_table[i]->name, name) == 0) return device_table[i];
  }
  return NULL;
}

enum error device_topic(const char *site, const char *device, char topic[DEVICE_TOPIC_MAX]) {
  int len = snprintf(topic, DEVICE_TOPIC_MAX, "riser/v1/%s/%s/down/cmd", site, device);
  return len < DEVICE_TOPIC_MAX ? OK : ERR_LIMIT;
}
