// SPDX-License-Identifier: Apache-2.0
// Keys are put together by hand: they are made for every batch, and the core has no printf.
#include <string.h>

#include "billing/core/fold_parts.h"

struct writer {
  struct key key;
  size_t len;
};

// Ids have at most 64 bytes, so the longest key (four of them and numbers) fits; beyond it is cut, never overrun.
static void put(struct writer *writer, const char *text) {
  size_t len = strlen(text), room = STORE_KEY_MAX - 1 - writer->len;
  if (len > room) len = room;
  memcpy(writer->key.text + writer->len, text, len);
  writer->len += len;
  writer->key.text[writer->len] = 0;
}

static void put_number(struct writer *writer, uint32_t number, size_t digits) {
  char text[11];
  size_t at = sizeof text - 1;
  text[at] = 0;
  do {
    text[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0 || sizeof text - 1 - at < digits);
  put(writer, text + at);
}

static struct writer begin(const char *kind, const char *site) {
  struct writer writer = {.len = 0};
  put(&writer, kind);
  put(&writer, site);
  return writer;
}

struct key key_text(const char *text) {
  return begin(text, "").key;
}

struct key key_site(const char *site) {
  return begin("site:", site).key;
}

struct key key_seal(const char *chain) {
  return begin("seal:", chain).key;
}

struct key key_point(const char *site, const char *point) {
  struct writer writer = begin("point:", site);
  put(&writer, "/");
  put(&writer, point);
  return writer.key;
}

struct key key_account(const char *site, const char *lease) {
  struct writer writer = begin("account:", site);
  put(&writer, "/");
  put(&writer, lease);
  return writer.key;
}

struct key key_reads(const char *site, const char *meter, enum meter_register reg, uint32_t month) {
  struct writer writer = begin("reads:", site);
  put(&writer, "/");
  put(&writer, meter);
  put(&writer, "/");
  put_number(&writer, (uint32_t)reg, 1);
  put(&writer, "/");
  put_number(&writer, month, 6);
  return writer.key;
}

struct key key_paid(const char *site, uint32_t part) {
  struct writer writer = begin("paid:", site);
  put(&writer, "/");
  put_number(&writer, part, 2);
  return writer.key;
}

struct key key_days(const char *site, const char *point, uint32_t month) {
  struct writer writer = begin("days:", site);
  put(&writer, "/");
  put(&writer, point);
  put(&writer, "/");
  put_number(&writer, month / 100, 4);
  put(&writer, "-");
  put_number(&writer, month % 100, 2);
  return writer.key;
}

// Of entries due at the same instant the names decide: corrections come before what is concluded from the periods.
static const char *const due_names[] = {
    [DUE_NONE] = "",   [DUE_AMEND] = "amend", [DUE_BEGIN] = "begin",   [DUE_CLOSE] = "close",
    [DUE_CUT] = "cut", [DUE_DAY] = "day",     [DUE_NOTICE] = "notice", [DUE_REMIND] = "remind",
};

struct key due_member(enum due_kind kind, const char *site, const char *what, const char *detail) {
  struct writer writer = begin(due_names[kind], "/");
  put(&writer, site);
  put(&writer, "/");
  put(&writer, what);
  if (detail[0]) put(&writer, "/");
  put(&writer, detail);
  return writer.key;
}

// Copies up to the next slash or the end; NULL when it does not fit.
static const char *take(const char *from, char *to, size_t size) {
  size_t len = strcspn(from, "/");
  if (len >= size) return NULL;
  memcpy(to, from, len);
  to[len] = 0;
  return from[len] ? from + len + 1 : from + len;
}

bool due_parse(const char *member, struct due *out) {
  char kind[8];
  *out = (struct due){.kind = DUE_NONE};
  const char *rest = take(member, kind, sizeof kind);
  if (rest) rest = take(rest, out->site, sizeof out->site);
  if (rest) rest = take(rest, out->what, sizeof out->what);
  if (rest) rest = take(rest, out->detail, sizeof out->detail);
  if (!rest || *rest) return false;
  for (int i = DUE_AMEND; i <= DUE_REMIND; i++) {
    if (strcmp(kind, due_names[i]) == 0) out->kind = (enum due_kind)i;
  }
  return out->kind != DUE_NONE;
}

bool id_valid(const char *id) {
  size_t len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
  return len >= 1 && len <= 64 && id[len] == 0;
}
