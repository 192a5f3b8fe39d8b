// SPDX-License-Identifier: Apache-2.0
// The forms in which devices speak: each is one file with one descriptor, named in the list of this folder's
// CMakeLists.txt, which makes the table, the test and the fuzz target. A codec only reads the form: bounds of ids,
// values and times are ingest/core/check's. Codecs stand beside core/ and not in it, for they use libraries that core/
// may not link (lib/wire, json-c); they do no I/O either, have no state and may run on any thread.
#ifndef RISER_INGEST_CODEC_CODEC_H
#define RISER_INGEST_CODEC_CODEC_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "ingest/core/judge.h"

struct codec_input {
  enum content_kind kind; // what the topic says the payload is
  struct bytes payload;   // not empty; any bytes
  struct arena *arena;    // everything that is decoded goes here
  const char *detail;     // out, of an error: where and what, in the arena or a literal; "" at first
};

struct codec {
  const char *name;
  const char *help;
  // *out is written only on OK. Errors of class REJECT, among them ERR_LIMIT when the arena is full.
  enum error (*decode)(struct codec_input *input, struct content *out);
};

extern const struct codec *const codec_table[];
extern const size_t codec_count;

// NULL if there is none.
const struct codec *codec_by_name(const char *name);

// What up/{tail} carries, and in which form: readings say so in the tail; events, states and acknowledgements are JSON
// when they begin with '{', which no message of riser.telemetry.v1 does.
enum content_kind content_kind_of(enum topic_tail tail);
const struct codec *codec_for(enum topic_tail tail, struct bytes payload);

#endif
