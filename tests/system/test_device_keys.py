# SPDX-License-Identifier: Apache-2.0
"""Devices with keys on the real stack: what they sign is stored, what they do not is refused, keys lie wrapped, and keys
and wrapping keys can be changed. Signatures and wrapping are checked by device_key_oracle, which shares no code."""
import json
import re
import subprocess

import paho.mqtt.client as mqtt
import pytest

import device_key_oracle as oracle
import vectors
from riserctl_world import SITE_FILE, World
from stack import BIN, PORT_BASE, ROOT, wait_for

WRAPPING, NEXT_WRAPPING = bytes(range(32)), bytes(range(32, 64))
KEY = bytes(range(64, 96))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("device-keys")
    file = folder / "wrapping"
    file.write_text(WRAPPING.hex() + "\n")
    world = World(folder, PORT_BASE + 400, services=("billing", "ingest"), RISER_DEVICE_KEYS_FILE=str(file))
    try:
        world.wrapping = file
        world.ctl("apply", "--wait", world.file("site.yaml", SITE_FILE))
        world.mqtt = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        world.mqtt.connect(*world.stack.address("MQTT"))
        world.mqtt.loop_start()
        world.ctl("key", "set", "--device", "gw", "--key-file", world.file("gw.key", KEY.hex() + "\n"))
        yield world
    finally:
        world.close()


def publish(world, tail, payload, device="gw"):
    world.mqtt.publish(f"riser/v1/harbour/{device}/{tail}", payload, qos=1).wait_for_publish(10)


def reading(at, value, counter=1, meter="w-2"):
    return json.dumps({"meter": meter, "at": at, "volume_l": value, "counter": counter}).encode()


def signed(tail, payload, key=KEY):
    return oracle.sign(key, f"riser/v1/harbour/gw/{tail}", payload)


def values(world):
    return {(r.meter, r.time_s, r.value) for _, f in world.facts() for r in f.readings.readings}


def rejects(world):
    kind = world.schemas["reject"].Reject
    return [kind.FromString(value) for p in range(world.partitions) for _, _, value in world.records("riser.reject.v1", p)]


def wait_reason(world, reason, count=1):
    wait_for(f"{count} {reason}", lambda: sum(r.reason == reason for r in rejects(world)) >= count)


def device_record(world, device="gw"):
    """The latest in riser.device.v1."""
    pb = world.schemas["device"].Device
    found = [value for p in range(world.partitions) for _, key, value in world.records("riser.device.v1", p)
             if key == f"harbour/{device}".encode()]
    return pb.FromString(found[-1])


def wait_known(world, number):
    """Until ingest obeys the key that was written last: a reading signed with KEY's successor tells."""
    payload = reading(1462000000 + number, 1, number)
    wait_for("ingest's knowing the key", lambda: (publish(world, "up/json", signed("up/json", payload, world.key)),
                                              ("w-2", 1462000000 + number, 1000) in values(world))[1])


def test_only_what_is_signed_is_stored(world):
    world.key = KEY
    wait_known(world, 1)
    batch = world.schemas["telemetry"].ReadingBatch(counter=8)
    batch.readings.add(meter="w-2", register=20, time_s=1462100000, value=7000)
    publish(world, "up/pb", signed("up/pb", batch.SerializeToString()))
    wait_for("the signed batch", lambda: ("w-2", 1462100000, 7000) in values(world))

    publish(world, "up/json", reading(1462200000, 1))
    wait_reason(world, "not-signed")
    publish(world, "up/pb", batch.SerializeToString())
    wait_reason(world, "not-signed", 2)
    publish(world, "up/json", signed("up/json", reading(1462200000, 2), bytes(32)))
    publish(world, "up/pb", signed("up/json", batch.SerializeToString()))  # signed for another topic
    wait_reason(world, "bad-signature", 2)
    publish(world, "up/state", b'{"online":true}')
    wait_reason(world, "not-signed", 3)
    publish(world, "up/json", signed("up/json", b'{"meter":"w-2","at":1462200000,"volume_l":3}'))
    wait_reason(world, "no-counter")
    assert not any(time_s == 1462200000 for _, time_s, _ in values(world))
    state = [r for r in rejects(world) if r.reason == "not-signed"][-1]
    assert "docs/device-keys.md" in state.detail


def test_another_device_is_not_believed_about_its_meters(world):
    """w-2 is installed with gw; w-1 has no device with a key."""
    publish(world, "up/json", reading(1462300000, 5), device="stranger")
    publish(world, "up/json", reading(1462300000, 6, meter="w-1"), device="stranger")
    wait_for("what the stranger said", lambda: ("w-1", 1462300000, 6000) in values(world))
    offset = max(offset for offset, _ in world.facts())
    wait_for("the fold", lambda: world.next_offset() > offset)
    assert [e["reason"] for e in world.json("get", "exceptions")] == ["foreign-device"]
    kept = {meter: [value for _, _, value in vectors.reads(world.redis.get(f"{{p{world.partition}}}:reads:harbour/{meter}/20/201605"))]
            for meter in ("w-1", "w-2")}
    assert 6_000 in kept["w-1"] and 5_000 not in kept["w-2"]


def test_keys_lie_wrapped(world):
    record = device_record(world)
    assert oracle.unwrap(WRAPPING, "harbour", "gw", record.wrapped_key) == KEY and record.previous_key == ""
    stored = [value for key in world.redis.scan_iter(count=1000) for value in [world.redis.dump(key) or b""]]
    for topic in ("riser.site.v1", "riser.device.v1", "riser.decision.v1"):
        stored += [value for p in range(world.partitions) for _, _, value in world.records(topic, p)]
    assert stored and not any(KEY in value or KEY.hex().encode() in value for value in stored)
    assert world.ctl("key", "list").stdout.split()[-2:] == ["gw", "good"]


def test_the_shell_of_the_guide_signs(world):
    page = (ROOT / "docs" / "device-keys.md").read_text()
    script = re.search(r"```sh\n(sign\(\).*?)```", page, re.S).group(1)
    host, port = world.stack.address("MQTT")
    subprocess.run(["bash", "-ec", script], check=True, timeout=30, env={
        "PATH": "/usr/bin:/bin", "KEY": KEY.hex(), "SITE": "harbour", "DEVICE": "gw", "MQTT_HOST": host, "MQTT_PORT": str(port)})
    wait_for("the guide's reading", lambda: ("gw", 1456792135, 200000000) in values(world))


def test_metersim_signs(world):
    keys = world.file("sim.keys", f"harbour/gw-1 {KEY.hex()}\n")
    world.ctl("key", "set", "--device", "gw-1", "--key-file", world.file("gw-1.key", KEY.hex()))
    wait_for("ingest's knowing gw-1", lambda: (publish(world, "up/json", reading(1462000000, 1), "gw-1"),
                                           any(r.device == "gw-1" for r in rejects(world)))[1])
    address = "%s:%d" % world.stack.address("MQTT")
    for form in ("pb", "json"):
        before = len([1 for _, f in world.facts() if f.readings.device == "gw-1"])
        ran = subprocess.run([BIN / "metersim", "--mqtt", address, "--site", "harbour", "--gateways", "1", "--meters", "5",
                              "--batch", "5", "--rate", "100", "--count", "10", "--seed", "1", "--format", form,
                              "--receipts", "--keys", keys], capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        facts = [f for _, f in world.facts() if f.readings.device == "gw-1"][before:]
        assert len(facts) >= 10 and all(len(f.readings.readings) == 5 for f in facts)
    assert {r.reason for r in rejects(world) if r.device == "gw-1"} == {"not-signed"}


def test_a_key_is_changed(world):
    said = world.ctl("key", "new", "--device", "gw").stdout.split()
    world.key = bytes.fromhex(said[-1])
    wait_known(world, 2)
    publish(world, "up/json", signed("up/json", reading(1462400000, 1), KEY))  # the device does not have the new one yet
    wait_for("the old key's reading", lambda: ("w-2", 1462400000, 1000) in values(world))
    record = device_record(world)
    assert oracle.unwrap(WRAPPING, "harbour", "gw", record.wrapped_key) == world.key
    assert oracle.unwrap(WRAPPING, "harbour", "gw", record.previous_key) == KEY
    world.ctl("key", "retire", "--device", "gw")
    count = sum(r.reason == "bad-signature" for r in rejects(world))
    wait_for("the retirement", lambda: (publish(world, "up/json", signed("up/json", reading(1462500000, 1), KEY)),
                                    sum(r.reason == "bad-signature" for r in rejects(world)) > count)[1])
    assert "no key but its present one" in world.ctl("key", "retire", "--device", "gw", expect=1).stderr


def test_a_key_that_may_count_has_been_printed(world):
    """Whoever is told nothing more, since billing is away and riserctl dies, still has the key that is in force."""
    known = len(world.devices()[b"harbour/gw"]) + 1
    world.stop("billing")
    waiting = subprocess.Popen([BIN / "riserctl", "key", "new", "--device", "gw"], env=world.env, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_for("the fact", lambda: world.facts()[-1][1].WhichOneof("fact") == "device_key")
    finally:
        waiting.kill()
        printed = waiting.communicate(timeout=10)[0]
        world.start("billing")
    before, world.key = world.key, bytes.fromhex(printed)
    wait_known(world, 5)
    world.ctl("key", "set", "--device", "gw", "--key-file", world.file("again.key", printed))  # to be sure
    wait_for("its being set again", lambda: len(world.devices()[b"harbour/gw"]) > known)
    record = device_record(world)
    assert oracle.unwrap(WRAPPING, "harbour", "gw", record.wrapped_key) == world.key
    assert oracle.unwrap(WRAPPING, "harbour", "gw", record.previous_key) == before


def test_the_wrapping_key_is_changed(world):
    world.wrapping.write_text(f"# new\n{NEXT_WRAPPING.hex()}\n{WRAPPING.hex()}\n")
    world.stop("ingest")
    world.start("ingest")
    assert world.ctl("key", "rewrap").stdout == "2 devices\n"
    assert oracle.unwrap(NEXT_WRAPPING, "harbour", "gw", device_record(world).wrapped_key) == world.key
    world.wrapping.write_text(f"{NEXT_WRAPPING.hex()}\n")
    world.stop("ingest")
    world.start("ingest")
    wait_known(world, 3)
    assert {row["key"] for row in world.json("key", "list")} == {"good"}
    assert world.json("verify", "--partition", world.partition)[0]["differing"] == 0


def test_what_cannot_be_unwrapped_is_not_believed(world):
    world.wrapping.write_text(f"{WRAPPING.hex()}\n")
    world.stop("ingest")
    world.start("ingest")
    publish(world, "up/json", signed("up/json", reading(1462600000, 1), world.key))
    wait_reason(world, "key-unusable")
    assert "device-key-unusable" in (world.folder / "ingest.log").read_text()
    assert "nothing was changed" in world.ctl("key", "rewrap", expect=1).stderr
    world.wrapping.write_text(f"{NEXT_WRAPPING.hex()}\n")
    world.stop("ingest")
    world.start("ingest")
    wait_known(world, 4)


def test_without_a_key_everybody_is_believed_again(world):
    assert "say --yes" in world.ctl("key", "remove", "--device", "gw", expect=2).stderr
    world.ctl("key", "remove", "--device", "gw", "--yes")
    wait_for("the unsigned reading", lambda: (publish(world, "up/json", reading(1462700000, 9)),
                                          ("w-2", 1462700000, 9000) in values(world))[1])


def test_slips_are_told(world):
    for arguments, said in ((["key", "mak"], "none of make"), (["key", "new"], "needs --device"),
                            (["key", "set", "--device", "gw"], "needs --key-file"),
                            (["key", "set", "--device", "gw", "--key-file", world.file("short", "00")], "64 hexadecimal")):
        assert said in world.ctl(*arguments, expect=2).stderr, arguments
    bad = world.file("bad", "no key\n")
    assert "one key a line" in world.ctl("key", "make", env={"RISER_DEVICE_KEYS_FILE": str(bad)}, expect=2).stderr
    none = world.ctl("key", "new", "--device", "gw", env={"RISER_DEVICE_KEYS_FILE": ""}, expect=2).stderr
    assert "there is no wrapping key" in none
