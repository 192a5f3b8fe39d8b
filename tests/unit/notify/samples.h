// SPDX-License-Identifier: Apache-2.0
// Decisions and persons for notify's tests. Site in Europe/Madrid; the bills are right to the cent, which
// tests/system/bill_mail.py recomputes from the texts made of them.
#ifndef RISER_TESTS_UNIT_NOTIFY_SAMPLES_H
#define RISER_TESTS_UNIT_NOTIFY_SAMPLES_H

#include "domain/decision.h"
#include "domain/person.h"

struct sample {
  const char *name; // of the case file
  struct decision decision;
  const char *contact;
};

enum { SAMPLES = 8 };
extern const struct sample samples[SAMPLES];
extern const struct person person_en;
extern const struct person person_zh;

#endif
