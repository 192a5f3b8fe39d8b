#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes Riser's Kafka topics where they are missing and refuses topics that differ in their number of partitions.

The number is chosen once: a site's key decides its partition, and billing's state in Redis is kept by partition.
"""

import argparse
import sys
import time

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError

DAY_MS = 24 * 3600 * 1000
# Times are the broker's: a tick is judged by when it was appended, and a replayed record may carry an old time.
COMMON = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "4194304"}
FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
COMPACTED = {"cleanup.policy": "compact"}
TOPICS = {
    "riser.site.v1": FOR_EVER,
    "riser.decision.v1": FOR_EVER,
    "riser.command.v1": FOR_EVER,
    "riser.device.v1": COMPACTED,
    "riser.person.v1": COMPACTED,
    "riser.reject.v1": {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)},
}


def add_connection_options(parser):
    parser.add_argument("--bootstrap", required=True, help="host:port of Kafka")
    parser.add_argument("--ca", help="certificates (PEM) that sign the brokers': with it, TLS")
    parser.add_argument("--cert", help="our own certificate (PEM)")
    parser.add_argument("--key", help="its private key (PEM)")


def connect(options, limit_s):
    """The broker opens its port a moment before it answers."""
    deadline = time.monotonic() + limit_s
    tls = {"security_protocol": "SSL", "ssl_cafile": options.ca, "ssl_certfile": options.cert,
           "ssl_keyfile": options.key} if options.ca else {}
    while True:
        try:
            return KafkaAdminClient(bootstrap_servers=options.bootstrap, client_id="riser-topics", **tls)
        except KafkaError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def attempt(work, limit_s=60):
    """This client's first connection to a broker fails now and then when it is encrypted; what we do can be repeated."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            return work()
        except KafkaConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def make_missing(admin, partitions, replicas):
    existing = set(admin.list_topics())
    missing = [
        NewTopic(name, partitions, replicas, topic_configs={**COMMON, **config})
        for name, config in TOPICS.items()
        if name not in existing
    ]
    if missing:
        try:
            admin.create_topics(missing)
        except TopicAlreadyExistsError:
            pass  # another driver was faster; what is there is checked below
    return len(missing)


def check(admin, partitions, limit_s):
    """Waits until the metadata shows all topics; returns what is wrong."""
    deadline = time.monotonic() + limit_s
    while True:
        found = {t["topic"]: len(t["partitions"]) for t in admin.describe_topics(list(TOPICS)) if not t["error_code"]}
        if len(found) == len(TOPICS) or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return [
        f"{name} has {found.get(name, 'no')} partitions instead of {partitions}"
        for name in TOPICS
        if found.get(name) != partitions
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_connection_options(parser)
    parser.add_argument("--partitions", required=True, type=int, help="of each topic")
    parser.add_argument("--replicas", default=1, type=int, help="of each partition")
    options = parser.parse_args()
    admin = connect(options, 30)
    made = attempt(lambda: make_missing(admin, options.partitions, options.replicas))
    wrong = attempt(lambda: check(admin, options.partitions, 30))
    admin.close()
    for line in wrong:
        print(line)
    if wrong:
        print("set RISER_PARTITIONS to what is there, or begin with another, empty RISER_VAR")
        return 1
    if made:
        print(f"kafka: {made} topics made, {options.partitions} partitions each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
