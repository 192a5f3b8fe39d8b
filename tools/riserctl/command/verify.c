// SPDX-License-Identifier: Apache-2.0
// verify: whether Redis is what the log says.
#include <inttypes.h>
#include <stdio.h>

#include "riserctl/digest.h"
#include "riserctl/partitions.h"
#include "riserctl/table.h"
#include "riserctl/verification.h"
#include "riserctl/verify_seal.h"

static enum status verify_run(struct ctl *ctl, const struct arguments *arguments);
static enum status verify_one(struct ctl *ctl, int32_t partition, const char *folder, struct table *table);
static enum status complain(struct ctl *ctl, int32_t partition, enum error err);
static void add_row(struct table *table, int32_t partition, const struct verify_result *result);

static const struct option options[] = {
    {"partition", "N", "only this partition; default: all"},
    {"from", "FOLDER", "fold from its snapshots on (riserctl snapshot) instead of the first record"},
    {"site", "ID", "instead: whether this site's records are what was sealed"},
    {"seal", "SEAL", "with --site: one more seal to compare with, as it stands on a bill"},
    {"topic", "NAME", "with --site: look at a copy of the site log in this topic"},
    {"log", "FILE", "with --site: look at a copy of the site log in a file"},
};

const struct command command_verify = {
    .name = "verify",
    .operands = "",
    .summary = "Fold the site log in memory and compare all of billing's state with it",
    .details = "Reads riser.site.v1 from its beginning to where Redis has come, folds it with billing's own code, and "
               "compares\n"
               "every key byte by byte, while billing may be at work: keys are read together with the fence, and "
               "compared with\n"
               "the fold at that offset. Prints a digest per partition: two stacks with the same log give the same at "
               "the same\n"
               "next_offset. Nothing is written.\n"
               "With --site it makes the seal of the site's records anew, compares it with all that bills, receipts,\n"
               "decisions and Redis carry of it, and names the first record that was changed, removed or put in.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = verify_run,
};

static enum status verify_site(struct ctl *ctl, const struct arguments *arguments) {
  const char *topic = arguments_value(arguments, "topic");
  const struct verify_seal_options seal = {.site = arguments_value(arguments, "site"),
                                           .topic = topic ? topic : "riser.site.v1",
                                           .file = arguments_value(arguments, "log"),
                                           .seal = arguments_value(arguments, "seal")};
  if (arguments_given(arguments, "partition") || arguments_given(arguments, "from"))
    return ctl_misuse(ctl, "--site names its partition and needs all of its log: leave --partition and --from");
  if (topic && seal.file) return ctl_misuse(ctl, "give --topic or --log, not both");
  return verify_seal(ctl, &seal, arguments->json);
}

static enum status verify_run(struct ctl *ctl, const struct arguments *arguments) {
  static const struct column columns[] = {
      {"partition", CELL_NUMBER}, {"next_offset", CELL_NUMBER}, {"keys", CELL_NUMBER}, {"differing", CELL_NUMBER},
      {"missing", CELL_NUMBER},   {"surplus", CELL_NUMBER},     {"digest", CELL_TEXT},
  };
  int32_t from, until;
  if (arguments_given(arguments, "site")) return verify_site(ctl, arguments);
  if (arguments_given(arguments, "seal") || arguments_given(arguments, "topic") || arguments_given(arguments, "log"))
    return ctl_misuse(ctl, "--seal, --topic and --log need --site");
  if (!partitions_chosen(ctl, arguments, true, &from, &until)) return STATUS_USAGE;
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  enum status worst = STATUS_OK;
  for (int32_t p = from; p < until; p++) {
    enum status status = verify_one(ctl, p, arguments_value(arguments, "from"), table);
    if (status > worst) worst = status;
  }
  table_print(table, arguments->json);
  table_free(table);
  return worst;
}

static enum status verify_one(struct ctl *ctl, int32_t partition, const char *folder, struct table *table) {
  struct verify_result result;
  struct image *image = NULL;
  enum status status = STATUS_OK;
  const char *path = folder ? partitions_snapshot(ctl, folder, partition) : NULL;
  enum error err = folder && !path ? ERR_NO_MEMORY : image_open(ctl, partition, &image);
  if (err) return ctl_fail(ctl, err, "partition %d can't be verified", (int)partition);
  if (!path || partitions_load(ctl, image, path, &status)) {
    err = verify_image(ctl, image, partition, &result);
    if (err)
      status = complain(ctl, partition, err);
    else
      add_row(table, partition, &result);
    for (size_t i = 0; !err && i < result.shown_count; i++) fprintf(stderr, "  %s\n", result.shown[i]);
    if (!err && result.differing + result.missing + result.surplus)
      status = ctl_refuse(ctl, "partition %d is not what the log says; riserctl rebuild --partition %d makes it anew",
                          (int)partition, (int)partition);
  }
  image_close(image);
  return status;
}

static enum status complain(struct ctl *ctl, int32_t partition, enum error err) {
  switch (err) {
  case ERR_NOT_FOUND:
    return ctl_refuse(ctl, "partition %d has no fence in Redis: riserctl rebuild", (int)partition);
  case ERR_AGAIN:
    return ctl_refuse(ctl, "partition %d was rebuilt or went back meanwhile; verify it again", (int)partition);
  case ERR_MISMATCH:
    return ctl_refuse(ctl,
                      "partition %d: Redis or the snapshot was not made from this log, or lies behind the snapshot",
                      (int)partition);
  default:
    return ctl_fail(ctl, err, "partition %d can't be verified", (int)partition);
  }
}

static void add_row(struct table *table, int32_t partition, const struct verify_result *result) {
  char digest[DIGEST_TEXT_SIZE];
  hex_encode(bytes_make(result->digest, sizeof result->digest), digest);
  table_row(table);
  table_integer(table, partition);
  table_integer(table, result->next_offset);
  table_integer(table, (int64_t)result->keys);
  table_integer(table, (int64_t)result->differing);
  table_integer(table, (int64_t)result->missing);
  table_integer(table, (int64_t)result->surplus);
  table_text(table, digest);
}
