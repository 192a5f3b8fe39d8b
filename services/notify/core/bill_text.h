// SPDX-License-Identifier: Apache-2.0
// The text of a bill, from which alone the bill can be recomputed: docs/services/notify.md names every figure.
#ifndef RISER_NOTIFY_CORE_BILL_TEXT_H
#define RISER_NOTIFY_CORE_BILL_TEXT_H

#include "notify/core/composer.h"

// The composer's decision is a bill. Puts the text, gives the subject.
const char *bill_text_subject(struct composer *composer);
void bill_text_put(struct composer *composer);

#endif
