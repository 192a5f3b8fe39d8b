// SPDX-License-Identifier: Apache-2.0
// What a device sends in one message of readings, before ingest has judged it. The other messages of a device are the
// device_event_fact, device_state_fact and command_ack_fact of domain/fact.h, with an empty device.
// Field meanings: proto/riser/telemetry/v1/telemetry.proto. Strings are borrowed, never NULL.
#ifndef RISER_DOMAIN_TELEMETRY_H
#define RISER_DOMAIN_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/reading.h"

struct batch {
    uint64_t sequence;  // 0: not numbered
    uint64_t boot;      // the life of the device in which it is numbered
    int64_t sent_at_ms; // 0: the device has no clock
    const struct reading *readings; // meter "": the device of the topic; values may still be out of bounds
    size_t count;
    bool want_receipt;
    uint64_t counter; // of a device with a key; 0: none
};

// down/receipt: the batches `first` to `sequence` of life `boot` are stored.
struct receipt {
    uint64_t boot, first, sequence;
};

#endif
