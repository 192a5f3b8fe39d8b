// SPDX-License-Identifier: Apache-2.0
// Runs the attempts of all channels at the same time, in one thread, with libcurl's multi interface; connections stay
// open between them. Owned by the worker. Bounded by the channels' own limits.
#ifndef RISER_NOTIFY_COURIER_H
#define RISER_NOTIFY_COURIER_H

#include "base/error.h"
#include "notify/channel/channel.h"

struct courier;

// Called from within courier_run for each attempt that has ended.
typedef void courier_done(void *ctx, void *owner, struct verdict verdict);

enum error courier_new(courier_done *done, void *ctx, struct courier **courier) MUST_USE;
void courier_free(struct courier *courier); // cuts off what is in flight; NULL is fine

// Whether one more attempt of this lane may begin.
bool courier_has_room(const struct courier *courier, const struct channel_link *link, uint32_t lane);

// Begins an attempt. Errors of the channel's prepare, or of libcurl.
enum error courier_start(struct courier *courier, struct channel_link *link, const struct letter *letter,
                         void *owner) MUST_USE;

// Goes on with all of them, waiting up to timeout_ms for something to happen. Past until_ms (monotonic) nothing is
// touched, also when it is only during the wait that the time passes: what is in flight stays as it is.
enum error courier_run(struct courier *courier, int timeout_ms, int64_t until_ms) MUST_USE;

size_t courier_in_flight(const struct courier *courier);

// Cuts off the attempt of this owner, if there is one; done is not called.
void courier_cancel(struct courier *courier, const void *owner);

#endif
