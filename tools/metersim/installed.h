// SPDX-License-Identifier: Apache-2.0
// Waits until riser.device.v1 knows every device of the fleet, as a real device is put up only when it is installed:
// what it says before that would be refused.
#ifndef RISER_METERSIM_INSTALLED_H
#define RISER_METERSIM_INSTALLED_H

#include "base/error.h"
#include "io/kafka.h"
#include "metersim/fleet.h"

// ERR_CLOSED: the process is to end.
enum error installed_wait(const struct kafka_settings *kafka, const struct fleet *fleet) MUST_USE;

#endif
