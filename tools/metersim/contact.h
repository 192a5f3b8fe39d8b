// SPDX-License-Identifier: Apache-2.0
// A relay or valve as a device carries commands out: absolute, refused when late, harmless when repeated, perhaps slow,
// stuck or unwilling. Pure: it answers what to say and when the contact moves.
#ifndef RISER_METERSIM_CONTACT_H
#define RISER_METERSIM_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/command.h"
#include "domain/fact.h"

enum { CONTACT_ID_MAX = 256 };

struct contact {
  enum supply supply;
  uint64_t version; // of the last command that was carried out
  int64_t not_after_s; // of the same
  char last_id[CONTACT_ID_MAX];
  bool strict;     // a device with a key: nothing is carried out twice, nor what is older than what was
  bool stuck;      // takes commands and does not move
  bool refuses;    // takes none
  int64_t slow_ms; // how long it takes to move
  bool moving;
  enum supply target;
  int64_t moves_at_ms;
  uint64_t target_version;
  int64_t target_not_after_s;
};

// What the device says at once.
struct contact_answer {
  enum ack_outcome outcome;
  const char *detail;
  bool show; // publish the state as well
};

// now_s: the device's clock, for not_after; now_ms: monotonic.
struct contact_answer contact_take(struct contact *contact, const struct device_command *command, int64_t now_s,
                                   int64_t now_ms);
// True when a slow contact has just arrived: acknowledge "done" for contact->last_id and publish the state.
bool contact_arrives(struct contact *contact, int64_t now_ms);
// The contact is moved by hand.
void contact_force(struct contact *contact, enum supply supply);

#endif
