// SPDX-License-Identifier: Apache-2.0
// A message on its way to the broker, and a bounded queue of those that wait for their time: a heap, the earliest
// first, of one instant in the order of pushing. One thread.
#ifndef RISER_METERSIM_OUTGOING_H
#define RISER_METERSIM_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct sim_device;

enum outgoing_kind { OUTGOING_READINGS, OUTGOING_MALFORMED, OUTGOING_STATE, OUTGOING_ACK };

struct outgoing {
  struct sim_device *device;
  enum outgoing_kind kind;
  const char *tail; // of the topic: "up/pb"
  bool retain;
  uint64_t sequence;
  int64_t due_ms; // monotonic
  uint64_t order;
  bool is_signed;
  bool copy;      // of a message that is in the ledger already
  size_t readings;
  struct buffer payload;
  struct buffer note;           // of the ledger
  struct outgoing *prev, *next; // in its device's list of those without a receipt
};

enum { OUTGOING_PAYLOAD_MAX = 1 << 20 };

struct outgoing *outgoing_new(struct sim_device *device, enum outgoing_kind kind, const char *tail) MUST_USE;
struct outgoing *outgoing_copy(const struct outgoing *message) MUST_USE; // the same once more
void outgoing_free(struct outgoing *message);

struct queue {
  struct outgoing **items;
  size_t count, max;
  uint64_t pushed;
};

enum error queue_init(struct queue *queue, size_t max) MUST_USE;
void queue_fini(struct queue *queue); // and frees what is in it

// Takes the message on OK. ERR_QUEUE_FULL.
enum error queue_take(struct queue *queue, struct outgoing *message) MUST_USE;
// The earliest if it is due, NULL otherwise.
struct outgoing *queue_pop(struct queue *queue, int64_t now_ms);
int64_t queue_next_ms(const struct queue *queue); // when the earliest is due; INT64_MAX if there is none

#endif
