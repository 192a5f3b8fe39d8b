// SPDX-License-Identifier: Apache-2.0
// Two arenas: what a stranger's payload unfolds to may fill the first, which refuses that message and nothing else; the
// second holds what we make of it, has a known maximum, and is never full.
#include "ingest/intake.h"

#include <stdlib.h>

#include "ingest/codec/codec.h"
#include "ingest/core/advice.h"

// An empty reading takes two bytes of protobuf and some 120 in memory.
enum { UNFOLDED_MAX = 160, UNFOLDED_BASE = 1 << 20 };

struct intake {
  struct intake_options options;
  struct arena *decoded;
  struct arena *judged;
};

static enum error read_content(struct intake *intake, const struct arrival *arrival, struct intaken *out,
                               struct content *content);
static enum error decode(struct intake *intake, const struct arrival *arrival, struct intaken *out,
                         struct content *content);
static void refuse(struct intaken *out, enum error err, const char *detail);

struct intake *intake_new(const struct intake_options *options) {
  struct intake *intake = calloc(1, sizeof *intake);
  if (!intake) return NULL;
  intake->options = *options;
  intake->decoded = arena_new(options->payload_max * UNFOLDED_MAX + UNFOLDED_BASE);
  intake->judged = arena_new(judge_arena_max(&options->judge.limits));
  if (intake->decoded && intake->judged) return intake;
  intake_free(intake);
  return NULL;
}

void intake_free(struct intake *intake) {
  if (!intake) return;
  arena_free(intake->decoded);
  arena_free(intake->judged);
  free(intake);
}

enum error intake_take(struct intake *intake, const struct arrival *arrival, struct intaken *out) {
  arena_reset(intake->decoded);
  arena_reset(intake->judged);
  *out = (struct intaken){.verdict = {.refused = OK, .detail = ""}};
  struct content content;
  if (read_content(intake, arrival, out, &content)) return OK;
  struct message message = {
      .topic = out->topic,
      .position = arrival->position,
      .receive_ms = arrival->receive_ms,
      .held_ms = arrival->held_ms,
  };
  enum error err = judge_message(&intake->options.judge, &message, &content, intake->judged, &out->verdict);
  out->verdict.claim.json = content.json;
  return err;
}

// On an error `out` says why.
static enum error read_content(struct intake *intake, const struct arrival *arrival, struct intaken *out,
                               struct content *content) {
  enum error err = topic_parse(arrival->topic, &out->topic);
  if (!err && arrival->sha256) err = ERR_TOO_LARGE; // by the payload_max of the time when it came
  if (!err && arrival->length == 0) err = ERR_EMPTY;
  if (!err) err = judge_admit(&intake->options.judge, &out->topic);
  if (!err) err = judge_signature(&intake->options.judge, &out->topic, arrival->topic, arrival->payload);
  if (!err) return decode(intake, arrival, out, content);
  refuse(out, err, advice_for(err));
  return err;
}

static enum error decode(struct intake *intake, const struct arrival *arrival, struct intaken *out,
                         struct content *content) {
  struct codec_input input = {
      .kind = content_kind_of(out->topic.tail),
      .payload = arrival->payload,
      .arena = intake->decoded,
      .detail = "",
  };
  enum error err = codec_for(out->topic.tail, arrival->payload)->decode(&input, content);
  if (err == ERR_LIMIT) err = ERR_TOO_LARGE; // the arena is full: it unfolds to too much
  if (err) refuse(out, err, *input.detail ? input.detail : advice_for(err));
  return err;
}

static void refuse(struct intaken *out, enum error err, const char *detail) {
  out->verdict.refused = err;
  out->verdict.detail = detail;
}

void intake_track(struct intake *intake, const struct arrival *arrival) {
  arena_reset(intake->decoded);
  struct intaken out = {.verdict = {.detail = ""}};
  struct content content;
  if (read_content(intake, arrival, &out, &content)) return;
  struct message message = {.topic = out.topic, .position = arrival->position, .receive_ms = arrival->receive_ms};
  judge_track(&intake->options.judge, &message, &content);
}
