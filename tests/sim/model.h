// SPDX-License-Identifier: Apache-2.0
// What billing should come to, worked out a second time and more simply: reads as a list, usage by reading off between
// them, prices block by block, accounts as sums. Fed with the facts of the site log and the decisions.
#ifndef RISER_TESTS_SIM_MODEL_H
#define RISER_TESTS_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/decision.h"
#include "domain/fact.h"

void model_begin(void);
void model_end(void);

void model_fact(int32_t partition, int64_t offset, const struct fact *fact);
void model_bill(const struct decision *decision);
void model_balance(const struct decision *decision);
void model_refused(const char *site, const char *fact_id); // an exception: it does not count

int64_t model_owed(const char *site, const char *lease, int64_t upto_offset);
bool model_is_surely_paid(const char *site, const char *lease, enum commodity commodity, int64_t upto_offset);
int64_t model_told(const char *site, const char *lease, enum commodity commodity); // by the last balance
int64_t model_amount_of_payment(const char *site, const char *lease, const char *id); // -1: there is none
bool model_has_read(const char *site, const struct reading *reading);
// Every closed month's last bill against the reads of the whole log.
void model_check_bills(void);

// The simulated tariffs.
enum { MODEL_BLOCK_UPTO = 200000 };
#define MODEL_BLOCK_PRICE_1_E8 INT64_C(58800000)
#define MODEL_BLOCK_PRICE_2_E8 INT64_C(63800000)
#define MODEL_WATER_PRICE_E8 INT64_C(300000000)
#define MODEL_QUANTUM_E4 INT64_C(10000)

#endif
