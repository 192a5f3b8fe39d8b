# SPDX-License-Identifier: Apache-2.0
"""The seal of a site's records by hashlib, from what Kafka holds by kafka-python; and copies of the log as somebody might
leave it."""
import hashlib

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic


def heads(records, chain):
    """[(offset, head after it)] of the records [(offset, key, value)] that stand under one key."""
    head, found = bytes(32), []
    for offset, key, value in records:
        if key == chain:
            head = hashlib.sha256(head + len(key).to_bytes(4, "little") + key + (value or b"")).digest()
            found.append((offset, head))
    return found


def write_file(path, partition, records):
    lines = [f"{partition} {offset} {key.hex() or '-'} {(value or b'').hex() or '-'}" for offset, key, value in records]
    path.write_text("\n".join(lines) + "\n")
    return path


def copy_to_topic(kafka, topic, partition, partitions, records):
    """The records into a topic of their own, in order; their offsets there."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(topic, partitions, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=50)
    sent = [producer.send(topic, key=key, value=value, partition=partition) for _, key, value in records]
    producer.flush()
    producer.close()
    return [future.get(10).offset for future in sent]
