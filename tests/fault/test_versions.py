# SPDX-License-Identifier: Apache-2.0
"""Old and new side by side: what a later version adds to a record is passed over; a record that says that it must not be
passed over stops its partition, and nothing else, until a billing comes that can read it."""
import contextlib
import time

import kafka
import paho.mqtt.client as mqtt
import pytest
from kafka.partitioner.default import murmur2

from fault_run import ROOMS, Run, World, alive
from outside import SCHEMAS, Reading, telemetry_pb
from own import Own, get, http_port, metric, start_beside
from stack import BUILD, PORT_BASE, Stack
from stream import START_S, Stream
from versions import CLASSES, NEXT_READER, dress

BATCHES = 200


class LaterWorld:
    """`world`, but what is written by way of it is of a later version."""

    def __init__(self, world):
        object.__setattr__(self, "base", world)

    def __getattr__(self, name):
        return getattr(self.base, name)

    def __setattr__(self, name, value):
        setattr(self.base, name, value)

    def send(self, record, key, partition=None):
        self.base.send(dress(record), key, partition)


def later_persons(world, run):
    """Tenants as a later portal would write them."""
    producer = kafka.KafkaProducer(bootstrap_servers=world.brokers, acks="all")
    for room in range(1, ROOMS + 1):
        person = SCHEMAS["person"].Person(id=f"{run.story}.{room}", landlord=run.story, name=f"Tenant {room}",
                                          mail=f"{run.story}-{room}@later.example.org")
        producer.send("riser.person.v1", key=person.id.encode(), value=dress(person).SerializeToString())
    producer.flush(30)
    producer.close()


def later_device(world, site):
    """A gateway with later firmware; the readings that the broker acknowledged."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect(*world.stack.address("MQTT"))
    client.loop_start()
    readings = [Reading("gw-1-1", 1, START_S + 300 * n, 1000 + n) for n in range(BATCHES)]
    sent = []
    for n, r in enumerate(readings):
        batch = telemetry_pb.ReadingBatch(sequence=n + 1, sent_at_ms=int(time.time() * 1000), readings=[
            telemetry_pb.Reading(meter=r.meter, register=r.register, time_s=r.time_s, value=r.value)])
        sent.append(client.publish(f"riser/v1/{site}/gw-1/up/pb", dress(batch).SerializeToString(), qos=1))
    for one in sent:
        one.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
    return set(readings)


@pytest.mark.long
def test_later_fields(world, seed):
    """Ticks, payments, persons and a device's messages carry fields that nobody here knows."""
    with Stream(world, "later-device", seed, rate=100, gateways=2) as other, \
            Run(LaterWorld(world), "later-fields", seed, 12) as run:
        later_persons(world, run)
        run.run_for(run.random.uniform(0.5, 1.5))
        run.prove_load(time.time() * 1000)
        sent = later_device(world, f"{other.site}")
        run.hits.append(len(sent))
        run.recovered(time.monotonic())
        run.wait("the later device's readings", lambda: sent <= set(world.logs.readings[other.site]), 30)
    mails = [path.read_text(errors="replace") for path in world.stack.mail.glob("*.eml")]
    assert any("@later.example.org" in mail and f"{run.story}-" in mail for mail in mails), "no mail to a later person"


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory, request):
    stack = Stack(tmp_path_factory.mktemp("versions"), PORT_BASE + 500, **request.config.fault_settings)
    try:
        stack.up()
        yield World(stack, request.config.fault_rows)
    finally:
        stack.down()


def apart(world, name, seed, rates):
    """Two loads whose sites lie in different partitions."""
    streams = [Stream(world, f"{name}-a", seed, rates[0])]
    while len(streams) < 2:
        other = Stream(world, f"{name}-b", seed, rates[1])
        if partition_of(world, other.site) != partition_of(world, streams[0].site):
            streams.append(other)
    return streams


def partition_of(world, site):
    return (murmur2(site.encode()) & 0x7FFFFFFF) % len(world.partitions)


def stop_record(site):
    """A kind of fact that this version does not know, and may not pass over."""
    record = CLASSES["riser.site.v1.SiteRecord"]()
    record.next_fact.what = "what only a later version understands"
    envelope = record.envelope
    envelope.fact_id, envelope.min_reader, envelope.site, envelope.landlord = f"next:{site}", NEXT_READER, site, site
    envelope.source = "later"
    return record


def stopped_at(world, place, other):
    """Billing and control stand right before the record, say so, and go on in the other partition."""
    stack, ports = world.stack, [http_port(world.stack, part) for part in ("billing", "control")]
    other.wait("billing and control to stop there", lambda: metric(ports[0], "riser_billing_partitions_refused") == 1
               and get(ports[1], "/readyz")[0] == 503, 30)
    before, at = world.state.next_offsets(), partition_of(world, other.site)
    other.run_for(5)
    after = world.state.next_offsets()
    assert after[place.partition] == place.offset, f"stands at {after[place.partition]}, the record at {place.offset}"
    for part, port in zip(("billing", "control"), ports):
        status, said = get(port, "/readyz")
        assert status == 503 and "partitions" in said, f"{part}'s /readyz says {status}: {said}"
        assert "needs-newer-reader" in stack.log(part) and alive(stack.pid(part))
    return after[at] - before[at]


@contextlib.contextmanager
def replaced(stack, folder, own):
    """The later versions join, then the old ones drain."""
    parts = ("billing", "control")
    later = [start_beside(stack, part, folder, BUILD / "tests" / f"riser-{part}-next", RISER_INSTANCE="1",
                          RISER_HTTP_PORT=str(stack.port_base + 31 + at)) for at, part in enumerate(parts)]
    try:
        for part in parts:
            own.child[part].terminate()
            assert own.child[part].wait(30) == 0
        yield
        for at, part in enumerate(parts):
            assert get(stack.port_base + 31 + at, "/readyz")[0] == 200, f"the later {part} is not ready"
    finally:
        for process in later:
            process.terminate()
        statuses = [process.wait(30) for process in later]
    assert statuses == [0, 0]


@pytest.mark.long
def test_reader_too_old(two_versions, seed, tmp_path):
    world, stack = two_versions, two_versions.stack
    stopped, other = apart(world, "too-old", seed, (400, 1200))
    with Own(stack, billing={}, control={}) as own, stopped, other:
        stopped.run_for(1)
        rate = stopped.rate() + other.rate()
        world.send(stop_record(stopped.site), stopped.site)
        place = find(world, f"next:{stopped.site}")
        went_on = stopped_at(world, place, other)
        assert went_on > 5 * 1200 / 4 * 0.7, f"only {went_on} records of the other partition were applied"
        stopped.catch_up()
        waiting = sum(places[0].offset >= place.offset for places in world.logs.readings[stopped.site].values())
        began = time.monotonic()
        with replaced(stack, tmp_path, own):
            stopped.wait("the later billing to go on",
                         lambda: world.state.next_offsets()[place.partition] > place.offset, 60)
            recovery = time.monotonic() - began
            results = [stream.account() for stream in (stopped, other)]
    world.rows.append({"fault": "reader-too-old", "seed": seed, "hits": waiting, "rate": rate,
                       "acked": sum(r[0] for r in results), "lost": sum(r[1] for r in results),
                       "twice": sum(r[2] for r in results), "recovery": f"{recovery:.1f} s",
                       "remarks": f"{went_on} records of another partition applied meanwhile"})


def find(world, fact_id):
    for _ in range(200):
        world.logs.catch_up()
        for facts in world.logs.facts.values():
            for place, record in facts:
                if record.envelope.fact_id == fact_id:
                    return place
    raise AssertionError(f"{fact_id} is not in the log")
