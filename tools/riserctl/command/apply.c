// SPDX-License-Identifier: Apache-2.0
// apply: a site file becomes facts. Everything is read and checked before anything is written. What billing knows
// already is not written again, so applying twice writes nothing. A fact's id is computed from its content and from how
// far billing had come when it was compared: a second attempt after an unknown outcome gives the same id and is taken
// once, and going back to an earlier content later gives another id and is taken.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/murmur2.h"
#include "riserctl/digest.h"
#include "riserctl/facts.h"
#include "riserctl/log_reader.h"
#include "riserctl/site_facts.h"
#include "riserctl/state.h"
#include "wire/person.h"

enum { WAIT_DEFAULT_S = 60, POLL_MS = 50, PERSON_MAX = 64 * 1024 };

struct work {
  struct site_file file;
  struct site_facts facts; // what is to be written
  size_t fact_total;
  int32_t partition;
  int64_t next_offset; // of billing, when it was compared
  int64_t decisions_from;
  struct kafka_position first;
  struct kafka_position last;
};

static enum status apply_run(struct ctl *ctl, const struct arguments *arguments);
static enum status read_files(struct ctl *ctl, const struct arguments *arguments, struct site_file *file);
static enum status compare(struct ctl *ctl, struct work *work);
static enum status write_all(struct ctl *ctl, struct work *work);
static enum error write_facts(struct ctl *ctl, struct work *work);
static const char *fact_id(struct ctl *ctl, const struct work *work, const struct site_fact *item);
static enum error write_person(struct ctl *ctl, const struct person *person);
static enum status await(struct ctl *ctl, const struct work *work, int64_t timeout_ms);
static enum status await_device_record(struct ctl *ctl, const struct work *work, int64_t timeout_ms);
static void report(const struct work *work, bool json, bool dry);

static const struct option options[] = {
    {"wait", NULL, "until billing has taken everything and ingest can know the site"},
    {"timeout", "SECONDS", "of --wait; default 60"},
    {"check", NULL, "only read and check the files; no server is asked"},
};

const struct command command_apply = {
    .name = "apply",
    .operands = "FILE...",
    .summary = "Make a site and its persons what site files say",
    .details =
        "The files are read as if they were one: settings of one site, tariffs, rooms, service points, meters, "
        "leases,\n"
        "persons. Every mistake is told with its line and column; nothing is written unless all of it is right. What\n"
        "is not in the files stays as it is: leases and meters end by their `until`. Format: docs/site-file.md.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .operands_min = 1,
    .operands_max = SITE_FILES_MAX,
    .run = apply_run,
};

static enum status apply_run(struct ctl *ctl, const struct arguments *arguments) {
  const char *timeout = arguments_value(arguments, "timeout");
  int64_t timeout_ms = 1000 * (timeout ? strtol(timeout, NULL, 10) : WAIT_DEFAULT_S);
  bool dry = arguments_given(arguments, "check");
  struct work work = {.partition = 0};
  if (timeout_ms <= 0) return ctl_misuse(ctl, "--timeout must be a number of seconds, at least 1");
  enum status status = read_files(ctl, arguments, &work.file);
  if (status != STATUS_OK) return status;
  if (!dry && work.file.has_site) status = compare(ctl, &work);
  if (!dry && status == STATUS_OK) status = write_all(ctl, &work);
  if (status != STATUS_OK) return status;
  report(&work, arguments->json, dry);
  if (dry || !arguments_given(arguments, "wait") || !work.file.has_site) return STATUS_OK;
  return await(ctl, &work, timeout_ms);
}

static enum status read_files(struct ctl *ctl, const struct arguments *arguments, struct site_file *file) {
  struct complaints complaints;
  complaints_init(&complaints);
  bool fine = site_file_read(arguments->operands, arguments->operand_count, ctl->arena, &complaints, file);
  if (!fine) {
    fputs(buffer_text(&complaints.text), stderr);
    if (complaints.count > COMPLAINTS_MAX) fprintf(stderr, "and %zu more\n", complaints.count - COMPLAINTS_MAX);
    ctl_misuse(ctl, "%zu mistake%s; nothing was written", complaints.count, complaints.count == 1 ? "" : "s");
  }
  complaints_fini(&complaints);
  return fine ? STATUS_OK : STATUS_USAGE;
}

static enum status compare(struct ctl *ctl, struct work *work) {
  struct site_state state;
  struct site_facts known = {.count = 0};
  struct fence_view fence;
  work->partition = state_partition(ctl, work->file.site.id);
  enum error err = state_fence(ctl, work->partition, ctl->arena, &fence);
  if (!err) err = site_facts_of_file(&work->file, ctl->arena, &work->facts);
  if (err) return ctl_fail(ctl, err, "what billing knows of the site can't be read");
  work->fact_total = work->facts.count;
  work->next_offset = fence.meta.next_offset;
  err = state_site(ctl, work->file.site.id, &state);
  if (!err) err = site_facts_of_state(&state, ctl->arena, &known);
  if (err && err != ERR_NOT_FOUND) return ctl_fail(ctl, err, "what billing knows of the site can't be read");
  site_facts_remove_known(&work->facts, &known);
  return STATUS_OK;
}

static enum status write_all(struct ctl *ctl, struct work *work) {
  if (!ctl_producer(ctl)) return STATUS_UNAVAILABLE;
  enum error err = work->file.has_site ? facts_mark(ctl, work->partition, &work->decisions_from) : OK;
  for (size_t i = 0; !err && i < work->file.person_count; i++) err = write_person(ctl, &work->file.persons[i]);
  if (!err) err = write_facts(ctl, work);
  if (!err) err = ctl_flush(ctl);
  if (err) return ctl_fail(ctl, err, "not everything was written; apply again, what is there is not written twice");
  return STATUS_OK;
}

static enum error write_facts(struct ctl *ctl, struct work *work) {
  enum error err = OK;
  for (size_t i = 0; !err && i < work->facts.count; i++) {
    struct site_fact *item = &work->facts.items[i];
    const char *id = fact_id(ctl, work, item);
    if (!id) return ERR_NO_MEMORY;
    fact_envelope(ctl, &item->fact, work->file.site.landlord, work->file.site.id, id);
    err = fact_send(ctl, &item->fact, i == 0 ? &work->first : &work->last);
  }
  return err;
}

static const char *fact_id(struct ctl *ctl, const struct work *work, const struct site_fact *item) {
  char hex[DIGEST_TEXT_SIZE];
  uint8_t *text = arena_alloc(ctl->arena, item->content.len + sizeof(uint64_t));
  if (!text) return NULL;
  memcpy(text, item->content.data, item->content.len);
  put_le64(text + item->content.len, (uint64_t)work->next_offset);
  digest_text(bytes_make(text, item->content.len + sizeof(uint64_t)), hex);
  return arena_printf(ctl->arena, "%s:%s:%.16s", work->file.site.id, item->key, hex);
}

static enum error write_person(struct ctl *ctl, const struct person *person) {
  struct buffer encoded;
  buffer_init(&encoded, PERSON_MAX);
  enum error err = wire_person_encode(person, &encoded);
  struct kafka_send send = {
      .topic = "riser.person.v1",
      .partition = KAFKA_PARTITION_BY_KEY,
      .key = bytes_text(person->id),
      .value = buffer_bytes(&encoded),
  };
  while (!err && (err = kafka_producer_send(ctl->producer, &send)) == ERR_QUEUE_FULL) {
    kafka_producer_poll(ctl->producer, POLL_MS);
    err = kafka_producer_status(ctl->producer);
  }
  buffer_fini(&encoded);
  return err;
}

static enum status await(struct ctl *ctl, const struct work *work, int64_t timeout_ms) {
  size_t count = work->facts.count;
  if (count) {
    struct facts_wait wait = {
        .partition = work->partition,
        .decisions_from = work->decisions_from,
        .first_offset = work->first.offset,
        .offset = count > 1 ? work->last.offset : work->first.offset,
        .timeout_ms = timeout_ms,
        .prefix = arena_printf(ctl->arena, "%s:", work->file.site.id),
    };
    enum status status = facts_await(ctl, &wait);
    if (status != STATUS_OK) return status;
  }
  return await_device_record(ctl, work, timeout_ms);
}

struct search {
  const char *key;
  bool found;
};

static enum error visit_device(void *ctx, const struct kafka_record *record, struct arena *arena) {
  struct search *search = ctx;
  (void)arena;
  search->found = search->found || bytes_equal_text(record->key, search->key);
  return OK;
}

static bool is_found(void *ctx) {
  return ((const struct search *)ctx)->found;
}

// Reads riser.device.v1 until the site's own record comes: that is what ingest knows sites by.
static enum status await_device_record(struct ctl *ctl, const struct work *work, int64_t timeout_ms) {
  struct search search = {.key = arena_printf(ctl->arena, "%s/", work->file.site.id)};
  if (!search.key) return ctl_fail(ctl, ERR_NO_MEMORY, "waiting failed");
  const struct log_range range = {"riser.device.v1",
                                  murmur2_partition(bytes_text(search.key), (int32_t)ctl->config.partitions),
                                  KAFKA_OFFSET_BEGINNING};
  const struct log_reader reader = {
      .visit = visit_device, .is_done = is_found, .ctx = &search, .timeout_ms = timeout_ms};
  enum error err = log_read(ctl, &range, &reader);
  if (err == ERR_TIMEOUT) {
    return ctl_refuse(ctl,
                      "billing has taken the facts but not published the site in riser.device.v1 after %" PRId64
                      " s; does billing run?",
                      timeout_ms / 1000);
  }
  return err ? ctl_fail(ctl, err, "riser.device.v1 can't be read") : STATUS_OK;
}

static void report(const struct work *work, bool json, bool dry) {
  const struct site_file *file = &work->file;
  const char *site = file->has_site ? file->site.id : "";
  if (json) {
    printf("{\"site\": \"%s\", \"checked\": true, \"facts\": %zu, \"facts_written\": %zu, \"persons_written\": %zu}\n",
           site, work->fact_total, work->facts.count, dry ? (size_t)0 : file->person_count);
    return;
  }
  if (file->has_site) {
    printf("site %s: %zu tariffs, %zu rooms, %zu service points, %zu meters, %zu leases\n", site, file->tariff_count,
           file->room_count, file->point_count, file->installation_count, file->lease_count);
  }
  if (dry) {
    printf("the files are right; nothing was written\n");
  } else if (file->has_site) {
    printf("written: %zu facts (%zu are as they were), %zu persons\n", work->facts.count,
           work->fact_total - work->facts.count, file->person_count);
  } else {
    printf("written: %zu persons\n", file->person_count);
  }
}
