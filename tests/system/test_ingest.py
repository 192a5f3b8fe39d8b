# SPDX-License-Identifier: Apache-2.0
"""Ingest between a real broker and a real Kafka: what it takes, what it refuses, and that it loses nothing."""
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import warnings

import jsonschema
import pytest

import machine
from ingest_world import Device, Ingest, Registry, Tail, read_cases
from stack import BIN, PORT_BASE, ROOT, Stack, wait_for

sys.path.insert(0, str(ROOT / "tools" / "demo"))
import records  # noqa: E402

BAD = read_cases(ROOT / "tests" / "unit" / "ingest" / "cases" / "bad.txt")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("ingest-engines"), PORT_BASE + 100)
    try:
        stack.up(engines_only=True)
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="module")
def schemas():
    return records.load_schemas()


@pytest.fixture(scope="module")
def registry(stack, schemas):
    registry = Registry(stack, schemas)
    for site in ("north", "south"):
        registry.put(site)
    registry.put("south", "s-1")
    registry.put("south", "gw-twin", installed=False)  # has only shown itself there
    registry.put("west", landlord="bob")
    registry.put("west", "b-1", landlord="bob")
    yield registry
    registry.close()


@pytest.fixture
def launch(stack, registry, tmp_path):
    """Starts an ingest with these settings; ends what a test left."""
    launched = []

    def launch(wait=True, **settings):
        launched.append(Ingest(stack, tmp_path, **settings))
        return launched[-1].start(wait)
    yield launch
    statuses = [ingest.stop() for ingest in launched]
    assert set(statuses) <= {None, 0}, launched[0].log()[-3000:]


@pytest.fixture
def ingest(launch):
    return launch()


@pytest.fixture
def device(stack):
    device = Device(stack)
    yield device
    device.close()


@pytest.fixture
def log(stack, schemas):
    tail = Tail(stack, "riser.site.v1", schemas["site"].SiteRecord)
    yield tail
    tail.close()


@pytest.fixture
def rejects(stack, schemas):
    tail = Tail(stack, "riser.reject.v1", schemas["reject"].Reject)
    yield tail
    tail.close()


@contextlib.contextmanager
def without_kafka(stack):
    stack.stop("kafka")
    try:
        yield
    finally:
        stack.start("kafka")


def now_s():
    return int(time.time())


def facts_of(device_id):
    return lambda record: record.envelope.source == f"ingest/{device_id}"


def test_a_device_that_only_showed_itself_elsewhere_is_no_stranger(ingest, device, log):
    device.publish("riser/v1/north/gw-twin/up/json", b'{"meter":"m-twin","at":%d,"energy_import_wh":5}' % now_s())
    log.wait("the reading", facts_of("gw-twin"))


def test_readings_as_protobuf(ingest, device, log, schemas):
    pb = schemas["telemetry"]
    at = now_s() - 60
    batch = pb.ReadingBatch(sequence=5, sent_at_ms=int(time.time() * 1000), readings=[
        pb.Reading(meter="w-1", register=pb.REGISTER_VOLUME_COLD, time_s=at, value=2_000_000),
        pb.Reading(register=pb.REGISTER_ENERGY_IMPORT, time_s=at, value=7)])
    before_ms = time.time() * 1000
    device.publish("riser/v1/north/gw-pb/up/pb", batch.SerializeToString())
    (record, kafka_record), = log.wait("the readings", facts_of("gw-pb"))
    assert record.WhichOneof("fact") == "readings"
    assert [(r.meter, r.register, r.time_s, r.value) for r in record.readings.readings] == [
        ("w-1", pb.REGISTER_VOLUME_COLD, at, 2_000_000), ("gw-pb", pb.REGISTER_ENERGY_IMPORT, at, 7)]
    assert record.readings.device == "gw-pb" and not record.readings.clock_suspect
    assert record.readings.sent_at_ms == batch.sent_at_ms
    envelope = record.envelope
    assert (envelope.site, envelope.landlord, envelope.sequence) == ("north", "ann", 5)
    assert envelope.min_reader == 1 and envelope.fact_id == f"gw-pb/5.{batch.sent_at_ms}"
    assert envelope.event_time_ms == at * 1000
    assert before_ms - 1 <= envelope.receive_time_ms <= time.time() * 1000
    assert kafka_record.key == b"north"


def test_readings_as_json(ingest, device, log):
    at = now_s() - 60
    device.publish("riser/v1/north/gw-json/up/json", json.dumps({
        "seq": 1, "sent_at": now_s() * 1000, "readings": [
            {"meter": "w-1", "at": at, "volume_m3": 200.5}, {"at": at, "energy_import_kwh": 12.345}]}))
    (record, _), = log.wait("the readings", facts_of("gw-json"))
    assert [(r.meter, r.value) for r in record.readings.readings] == [("w-1", 200_500_000), ("gw-json", 12_345)]


def test_a_wrong_clock_is_an_event_and_ranks_low(ingest, device, log, schemas):
    device.publish("riser/v1/north/slow/up/json", json.dumps({"sent_at": (now_s() - 3600) * 1000, "at": now_s(),
                                                              "volume_l": 1}))
    found = log.wait("readings and event", facts_of("slow"), 2)
    kinds = {record.WhichOneof("fact"): record for record, _ in found}
    assert kinds["readings"].readings.clock_suspect
    assert kinds["device_event"].device_event.event.kind == schemas["telemetry"].EVENT_KIND_CLOCK_OFF


def test_events_states_and_acknowledgements(ingest, device, log, schemas):
    pb, at = schemas["telemetry"], now_s() - 5
    sent = {
        "event": (b'{"kind":"tamper","detail":"cover"}',
                  pb.DeviceEvent(kind=pb.EVENT_KIND_LEAK, time_s=at).SerializeToString()),
        "state": (b'{"online":true,"supply":"off","at":%d,"version":3}' % at,
                  pb.DeviceState(online=True, supply=pb.SUPPLY_ON, time_s=at).SerializeToString()),
        "ack": (b'{"command":"c-1","outcome":"done","at":%d}' % at,
                pb.CommandAck(command_id="c-2", outcome=pb.ACK_OUTCOME_REFUSED, time_s=at).SerializeToString()),
    }
    for tail, payloads in sent.items():
        for payload in payloads:
            device.publish(f"riser/v1/north/dev-1/up/{tail}", payload)
    found = [record for record, _ in log.wait("six facts", facts_of("dev-1"), 6)]
    events = [r.device_event.event for r in found if r.WhichOneof("fact") == "device_event"]
    states = [r.device_state.state for r in found if r.WhichOneof("fact") == "device_state"]
    acks = [r.command_ack.ack for r in found if r.WhichOneof("fact") == "command_ack"]
    assert [(e.kind, e.detail) for e in events] == [(pb.EVENT_KIND_TAMPER, "cover"), (pb.EVENT_KIND_LEAK, "")]
    assert [(s.online, s.supply, s.desired_version) for s in states] == [(True, pb.SUPPLY_OFF, 3), (True, pb.SUPPLY_ON, 0)]
    assert [(a.command_id, a.outcome) for a in acks] == [("c-1", pb.ACK_OUTCOME_DONE), ("c-2", pb.ACK_OUTCOME_REFUSED)]


def test_receipts_and_gaps(ingest, stack, log, schemas):
    pb = schemas["telemetry"]
    device = Device(stack, listen="riser/v1/north/gw-r/down/receipt")
    try:
        def send(sequence, as_json=True, boot=0):
            if as_json:
                payload = json.dumps({"seq": sequence, "receipt": True, "at": now_s(), "volume_l": sequence})
                device.publish("riser/v1/north/gw-r/up/json", payload)
            else:
                batch = pb.ReadingBatch(sequence=sequence, boot=boot, want_receipt=True, readings=[
                    pb.Reading(register=pb.REGISTER_VOLUME_COLD, time_s=now_s(), value=sequence)])
                device.publish("riser/v1/north/gw-r/up/pb", batch.SerializeToString())
            count = len(device.heard)
            wait_for("the receipt", lambda: len(device.heard) > count)
            return device.heard[-1][1]

        assert json.loads(send(10)) == {"first": 10, "seq": 10}
        assert json.loads(send(11)) == {"first": 10, "seq": 11}
        assert json.loads(send(14)) == {"first": 14, "seq": 14}  # 12 and 13 are missing
        (gap, _), = log.wait("the gap", lambda r: facts_of("gw-r")(r) and r.WhichOneof("fact") == "device_event")
        assert gap.device_event.event.kind == pb.EVENT_KIND_SEQUENCE_GAP
        assert gap.device_event.event.detail == "12..13 missing"
        assert json.loads(send(12)) == {"first": 10, "seq": 12}
        assert json.loads(send(13)) == {"first": 10, "seq": 13}
        receipt = pb.Receipt.FromString(send(15, as_json=False))
        assert (receipt.boot, receipt.first, receipt.sequence) == (0, 10, 15)
        receipt = pb.Receipt.FromString(send(3, as_json=False, boot=7))  # it has started anew; 1 and 2 got lost
        assert (receipt.boot, receipt.first, receipt.sequence) == (7, 3, 3)
    finally:
        device.close()


def test_a_site_becomes_known_without_a_restart(ingest, device, registry, log, rejects):
    payload = json.dumps({"at": now_s(), "volume_l": 1})
    device.publish("riser/v1/newcomer/m-1/up/json", payload)
    (refused, _), = rejects.wait("the refusal", lambda r: r.site == "newcomer")
    assert refused.reason == "unknown-site"
    registry.put("newcomer")

    def again():
        device.publish("riser/v1/newcomer/m-1/up/json", payload)
        log.poll(200)
        return any(record.envelope.site == "newcomer" for record, _ in log.records)
    wait_for("the site to be known", again)


def test_one_bad_reading_does_not_cost_the_others(ingest, device, log, rejects):
    device.publish("riser/v1/north/gw-mixed/up/json", json.dumps({"readings": [
        {"meter": "m-1", "at": 10, "volume_l": 1}, {"meter": "m-2", "at": now_s(), "volume_l": 2}]}))
    (record, _), = log.wait("the good one", facts_of("gw-mixed"))
    assert [r.meter for r in record.readings.readings] == ["m-2"]
    (refused, _), = rejects.wait("the other", lambda r: r.device == "gw-mixed")
    assert refused.reason == "time-too-old" and refused.detail.startswith("1 of 2 readings")


class Steady(threading.Thread):
    """Good readings at a steady rate; the value names the message."""

    def __init__(self, stack, site, rate, first=1):
        super().__init__()
        self.device, self.site, self.rate, self.first = Device(stack), site, rate, first
        self.sent = {}  # value: wall time in seconds
        self.halt = threading.Event()

    def run(self):
        begin = time.monotonic()
        value = self.first - 1
        while not self.halt.is_set():
            due = self.first - 1 + int((time.monotonic() - begin) * self.rate)
            while value < due:
                value += 1
                payload = b'{"at":%d,"volume_ml":%d}' % (time.time(), value)
                self.sent[value] = time.time()
                self.device.publish(f"riser/v1/{self.site}/steady-{value % 50}/up/json", payload, name=value)
            time.sleep(0.002)

    def stop(self):
        self.halt.set()
        self.join()
        self.device.settle()
        self.device.close()


def values_of(log, site):
    """{value: append time in seconds of its first record}"""
    found = {}
    for record, kafka_record in log.records:
        if record.envelope.site == site:
            for reading in record.readings.readings:
                found.setdefault(reading.value, kafka_record.timestamp / 1000)
    return found


def refuse_for(seconds, device):
    """Every case of bad.txt, again and again; how often."""
    rounds, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for case in BAD:
            device.publish(case["topic"], case["payload"])
            time.sleep(0.01)
        rounds += 1
    return rounds


def p99_beside(ingest, device, stack, log, first):
    """Five seconds of bad input and of good readings, named from `first` on: (rounds, readings, p99 in seconds, what the
    others took of the machine, a line that says it all)."""
    others = machine.Others([ingest.process.pid, stack.pid("kafka"), stack.pid("mosquitto")])
    steady = Steady(stack, "south", 1000, first)
    steady.start()
    rounds = refuse_for(5, device)
    share = others.share()
    steady.stop()
    found = {}
    wait_for("all good readings", lambda: log.poll(500) and found.update(values_of(log, "south")) or
             found.keys() >= steady.sent.keys(), 120)
    delays = sorted(found[value] - steady.sent[value] for value in steady.sent)
    p99 = delays[int(len(delays) * 0.99)]
    line = (f"{len(delays)} readings beside {rounds * len(BAD)} refusals: p50 {delays[len(delays) // 2] * 1000:.1f} ms, "
            f"p99 {p99 * 1000:.1f} ms, longest {delays[-1] * 1000:.1f} ms; others took {share:.0%} of the machine")
    print(line)
    return rounds, len(delays), p99, share, line


def test_what_is_refused_and_why_beside_good_readings(ingest, device, stack, log, rejects):
    """Every case of bad.txt, again and again, while good readings come at 1,000 a second. What else the machine does can
    only make it slower: the best of up to three times counts; that it fails on a machine that others keep busy is only said."""
    measured, sent = [], 0
    while len(measured) < 3 and not any(p99 < 0.25 for _, _, p99, _, _ in measured):
        measured.append(p99_beside(ingest, device, stack, log, sent + 1))
        sent += measured[-1][1]
    device.settle()
    rounds = sum(of[0] for of in measured)
    rejects.wait("all refusals", lambda r: True, rounds * len(BAD), 120)
    check_refusals(rejects, rounds)
    assert len(values_of(log, "south")) == sent
    assert ingest.process.poll() is None and ingest.ready()[0] == 200
    assert ingest.metric('riser_ingest_rejects_total{reason="bad-json"}') > 0
    lines = "\n".join(of[4] for of in measured)
    holds = sent > 4000 * len(measured) and min(of[2] for of in measured) < 0.25
    if not holds and min(of[3] for of in measured) > 0.5:
        warnings.warn(f"p99 does not hold, on an overloaded machine:\n{lines}")
        return
    assert holds, lines


def check_refusals(rejects, rounds):
    by_message = {}
    for refused, _ in rejects.records:
        by_message.setdefault((refused.topic, refused.sha256), []).append(refused)
    for case in BAD:
        payload = case["payload"]
        found = by_message.get((case["topic"], hashlib.sha256(payload).digest()), [])
        assert len(found) >= rounds, f"{case['name']}: {len(found)} refusals of {rounds}"
        for refused in found:
            assert [f"refused {refused.reason}"] == case["expect"], case["name"]
            assert refused.length == len(payload) and refused.head == payload[:4096], case["name"]
            assert refused.detail, case["name"]
    assert len(rejects.records) == rounds * len(BAD)


def test_killed_again_and_again_nothing_is_lost(stack, launch, log):
    """SIGKILL while readings come in: every one whose PUBACK came is in the site log."""
    ingest = launch()
    steady = Steady(stack, "north", 1500)
    steady.start()
    for _ in range(4):
        time.sleep(1.5)
        ingest.kill()
        ingest.start()
    time.sleep(0.5)
    steady.stop()
    acknowledged = steady.device.acknowledged
    assert len(acknowledged) > 5000
    wait_for("everything acknowledged", lambda: log.poll() and acknowledged <= values_of(log, "north").keys(), 60)
    suspects = [r for r, _ in log.records if r.envelope.site == "north" and r.readings.clock_suspect]
    assert not suspects


def test_killed_while_kafka_is_away(stack, launch, log):
    """What the spool holds survives the process, with its first receive time."""
    ingest = launch()
    steady = Steady(stack, "west", 500)
    with without_kafka(stack):
        steady.start()
        wait_for("ingest to see that Kafka is away", lambda: "kafka: ok" not in ingest.ready()[1], 30)
        ingest.kill()
        received_until = time.time()
        steady.stop()
    ingest.start()
    acknowledged = steady.device.acknowledged
    wait_for("everything acknowledged", lambda: log.poll() and acknowledged <= values_of(log, "west").keys(), 60)
    early = [r for r, _ in log.records if r.envelope.site == "west" and r.envelope.receive_time_ms < received_until * 1000]
    assert len(early) > 1000


def test_a_full_spool_stops_the_intake_and_recovers(stack, launch, log):
    small = {"SPOOL_SIZE": "2MiB", "SPOOL_SEGMENT": "64KiB", "PAYLOAD_MAX": "8KiB", "MQTT_RECEIVE_MAX": "64"}
    ingest = launch(**small)
    device = Device(stack)
    with without_kafka(stack):
        for value in range(1, 6001):
            payload = b'{"at":%d,"volume_ml":%d,"fill":"%s"}' % (now_s(), value, b"x" * 300)
            device.publish("riser/v1/north/flood/up/json", payload, name=value)
        wait_for("the intake to stop", lambda: ingest.metric("riser_ingest_intake_stops_total") >= 1)
        assert ingest.ready()[0] == 503 and "spool-not-full: ok" not in ingest.ready()[1]
        time.sleep(1)
        assert ingest.process.poll() is None and ingest.metric("riser_ingest_messages_total") < 6000

    def all_there():
        log.poll()
        return {r.value for record, _ in log.records if facts_of("flood")(record)
                for r in record.readings.readings} >= device.acknowledged
    wait_for("everything acknowledged", all_there, 60)
    assert len(device.acknowledged) == 6000
    wait_for("ready again", lambda: ingest.ready()[0] == 200)
    device.close()


def test_what_was_held_back_is_not_a_wrong_clock(stack, launch, log):
    """Ingest was away; the broker kept the messages; their sent_at is old, and rightly so."""
    ingest = launch(CLOCK_LIMIT="1s")
    assert ingest.stop() == 0
    device = Device(stack)
    device.publish("riser/v1/north/held/up/json", json.dumps({"sent_at": int(time.time() * 1000), "at": now_s(),
                                                              "volume_l": 1}))
    device.settle()
    device.close()
    time.sleep(2.5)
    ingest.start()
    (record, _), = log.wait("the reading", facts_of("held"))
    assert not record.readings.clock_suspect


def test_another_number_of_partitions_refuses_to_start(launch):
    ingest = launch(wait=False, PARTITIONS="3")
    assert ingest.process.wait(30) == 1
    assert "partitions-differ" in ingest.log()


def test_a_spool_in_use_refuses_to_start(ingest, launch):
    second = launch(wait=False, HTTP_PORT="0", INSTANCE="1")
    assert second.process.wait(30) == 1
    assert "another process has it" in second.log()


def test_check_config_names_what_does_not_fit(tmp_path):
    ran = subprocess.run([BIN / "riser-ingest", "--check-config"], capture_output=True, text=True,
                         env={"RISER_SPOOL_SIZE": "8MiB"})
    assert ran.returncode == 2 and "spool_size" in ran.stdout + ran.stderr
    for variable, value, named in (("MQTT_SHARE", "in/gest", "mqtt_share is in/gest"), ("MQTT_SHARE", "s" * 490, "too long"),
                                   ("MQTT_FILTER", "$share/x/riser/#", "mqtt_share"), ("INSTANCE", "i" * 250, "instance")):
        ran = subprocess.run([BIN / "riser-ingest", "--check-config"], capture_output=True, text=True,
                             env={f"RISER_{variable}": value})
        assert ran.returncode == 2 and named in ran.stdout + ran.stderr


GOOD = read_cases(ROOT / "tests" / "unit" / "ingest" / "cases" / "good.txt")
SHAPES = {"bad-schema", "bad-register", "no-readings", "bad-event", "bad-state", "bad-ack", "bad-meter-id"}


def json_cases(cases):
    for case in cases:
        tail = case["topic"].rsplit("/", 1)[1]
        if case["payload"].startswith((b"{", b"[")) and tail in ("json", "event", "state", "ack"):
            try:
                yield case, tail, json.loads(case["payload"])
            except (ValueError, RecursionError):
                pass


def schema_accepts(tail, payload):
    schema = json.loads((ROOT / "docs" / "schemas" / f"up-{tail}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid(payload)


@pytest.mark.parametrize("case,tail,payload", list(json_cases(GOOD)), ids=lambda value: str(value)[:40])
def test_the_schema_accepts_what_ingest_takes(case, tail, payload):
    if not any(line.startswith("refused") for line in case["expect"]):
        assert schema_accepts(tail, payload)


@pytest.mark.parametrize("case,tail,payload", list(json_cases(BAD)), ids=lambda value: str(value)[:40])
def test_the_schema_refuses_the_wrong_shapes(case, tail, payload):
    if case["expect"][0].split()[1] in SHAPES:
        assert not schema_accepts(tail, payload)


def guide_examples():
    """The shell examples of the device guide; the first only sets the addresses."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / "devices.md").read_text(), re.M | re.S)
    assert blocks[0].startswith("export MQTT_HOST=")
    return blocks[1:]


def test_the_examples_of_the_device_guide_run_as_they_stand(stack, ingest, registry, log, rejects):
    known = ingest.metric("riser_ingest_sites")
    registry.put("alicante")
    wait_for("the site to be known", lambda: ingest.metric("riser_ingest_sites") > known)
    host, port = stack.address("MQTT")
    env = {**os.environ, "MQTT_HOST": host, "MQTT_PORT": str(port), "SITE": "alicante"}
    examples = guide_examples()
    assert len(examples) > 8
    for number, example in enumerate(examples, 1):
        facts, refused = len(log.poll()), len(rejects.poll())
        ran = subprocess.run(["bash", "-eu", "-c", example], cwd=ROOT, env=env, text=True, capture_output=True, timeout=30)
        assert ran.returncode == 0, f"{example}\n{ran.stdout}{ran.stderr}"
        if "receipt" in example:
            assert json.loads(ran.stdout) == {"first": 1, "seq": 1}
        if number < len(examples):
            wait_for(f"the fact of {example}", lambda: len(log.poll()) > facts)
            assert len(rejects.poll()) == refused, example
        else:
            wait_for(f"the refusal of {example}", lambda: len(rejects.poll()) > refused)
            assert rejects.records[-1][0].reason == "bad-schema"
            assert rejects.records[-1][0].detail == "at: wanted the instant of the reading"


def test_sequences_are_remembered_over_restarts(launch, stack, log, schemas):
    """What is missing is told also when it went missing while ingest was away; a SIGKILL forgets nothing."""
    ingest = launch()
    device = Device(stack, listen="riser/v1/north/gw-s/down/receipt")

    def send(sequence):
        heard = len(device.heard)
        device.publish("riser/v1/north/gw-s/up/json",
                       json.dumps({"seq": sequence, "receipt": True, "at": now_s(), "volume_l": sequence}))
        wait_for("the receipt", lambda: len(device.heard) > heard)
        receipt = json.loads(device.heard[-1][1])
        return receipt["first"], receipt["seq"]

    assert send(1) == (1, 1)
    assert ingest.stop() == 0
    ingest.start()
    assert send(2) == (1, 2)
    time.sleep(0.1)  # confirmed, and since then kept only for its number
    ingest.kill()
    ingest.start()
    assert send(5) == (5, 5)
    (gap, _), = log.wait("the gap", lambda r: facts_of("gw-s")(r) and r.WhichOneof("fact") == "device_event")
    assert gap.device_event.event.detail == "3..4 missing"
    device.close()
