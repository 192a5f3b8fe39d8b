// SPDX-License-Identifier: Apache-2.0
// What Redis Cluster's specification says of keys and answers: the slot of a key, the map of slots to nodes, a
// redirection. Pure. Internal to lib/io's Redis.
#ifndef RISER_IO_REDIS_SLOTS_H
#define RISER_IO_REDIS_SLOTS_H

#include "io/redis.h"

enum { REDIS_SLOTS = 16384, REDIS_ADDRESS_SIZE = 300 };

// CRC16 (XMODEM) of the key, or of what is between its first { and the next }, if that is not empty; modulo the slots.
int redis_slot(struct bytes key);

// The slot that a command belongs to: that of its first key; of a SCAN, of the pattern it matches. -1: it has none.
int redis_command_slot(const struct redis_command *command);

// Where Redis says that a command belongs.
struct redis_redirect {
  bool ask; // only this time, and announced by ASKING; else from now on
  int slot;
  char address[REDIS_ADDRESS_SIZE]; // host:port
};

// False if the reply is no redirection. `asked` is the address of who said it: it stands for a host left out.
bool redis_redirect_read(const struct redis_value *reply, const char *asked, struct redis_redirect *out);

// A reply of CLUSTER SLOTS, visited range by range. Master and replicas come with `first` and `last` slot.
struct redis_slot_visitor {
  // Anything but OK ends the reading with it.
  enum error (*node)(void *ctx, int first, int last, bool master, const char *address);
  void *ctx;
};

// ERR_CORRUPT: it is not what CLUSTER SLOTS answers.
enum error redis_slots_read(const struct redis_value *reply, const char *asked,
                            const struct redis_slot_visitor *visitor) MUST_USE;

#endif
