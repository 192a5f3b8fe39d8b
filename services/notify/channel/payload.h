// SPDX-License-Identifier: Apache-2.0
// What a webhook is given: the message and the decision behind it, as JSON (docs/webhooks.md). Money and prices are
// decimal texts in the currency, quantities whole Wh or ml, instants RFC 3339 in UTC.
#ifndef RISER_NOTIFY_CHANNEL_PAYLOAD_H
#define RISER_NOTIFY_CHANNEL_PAYLOAD_H

#include "base/bytes.h"
#include "notify/channel/channel.h"

// Appends one JSON object. ERR_LIMIT: the buffer is full.
enum error payload_write(const struct letter *letter, struct buffer *out) MUST_USE;

#endif
