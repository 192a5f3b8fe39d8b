// SPDX-License-Identifier: Apache-2.0
// Every record that lib/wire knows, for tests that treat them alike: decode and encode again. The golden files are
// named after them: <record>[-<case>].<number>.hex, written by golden/make.py with another protobuf library.
#ifndef RISER_TESTS_UNIT_WIRE_RECORDS_H
#define RISER_TESTS_UNIT_WIRE_RECORDS_H

#include "wire/bill.h"
#include "wire/command.h"
#include "wire/decision.h"
#include "wire/device.h"
#include "wire/fact.h"
#include "wire/outbox.h"
#include "wire/person.h"
#include "wire/reject.h"
#include "wire/state.h"
#include "wire/telemetry.h"

#define RECORDS(X) \
  X(batch, struct batch) \
  X(receipt, struct receipt) \
  X(telemetry_event, struct device_event_fact) \
  X(telemetry_state, struct device_state_fact) \
  X(telemetry_ack, struct command_ack_fact) \
  X(device_command, struct device_command) \
  X(fact, struct fact) \
  X(decision, struct decision) \
  X(bill, struct bill) \
  X(command_state, struct command_state) \
  X(device, struct device) \
  X(person, struct person) \
  X(reject, struct reject) \
  X(partition_meta, struct partition_meta) \
  X(outbox, struct outbox) \
  X(site_state, struct site_state) \
  X(point_state, struct point_state) \
  X(account_state, struct account_state)

#endif
