// SPDX-License-Identifier: Apache-2.0
// The digits are collected as one integer in 128 bits with a power of ten beside it; trailing zeros are moved into the
// power, so that what remains is either exact at the wanted scale or is not.
#include "base/decimal.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { EXPONENT_MAX = 999 };

struct parts {
  struct bytes digits;   // before the point
  struct bytes decimals; // behind it
  int exponent;
  bool negative;
};

static bool split(struct bytes text, struct parts *parts);
static bool split_exponent(struct bytes text, size_t at, int *exponent);
static size_t count_digits(struct bytes text, size_t from);
static enum error combine(const struct parts *parts, int power, int64_t *value);
static int digit_at(const struct parts *parts, size_t index);

enum error decimal_parse(struct bytes text, int scale, int64_t *value) {
  assert(scale >= 0 && scale <= DECIMAL_SCALE_MAX);
  struct parts parts = {.exponent = 0};
  if (text.len > DECIMAL_TEXT_MAX || !split(text, &parts)) return ERR_BAD_NUMBER;
  return combine(&parts, parts.exponent + scale - (int)parts.decimals.len, value);
}

static bool split(struct bytes text, struct parts *parts) {
  size_t at = 0;
  parts->negative = text.len && text.data[0] == '-';
  if (parts->negative) at = 1;
  parts->digits = bytes_make(text.data + at, count_digits(text, at));
  at += parts->digits.len;
  if (parts->digits.len == 0) return false;
  if (at < text.len && text.data[at] == '.') {
    parts->decimals = bytes_make(text.data + at + 1, count_digits(text, at + 1));
    at += 1 + parts->decimals.len;
    if (parts->decimals.len == 0) return false;
  }
  return at == text.len || split_exponent(text, at, &parts->exponent);
}

static bool split_exponent(struct bytes text, size_t at, int *exponent) {
  if (text.data[at] != 'e' && text.data[at] != 'E') return false;
  at++;
  bool negative = at < text.len && text.data[at] == '-';
  if (at < text.len && (text.data[at] == '-' || text.data[at] == '+')) at++;
  size_t digits = count_digits(text, at);
  if (digits == 0 || at + digits != text.len) return false;
  int sum = 0;
  for (; at < text.len; at++) {
    sum = sum * 10 + (text.data[at] - '0');
    if (sum > EXPONENT_MAX) return false;
  }
  *exponent = negative ? -sum : sum;
  return true;
}

static size_t count_digits(struct bytes text, size_t from) {
  size_t at = from;
  while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9') at++;
  return at - from;
}

// digits and decimals as one whole number times 10^power.
static enum error combine(const struct parts *parts, int power, int64_t *value) {
  size_t count = parts->digits.len + parts->decimals.len;
  while (count && digit_at(parts, count - 1) == 0) {
    count--;
    power++;
  }
  if (count == 0) {
    *value = 0;
    return OK;
  }
  if (power < 0) return ERR_INEXACT;
  const unsigned __int128 limit = (unsigned __int128)INT64_MAX + (parts->negative ? 1 : 0);
  unsigned __int128 sum = 0;
  for (size_t i = 0; i < count + (size_t)power; i++) {
    sum = sum * 10 + (unsigned)(i < count ? digit_at(parts, i) : 0);
    if (sum > limit) return ERR_OVERFLOW;
  }
  *value = parts->negative ? (int64_t) - (__int128)sum : (int64_t)sum;
  return OK;
}

static int digit_at(const struct parts *parts, size_t index) {
  size_t whole = parts->digits.len;
  return (index < whole ? parts->digits.data[index] : parts->decimals.data[index - whole]) - '0';
}

char *decimal_format(int64_t value, int scale, int min_decimals, char *to) {
  assert(scale >= 0 && scale <= DECIMAL_SCALE_MAX && min_decimals <= scale);
  uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  char digits[DECIMAL_FORMAT_SIZE];
  int len = snprintf(digits, sizeof digits, "%0*llu", scale + 1, (unsigned long long)magnitude);
  int decimals = scale;
  while (decimals > min_decimals && digits[len - 1] == '0') {
    len--;
    decimals--;
  }
  digits[len] = 0;
  int whole = len - decimals;
  snprintf(to, DECIMAL_FORMAT_SIZE, "%s%.*s%s%s", value < 0 ? "-" : "", whole, digits, decimals ? "." : "",
           digits + whole);
  return to;
}
