// SPDX-License-Identifier: Apache-2.0
// One partition that this process owns: its core, and how far riser.decision.v1 and riser.site.v1 have been dealt with.
// Rebuilt from riser.command.v1 and from the note beside the committed offset of riser.decision.v1. The worker's.
#ifndef RISER_CONTROL_PARTITION_H
#define RISER_CONTROL_PARTITION_H

#include <stdbool.h>

#include "control/core/control.h"
#include "io/kafka.h"

#define TOPIC_SITE "riser.site.v1"
#define TOPIC_DECISION "riser.decision.v1"
#define TOPIC_COMMAND "riser.command.v1"

enum { PARTITION_NOTE_MAX = 96 };

struct partition {
  uint32_t number;
  struct control *control;
  int64_t next_decision; // offsets; KAFKA_OFFSET_INVALID: nothing new since the last commit
  int64_t next_site;
  bool touched; // something came in since the core was last advanced
  bool stopped; // a record needs a newer reader: nothing of this partition is read or carried out any more
};

enum error partition_open(uint32_t number, const struct control_settings *settings, const struct devices *devices,
                          struct partition **partition) MUST_USE;
void partition_close(struct partition *partition); // NULL is fine

// The mark as the note beside an offset, and back. ERR_CORRUPT: the note is not one of ours.
void partition_note(const struct partition *partition, char note[PARTITION_NOTE_MAX]);
enum error partition_take_note(struct partition *partition, const char *note) MUST_USE;

// Everything that riser.command.v1 holds of these partitions (entries may be NULL) into their cores. `beat` is called
// all along; false ends it with ERR_CLOSED.
struct partition_restore {
  const struct kafka_settings *settings;
  struct partition *const *partitions; // by number
  size_t count;
  bool (*beat)(void *ctx);
  void *ctx;
};
enum error partition_restore_all(const struct partition_restore *restore) MUST_USE;

#endif
