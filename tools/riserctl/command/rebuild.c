// SPDX-License-Identifier: Apache-2.0
// rebuild: the only one who may say "begin at offset 0". The fence goes first, so that a billing that is still at work
// can't commit into what is being removed; the new fence comes last.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billing/core/fold.h"
#include "riserctl/state.h"
#include "riserctl/table.h"
#include "wire/state.h"

enum { UNLINK_STEP = 500, KEY_MAX = 512, META_MAX = 4096 };

static enum status rebuild_run(struct ctl *ctl, const struct arguments *arguments);
static bool choose(struct ctl *ctl, const struct arguments *arguments, int32_t *from, int32_t *until);
static enum error remove_keys(struct ctl *ctl, int32_t partition, const char *const *keys, size_t count);
static enum error unlink_some(struct ctl *ctl, int32_t partition, const char *const *keys, size_t count);
static enum error write_fence(struct ctl *ctl, int32_t partition);

static const struct option options[] = {
    {"partition", "N", "only this partition"},
    {"all", NULL, "every partition"},
    {"yes", NULL, "also where there is state already: it is removed first"},
};

const struct command command_rebuild = {
    .name = "rebuild",
    .operands = "",
    .summary = "Begin billing's state in Redis anew, from the first record of the site log",
    .details =
        "Needed once, on new topics, and after Redis was lost or has to be distrusted. Billing then reads the site "
        "log\n"
        "again from its beginning; nothing is sent to anybody a second time. State that is there is removed only with\n"
        "--yes. A billing that runs notices when it next has something to write, and then begins anew.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = rebuild_run,
};

static enum status rebuild_run(struct ctl *ctl, const struct arguments *arguments) {
  static const struct column columns[] = {
      {"partition", CELL_NUMBER}, {"keys_removed", CELL_NUMBER}, {"next_offset", CELL_NUMBER}};
  int32_t from, until;
  if (!choose(ctl, arguments, &from, &until)) return STATUS_USAGE;
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  enum status status = STATUS_OK;
  for (int32_t p = from; p < until && status == STATUS_OK; p++) {
    const char *const *keys;
    size_t count = 0;
    enum error err = state_keys(ctl, p, "", &keys, &count);
    if (!err && count && !arguments_given(arguments, "yes")) {
      status = ctl_refuse(ctl, "partition %d has %zu keys; with --yes they are removed and made again from the log",
                          (int)p, count);
      break;
    }
    if (!err) err = remove_keys(ctl, p, keys, count);
    if (!err) err = write_fence(ctl, p);
    if (err) status = ctl_fail(ctl, err, "partition %d can't be begun anew", (int)p);
    table_row(table);
    table_integer(table, p);
    table_integer(table, (int64_t)count);
    table_integer(table, 0);
  }
  if (status == STATUS_OK) table_print(table, arguments->json);
  table_free(table);
  return status;
}

static bool choose(struct ctl *ctl, const struct arguments *arguments, int32_t *from, int32_t *until) {
  const char *partition = arguments_value(arguments, "partition");
  bool all = arguments_given(arguments, "all");
  char *end = NULL;
  long number = partition ? strtol(partition, &end, 10) : 0;
  if (all == (partition != NULL)) {
    ctl_misuse(ctl, "say either --all or --partition N");
    return false;
  }
  if (partition && (*end || end == partition || number < 0 || number >= ctl->config.partitions)) {
    ctl_misuse(ctl, "--partition must be a number from 0 to %" PRId64, ctl->config.partitions - 1);
    return false;
  }
  *from = all ? 0 : (int32_t)number;
  *until = all ? (int32_t)ctl->config.partitions : (int32_t)number + 1;
  return true;
}

static enum error remove_keys(struct ctl *ctl, int32_t partition, const char *const *keys, size_t count) {
  static const char *const fence = "meta";
  enum error err = count ? unlink_some(ctl, partition, &fence, 1) : OK;
  for (size_t i = 0; !err && i < count; i += UNLINK_STEP) {
    err = unlink_some(ctl, partition, keys + i, count - i < UNLINK_STEP ? count - i : UNLINK_STEP);
  }
  return err;
}

static enum error unlink_some(struct ctl *ctl, int32_t partition, const char *const *keys, size_t count) {
  struct bytes words[UNLINK_STEP + 1] = {bytes_text("UNLINK")};
  for (size_t i = 0; i < count; i++) {
    const char *name = arena_printf(ctl->arena, "{p%d}:%s", (int)partition, keys[i]);
    if (!name) return ERR_NO_MEMORY;
    words[i + 1] = bytes_text(name);
  }
  const struct redis_command command = {words, count + 1};
  struct redis_value reply;
  enum error err = redis_pipeline(ctl_redis(ctl), &command, 1, ctl->arena, &reply);
  return !err && reply.type == REDIS_ERROR ? ERR_REFUSED : err;
}

static enum error write_fence(struct ctl *ctl, int32_t partition) {
  const struct partition_meta meta = {
      .partition_count = (uint32_t)ctl->config.partitions,
      .fold_version = FOLD_VERSION,
  };
  char name[KEY_MAX];
  struct buffer encoded;
  struct redis_value reply;
  buffer_init(&encoded, META_MAX);
  snprintf(name, sizeof name, "{p%d}:meta", (int)partition);
  enum error err = wire_partition_meta_encode(&meta, &encoded);
  const struct bytes words[] = {bytes_text("SET"), bytes_text(name), buffer_bytes(&encoded)};
  const struct redis_command command = {words, 3};
  if (!err) err = redis_pipeline(ctl_redis(ctl), &command, 1, ctl->arena, &reply);
  if (!err && reply.type == REDIS_ERROR) err = ERR_REFUSED;
  buffer_fini(&encoded);
  return err;
}
