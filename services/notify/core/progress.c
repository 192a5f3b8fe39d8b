// SPDX-License-Identifier: Apache-2.0
#include "notify/core/progress.h"

#include "base/canary.h"

#include <assert.h>
#include <string.h>

// The longest item: a delta of 10 digits, a colon, 8 hexadecimal digits, a comma; the head is below 80.
static_assert(80 + PROGRESS_MAX * 20 < PROGRESS_NOTE_SIZE, "a full note fits");

void progress_init(struct progress *progress, int32_t partition) {
  *progress = (struct progress){.mark.partition = (uint32_t)partition};
}

// ---- reading a note

struct reader {
  const char *at;
  bool bad;
};

static int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return 16;
}

static int64_t read_number(struct reader *reader, int base, int64_t max) {
  int64_t value = 0;
  const char *begin = reader->at;
  for (int digit; (digit = digit_value(*reader->at)) < base; reader->at++) {
    if (value > (max - digit) / base) {
      reader->bad = true;
      return 0;
    }
    value = value * base + digit;
  }
  if (reader->at == begin) reader->bad = true;
  return value;
}

static void read_char(struct reader *reader, char c) {
  if (*reader->at == c)
    reader->at++;
  else
    reader->bad = true;
}

static void read_item(struct reader *reader, struct progress *progress, int64_t *offset) {
  int64_t delta = read_number(reader, 10, INT64_MAX - *offset);
  bool first = progress->count == 0;
  if (progress->count == PROGRESS_MAX || (!first && delta == 0) || *offset + delta >= progress->end) reader->bad = true;
  if (reader->bad) return;
  *offset += delta;
  struct progress_item *item = &progress->items[progress->count++];
  *item = (struct progress_item){.offset = *offset};
  if (*reader->at == ':') {
    reader->at++;
    item->done = (uint32_t)read_number(reader, 16, UINT32_MAX);
  }
}

enum error progress_resume(struct progress *progress, int64_t offset, const char *note) {
  progress_init(progress, (int32_t)progress->mark.partition);
  progress->end = offset;
  if (!note || !*note) return OK;
  struct reader reader = {.at = note};
  read_char(&reader, '1');
  read_char(&reader, ' ');
  progress->end = read_number(&reader, 10, INT64_MAX);
  read_char(&reader, ' ');
  if (*reader.at == '-') {
    reader.at++;
  } else {
    progress->has_mark = true;
    progress->mark.offset = read_number(&reader, 10, INT64_MAX);
    read_char(&reader, '.');
    progress->mark.index = (uint32_t)read_number(&reader, 10, UINT32_MAX);
  }
  if (*reader.at) read_char(&reader, ' ');
  while (!reader.bad && *reader.at) {
    if (progress->count > 0) read_char(&reader, ',');
    if (!reader.bad) read_item(&reader, progress, &offset);
  }
  if (progress->end < offset) reader.bad = true;
  return reader.bad ? ERR_CORRUPT : OK;
}

// ---- going on

static struct progress_item *find_item(struct progress *progress, int64_t offset) {
  for (size_t i = 0; i < progress->count; i++) {
    if (progress->items[i].offset == offset) return &progress->items[i];
  }
  return NULL;
}

// A record that an earlier run has seen already.
static enum error take_again(struct progress *progress, int64_t offset, enum progress_verdict *verdict,
                             uint32_t *done) {
  struct progress_item *item = find_item(progress, offset);
  *verdict = item ? PROGRESS_WORK : PROGRESS_SKIP;
  *done = item && !CANARY(DELIVERY_FORGOTTEN) ? item->done : 0;
  if (item) item->taken = true;
  return OK;
}

static bool is_repetition(const struct progress *progress, struct cause cause) {
  return progress->has_mark && cause_compare(cause, progress->mark) <= 0 && !CANARY(MARK_IGNORED);
}

enum error progress_take(struct progress *progress, int64_t offset, struct cause cause, bool is_message,
                         enum progress_verdict *verdict, uint32_t *done) {
  for (size_t i = 0; i < progress->count && progress->items[i].offset < offset; i++) {
    if (!progress->items[i].taken) return ERR_CORRUPT;
  }
  if (offset < progress->end) return take_again(progress, offset, verdict, done);
  bool wanted = is_message && !is_repetition(progress, cause);
  if (wanted && progress->count == PROGRESS_MAX) return ERR_LIMIT;
  if (wanted) progress->items[progress->count++] = (struct progress_item){.offset = offset, .taken = true};
  if (!is_repetition(progress, cause)) {
    progress->mark = cause;
    progress->has_mark = true;
  }
  progress->end = offset + 1;
  *verdict = wanted ? PROGRESS_WORK : PROGRESS_SKIP;
  *done = 0;
  return OK;
}

void progress_deliver(struct progress *progress, int64_t offset, unsigned slot) {
  struct progress_item *item = find_item(progress, offset);
  assert(item && slot < PROGRESS_SLOTS);
  item->done |= 1u << slot;
}

void progress_finish(struct progress *progress, int64_t offset) {
  struct progress_item *item = find_item(progress, offset);
  assert(item);
  size_t index = (size_t)(item - progress->items);
  progress->count--;
  memmove(item, item + 1, (progress->count - index) * sizeof *item);
}

// ---- writing a note

int64_t progress_offset(const struct progress *progress) {
  return progress->count > 0 ? progress->items[0].offset : progress->end;
}

static char *write_number(char *to, uint64_t number, unsigned base) {
  char digits[24];
  size_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number > 0);
  while (count > 0) *to++ = digits[--count];
  return to;
}

void progress_note(const struct progress *progress, char *note) {
  *note++ = '1';
  *note++ = ' ';
  note = write_number(note, (uint64_t)progress->end, 10);
  *note++ = ' ';
  if (progress->has_mark) {
    note = write_number(note, (uint64_t)progress->mark.offset, 10);
    *note++ = '.';
    note = write_number(note, progress->mark.index, 10);
  } else {
    *note++ = '-';
  }
  int64_t before = progress_offset(progress);
  for (size_t i = 0; i < progress->count; i++) {
    *note++ = i == 0 ? ' ' : ',';
    note = write_number(note, (uint64_t)(progress->items[i].offset - before), 10);
    before = progress->items[i].offset;
    if (progress->items[i].done == 0) continue;
    *note++ = ':';
    note = write_number(note, progress->items[i].done, 16);
  }
  *note = '\0';
}
