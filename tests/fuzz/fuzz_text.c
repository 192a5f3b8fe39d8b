// SPDX-License-Identifier: Apache-2.0
// The small grammars: topics, ids, instants, decimals, hexadecimal, UTF-8, MQTT filters. Input is a line and the rest.
#include <string.h>

#include "base/decimal.h"
#include "fuzz.h"
#include "ingest/core/instant.h"
#include "ingest/core/topic.h"
#include "io/mqtt.h"

static bool within(struct bytes part, struct bytes whole) {
  return !part.len || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void try_topic(struct bytes text) {
  struct topic topic;
  enum error err = topic_parse(text, &topic);
  FUZZ_HOLDS(err == OK || error_class(err) == CLASS_REJECT);
  FUZZ_HOLDS(within(topic.site, text) && within(topic.device, text));
  if (!err) FUZZ_HOLDS(id_is_valid(topic.site) && id_is_valid(topic.device));
}

// What was read comes back when it is written out and read again.
static void try_decimal(struct bytes text, int scale) {
  int64_t value, again;
  char written[DECIMAL_FORMAT_SIZE];
  if (decimal_parse(text, scale, &value)) return;
  decimal_format(value, scale, 0, written);
  FUZZ_HOLDS(decimal_parse(bytes_text(written), scale, &again) == OK && again == value);
}

static void try_instant(struct bytes text) {
  int64_t ms;
  enum error err = instant_parse(text, &ms);
  FUZZ_HOLDS(err == OK || err == ERR_BAD_TIME);
  FUZZ_HOLDS(err || (ms > INT64_MIN / 2 && ms < INT64_MAX / 2));
}

static void try_utf8(struct bytes text) {
  char cut[16];
  size_t len = bytes_utf8_cut(text, sizeof cut - 1);
  FUZZ_HOLDS(len <= sizeof cut - 1 && len <= text.len);
  bytes_utf8_copy(text, cut, sizeof cut);
  FUZZ_HOLDS(bytes_is_utf8(bytes_text(cut)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  uint8_t selector = fuzz_u8(&input), hex[64];
  char *first = fuzz_text(fuzz_line(&input)), *second = fuzz_text(bytes_make(input.at, input.left));
  uint8_t *exact = fuzz_copy(bytes_make(input.at, input.left));
  struct bytes text = bytes_make(exact, input.left);
  try_topic(text);
  try_decimal(text, selector % 13);
  try_instant(text);
  try_utf8(text);
  (void)mqtt_filter_matches(first, second);
  if (hex_decode(text, hex, selector % sizeof hex) == OK) FUZZ_HOLDS(text.len == 2u * (selector % sizeof hex));
  free(exact);
  free(first);
  free(second);
  return 0;
}
