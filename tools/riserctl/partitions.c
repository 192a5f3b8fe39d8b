// SPDX-License-Identifier: Apache-2.0
#include "riserctl/partitions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool partitions_chosen(struct ctl *ctl, const struct arguments *arguments, bool all_by_default, int32_t *from,
                       int32_t *until) {
  const char *partition = arguments_value(arguments, "partition");
  bool all = all_by_default ? !partition : arguments_given(arguments, "all");
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

const char *partitions_snapshot(struct ctl *ctl, const char *folder, int32_t partition) {
  return arena_printf(ctl->arena, "%s/p%d.snapshot", folder, (int)partition);
}

static enum status complain(struct ctl *ctl, enum error err, const char *path) {
  switch (err) {
  case ERR_NOT_FOUND:
    return ctl_refuse(ctl, "there is no %s; riserctl snapshot makes it", path);
  case ERR_IO:
    return ctl_refuse(ctl, "%s can't be read: %s", path, strerror(errno));
  case ERR_CORRUPT:
    return ctl_refuse(ctl, "%s is no snapshot, or damaged; take an older one, or do without", path);
  case ERR_MISMATCH:
    return ctl_refuse(ctl, "%s is of another partition, another RISER_PARTITIONS or another version of the fold", path);
  default:
    return ctl_fail(ctl, err, "%s can't be loaded", path);
  }
}

bool partitions_load(struct ctl *ctl, struct image *image, const char *path, enum status *status) {
  struct snapshot snapshot;
  enum error err = snapshot_open(&snapshot, path);
  if (!err) err = image_load(image, &snapshot);
  if (err) *status = complain(ctl, err, path);
  snapshot_close(&snapshot);
  return err == OK;
}
