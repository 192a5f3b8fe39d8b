// SPDX-License-Identifier: Apache-2.0
// riser-ingest-measure: what a message costs inside ingest, without broker and Kafka: the append to the spool, and
// spool -> decode -> judge -> encode.
// riser-ingest-measure [READINGS A MESSAGE] [MESSAGES] [pb|json] [FOLDER] [none|interval|always]
// One line of JSON.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ingest/intake.h"
#include "ingest/outlet.h"
#include "wire/telemetry.h"

enum { PAYLOAD_MAX = 1 << 20, NAMES = 1000, NAME_SIZE = 16, SEGMENT = 8 << 20 };

struct run {
  size_t readings, messages;
  bool json;
  enum spool_sync sync;
  struct buffer payload;
  struct spool *spool;
  struct registry *registry;
  struct devices *devices;
  struct intake *intake;
  struct outlet outlet;
  int64_t append_us, work_us;
  size_t bytes_out, facts;
};

static enum error make_payload(struct run *run);
static enum error make_json(struct run *run, const struct reading *readings);
static enum error open_all(struct run *run, const char *folder);
static enum error append_all(struct run *run);
static enum error work_all(struct run *run);
static void close_all(struct run *run);

int main(int argc, char **argv) {
  struct run run = {
      .readings = argc > 1 ? strtoul(argv[1], NULL, 10) : 100,
      .messages = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000,
      .json = argc > 3 && strcmp(argv[3], "json") == 0,
  };
  buffer_init(&run.payload, PAYLOAD_MAX);
  enum error err = run.readings && run.messages ? OK : ERR_CONFIG;
  if (!err && argc > 5) err = spool_sync_by_name(argv[5], &run.sync);
  if (!err) err = make_payload(&run);
  if (!err) err = open_all(&run, argc > 4 ? argv[4] : "./measure-spool");
  if (!err) err = append_all(&run);
  if (!err) err = work_all(&run);
  size_t bytes_in = run.payload.len;
  close_all(&run);
  if (err) {
    fprintf(stderr, "riser-ingest-measure: %s\n", error_name(err));
    return EXIT_FAILURE;
  }
  double messages = (double)run.messages;
  printf("{\"readings\":%zu,\"messages\":%zu,\"form\":\"%s\",\"bytes_in\":%zu,\"bytes_out\":%zu,\"append_us\":%.3f,"
         "\"work_us\":%.3f,\"readings_per_s\":%.0f}\n",
         run.readings, run.messages, run.json ? "json" : "pb", bytes_in, run.bytes_out / run.messages,
         (double)run.append_us / messages, (double)run.work_us / messages,
         messages * (double)run.readings * 1e6 / (double)run.work_us);
  return EXIT_SUCCESS;
}

static enum error make_payload(struct run *run) {
  static char names[NAMES][NAME_SIZE];
  struct reading *readings = calloc(run->readings, sizeof *readings);
  if (!readings) return ERR_NO_MEMORY;
  for (size_t i = 0; i < NAMES; i++) snprintf(names[i], NAME_SIZE, "m-%07zu", i);
  for (size_t i = 0; i < run->readings; i++)
    readings[i] = (struct reading){.meter = names[i % NAMES],
                                   .reg = REGISTER_ENERGY_IMPORT,
                                   .time_s = 1704067200 + (int64_t)(i / NAMES) * 900,
                                   .value = 123456789 + (int64_t)i};
  struct batch batch = {.sequence = 1, .readings = readings, .count = run->readings};
  enum error err = run->json ? make_json(run, readings) : wire_batch_encode(&batch, &run->payload);
  free(readings);
  return err;
}

static enum error make_json(struct run *run, const struct reading *readings) {
  enum error err = buffer_append_text(&run->payload, "{\"seq\":1,\"readings\":[");
  for (size_t i = 0; !err && i < run->readings; i++)
    err = buffer_printf(&run->payload, "%s{\"meter\":\"%s\",\"at\":%" PRId64 ",\"energy_import_wh\":%" PRId64 "}",
                        i ? "," : "", readings[i].meter, readings[i].time_s, readings[i].value);
  return err ? err : buffer_append_text(&run->payload, "]}");
}

static enum error open_all(struct run *run, const char *folder) {
  uint64_t bytes = (run->payload.len + 256) * run->messages + 16 * (uint64_t)SEGMENT;
  struct spool_options spool = {
      .folder = folder, .max_bytes = bytes, .segment_bytes = SEGMENT, .sync = run->sync, .sync_interval_ms = 100};
  enum error err = spool_open(&spool, &run->spool);
  if (err) return err;
  run->registry = registry_new(10);
  run->devices = devices_new(10);
  struct registry_entry site = {bytes_text("bench"), bytes_text(""), bytes_text("landlord"), NULL};
  if (!run->registry || !run->devices || registry_put(run->registry, &site)) return ERR_NO_MEMORY;
  struct intake_options intake = {
      .judge = {.limits = {.readings_max = 100000, .oldest_s = 946684800, .future_ms = 86400000},
                .clock_limit_ms = 300000,
                .refuse_foreign = true,
                .track_sequences = true,
                .registry = run->registry,
                .devices = run->devices,
                .instance = "0"},
      .payload_max = PAYLOAD_MAX,
  };
  run->intake = intake_new(&intake);
  outlet_init(&run->outlet);
  return run->intake ? OK : ERR_NO_MEMORY;
}

static enum error append_all(struct run *run) {
  struct arrival_note note = {.receive_ms = clock_wall_ms(), .payload_max = PAYLOAD_MAX};
  struct bytes topic = bytes_text(run->json ? "riser/v1/bench/gateway/up/json" : "riser/v1/bench/gateway/up/pb");
  int64_t begin_us = clock_mono_us();
  enum error err = OK;
  for (size_t i = 0; !err && i < run->messages; i++)
    err = arrival_append(run->spool, topic, buffer_bytes(&run->payload), &note);
  run->append_us = clock_mono_us() - begin_us;
  return err;
}

static enum error work_all(struct run *run) {
  struct spool_record record;
  struct arrival arrival;
  struct intaken taken;
  uint64_t position = spool_oldest(run->spool);
  int64_t begin_us = clock_mono_us();
  while (spool_read(run->spool, position, &record) == OK) {
    arrival_read(&record, &arrival);
    enum error err = intake_take(run->intake, &arrival, &taken);
    for (size_t i = 0; !err && i < taken.verdict.fact_count; i++, run->facts++) {
      err = outlet_fact(&run->outlet, &taken.verdict.facts[i], NULL);
      run->bytes_out += run->outlet.buffer.len;
    }
    if (err || taken.verdict.refused) return err ? err : taken.verdict.refused;
    position = record.next;
  }
  run->work_us = clock_mono_us() - begin_us;
  spool_confirm(run->spool, position);
  return run->facts >= run->messages ? OK : ERR_INTERNAL;
}

static void close_all(struct run *run) {
  if (run->intake) outlet_fini(&run->outlet);
  intake_free(run->intake);
  devices_free(run->devices);
  registry_free(run->registry);
  spool_close(run->spool);
  buffer_fini(&run->payload);
}
