// SPDX-License-Identifier: Apache-2.0
// What is being delivered: partitions, their unfinished decisions (jobs), and the errands of each: one person, one
// channel. Plain state of the worker; the bounds are the configured window and total of unfinished decisions.
#ifndef RISER_NOTIFY_WORK_H
#define RISER_NOTIFY_WORK_H

#include "base/bytes.h"
#include "domain/site.h"
#include "io/kafka.h"
#include "notify/channel/channel.h"
#include "notify/core/progress.h"

enum {
  WORK_PERSONS_MAX = LEASE_PERSONS_MAX,
  WORK_CHANNELS_MAX = PROGRESS_SLOTS / WORK_PERSONS_MAX, // values of enum channel, CHANNEL_NONE not counted
  WORK_DELIVERIES_MAX = PROGRESS_SLOTS,
};

// A partition that is ours.
struct part {
  int32_t partition;
  struct progress progress;
  int64_t business_time_s;
  size_t jobs;
  bool paused;
  bool dirty; // there is progress that has not been committed
};

struct job;
struct errand {
  struct job *job;
  unsigned person;           // its place in the decision
  struct channel_link *link; // NULL: how to reach the person is not known yet
  uint32_t lane;
  uint32_t failures;
  int64_t due_ms; // monotonic
  bool sending;
  bool settled;
};

struct job {
  struct job *next;
  struct part *part;
  int64_t offset;
  int64_t taken_ms; // monotonic
  uint32_t done;    // slots that an earlier run settled
  size_t open;      // deliveries that are not settled
  size_t count;
  struct errand errands[WORK_DELIVERIES_MAX];
  size_t record_len;
  uint8_t record[]; // the decision as it came
};

struct work {
  struct part **parts; // by partition; NULL: not ours
  size_t part_count;
  struct job *jobs; // in the order in which they were taken
  struct job **last;
  size_t job_count;
};

enum error work_init(struct work *work, size_t partitions) MUST_USE;
void work_fini(struct work *work);

struct part *work_part(const struct work *work, int32_t partition); // NULL: not ours
enum error work_add_part(struct work *work, int32_t partition, struct part **part) MUST_USE;
void work_drop_part(struct work *work, int32_t partition); // and its jobs; nothing of it may be in flight any more

// A job of `persons` unresolved deliveries, all due now. NULL: no memory.
struct job *work_add_job(struct work *work, struct part *part, const struct kafka_record *record, int64_t now_ms);
void work_add_person(struct job *job, unsigned person, int64_t now_ms);
void work_drop_job(struct work *work, struct job *job);

// The bit of this person and channel in the progress; CHANNEL_NONE shares the first channel's.
unsigned work_slot(unsigned person, enum channel channel);
bool work_is_done(const struct job *job, unsigned person, enum channel channel);

// Makes an unresolved delivery one for this channel, or adds one if it is resolved already.
void work_resolve(struct errand *errand, struct channel_link *link, const struct person *person);

// When the next delivery is due that is not being sent; INT64_MAX: none.
int64_t work_next_due_ms(const struct work *work);

#endif
