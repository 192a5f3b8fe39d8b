// SPDX-License-Identifier: Apache-2.0
#include "notify/directory.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "io/kafka.h"
#include "wire/person.h"

#define uthash_fatal(msg) abort()
#include <uthash.h>

enum { BATCH = 256, RECORD_ARENA_MAX = 1 << 20 };

static const char topic[] = "riser.person.v1";

// A person and, behind it in the same piece of memory, its texts.
struct entry {
  UT_hash_handle hh;
  struct person person;
  char texts[];
};

struct directory {
  struct kafka_consumer *consumer;
  struct arena *arena; // of the record that is being decoded
  struct entry *entries;
  size_t max;
  bool *complete; // by partition
  size_t partitions;
  size_t incomplete;
};

static void on_end(void *ctx, const struct kafka_position *position) {
  struct directory *directory = ctx;
  size_t partition = (size_t)position->partition;
  if (partition >= directory->partitions || directory->complete[partition]) return;
  directory->complete[partition] = true;
  directory->incomplete--;
}

static enum error assign_all(struct directory *directory) {
  int32_t count = 0;
  enum error err = kafka_consumer_partitions(directory->consumer, topic, &count);
  if (err) return err;
  directory->partitions = (size_t)count;
  directory->incomplete = (size_t)count;
  directory->complete = calloc((size_t)count, sizeof *directory->complete);
  struct kafka_position *positions = calloc((size_t)count, sizeof *positions);
  err = directory->complete && positions ? OK : ERR_NO_MEMORY;
  for (int32_t i = 0; !err && i < count; i++) {
    positions[i] = (struct kafka_position){.topic = topic, .partition = i, .offset = KAFKA_OFFSET_BEGINNING};
  }
  if (!err) err = kafka_consumer_assign(directory->consumer, positions, (size_t)count);
  free(positions);
  return err;
}

enum error directory_open(const struct notify_config *config, struct directory **opened) {
  struct directory *directory = calloc(1, sizeof *directory);
  if (!directory) return ERR_NO_MEMORY;
  directory->max = (size_t)config->persons_max;
  directory->arena = arena_new(RECORD_ARENA_MAX);
  const struct kafka_consumer_options options = {
      .settings = config->kafka,
      .client_id = "riser-notify-persons",
      .group = "riser-notify-persons",
      .report_end = true,
      .events = {.reached_end = on_end, .ctx = directory},
  };
  enum error err = directory->arena ? kafka_consumer_open(&options, &directory->consumer) : ERR_NO_MEMORY;
  if (!err) err = assign_all(directory);
  if (err) {
    directory_close(directory);
    return err;
  }
  *opened = directory;
  return OK;
}

static void forget(struct directory *directory, struct entry *entry) {
  HASH_DEL(directory->entries, entry);
  free(entry);
}

void directory_close(struct directory *directory) {
  if (!directory) return;
  if (directory->consumer) kafka_consumer_close(directory->consumer);
  struct entry *entry, *next;
  HASH_ITER(hh, directory->entries, entry, next) {
    forget(directory, entry);
  }
  arena_free(directory->arena);
  free(directory->complete);
  free(directory);
}

static struct entry *find(const struct directory *directory, const char *id, size_t len) {
  struct entry *entry;
  HASH_FIND(hh, directory->entries, id, len, entry);
  return entry;
}

static struct entry *entry_new(const struct person *person) {
  const char *const texts[] = {
      person->id,       person->landlord,           person->name, person->mail, person->webhook_url,
      person->language, person->webhook_secret_name};
  const char *kept[sizeof texts / sizeof *texts];
  size_t size = 0;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) size += strlen(texts[i]) + 1;
  struct entry *entry = calloc(1, sizeof *entry + size);
  if (!entry) return NULL;
  char *to = entry->texts;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    kept[i] = to;
    size_t len = strlen(texts[i]) + 1;
    memcpy(to, texts[i], len);
    to += len;
  }
  entry->person = (struct person){.id = kept[0],
                                  .landlord = kept[1],
                                  .name = kept[2],
                                  .mail = kept[3],
                                  .webhook_url = kept[4],
                                  .language = kept[5],
                                  .webhook_secret_name = kept[6]};
  return entry;
}

static enum error put(struct directory *directory, const struct person *person) {
  struct entry *old = find(directory, person->id, strlen(person->id));
  if (!old && HASH_COUNT(directory->entries) >= directory->max) return ERR_LIMIT;
  struct entry *entry = entry_new(person);
  if (!entry) return ERR_NO_MEMORY;
  if (old) forget(directory, old);
  HASH_ADD_KEYPTR(hh, directory->entries, entry->person.id, strlen(entry->person.id), entry);
  return OK;
}

// A record that cannot be read is a writer's defect: said, and the person stays as it was.
static enum error take(struct directory *directory, const struct kafka_record *record) {
  if (!record->value.data) {
    struct entry *entry = record->key.data ? find(directory, (const char *)record->key.data, record->key.len) : NULL;
    if (entry) forget(directory, entry);
    return OK;
  }
  struct person person;
  arena_reset(directory->arena);
  enum error err = wire_person_decode(record->value, directory->arena, &person);
  if (!err && !bytes_equal_text(record->key, person.id)) err = ERR_BAD_FACT;
  if (!err) return put(directory, &person);
  log_error("person-unreadable", F_ERR(err), F_INT("partition", record->partition), F_INT("offset", record->offset));
  return OK;
}

enum error directory_poll(struct directory *directory, int timeout_ms) {
  struct kafka_record records[BATCH];
  size_t count = 0;
  enum error err = kafka_consumer_poll(directory->consumer, timeout_ms, records, BATCH, &count);
  for (size_t i = 0; !err && i < count; i++) err = take(directory, &records[i]);
  return err;
}

bool directory_is_complete(const struct directory *directory) {
  return directory->incomplete == 0;
}

size_t directory_count(const struct directory *directory) {
  return HASH_COUNT(directory->entries);
}

const struct person *directory_find(const struct directory *directory, const char *id) {
  struct entry *entry = find(directory, id, strlen(id));
  return entry ? &entry->person : NULL;
}
