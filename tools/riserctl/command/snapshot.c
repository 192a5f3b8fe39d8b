// SPDX-License-Identifier: Apache-2.0
// snapshot: what the log has made of the state so far, in files, so that a rebuild need not begin at the first record.
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "riserctl/image.h"
#include "riserctl/partitions.h"
#include "riserctl/table.h"

enum { FOLDER_MODE = 0700 };

static enum status snapshot_run(struct ctl *ctl, const struct arguments *arguments);
static enum status snapshot_one(struct ctl *ctl, int32_t partition, const struct arguments *arguments,
                                struct table *table);
static enum error fold_and_save(struct ctl *ctl, int32_t partition, struct image *image, const char *path);

static const struct option options[] = {
    {"to", "FOLDER", "where the files lie, one a partition; made if it is not there"},
    {"partition", "N", "only this partition; default: all"},
    {"anew", NULL, "from the first record of the log, also where there is a snapshot to go on from"},
};

const struct command command_snapshot = {
    .name = "snapshot",
    .operands = "",
    .summary = "Fold the site log into files that a rebuild can begin with",
    .details =
        "Folds riser.site.v1 with billing's own code as far as billing has published what follows, beginning where "
        "the\n"
        "folder's snapshot ends, and replaces that when it is done. Neither Redis nor billing has a part in it, so it\n"
        "may run at any time. A file holds a checksum over everything and names the last record it is made from.\n",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .run = snapshot_run,
};

static enum status snapshot_run(struct ctl *ctl, const struct arguments *arguments) {
  static const struct column columns[] = {{"partition", CELL_NUMBER},   {"from_offset", CELL_NUMBER},
                                          {"next_offset", CELL_NUMBER}, {"keys", CELL_NUMBER},
                                          {"seconds", CELL_NUMBER},     {"digest", CELL_TEXT}};
  const char *folder = arguments_value(arguments, "to");
  int32_t from, until;
  if (!folder) return ctl_misuse(ctl, "say with --to in which folder the files are to lie");
  if (!partitions_chosen(ctl, arguments, true, &from, &until)) return STATUS_USAGE;
  if (mkdir(folder, FOLDER_MODE) && errno != EEXIST)
    return ctl_refuse(ctl, "%s can't be made: %s", folder, strerror(errno));
  struct table *table = table_new(columns, sizeof columns / sizeof columns[0]);
  enum status status = STATUS_OK;
  for (int32_t p = from; p < until && status == STATUS_OK; p++) status = snapshot_one(ctl, p, arguments, table);
  table_print(table, arguments->json);
  table_free(table);
  return status;
}

static enum status snapshot_one(struct ctl *ctl, int32_t partition, const struct arguments *arguments,
                                struct table *table) {
  const char *path = partitions_snapshot(ctl, arguments_value(arguments, "to"), partition);
  struct image *image = NULL;
  struct stat stat_of;
  enum status status = STATUS_OK;
  int64_t began_ms = clock_mono_ms();
  enum error err = path ? image_open(ctl, partition, &image) : ERR_NO_MEMORY;
  if (err) return ctl_fail(ctl, err, "partition %d can't be folded", (int)partition);
  bool go_on = !arguments_given(arguments, "anew") && stat(path, &stat_of) == 0;
  if (go_on && !partitions_load(ctl, image, path, &status)) {
    image_close(image);
    return status;
  }
  int64_t from_offset = image_meta(image)->next_offset;
  err = fold_and_save(ctl, partition, image, path);
  if (err == ERR_IO) status = ctl_refuse(ctl, "%s can't be written: %s", path, strerror(errno));
  if (err == ERR_MISMATCH) status = ctl_refuse(ctl, "%s was not made from this log", path);
  if (err && !status) status = ctl_fail(ctl, err, "partition %d can't be folded", (int)partition);
  if (!err) {
    uint8_t digest[DIGEST_SIZE];
    char text[DIGEST_TEXT_SIZE];
    image_digest(image, digest);
    hex_encode(bytes_make(digest, sizeof digest), text);
    table_row(table);
    table_integer(table, partition);
    table_integer(table, from_offset);
    table_integer(table, image_meta(image)->next_offset);
    table_integer(table, (int64_t)HASH_COUNT(*image_values(image)));
    int64_t took_ms = clock_mono_ms() - began_ms;
    table_printf(table, "%d.%03d", (int)(took_ms / 1000), (int)(took_ms % 1000));
    table_text(table, text);
  }
  image_close(image);
  return status;
}

// Not beyond what is published: who begins with the snapshot does not decide again what is in it.
static enum error fold_and_save(struct ctl *ctl, int32_t partition, struct image *image, const char *path) {
  int64_t published = 0, begun = image_meta(image)->next_offset;
  enum error err = image_published(ctl, partition, &published);
  if (!err && published < begun) err = ERR_MISMATCH;
  if (!err) err = image_advance(image, published);
  return err ? err : image_save(image, path);
}
