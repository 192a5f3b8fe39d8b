# SPDX-License-Identifier: Apache-2.0
"""Kafka refuses a record, for good or for as long as somebody has not mended a topic: everything beside it goes on."""
import contextlib
import json
import sys
import time

import kafka
import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from ingest_world import Device, Ingest, Registry, Tail
from stack import PORT_BASE, ROOT, Stack, wait_for

sys.path.insert(0, str(ROOT / "tools" / "demo"))
import records  # noqa: E402

LARGEST = 4000  # bytes of a batch that the topic takes


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("refusing-engines"), PORT_BASE + 140)
    try:
        stack.up(engines_only=True)
        yield stack
    finally:
        stack.down()


@pytest.fixture
def world(stack):
    """A known site, what Kafka gets, a device."""
    schemas = records.load_schemas()
    registry = Registry(stack, schemas)
    registry.put("north")
    log = Tail(stack, "riser.site.v1", schemas["site"].SiteRecord)
    rejects = Tail(stack, "riser.reject.v1", schemas["reject"].Reject)
    device = Device(stack)
    yield log, rejects, device
    for end in (device, log, rejects, registry):
        end.close()


@contextlib.contextmanager
def running(stack, folder, **settings):
    ingest = Ingest(stack, folder, **settings).start()
    try:
        yield ingest
    finally:
        assert ingest.stop() == 0


def configure(stack, topic, **settings):
    host, port = stack.address("KAFKA")
    admin = kafka.KafkaAdminClient(bootstrap_servers=f"{host}:{port}", metadata_max_age_ms=1000)
    values = {name.replace("_", "."): str(value) for name, value in settings.items()}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, values)])
    admin.close()


def readings(first, count, bad=()):
    return json.dumps({"readings": [{"meter": f"m-{first + i}-{(first + i) * 2654435761 % 4294967296}",
                                     "at": 1464134700 + i * 977,
                                     "volume_ml": -1 if i in bad else (first + i) * 7919 * 104729 % 10**12}
                                    for i in range(count)]})


def sources(log):
    return [record.envelope.source for record, _ in log.poll()]


def test_a_message_too_large_for_the_producer_is_refused_also_if_a_reading_is_bad(stack, world, tmp_path):
    log, rejects, device = world
    with running(stack, tmp_path, KAFKA_PROPERTIES="message.max.bytes=9000") as ingest:
        for i in range(6):
            device.publish(f"riser/v1/north/p-{i}/up/json", readings(i * 1000, 400, {7}) if i == 3 else readings(i, 8))
        device.settle()
        good = {f"ingest/p-{i}" for i in range(6) if i != 3}
        wait_for("the good ones", lambda: good <= set(sources(log)), 30)
        (reject, _), = rejects.wait("the reject", lambda record: record.device == "p-3")
        assert reject.reason == "too-large" and "larger than Kafka takes" in reject.detail
        wait_for("an empty window", lambda: ingest.metric("riser_ingest_in_flight_messages") == 0)
        assert ingest.metric("riser_ingest_producer_takeovers_total") == 0
        assert ingest.metric('riser_ingest_rejects_total{reason="too-large"}') == 1
        assert sorted(sources(log)) == sorted(good)


def test_rejects_that_cannot_be_written_do_not_repeat_the_others(stack, world, tmp_path):
    log, rejects, device = world
    configure(stack, "riser.reject.v1", message_timestamp_before_max_ms=0)  # whatever comes is too old
    with running(stack, tmp_path) as ingest:
        device.publish("riser/v1/north/r-bad/up/json", '{"volume_l":1}')
        for i in range(50):
            device.publish(f"riser/v1/north/r-{i}/up/json", readings(i, 8))
        device.settle()
        takeovers = lambda: ingest.metric("riser_ingest_producer_takeovers_total")  # noqa: E731
        wait_for("two takeovers", lambda: takeovers() >= 2)
        time.sleep(0.2)
        before = len(sources(log))
        wait_for("two more", lambda: takeovers() >= 4)
        time.sleep(0.2)
        assert len(sources(log)) == before
        configure(stack, "riser.reject.v1")
        rejects.wait("the reject", lambda record: record.device == "r-bad")
        wait_for("the others", lambda: {f"ingest/r-{i}" for i in range(50)} <= set(sources(log)))


def test_a_record_larger_than_its_topic_takes_is_refused_alone(stack, world, tmp_path):
    log, rejects, device = world
    configure(stack, "riser.site.v1", max_message_bytes=LARGEST)
    with running(stack, tmp_path, LINGER="300ms") as ingest:
        for i in range(20):  # together also larger than a batch may be
            count = 1000 if i == 10 else 8
            device.publish(f"riser/v1/north/d-{i}/up/json", readings(i * 1000, count))
        device.settle()
        good = {f"ingest/d-{i}" for i in range(20) if i != 10}
        wait_for("the good ones", lambda: good <= set(sources(log)))
        (reject, _), = rejects.wait("the reject", lambda record: record.device == "d-10")
        assert reject.reason == "too-large" and "Kafka" in reject.detail
        wait_for("an empty window", lambda: ingest.metric("riser_ingest_in_flight_messages") == 0)
        assert "ingest/d-10" not in sources(log)
        assert len(rejects.poll()) == 1
