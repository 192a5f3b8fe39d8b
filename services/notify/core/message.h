// SPDX-License-Identifier: Apache-2.0
// Which decisions are messages to people, and what these say. Pure: the same decision and person give the same text.
#ifndef RISER_NOTIFY_CORE_MESSAGE_H
#define RISER_NOTIFY_CORE_MESSAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "domain/decision.h"
#include "domain/person.h"

struct message {
  const char *kind;     // "bill", "usage-alert", "reminder", "disconnect-notice", "suspended", "restored"
  const char *language; // code of the language it is written in
  const char *subject;  // one line, UTF-8
  const char *text;     // lines ended by \n, UTF-8
};

// The persons whom a decision is for; 0 when it is not a message.
size_t message_persons(const struct decision *decision, const char *const **persons);

// Everything that `out` points to lives in the arena. `contact` is how to ask, beside replying; "" for none.
// ERR_REFUSED: not a message. ERR_LIMIT: the text would be too long. ERR_NO_MEMORY: the arena is full.
enum error message_make(const struct decision *decision, const struct person *person, const char *contact,
                        struct arena *arena, struct message *out) MUST_USE;

#endif
