// SPDX-License-Identifier: Apache-2.0
// The log of commands is read to the end that it had when its last record was given out: this process writes nothing to
// it meanwhile, and a former owner that still does is outrun by the group's generation when it commits.
#include "control/partition.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "wire/command.h"

enum { BATCH = 512, ARENA_BYTES = 1 << 20, POLL_MS = 100 };

static const char note_format[] = "1 cause=%" PRId64 ".%" PRIu32 " business=%" PRId64;
static const char note_scan[] = "1 cause=%" SCNd64 ".%" SCNu32 " business=%" SCNd64 "%c";

enum error partition_open(uint32_t number, const struct control_settings *settings, const struct devices *devices,
                          struct partition **opened) {
  struct partition *partition = calloc(1, sizeof *partition);
  if (!partition) return ERR_NO_MEMORY;
  *partition = (struct partition){
      .number = number, .next_decision = KAFKA_OFFSET_INVALID, .next_site = KAFKA_OFFSET_INVALID};
  partition->control = control_new(number, settings, devices);
  if (!partition->control) {
    free(partition);
    return ERR_NO_MEMORY;
  }
  *opened = partition;
  return OK;
}

void partition_close(struct partition *partition) {
  if (!partition) return;
  control_free(partition->control);
  free(partition);
}

void partition_note(const struct partition *partition, char note[PARTITION_NOTE_MAX]) {
  struct control_mark mark = control_get_mark(partition->control);
  snprintf(note, PARTITION_NOTE_MAX, note_format, mark.cause.offset, mark.cause.index, mark.business_s);
}

enum error partition_take_note(struct partition *partition, const char *note) {
  struct control_mark mark = {.cause = {.partition = partition->number}};
  char rest;
  int found = sscanf(note, note_scan, &mark.cause.offset, &mark.cause.index, &mark.business_s, &rest);
  if (found != 3) return ERR_CORRUPT;
  control_restore_mark(partition->control, &mark);
  return OK;
}

// ---------------------------------------------------------------- riser.command.v1

struct restoring {
  const struct partition_restore *restore;
  struct arena *arena;
  size_t open; // partitions not yet read to their end
};

static void on_end(void *ctx, const struct kafka_position *position) {
  struct restoring *restoring = ctx;
  if ((size_t)position->partition >= restoring->restore->count) return;
  if (restoring->restore->partitions[position->partition] && restoring->open) restoring->open--;
}

static enum error take(struct restoring *restoring, const struct kafka_record *record) {
  struct command_state state;
  struct partition *partition = restoring->restore->partitions[record->partition];
  arena_reset(restoring->arena);
  enum error err = wire_command_state_decode(record->value, restoring->arena, &state);
  if (err == OK) err = control_restore(partition->control, &state);
  if (err) {
    log_error("command-unreadable", F_INT("partition", record->partition), F_INT("offset", record->offset), F_ERR(err));
    return error_class(err) == CLASS_FATAL ? err : ERR_CORRUPT;
  }
  return OK;
}

static enum error read_all(struct restoring *restoring, struct kafka_consumer *consumer) {
  struct kafka_record records[BATCH];
  while (restoring->open) {
    size_t count;
    if (!restoring->restore->beat(restoring->restore->ctx)) return ERR_CLOSED;
    enum error err = kafka_consumer_poll(consumer, POLL_MS, records, BATCH, &count);
    for (size_t i = 0; err == OK && i < count; i++) err = take(restoring, &records[i]);
    if (err && error_class(err) != CLASS_RETRY) return err;
  }
  return OK;
}

static enum error assign(struct restoring *restoring, struct kafka_consumer *consumer) {
  const struct partition_restore *restore = restoring->restore;
  struct kafka_position *positions = calloc(restore->count + 1, sizeof *positions);
  if (!positions) return ERR_NO_MEMORY;
  for (size_t i = 0; i < restore->count; i++) {
    if (!restore->partitions[i]) continue;
    positions[restoring->open++] = (struct kafka_position){TOPIC_COMMAND, (int32_t)i, KAFKA_OFFSET_BEGINNING, NULL};
  }
  enum error err = kafka_consumer_assign(consumer, positions, restoring->open);
  free(positions);
  return err;
}

enum error partition_restore_all(const struct partition_restore *restore) {
  struct restoring restoring = {.restore = restore, .arena = arena_new(ARENA_BYTES)};
  struct kafka_consumer *consumer = NULL;
  enum error err = restoring.arena ? OK : ERR_NO_MEMORY;
  if (err == OK) {
    err = kafka_consumer_open(&(struct kafka_consumer_options){.settings = *restore->settings,
                                                               .client_id = "riser-control-restore",
                                                               .group = "riser-control-restore",
                                                               .report_end = true,
                                                               .events = {.reached_end = on_end, .ctx = &restoring}},
                              &consumer);
  }
  if (err == OK) err = assign(&restoring, consumer);
  if (err == OK) err = read_all(&restoring, consumer);
  if (consumer) kafka_consumer_close(consumer);
  arena_free(restoring.arena);
  return err;
}
