# SPDX-License-Identifier: Apache-2.0
"""Kafka refuses a record for good: it becomes a reject record, and everything beside it goes on."""
import json
import sys

import kafka
import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from ingest_world import Device, Ingest, Registry, Tail, wait_for
from stack import PORT_BASE, ROOT, Stack

sys.path.insert(0, str(ROOT / "tools" / "demo"))
import records  # noqa: E402

LARGEST = 4000  # bytes of a batch that the topic takes


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path / "engines", PORT_BASE + 140)
    try:
        stack.up(engines_only=True)
        yield stack
    finally:
        stack.down()


def narrow(stack, topic):
    host, port = stack.address("KAFKA")
    admin = kafka.KafkaAdminClient(bootstrap_servers=f"{host}:{port}", metadata_max_age_ms=1000)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(LARGEST)})])
    admin.close()


def readings(first, count):
    return json.dumps({"readings": [{"meter": f"m-{first + i}-{(first + i) * 2654435761 % 4294967296}",
                                     "at": 1464134700 + i * 977, "volume_ml": (first + i) * 7919 * 104729 % 10**12}
                                    for i in range(count)]})


def test_a_record_larger_than_its_topic_takes_is_refused_alone(stack, tmp_path):
    schemas = records.load_schemas()
    registry = Registry(stack, schemas)
    registry.put("north")
    narrow(stack, "riser.site.v1")
    log = Tail(stack, "riser.site.v1", schemas["site"].SiteRecord)
    rejects = Tail(stack, "riser.reject.v1", schemas["reject"].Reject)
    ingest = Ingest(stack, tmp_path, LINGER="1s").start()
    device = Device(stack)
    try:
        for i in range(20):  # together also larger than a batch may be
            count = 1000 if i == 10 else 8
            device.publish(f"riser/v1/north/d-{i}/up/json", readings(i * 1000, count))
        device.settle()
        good = {f"ingest/d-{i}" for i in range(20) if i != 10}
        wait_for("the good ones", lambda: good <= {record.envelope.source for record, _ in log.poll()})
        (reject, _), = rejects.wait("the reject", lambda record: record.device == "d-10")
        assert reject.reason == "too-large" and "Kafka" in reject.detail
        wait_for("an empty window", lambda: ingest.metric("riser_ingest_in_flight_messages") == 0)
        assert "ingest/d-10" not in {record.envelope.source for record, _ in log.poll()}
        assert len(rejects.poll()) == 1
    finally:
        device.close()
        assert ingest.stop() == 0
        for end in (log, rejects, registry):
            end.close()
