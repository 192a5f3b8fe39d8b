// SPDX-License-Identifier: Apache-2.0
#include "ingest/codec/codec.h"

#include <string.h>

const struct codec *codec_by_name(const char *name) {
  for (size_t i = 0; i < codec_count; i++)
    if (strcmp(codec_table[i]->name, name) == 0) return codec_table[i];
  return NULL;
}

enum content_kind content_kind_of(enum topic_tail tail) {
  switch (tail) {
  case TAIL_EVENT:
    return CONTENT_EVENT;
  case TAIL_STATE:
    return CONTENT_STATE;
  case TAIL_ACK:
    return CONTENT_ACK;
  case TAIL_PB:
  case TAIL_JSON:
    break;
  }
  return CONTENT_READINGS;
}

const struct codec *codec_for(enum topic_tail tail, struct bytes payload) {
  bool json = tail == TAIL_JSON || (tail != TAIL_PB && payload.len && payload.data[0] == '{');
  return codec_by_name(json ? "json" : "pb");
}
