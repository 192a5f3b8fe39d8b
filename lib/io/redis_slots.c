// SPDX-License-Identifier: Apache-2.0
// Redis Cluster Specification, "Key distribution model", "Hash tags", "MOVED redirection", "CLUSTER SLOTS".
#include "io/redis_slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CRC_POLYNOMIAL = 0x1021, SCAN_PATTERN = 3, PORT_MAX = 65535 };

static bool join(struct bytes host, int64_t port, const char *asked, char *address);

static uint16_t crc16(struct bytes bytes) {
  uint16_t crc = 0;
  for (size_t i = 0; i < bytes.len; i++) {
    crc ^= (uint16_t)(bytes.data[i] << 8);
    for (int bit = 0; bit < 8; bit++)
      crc = (uint16_t)(crc & 0x8000 ? (unsigned)crc << 1 ^ CRC_POLYNOMIAL : (unsigned)crc << 1);
  }
  return crc;
}

int redis_slot(struct bytes key) {
  const uint8_t *open = key.len ? memchr(key.data, '{', key.len) : NULL;
  if (open) {
    size_t rest = key.len - (size_t)(open + 1 - key.data);
    const uint8_t *close = memchr(open + 1, '}', rest);
    if (close && close > open + 1) key = bytes_make(open + 1, (size_t)(close - open - 1));
  }
  return crc16(key) % REDIS_SLOTS;
}

int redis_command_slot(const struct redis_command *command) {
  if (command->count < 2) return -1;
  if (!bytes_equal_text(command->words[0], "SCAN")) return redis_slot(command->words[1]);
  return command->count > SCAN_PATTERN ? redis_slot(command->words[SCAN_PATTERN]) : -1;
}

// "MOVED 3999 127.0.0.1:6381"; the host may be missing.
bool redis_redirect_read(const struct redis_value *reply, const char *asked, struct redis_redirect *out) {
  if (reply->type != REDIS_ERROR) return false;
  const char *text = (const char *)reply->text.data; // ends with a zero
  bool ask = strncmp(text, "ASK ", 4) == 0;
  if (!ask && strncmp(text, "MOVED ", 6) != 0) return false;
  char *end;
  long slot = strtol(text + (ask ? 4 : 6), &end, 10);
  const char *colon = strrchr(end, ':');
  if (*end != ' ' || slot < 0 || slot >= REDIS_SLOTS || !colon) return false;
  struct bytes host = bytes_make(end + 1, (size_t)(colon - end - 1));
  out->ask = ask;
  out->slot = (int)slot;
  return join(host, strtol(colon + 1, NULL, 10), asked, out->address);
}

// A node that doesn't know its own name is reached as the one that was asked.
static bool join(struct bytes host, int64_t port, const char *asked, char *address) {
  const char *colon = strrchr(asked, ':');
  bool unknown = host.len == 0 || bytes_equal_text(host, "?");
  if (unknown) host = bytes_make(asked, colon ? (size_t)(colon - asked) : strlen(asked));
  if (port <= 0 || port > PORT_MAX) return false;
  int len = snprintf(address, REDIS_ADDRESS_SIZE, "%.*s:%d", (int)host.len, (const char *)host.data, (int)port);
  return len > 0 && len < REDIS_ADDRESS_SIZE;
}

static bool is_text(const struct redis_value *value) {
  return value->type == REDIS_STRING || value->type == REDIS_NIL;
}

static enum error read_range(const struct redis_value *range, const char *asked,
                             const struct redis_slot_visitor *visitor) {
  const struct redis_value *edges = range->elements;
  if (range->type != REDIS_ARRAY || range->count < 3) return ERR_CORRUPT;
  if (edges[0].type != REDIS_INTEGER || edges[1].type != REDIS_INTEGER || edges[0].integer < 0 ||
      edges[0].integer > edges[1].integer || edges[1].integer >= REDIS_SLOTS)
    return ERR_CORRUPT;
  enum error err = OK;
  for (size_t i = 2; !err && i < range->count; i++) {
    const struct redis_value *node = &range->elements[i];
    char address[REDIS_ADDRESS_SIZE];
    bool whole = node->type == REDIS_ARRAY && node->count >= 2 && is_text(&node->elements[0]) &&
                 node->elements[1].type == REDIS_INTEGER &&
                 join(node->elements[0].text, node->elements[1].integer, asked, address);
    if (!whole) return ERR_CORRUPT;
    err = visitor->node(visitor->ctx, (int)edges[0].integer, (int)edges[1].integer, i == 2, address);
  }
  return err;
}

enum error redis_slots_read(const struct redis_value *reply, const char *asked,
                            const struct redis_slot_visitor *visitor) {
  if (reply->type != REDIS_ARRAY) return ERR_CORRUPT;
  enum error err = OK;
  for (size_t i = 0; !err && i < reply->count; i++) err = read_range(&reply->elements[i], asked, visitor);
  return err;
}
