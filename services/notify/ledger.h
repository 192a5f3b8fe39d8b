// SPDX-License-Identifier: Apache-2.0
// What has become of deliveries, on its way into the site log: the facts and the progress of the same moment go into
// ONE Kafka transaction, so that neither is ever there without the other. Owned by the worker.
#ifndef RISER_NOTIFY_LEDGER_H
#define RISER_NOTIFY_LEDGER_H

#include "domain/fact.h"
#include "io/kafka.h"
#include "notify/config.h"
#include "notify/work.h"

struct ledger;

// Fences an older process of the same instance, which ends its open transaction.
enum error ledger_open(const struct notify_config *config, struct ledger **ledger) MUST_USE;
void ledger_close(struct ledger *ledger); // NULL is fine

// Checks that both topics have the configured number of partitions. ERR_MISMATCH (FATAL) if not.
enum error ledger_check_partitions(struct ledger *ledger, int64_t partitions) MUST_USE;

// Keeps the fact until it is committed. The same partition number as the decision's.
enum error ledger_add(struct ledger *ledger, struct part *part, const struct fact *fact) MUST_USE;
size_t ledger_waiting(const struct ledger *ledger); // facts that are not committed

// Commits all waiting facts and the progress of every dirty part. After a RETRY do it again: what has been committed is
// not sent a second time, and what has not been still waits. ERR_KAFKA_FATAL: nobody knows whether it is committed;
// open everything anew and go on from the committed progress. ERR_FENCED: another process of our name did so too, while
// a new producer was made.
enum error ledger_commit(struct ledger *ledger, struct kafka_consumer *consumer, struct work *work) MUST_USE;

void ledger_drop(struct ledger *ledger, int32_t partition); // facts of a partition that is no longer ours

extern const char notify_decision_topic[];

#endif
