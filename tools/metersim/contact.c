// SPDX-License-Identifier: Apache-2.0
#include "metersim/contact.h"

#include <stdio.h>
#include <string.h>

static void move(struct contact *contact, enum supply supply, uint64_t version, int64_t not_after_s) {
  contact->supply = supply;
  contact->version = version;
  contact->not_after_s = not_after_s;
  contact->moving = false;
}

// Commands rise in (version, not_after): a later attempt of the same command may have a later not_after, a copy of what
// was carried out has the same.
static bool is_done(const struct contact *contact, const struct device_command *command) {
  if (command->desired_version != contact->version) return command->desired_version < contact->version;
  return command->not_after_s <= contact->not_after_s;
}

// If not strict, an id that came before is carried out again all the same: laxer than docs/devices.md wants a device to
// be, and no harm, as an action is absolute.
struct contact_answer contact_take(struct contact *contact, const struct device_command *command, int64_t now_s,
                                   int64_t now_ms) {
  if (contact->refuses) return (struct contact_answer){ACK_REFUSED, "simulated refusal", false};
  if (command->not_after_s && now_s > command->not_after_s) {
    return (struct contact_answer){ACK_EXPIRED, "after not_after", true};
  }
  if (contact->strict && is_done(contact, command)) return (struct contact_answer){ACK_DUPLICATE, "", true};
  bool again = contact->last_id[0] && strcmp(contact->last_id, command->command_id) == 0;
  snprintf(contact->last_id, sizeof contact->last_id, "%s", command->command_id);
  if (contact->stuck) return (struct contact_answer){again ? ACK_DUPLICATE : ACK_ACCEPTED, "", true};
  bool there = !contact->moving && contact->supply == command->supply;
  if (contact->slow_ms && !there) {
    if (!(again && contact->moving)) contact->moves_at_ms = now_ms + contact->slow_ms;
    contact->moving = true;
    contact->target = command->supply;
    contact->target_version = command->desired_version;
    contact->target_not_after_s = command->not_after_s;
    return (struct contact_answer){again ? ACK_DUPLICATE : ACK_ACCEPTED, "", false};
  }
  move(contact, command->supply, command->desired_version, command->not_after_s);
  return (struct contact_answer){again && there ? ACK_DUPLICATE : ACK_DONE, "", true};
}

bool contact_arrives(struct contact *contact, int64_t now_ms) {
  if (!contact->moving || now_ms < contact->moves_at_ms) return false;
  move(contact, contact->target, contact->target_version, contact->target_not_after_s);
  return true;
}

void contact_force(struct contact *contact, enum supply supply) {
  contact->supply = supply;
  contact->moving = false;
}
