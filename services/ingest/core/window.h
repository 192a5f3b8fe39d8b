// SPDX-License-Identifier: Apache-2.0
// The messages on their way to Kafka, in the order of the spool: a message is done when all of its records are stored,
// and the confirmed prefix ends before the first one that is not. Bounded; one thread. Pure but for its memory.
#ifndef RISER_INGEST_CORE_WINDOW_H
#define RISER_INGEST_CORE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/core/claim.h"

struct window;

struct window_message {
  uint64_t position;  // in the spool
  uint64_t next;      // the spool's position behind it
  struct claim claim; // what follows for its device when it is done
  bool refused;       // Kafka refused one of its records for good, and it was sent to the reject topic
};

// At most `capacity` messages; full also once their records take `bytes_max`. NULL without memory.
struct window *window_new(size_t capacity, size_t bytes_max) MUST_USE;
void window_free(struct window *window);

size_t window_count(const struct window *window);
bool window_is_full(const struct window *window);

// The newest message, with one record open: the ticket names it. Not when the window is full.
uint64_t window_enter(struct window *window, const struct window_message *message);
void window_open_record(struct window *window, uint64_t ticket, size_t bytes); // one more record of it is on its way
void window_close_record(struct window *window, uint64_t ticket);              // one of them is stored

// The message of a ticket that has not left, to be changed.
struct window_message *window_at(struct window *window, uint64_t ticket);

// Takes the oldest message if it is done.
bool window_leave(struct window *window, struct window_message *message);

// Takes the oldest message in any case: when the records that are on their way are given up.
bool window_abandon(struct window *window, struct window_message *message);

#endif
