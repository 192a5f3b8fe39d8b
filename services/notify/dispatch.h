// SPDX-License-Identifier: Apache-2.0
// From a decision to its deliveries and from each delivery to its fact: makes jobs, finds the persons' channels, begins
// attempts, judges when to try again, and hands what is settled to the ledger. Owned by the worker.
#ifndef RISER_NOTIFY_DISPATCH_H
#define RISER_NOTIFY_DISPATCH_H

#include "notify/core/retry.h"
#include "notify/courier.h"
#include "notify/directory.h"
#include "notify/ledger.h"
#include "notify/work.h"
#include "run/metrics.h"

struct dispatch_metrics {
  struct counter *attempts; // by channel
  struct counter *retries;
  struct counter *delivered;
  struct counter *failed; // and behind the channels: those without one
  struct gauge *in_flight;
  struct histogram *time;
};

struct dispatch {
  const struct notify_config *config;
  struct retry_policy retry;
  struct work work;
  struct courier *courier;
  struct directory *directory; // opened by the app, closed here
  struct ledger *ledger;       // the same
  struct channel_link *links[WORK_CHANNELS_MAX];
  struct arena *arena; // of the decision at hand
  struct dispatch_metrics metrics;
  enum error failed; // FATAL, in the courier's callback
};

enum error dispatch_init(struct dispatch *dispatch, const struct notify_config *config,
                         struct metrics *metrics) MUST_USE;
void dispatch_fini(struct dispatch *dispatch);

// One record of riser.decision.v1: a job if it is a message that is not settled. Any error is FATAL.
enum error dispatch_take(struct dispatch *dispatch, struct part *part, const struct kafka_record *record,
                         int64_t now_ms) MUST_USE;

// Begins every delivery that is due and has room, and stops when it is later than until_ms. Any error is FATAL.
enum error dispatch_begin_due(struct dispatch *dispatch, int64_t now_ms, int64_t until_ms) MUST_USE;

#endif
