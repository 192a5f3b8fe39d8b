// SPDX-License-Identifier: Apache-2.0
// The numbers that devices give their batches, as the site log has them: what a receipt may name, and which gaps must
// be told, worked out from the order of the log alone. Of devices whose numbers never begin again.
#ifndef RISER_TESTS_SIM_NUMBERS_H
#define RISER_TESTS_SIM_NUMBERS_H

#include "domain/fact.h"

void numbers_begin(bool watched); // not watched: ingest keeps no sequences
void numbers_end(void);

void numbers_fact(const struct fact *fact); // in the order of the log
void numbers_receipted(const char *site, const char *device, uint64_t number);
void numbers_final(void); // no gap was passed over

#endif
