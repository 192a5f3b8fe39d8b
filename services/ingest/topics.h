// SPDX-License-Identifier: Apache-2.0
// The Kafka topics that ingest reads and writes.
#ifndef RISER_INGEST_TOPICS_H
#define RISER_INGEST_TOPICS_H

#define TOPIC_SITE "riser.site.v1"
#define TOPIC_REJECT "riser.reject.v1"
#define TOPIC_DEVICE "riser.device.v1"

#endif
