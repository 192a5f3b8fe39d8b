// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "io/mqtt.h"

// Level by level. A filter that begins with a wildcard does not match topics that begin with $ (MQTT 5, 4.7.2).
bool mqtt_filter_matches(const char *filter, const char *topic) {
  if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;
  for (;;) {
    size_t filter_len = strcspn(filter, "/"), topic_len = strcspn(topic, "/");
    if (filter_len == 1 && filter[0] == '#') return true;
    bool same = filter_len == topic_len && memcmp(filter, topic, topic_len) == 0;
    if (!same && !(filter_len == 1 && filter[0] == '+')) return false;
    filter += filter_len;
    topic += topic_len;
    if (*topic == 0) return *filter == 0 || strcmp(filter, "/#") == 0; // "a/#" matches "a" too
    if (*filter == 0) return false;
    filter++;
    topic++;
  }
}
