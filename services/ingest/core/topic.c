// SPDX-License-Identifier: Apache-2.0
#include "ingest/core/topic.h"

#include <string.h>

static const struct tail_name {
  struct bytes text;
  enum topic_tail tail;
} TAILS[] = {
    {BYTES_LITERAL("pb"), TAIL_PB},       {BYTES_LITERAL("json"), TAIL_JSON}, {BYTES_LITERAL("event"), TAIL_EVENT},
    {BYTES_LITERAL("state"), TAIL_STATE}, {BYTES_LITERAL("ack"), TAIL_ACK},
};

static struct bytes level_next(struct bytes *rest);
static enum error tail_parse(struct bytes text, struct topic *out);

bool id_is_valid(struct bytes id) {
  if (id.len == 0 || id.len > ID_MAX) return false;
  for (size_t i = 0; i < id.len; i++) {
    uint8_t c = id.data[i];
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

enum error topic_parse(struct bytes text, struct topic *out) {
  *out = (struct topic){.tail = TAIL_PB};
  struct bytes rest = text;
  struct bytes product = level_next(&rest), version = level_next(&rest);
  if (!bytes_equal_text(product, "riser") || !bytes_equal_text(version, "v1")) return ERR_BAD_TOPIC;
  struct bytes site = level_next(&rest), device = level_next(&rest), up = level_next(&rest);
  if (!id_is_valid(site)) return ERR_BAD_TOPIC;
  out->site = site;
  if (!id_is_valid(device)) return ERR_BAD_TOPIC;
  out->device = device;
  if (!bytes_equal_text(up, "up")) return ERR_BAD_TOPIC;
  return tail_parse(rest, out);
}

static enum error tail_parse(struct bytes text, struct topic *out) {
  for (size_t i = 0; i < sizeof TAILS / sizeof *TAILS; i++)
    if (bytes_equal(text, TAILS[i].text)) {
      out->tail = TAILS[i].tail;
      return OK;
    }
  struct bytes rest = text, raw = level_next(&rest);
  return bytes_equal_text(raw, "raw") && id_is_valid(rest) ? ERR_UNKNOWN_FORMAT : ERR_BAD_TOPIC;
}

// The text up to the next slash; `rest` goes on behind it, and is empty at the end.
static struct bytes level_next(struct bytes *rest) {
  const uint8_t *slash = rest->len ? memchr(rest->data, '/', rest->len) : NULL;
  size_t len = slash ? (size_t)(slash - rest->data) : rest->len;
  struct bytes level = bytes_make(rest->data, len);
  size_t used = slash ? len + 1 : len;
  *rest = bytes_make(rest->data + used, rest->len - used);
  return level;
}
