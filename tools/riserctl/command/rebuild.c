// SPDX-License-Identifier: Apache-2.0
// rebuild: billing's state anew, from the first record of the log or from a snapshot on. Everything that can be wrong
// with a snapshot is found out before anything is removed.
#include <inttypes.h>
#include <stdlib.h>

#include "riserctl/catch_up.h"
#include "riserctl/partitions.h"
#include "riserctl/restore.h"
#include "riserctl/state.h"
#include "riserctl/table.h"

static enum status rebuild_run(struct ctl *ctl, const struct arguments *arguments);
static enum status rebuild_some(struct ctl *ctl, const struct arguments *arguments, int32_t from, int32_t until,
                                struct table *table);
static enum status rebuild_one(struct ctl *ctl, const struct arguments *arguments, int32_t partition,
                               struct table *table);
static bool may_remove(struct ctl *ctl, const struct arguments *arguments, int32_t partition, enum status *status);
static bool load(struct ctl *ctl, const char *folder, int32_t partition, struct image *image, enum status *status);
static enum status wait_for_billing(struct ctl *ctl, int32_t from, int32_t until, bool json);

static const struct option options[] = {
    {"partition", "N", "only this partition"},
    {"all", NULL, "every partition"},
    {"yes", NULL, "also where there is state already: it is removed first"},
    {"from", "FOLDER", "begin with its snapshots (riserctl snapshot) instead of the first record"},
    {"wait", NULL, "until billing has folded the log, and say how fast it was"},
};

const struct command command_rebuild = {
    .name = "rebuild",
    .operands = "",
    .summary = "Begin billing's state in Redis anew, from the first record of the site log or from a snapshot",
    .details =
        "Needed once, on new topics, and after Redis was lost or has to be distrusted. Billing then reads the site "
        "log\n"
        "again from its beginning, or from where the snapshot ends; nothing is sent to anybody a second time. State\n"
        "that is there is removed only with --yes. A billing that runs notices within a second and begins anew.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = rebuild_run,
};

static enum status rebuild_run(struct ctl *ctl, const struct arguments *arguments) {
  static const struct column columns[] = {
      {"partition", CELL_NUMBER}, {"keys_removed", CELL_NUMBER}, {"next_offset", CELL_NUMBER}};
  int32_t from, until;
  bool wait = arguments_given(arguments, "wait");
  if (!partitions_chosen(ctl, arguments, false, &from, &until)) return STATUS_USAGE;
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  enum status status = rebuild_some(ctl, arguments, from, until, table);
  if (status == STATUS_OK && !wait) table_print(table, arguments->json);
  table_free(table);
  return status == STATUS_OK && wait ? wait_for_billing(ctl, from, until, arguments->json) : status;
}

static enum status rebuild_some(struct ctl *ctl, const struct arguments *arguments, int32_t from, int32_t until,
                                struct table *table) {
  enum status status = STATUS_OK;
  for (int32_t p = from; p < until && status == STATUS_OK; p++) status = rebuild_one(ctl, arguments, p, table);
  return status;
}

static enum status rebuild_one(struct ctl *ctl, const struct arguments *arguments, int32_t partition,
                               struct table *table) {
  const char *folder = arguments_value(arguments, "from");
  struct image *image = NULL;
  enum status status = STATUS_OK;
  size_t removed = 0;
  if (!may_remove(ctl, arguments, partition, &status)) return status;
  enum error err = folder ? image_open(ctl, partition, &image) : OK;
  if (err) return ctl_fail(ctl, err, "partition %d can't be begun anew", (int)partition);
  if (!folder || load(ctl, folder, partition, image, &status)) {
    err = restore_partition(ctl, partition, image, &removed);
    if (err)
      status = ctl_fail(ctl, err, "partition %d can't be begun anew; it has no fence until this is repeated",
                        (int)partition);
    table_row(table);
    table_integer(table, partition);
    table_integer(table, (int64_t)removed);
    table_integer(table, image ? image_meta(image)->next_offset : 0);
  }
  image_close(image);
  return status;
}

static bool may_remove(struct ctl *ctl, const struct arguments *arguments, int32_t partition, enum status *status) {
  const char *const *keys;
  size_t count = 0;
  enum error err = state_keys(ctl, partition, "", &keys, &count);
  if (err)
    *status = ctl_fail(ctl, err, "partition %d can't be looked at", (int)partition);
  else if (count && !arguments_given(arguments, "yes"))
    *status = ctl_refuse(ctl, "partition %d has %zu keys; with --yes they are removed and made again from the log",
                         (int)partition, count);
  return *status == STATUS_OK;
}

// That the snapshot is whole, made from this log, and that everything that follows from it has been published.
static bool load(struct ctl *ctl, const char *folder, int32_t partition, struct image *image, enum status *status) {
  const char *path = partitions_snapshot(ctl, folder, partition);
  int64_t published = 0;
  if (!path || !partitions_load(ctl, image, path, status)) return false;
  int64_t next_offset = image_meta(image)->next_offset;
  enum error err = image_advance(image, next_offset);
  if (!err) err = image_published(ctl, partition, &published);
  if (err == ERR_MISMATCH)
    *status = ctl_refuse(ctl, "%s was not made from this log", path);
  else if (err)
    *status = ctl_fail(ctl, err, "%s can't be compared with the log", path);
  else if (published < next_offset)
    *status = ctl_refuse(ctl,
                         "%s reaches to offset %" PRId64 ", but what follows is published to %" PRId64
                         " only; rebuild from the log",
                         path, next_offset, published);
  return *status == STATUS_OK;
}

// ---------------------------------------------------------------- --wait

static void add_row(struct table *table, const struct catch_up *one) {
  int64_t records = one->until_offset - one->from_offset, took_ms = one->took_ms ? one->took_ms : 1;
  int64_t history_s = one->from_business_s ? one->until_business_s - one->from_business_s : 0;
  table_row(table);
  table_integer(table, one->partition);
  table_integer(table, one->from_offset);
  table_integer(table, one->until_offset);
  table_printf(table, "%" PRId64 ".%03d", took_ms / 1000, (int)(took_ms % 1000));
  table_integer(table, records * 1000 / took_ms);
  table_integer(table, history_s / 3600);
  table_integer(table, history_s * 1000 / 60 / took_ms); // s of history / 3600 to the ms / 60000
}

static enum status wait_for_billing(struct ctl *ctl, int32_t from, int32_t until, bool json) {
  static const struct column columns[] = {
      {"partition", CELL_NUMBER},      {"from_offset", CELL_NUMBER},      {"next_offset", CELL_NUMBER},
      {"seconds", CELL_NUMBER},        {"records_a_second", CELL_NUMBER}, {"hours_of_history", CELL_NUMBER},
      {"hours_a_minute", CELL_NUMBER},
  };
  size_t count = (size_t)(until - from);
  struct catch_up *list = calloc(count, sizeof *list);
  enum error err = list ? OK : ERR_NO_MEMORY;
  for (size_t i = 0; i < count && !err; i++) err = catch_up_begin(ctl, from + (int32_t)i, &list[i]);
  if (!err) err = catch_up_wait(ctl, list, count);
  enum status status = STATUS_OK;
  if (err == ERR_TIMEOUT)
    status = ctl_refuse(ctl, "billing has not moved for a minute; does it run? The partitions are begun");
  else if (err)
    status = ctl_fail(ctl, err, "can't follow how billing gets on; the partitions are begun");
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  for (size_t i = 0; i < count && !err; i++) add_row(table, &list[i]);
  if (!err) table_print(table, json);
  table_free(table);
  free(list);
  return status;
}
