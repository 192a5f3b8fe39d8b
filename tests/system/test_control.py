# SPDX-License-Identifier: Apache-2.0
"""control against real brokers and simulated relays. The test plays billing (it decides and answers intents) and ingest
(it carries what devices say into the site log); it never touches control's own topic."""
import importlib
import json
import signal
import subprocess
import sys
import threading
import time

import device_key_oracle as oracle
import pytest

from control_world import ACKS, OFF, ON, World
from stack import PORT_BASE, ROOT, Stack

SCHEMAS = ["telemetry", "site", "decision", "command", "device"]


@pytest.fixture(scope="session")
def schemas(tmp_path_factory):
    """The generated Python classes, by area."""
    folder = tmp_path_factory.mktemp("control-proto")
    files = [f"riser/{area}/v1/{area}.proto" for area in SCHEMAS]
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={folder}", *files], check=True, cwd=ROOT / "proto")
    sys.path.insert(0, str(folder))
    return {area: importlib.import_module(f"riser.{area}.v1.{area}_pb2") for area in SCHEMAS}


@pytest.fixture(scope="module")
def engines_of_control(schemas, tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    stack = Stack(folder / "var", PORT_BASE + 300)
    try:
        stack.up(engines_only=True)
        yield World(stack, schemas, folder)
    finally:
        stack.down()


@pytest.fixture()
def world(engines_of_control):
    """The world with one control that is ready, and no relays yet."""
    engines_of_control.start()
    yield engines_of_control
    for instance in list(engines_of_control.processes):
        engines_of_control.end(signal.SIGTERM, instance)
    engines_of_control.end_sims()


def supply_of(world, site):
    return world.devices.states[site, "relay-1"].get("supply")


def carry_out(world, site, version=1, supply=OFF):
    """From due to sent; the intent is answered with yes."""
    command = world.due(site, version, supply)
    world.wait_intent(site, command)
    world.answer(site, command)
    world.wait_step(command, "sent")
    return command


def test_the_whole_way(world):
    site = "whole"
    world.clock(site)
    threading.Timer(2, world.device, [site]).start()
    began = time.monotonic()
    world.sim(site, "--installed")
    assert time.monotonic() - began > 2  # a device is put up when it is installed
    command = world.due(site, 1, OFF)
    intent = world.wait_intent(site, command)
    assert (intent.decision_id, intent.service_point, intent.supply, intent.time_s) == (command, "p-1", OFF, world.now)
    assert world.devices.commands_of(site) == []  # nothing before billing's answer
    world.answer(site, command)
    assert world.wait_outcome(site, command) == "confirmed"
    assert supply_of(world, site) == "off"
    world.wait_step(command, "confirmed")
    steps = [step for step in world.steps_of(command) if not step.startswith("acknowledged")]
    assert steps == ["due", "intended", "allowed", "sent", "confirmed"]

    (payload,) = world.devices.commands_of(site)
    said = json.loads(payload)
    not_after = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(world.now + 86400))
    assert said == {"command": command, "supply": "off", "not_after": not_after, "version": 1}
    expiry = [seconds for to, _, _, seconds in world.devices.commands if to == site]
    assert 0 < expiry[0] <= 300

    command = carry_out(world, site, 2, ON)
    assert world.wait_outcome(site, command) == "confirmed"
    assert supply_of(world, site) == "on"


@pytest.mark.parametrize("format", ["json", "pb"])
def test_the_whole_way_through_ingest(world, format):
    """What the relay says is carried into the site log by ingest itself."""
    site = f"real-{format}"
    world.device(site, "")
    world.device(site, codec=format)
    world.clock(site)
    world.start_ingest()
    world.sim(site, "--format", format)
    command = carry_out(world, site)
    assert world.wait_outcome(site, command) == "confirmed"
    world.wait("the acknowledgement", lambda: [a for a in world.facts_of(site, "command_ack")
                                               if (a.ack.command_id, a.ack.outcome) == (command, ACKS.index("done"))])


def test_states_lie_in_the_partition_of_their_site_and_are_whole(world):
    site = "whole-state"
    world.device(site)
    world.clock(site)
    command = world.due(site, 1, OFF)
    world.wait_step(command, "intended")
    world.wait_intent(site, command)
    record = world.record(site).SerializeToString()
    probe = world.producer.send("riser.site.v1", key=site.encode(), value=record).get(60)
    for message, state in world.states:
        if state.command_id == command:
            assert (message.partition, message.key) == (probe.partition, site.encode())
            assert (state.switch_due.lease, state.switch_due.owed_e4) == ("lease-101", 12345)
            assert state.business_time_s == world.now and abs(state.wall_time_ms / 1000 - time.time()) < 60
    intent = [fact for fact in world.facts if fact.WhichOneof("fact") == "disconnect_intent"
              and fact.envelope.site == site]
    assert [fact.envelope.fact_id for fact in intent] == [f"intent:{command}:0"]
    assert intent[0].envelope.source == "control" and intent[0].envelope.min_reader == 1


@pytest.mark.parametrize("reason", ["paid", "no-notice"])
def test_a_refused_intent_sends_nothing(world, reason):
    site = f"refused-{reason}"
    world.device(site)
    world.clock(site)
    world.sim(site)
    command = world.due(site, 1, OFF)
    world.wait_intent(site, command)
    world.answer(site, command, confirmed=False, reason=reason)
    assert world.wait_outcome(site, command) == "refused"
    world.wait_step(command, f"refused({reason})")
    time.sleep(1)
    assert world.devices.commands_of(site) == []
    assert supply_of(world, site) == "on"


def test_a_pb_device_gets_protobuf(world, schemas):
    site = "pb"
    world.device(site, codec="pb")
    world.clock(site)
    command = carry_out(world, site)
    world.wait("the command", lambda: world.devices.commands_of(site))
    said = schemas["telemetry"].Command.FromString(world.devices.commands_of(site)[0])
    assert (said.command_id, said.supply, said.desired_version) == (command, OFF, 1)
    assert said.not_after_s == world.now + 86400


KEY, WRAPPING = bytes(range(32)), bytes(range(100, 132))


@pytest.fixture()
def keyed(world, tmp_path):
    """A relay with a key, and a control that can unwrap it; (site, the test's client, its standard input)."""
    site = f"keyed-{tmp_path.name.rsplit('_', 1)[-1].strip('[]')}"
    world.end()
    file = tmp_path / "wrapping"
    file.write_text(WRAPPING.hex() + "\n")
    world.start(RISER_DEVICE_KEYS_FILE=str(file))
    keys = tmp_path / "keys"
    keys.write_text(f"{site}/relay-1 {KEY.hex()}\n")
    world.clock(site)
    return site, world.devices.client, keys


def acks_of(world, site, command):
    return [ACKS[a.ack.outcome] for a in world.facts_of(site, "command_ack") if a.ack.command_id == command]


@pytest.mark.parametrize("codec", ["", "pb"], ids=["json", "pb"])
def test_commands_to_a_device_with_a_key_are_signed(keyed, world, codec):
    """And what is forged, repeated or late is not carried out."""
    site, client, keys = keyed
    site += codec
    keys.write_text(f"{site}/relay-1 {KEY.hex()}\n")
    topic = f"riser/v1/{site}/relay-1/down/cmd"
    world.clock(site)
    world.device(site, codec=codec, wrapped_key=oracle.wrap(WRAPPING, site, "relay-1", KEY))
    by_hand = world.sim(site, "--keys", str(keys))
    command = carry_out(world, site)
    assert world.wait_outcome(site, command) == "confirmed" and supply_of(world, site) == "off"
    sent = world.devices.commands_of(site)
    assert sent and all(oracle.is_signed(KEY, topic, payload) for payload in sent)
    assert acks_of(world, site, command)[0] == "done"

    said = json.dumps({"command": "forged", "supply": "on", "not_after": "2030-01-01T00:00:00Z", "version": 9}).encode()
    late = said.replace(b"forged", b"late").replace(b"2030", b"2016-05-01T00:00:00Z").replace(b"Z-01-01T00:00:00Z", b"Z")
    for forged in (said, oracle.sign(bytes(32), topic, said), oracle.sign(KEY, topic + "x", said), sent[0][:-34]):
        client.publish(topic, forged, qos=1).wait_for_publish(10)
    client.publish(topic, oracle.sign(KEY, topic, late), qos=1).wait_for_publish(10)
    world.wait("the late one's refusal", lambda: acks_of(world, site, "late") == ["expired"])
    assert acks_of(world, site, "forged") == [] and supply_of(world, site) == "off"

    by_hand.write(f"force {site}/relay-1 on\n")
    by_hand.flush()
    world.wait("the bridge", lambda: supply_of(world, site) == "on")
    answers = len(acks_of(world, site, command))
    client.publish(topic, sent[0], qos=1).wait_for_publish(10)  # as somebody recorded it
    world.wait("the repetition's answer", lambda: len(acks_of(world, site, command)) > answers)
    assert acks_of(world, site, command)[answers] == "duplicate"


def test_a_key_that_cannot_be_unwrapped_sends_nothing(keyed, world):
    site = keyed[0]
    world.device(site, wrapped_key=oracle.wrap(bytes(32), site, "relay-1", KEY))
    world.sim(site)
    carry_out(world, site)
    time.sleep(1)
    assert world.devices.commands_of(site) == []
    assert "device-key-unusable" in (world.folder / "control.log").read_text()


@pytest.fixture(params=[0, 1.5], ids=["at-once", "after-commit"])
def mortal(world, request):
    """Death comes before the offsets of what it interrupts are committed, or after: then only riser.command.v1 and the
    mark know of it."""
    world.before_death = request.param
    yield world, f"-{request.param_index}"
    world.before_death = 1.5


def assert_each_publish_was_announced(world, site, command):
    """No publish without a SENT state; a death between the two may lose a publish, never a state."""
    sent = world.steps_of(command).count("sent")
    assert 0 < len(world.devices.commands_of(site)) <= sent


def test_killed_while_held(world):
    site = "killed-held"
    world.clock(site)
    command = world.due(site, 1, OFF)
    world.wait_step(command, "held(device-unknown)")
    world.restart()
    world.device(site)
    world.sim(site)
    world.wait_intent(site, command)
    world.answer(site, command)
    assert world.wait_outcome(site, command) == "confirmed"
    assert_each_publish_was_announced(world, site, command)


def test_killed_while_intended(mortal):
    world, again = mortal
    site = "killed-intended" + again
    world.device(site)
    world.clock(site)
    world.sim(site)
    command = world.due(site, 1, OFF)
    world.wait_step(command, "intended")
    world.kill()
    world.answer(site, command)
    world.start()
    assert world.wait_outcome(site, command) == "confirmed"
    assert len(world.facts_of(site, "disconnect_intent")) == 1
    assert_each_publish_was_announced(world, site, command)


def test_killed_while_allowed_and_the_broker_away(world):
    site = "killed-allowed"
    world.device(site)
    world.clock(site)
    command = world.due(site, 1, OFF)
    world.wait_step(command, "intended")
    world.stack.stop("mosquitto")
    world.answer(site, command)
    world.wait_step(command, "allowed")
    world.kill()
    world.stack.start("mosquitto")
    assert world.devices.subscribed.wait(30)
    world.start()
    world.sim(site)
    assert world.wait_outcome(site, command) == "confirmed"
    assert_each_publish_was_announced(world, site, command)


def test_killed_while_sent(mortal):
    world, again = mortal
    site = "killed-sent" + again
    world.device(site)
    world.clock(site)
    command = carry_out(world, site)
    world.restart()
    world.wait("a second publish", lambda: world.steps_of(command).count("sent") >= 2)
    world.sim(site)
    assert world.wait_outcome(site, command) == "confirmed"
    assert_each_publish_was_announced(world, site, command)


def test_killed_while_the_valve_moves(world):
    site = "killed-acknowledged"
    world.device(site)
    world.clock(site)
    world.sim(site, "--slow", f"{site}/relay-1", "--slow-time", "3")
    command = carry_out(world, site)
    world.wait_step(command, "acknowledged(accepted)")
    world.restart()
    assert world.wait_outcome(site, command) == "confirmed"
    assert_each_publish_was_announced(world, site, command)


def test_killed_after_it_was_confirmed_sends_nothing_again(mortal):
    world, again = mortal
    site = "killed-confirmed" + again
    world.device(site)
    world.clock(site)
    world.sim(site)
    command = carry_out(world, site)
    world.wait_step(command, "confirmed")
    sent = len(world.devices.commands_of(site))
    world.restart()
    world.clock(site, 60)
    time.sleep(1.5)
    assert len(world.devices.commands_of(site)) == sent
    assert world.outcomes(site, command) == ["confirmed"]


def test_another_instance_takes_over(world):
    site = "taken-over"
    world.device(site)
    world.clock(site)
    command = world.due(site, 1, OFF)
    world.wait_step(command, "intended")
    world.start(instance=1)
    world.kill()
    world.sim(site)
    world.answer(site, command)
    assert world.wait("the outcome", lambda: world.outcomes(site, command), 60) == ["confirmed"]
    assert_each_publish_was_announced(world, site, command)


# ---------------------------------------------------------------- what goes wrong outside

def test_permission_expires(world):
    site = "expired"
    world.device(site)
    world.clock(site)
    command = carry_out(world, site)  # nobody answers
    world.clock(site, 86401)
    assert world.wait_outcome(site, command) == "expired"
    world.wait_step(command, "failed(expired)")
    sent = world.steps_of(command).count("sent")
    relay = world.sim(site)
    time.sleep(1.5)
    assert world.steps_of(command).count("sent") == sent
    # Heard of again, it is not cut without being asked for again.
    world.clock(site, 3600)
    time.sleep(0.5)
    relay.write(f"state {site}/relay-1\n")
    relay.flush()
    world.wait_step(command, "due(came-back)")
    world.wait_intent(site, command, count=2)
    world.answer(site, command, confirmed=False, reason="paid")
    world.wait_step(command, "refused(paid)")
    assert world.steps_of(command).count("sent") == sent


def test_kafka_goes_away_and_comes_back(world):
    site = "outage"
    world.device(site)
    world.clock(site)
    world.sim(site)
    command = world.due(site, 1, OFF)
    world.wait_intent(site, command)
    world.stack.stop("kafka")
    time.sleep(3)
    world.stack.start("kafka")
    world.answer(site, command)
    assert world.wait_outcome(site, command) == "confirmed"
    assert_each_publish_was_announced(world, site, command)


def test_a_device_refuses_what_comes_too_late(world):
    site = "too-late"
    world.device(site)
    world.clock(site)
    world.sim(site, "--clock-off", "100000")
    command = carry_out(world, site)
    world.wait_step(command, "acknowledged(expired)")
    assert supply_of(world, site) == "on"
    assert world.outcomes(site, command) == []


def test_a_newer_decision_supersedes(world):
    site = "superseded"
    world.device(site)
    world.clock(site)
    world.sim(site, "--stuck", f"{site}/relay-1")
    first = carry_out(world, site)
    world.wait_step(first, "acknowledged(accepted)")
    second = world.due(site, 2, ON)
    assert world.wait_outcome(site, first) == "superseded"
    world.wait_step(first, "superseded(newer-decision)")
    world.wait_intent(site, second)
    world.answer(site, second)
    world.sims[-1].stdin.write(f"obey {site}/relay-1\n")
    world.sims[-1].stdin.flush()
    assert world.wait_outcome(site, second) == "confirmed"
    assert supply_of(world, site) == "on"
    sent = world.steps_of(first).count("sent")
    time.sleep(1.5)
    assert world.steps_of(first).count("sent") == sent


def test_lost_acknowledgements_do_not_matter(world):
    site = "no-acks"
    world.device(site)
    world.clock(site)
    world.sim(site, "--ack-drops", "100")
    command = carry_out(world, site)
    assert world.wait_outcome(site, command) == "confirmed"
    assert not [step for step in world.steps_of(command) if step.startswith("acknowledged")]


def test_a_device_that_refuses(world):
    site = "refusing"
    world.device(site)
    world.clock(site)
    world.sim(site, "--refusing", f"{site}/relay-1")
    command = carry_out(world, site)
    assert world.wait_outcome(site, command) == "refused"
    world.wait_step(command, "refused(device-refused)")


def test_an_offline_device_is_waited_for(world):
    site = "offline"
    world.device(site)
    world.clock(site)
    control = world.sim(site, "--offline", f"{site}/relay-1")
    command = world.due(site, 1, OFF)
    world.wait_step(command, "held(device-offline)")
    control.write(f"online {site}/relay-1\n")
    control.flush()
    world.wait_intent(site, command)
    world.answer(site, command)
    assert world.wait_outcome(site, command) == "confirmed"


def test_a_bridged_relay_is_cut_again_after_billing_agrees(world):
    site = "drifted"
    world.device(site)
    world.clock(site)
    control = world.sim(site)
    command = carry_out(world, site)
    world.wait_step(command, "confirmed")
    world.clock(site, 3600)
    control.write(f"force {site}/relay-1 on\n")
    control.flush()
    world.wait_step(command, "due(drifted)")
    world.wait_intent(site, command, count=2)
    world.answer(site, command)
    world.wait("the second confirmation", lambda: world.steps_of(command).count("confirmed") == 2)
    assert supply_of(world, site) == "off"
    assert world.outcomes(site, command) == ["confirmed"]  # billing was told once
    sent = [json.loads(payload)["not_after"] for payload in world.devices.commands_of(site)]
    assert max(sent) > sent[0]  # or a device would take it for what it has carried out


def test_a_bridged_relay_stays_when_billing_says_paid(world):
    site = "drifted-paid"
    world.device(site)
    world.clock(site)
    control = world.sim(site)
    command = carry_out(world, site)
    world.wait_step(command, "confirmed")
    world.clock(site, 3600)
    sent = len(world.devices.commands_of(site))
    control.write(f"force {site}/relay-1 on\n")
    control.flush()
    world.wait_intent(site, command, count=2)
    world.answer(site, command, confirmed=False, reason="paid")
    world.wait_step(command, "refused(paid)")
    assert len(world.devices.commands_of(site)) == sent
    assert supply_of(world, site) == "on"


def test_a_building_does_not_go_dark_at_once(world):
    """At most RISER_CUTS_PER_HOUR; the limit is one hour of business time and survives a death."""
    site = "dark"
    world.end()
    world.start(RISER_CUTS_PER_HOUR="1")
    for device in ("relay-1", "relay-2"):
        world.device(site, device)
    world.clock(site)
    first = world.due(site, 1, OFF)
    world.wait_step(first, "intended")
    world.kill()
    world.start(RISER_CUTS_PER_HOUR="1")
    name = f"disconnect:{site}:p-2:v1"
    world.decide(site, name, switch_due=world.schemas["decision"].SwitchDue(
        service_point="p-2", supply=OFF, device="relay-2", switch_kind=2, version=1))
    world.wait_step(name, "held(rate-limit)")
    world.clock(site, 3600)
    world.wait_step(name, "intended")
