// SPDX-License-Identifier: Apache-2.0
// The filters that the broker's session of ours may hold, in a file beside the spool: a session outlives us, and with
// a filter that nobody unsubscribes every message comes twice. Main's thread; the owner is the receiver.
#ifndef RISER_INGEST_SUBSCRIPTION_H
#define RISER_INGEST_SUBSCRIPTION_H

#include <stddef.h>

#include "base/error.h"

enum { SUBSCRIPTION_SIZE = 512, SUBSCRIPTION_OLD_MAX = 8 }; // bytes of a filter, with the terminating zero

struct subscription {
  const char *folder; // of the spool
  const char *filter; // what is wanted
  size_t old_count;   // what the session may hold beside it
  const char *old[SUBSCRIPTION_OLD_MAX];
  char texts[SUBSCRIPTION_OLD_MAX][SUBSCRIPTION_SIZE];
};

// Reads what was held, and writes down that `filter` may be from now on. Both texts are borrowed. ERR_IO: the file
// can't be read or written.
enum error subscription_open(struct subscription *subscription, const char *folder, const char *filter) MUST_USE;

// The broker has unsubscribed the others: only `filter` is held. ERR_IO: they are unsubscribed once more next time.
enum error subscription_settled(struct subscription *subscription) MUST_USE;

#endif
