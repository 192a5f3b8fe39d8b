// SPDX-License-Identifier: Apache-2.0
// One codec of ingest (FUZZ_CODEC), and ingest's bounds behind it: input is the kind of content, then the payload.
#include <string.h>

#include "fuzz.h"
#include "ingest/codec/codec.h"
#include "ingest/core/check.h"

enum { ARENA_MAX = 64 << 20, READINGS_MAX = 10000 };
static const int64_t NOW_MS = 1780315200000;
static const struct check_limits LIMITS = {.readings_max = READINGS_MAX, .oldest_s = 946684800, .future_ms = 86400000};

static void check_readings(struct arena *arena, const struct batch *batch) {
  struct reading *good = arena_array(arena, batch->count ? batch->count : 1, sizeof *good);
  struct check_result result;
  if (!good) return;
  enum error err = check_batch(&LIMITS, batch, "d-1", NOW_MS, good, &result);
  FUZZ_HOLDS(err == OK || error_class(err) == CLASS_REJECT);
  for (size_t i = 0; !err && i < result.good; i++) {
    FUZZ_HOLDS(good[i].value >= 0 && good[i].value <= CHECK_VALUE_MAX);
    FUZZ_HOLDS(good[i].time_s >= LIMITS.oldest_s && good[i].time_s <= NOW_MS / 1000 + 86400);
    FUZZ_HOLDS(id_is_valid(bytes_text(good[i].meter)));
    FUZZ_HOLDS(register_commodity(good[i].reg) != COMMODITY_NONE);
  }
}

static void check(struct arena *arena, struct content *content) {
  enum error err = OK;
  FUZZ_HOLDS(content->site && content->device);
  FUZZ_HOLDS(bytes_is_utf8(bytes_text(content->site)) && bytes_is_utf8(bytes_text(content->device)));
  switch (content->kind) {
  case CONTENT_READINGS:
    check_readings(arena, &content->batch);
    break;
  case CONTENT_EVENT:
    err = check_event(&LIMITS, NOW_MS, arena, &content->event);
    FUZZ_HOLDS(err || strlen(content->event.detail) <= CHECK_DETAIL_MAX);
    FUZZ_HOLDS(err || bytes_is_utf8(bytes_text(content->event.detail)));
    break;
  case CONTENT_STATE:
    err = check_state(&LIMITS, NOW_MS, &content->state);
    break;
  case CONTENT_ACK:
    err = check_ack(&LIMITS, NOW_MS, arena, &content->ack);
    break;
  }
  FUZZ_HOLDS(err == OK || error_class(err) == CLASS_REJECT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct arena *arena;
  if (!arena) arena = arena_new(ARENA_MAX);
  if (!arena || size < 2) return 0; // a payload is not empty
  arena_reset(arena);
  struct bytes payload = bytes_make(data + 1, size - 1);
  uint8_t *exact = fuzz_copy(payload);
  struct codec_input input = {
      .kind = (enum content_kind)(data[0] % (CONTENT_ACK + 1)),
      .payload = bytes_make(exact, payload.len),
      .arena = arena,
      .detail = "",
  };
  const struct codec *codec = codec_by_name(FUZZ_CODEC);
  struct content content;
  enum error err = codec->decode(&input, &content);
  FUZZ_HOLDS(err == OK || error_class(err) == CLASS_REJECT);
  free(exact); // nothing that was decoded may point into it
  if (err) {
    FUZZ_HOLDS(bytes_is_utf8(bytes_text(input.detail)));
  } else {
    FUZZ_HOLDS(content.kind == input.kind);
    check(arena, &content);
  }
  return 0;
}
