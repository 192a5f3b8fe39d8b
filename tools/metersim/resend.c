// SPDX-License-Identifier: Apache-2.0
#include "metersim/resend.h"

enum { DOUBLINGS_MAX = 4 };

int64_t resend_wait_ms(struct resend *resend, uint64_t oldest, int64_t timeout_ms, struct random *random) {
  if (resend->oldest != oldest) *resend = (struct resend){.oldest = oldest};
  int64_t wait_ms = timeout_ms << resend->doublings;
  if (resend->doublings < DOUBLINGS_MAX) resend->doublings++;
  return wait_ms + (int64_t)random_below(random, (uint64_t)(wait_ms / 4) + 1);
}
