// SPDX-License-Identifier: Apache-2.0
// The promises, looked at after every step that could break them. Shares no code with the services but the schemas
// (lib/wire): money, usage and order are worked out anew from what was written into the logs.
#ifndef RISER_TESTS_SIM_CHECK_H
#define RISER_TESTS_SIM_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "bus.h"
#include "domain/command.h"
#include "domain/reading.h"
#include "io/redis.h"

struct unit;
struct device;

void check_begin(void);
void check_end(void);

// A record that Kafka has; one that can be read from now on, behind all open transactions.
void check_appended(enum bus_topic topic, const struct kafka_record *record);
void check_record(enum bus_topic topic, const struct kafka_record *record);
// Redis has done a commit; `fence` holds what was there, whatever the owner expected.
void check_committed(const struct unit *unit, const struct redis_fence *fence, const struct redis_command *writes,
                     size_t count);
void check_mail_begins(const char *decision, const char *person);
void check_mail(const char *decision, const char *person, const char *message_id); // the relay has taken it
void check_published(const char *topic, struct bytes payload); // by control, to a device
void check_moved(const struct device *device); // by the last command
void check_acknowledged(const struct device *device, const struct reading *reading);
void check_logged(const struct unit *unit, const char *event, const struct log_field *fields);
void check_failed(const struct unit *unit, const char *where, enum error err);


// After everything has come to rest and everybody has paid.
bool check_is_told(void); // every message has been settled
void check_final(void);

// What people know. False: nothing yet.
bool check_some_read(size_t *house, struct reading *reading, char meter[]);
bool check_some_notice(size_t *house, char *decision, size_t decision_size, char *person, size_t person_size);

struct tally {
  uint64_t facts, decisions, repeated, commits, bills, rebills, balances, payments, mails, mails_again;
  uint64_t cuts, reconnects, moves, folds, exceptions, deaths;
};
extern struct tally tally;

#endif
