// SPDX-License-Identifier: Apache-2.0
// What people are told of a refusal: how to mend it. Pure.
#ifndef RISER_INGEST_CORE_ADVICE_H
#define RISER_INGEST_CORE_ADVICE_H

#include "base/error.h"

const char *advice_for(enum error err); // "" if there is nothing to say

#endif
