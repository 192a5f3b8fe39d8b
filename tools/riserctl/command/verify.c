// SPDX-License-Identifier: Apache-2.0
// verify: whether Redis is what the log says.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "riserctl/digest.h"
#include "riserctl/table.h"
#include "riserctl/verify_fold.h"

static enum status verify_run(struct ctl *ctl, const struct arguments *arguments);
static enum status verify_one(struct ctl *ctl, int32_t partition, struct table *table);

static const struct option options[] = {
    {"partition", "N", "only this partition; default: all"},
};

const struct command command_verify = {
    .name = "verify",
    .operands = "",
    .summary = "Fold the site log in memory and compare all of billing's state with it",
    .details =
        "Reads riser.site.v1 from its beginning to where Redis has come, folds it with billing's own code, and "
        "compares\n"
        "every key byte by byte. Prints a digest per partition: two stacks with the same log give the same. While\n"
        "billing is at work there is nothing to compare with: then it says so. Nothing is written.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = verify_run,
};

static enum status verify_run(struct ctl *ctl, const struct arguments *arguments) {
  static const struct column columns[] = {
      {"partition", CELL_NUMBER}, {"next_offset", CELL_NUMBER}, {"keys", CELL_NUMBER}, {"differing", CELL_NUMBER},
      {"missing", CELL_NUMBER},   {"surplus", CELL_NUMBER},     {"digest", CELL_TEXT},
  };
  const char *only = arguments_value(arguments, "partition");
  char *end = NULL;
  long from = only ? strtol(only, &end, 10) : 0;
  if (only && (*end || from < 0 || from >= ctl->config.partitions)) {
    return ctl_misuse(ctl, "--partition must be a number from 0 to %" PRId64, ctl->config.partitions - 1);
  }
  long until = only ? from + 1 : (long)ctl->config.partitions;
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  enum status worst = STATUS_OK;
  for (long p = from; p < until; p++) {
    enum status status = verify_one(ctl, (int32_t)p, table);
    if (status > worst) worst = status;
  }
  table_print(table, arguments->json);
  table_free(table);
  return worst;
}

static enum status verify_one(struct ctl *ctl, int32_t partition, struct table *table) {
  struct verify_result result;
  char digest[DIGEST_TEXT_SIZE];
  enum error err = verify_partition(ctl, partition, &result);
  if (err == ERR_NOT_FOUND) {
    return ctl_refuse(ctl, "partition %d has no fence in Redis: riserctl rebuild", (int)partition);
  }
  if (err == ERR_AGAIN)
    return ctl_refuse(ctl, "billing is at work on partition %d; verify when it is quiet", partition);
  if (err) return ctl_fail(ctl, err, "partition %d can't be verified", (int)partition);
  hex_encode(bytes_make(result.digest, sizeof result.digest), digest);
  table_row(table);
  table_integer(table, partition);
  table_integer(table, result.next_offset);
  table_integer(table, (int64_t)result.keys);
  table_integer(table, (int64_t)result.differing);
  table_integer(table, (int64_t)result.missing);
  table_integer(table, (int64_t)result.surplus);
  table_text(table, digest);
  for (size_t i = 0; i < result.shown_count; i++) fprintf(stderr, "  %s\n", result.shown[i]);
  if (result.differing + result.missing + result.surplus == 0) return STATUS_OK;
  return ctl_refuse(ctl, "partition %d is not what the log says; riserctl rebuild --partition %d makes it anew",
                    (int)partition, (int)partition);
}
