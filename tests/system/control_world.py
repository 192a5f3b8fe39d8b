# SPDX-License-Identifier: Apache-2.0
"""What surrounds control: billing and ingest, played by the test, independent clients, control's own processes, relays."""
import json
import signal
import subprocess
import threading
import time
import urllib.request

import paho.mqtt.client as mqtt
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from stack import BIN, INHERITED, wait_for

PARTITIONS = 4
NOW = 1464134700  # business time: 2016-05-25 02:05 in Madrid
ON, OFF = 1, 2
STEPS = ["none", "due", "held", "intended", "allowed", "sent", "acknowledged", "confirmed", "refused", "failed",
         "superseded"]
OUTCOMES = ["none", "confirmed", "failed", "refused", "expired", "superseded"]
ACKS = ["none", "accepted", "done", "refused", "expired", "duplicate"]


class Devices:
    """What goes over MQTT: `commands` are all down/cmd; states and acknowledgements go into the site log."""

    def __init__(self, world):
        self.world = world
        self.commands = []  # (site, device, payload, seconds that the broker still keeps it)
        self.states = {}
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="test-ingest", protocol=mqtt.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe("riser/v1/#", qos=1)
        self.client.on_message = self.take
        self.subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_disconnect = lambda *_: self.subscribed.clear()
        self.client.connect(*world.stack.address("MQTT"))
        self.client.loop_start()
        assert self.subscribed.wait(10)

    def take(self, _client, _userdata, message):
        _, _, site, device, direction, what = message.topic.split("/")
        if direction == "down":
            expiry = getattr(message.properties, "MessageExpiryInterval", None)
            self.commands.append((site, device, message.payload, expiry))
        elif not message.retain:
            self.carry(site, device, what, message.payload)

    def carry(self, site, device, what, payload):
        if site.startswith("real-"):  # ingest itself is there
            self.states[site, device] = {}
            return
        said = json.loads(payload)
        record = self.world.record(site)
        if what == "state":
            self.states[site, device] = said
            record.device_state.device = device
            state = record.device_state.state
            state.online, state.time_s = said["online"], said.get("at", 0)
            state.supply = {"on": ON, "off": OFF}.get(said.get("supply"), 0)
            state.desired_version = said.get("version", 0)
        elif what == "ack":
            record.command_ack.device = device
            ack = record.command_ack.ack
            ack.command_id, ack.outcome, ack.time_s = said["command"], ACKS.index(said["outcome"]), said["at"]
        else:
            return
        self.world.send("riser.site.v1", site, record)

    def commands_of(self, site):
        return [payload for to, _, payload, _ in self.commands if to == site]


class World:
    """The engines, control's process, and all that surrounds it."""

    def __init__(self, stack, schemas, folder):
        self.stack, self.schemas, self.folder = stack, schemas, folder
        self.kafka = "%s:%d" % stack.address("KAFKA")
        self.producer = KafkaProducer(bootstrap_servers=self.kafka, acks="all", linger_ms=0,
                                      reconnect_backoff_max_ms=500)
        self.lock = threading.Lock()
        self.offset = 0
        self.now = NOW
        self.processes = {}
        self.before_death = 1.5  # seconds: by then offsets are committed
        self.sims = []
        self.devices = Devices(self)
        self.logs = {topic: self.reader(topic) for topic in ("riser.site.v1", "riser.command.v1")}
        self.facts, self.states = [], []

    # -- Kafka

    def reader(self, topic):
        consumer = KafkaConsumer(bootstrap_servers=self.kafka, isolation_level="read_committed", consumer_timeout_ms=50,
                                 reconnect_backoff_max_ms=500)
        consumer.assign([TopicPartition(topic, p) for p in range(PARTITIONS)])
        consumer.seek_to_beginning()
        return consumer

    def send(self, topic, site, message, key=None):
        deadline = time.monotonic() + 60
        with self.lock:
            while True:
                try:
                    self.producer.send(topic, key=(key or site).encode(), value=message.SerializeToString()).get(10)
                    return
                except KafkaError:  # said again, as billing and ingest do after an outage
                    assert time.monotonic() < deadline
                    time.sleep(0.2)

    def record(self, site):
        record = self.schemas["site"].SiteRecord()
        record.envelope.site, record.envelope.min_reader = site, 1
        return record

    def read(self):
        for message in self.logs["riser.site.v1"]:
            self.facts.append(self.schemas["site"].SiteRecord.FromString(message.value))
        for message in self.logs["riser.command.v1"]:
            self.states.append((message, self.schemas["command"].CommandState.FromString(message.value)))

    def facts_of(self, site, kind):
        self.read()
        return [getattr(fact, kind) for fact in self.facts
                if fact.envelope.site == site and fact.WhichOneof("fact") == kind]

    def steps_of(self, command):
        """["due", "held(device-unknown)", ...]"""
        self.read()
        return [STEPS[state.state] + (f"({state.reason})" if state.reason else "")
                for _, state in self.states if state.command_id == command]

    # -- billing

    def decide(self, site, name, **what):
        self.offset += 1
        decision = self.schemas["decision"].Decision(id=name, landlord="demo", site=site, business_time_s=self.now,
                                                     utc_offset_s=7200, **what)
        decision.cause.offset = self.offset
        self.send("riser.decision.v1", site, decision)

    def clock(self, site, seconds=0):
        self.now += seconds
        self.decide(site, f"clock:{self.now}", clock=self.schemas["decision"].Clock())

    def due(self, site, version, supply, device="relay-1"):
        name = f"{'disconnect' if supply == OFF else 'reconnect'}:{site}:p-1:v{version}"
        self.decide(site, name, switch_due=self.schemas["decision"].SwitchDue(
            service_point="p-1", room="101", lease="lease-101", commodity=1, supply=supply, meter="m-1", device=device,
            switch_kind=2, version=version, owed_e4=12345))
        return name

    def answer(self, site, command, confirmed=True, reason=""):
        self.decide(site, f"answer:{command}", intent_answer=self.schemas["decision"].IntentAnswer(
            command_id=command, decision_id=command, service_point="p-1", confirmed=confirmed, reason=reason))

    def device(self, site, device="relay-1", codec="", wrapped_key=""):
        self.send("riser.device.v1", site, self.schemas["device"].Device(
            site=site, device=device, landlord="demo", codec=codec, wrapped_key=wrapped_key), key=f"{site}/{device}")

    # -- waiting

    def wait(self, what, condition, limit_s=120):
        return wait_for(f"{what}; see {self.folder}", condition, limit_s)

    def wait_step(self, command, step, limit_s=120):
        try:
            return self.wait(f"{command} {step}", lambda: step in self.steps_of(command), limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.steps_of(command)}") from None

    def wait_intent(self, site, command, count=1):
        return self.wait(f"intent of {command}", lambda: [
            i for i in self.facts_of(site, "disconnect_intent") if i.command_id == command][count - 1:])[0]

    def wait_outcome(self, site, command):
        return self.wait(f"outcome of {command}", lambda: self.outcomes(site, command))[-1]

    def outcomes(self, site, command):
        return [OUTCOMES[o.outcome] for o in self.facts_of(site, "command_outcome") if o.command_id == command]

    # -- processes

    def start(self, instance=0, **env):
        settings = {"RISER_INSTANCE": str(instance), "RISER_HTTP_PORT": str(self.stack.port_base + 30 + instance),
                    "RISER_COMMAND_RETRY_FIRST": "400ms", "RISER_COMMAND_RETRY_MAX": "1s",
                    "RISER_COMMAND_MOVING": "3s", "RISER_COMMAND_ATTEMPTS": "20", "RISER_COMMAND_REPAIR_PAUSE": "0s",
                    "RISER_SESSION_TIMEOUT": "3s"}
        self.processes[instance] = self.spawn("control", {**settings, **env})
        self.wait("control's readiness", lambda: self.is_ready(instance, 30 + instance), 40)

    def spawn(self, service, settings):
        log = open(self.folder / f"{service}.log", "ab")
        return subprocess.Popen([BIN / f"riser-{service}"], stdout=log, stderr=log,
                                env={**INHERITED, **self.stack.environment(), **settings})

    def is_ready(self, name, port):
        assert self.processes[name].poll() is None, f"{name} has ended; see {self.folder}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.stack.port_base + port}/readyz", timeout=2):
                return True
        except OSError:
            return False

    def start_ingest(self):
        self.processes["ingest"] = self.spawn("ingest", {"RISER_HTTP_PORT": str(self.stack.port_base + 40)})
        self.wait("ingest's readiness", lambda: self.is_ready("ingest", 40), 40)

    def end(self, how=signal.SIGTERM, instance=0):
        process = self.processes.pop(instance)
        process.send_signal(how)
        status = process.wait(30)
        assert how != signal.SIGTERM or status == 0

    def kill(self, instance=0):
        time.sleep(self.before_death)
        self.end(signal.SIGKILL, instance)

    def restart(self):
        self.kill()
        self.start()

    def sim(self, site, *options):
        """A simulated relay; returns its standard input."""
        log = open(self.folder / "metersim.log", "ab")
        sim = subprocess.Popen([BIN / "metersim", "--mqtt", "%s:%d" % self.stack.address("MQTT"), "--kafka", self.kafka,
                                "--relays", f"{site}/relay-1", "--format", "json", "--stdin", "--seed", "1", *options],
                               stdin=subprocess.PIPE, stdout=log, stderr=log, text=True)
        self.sims.append(sim)
        self.wait("the relay's first state", lambda: (site, "relay-1") in self.devices.states)
        return sim.stdin

    def end_sims(self):
        for sim in self.sims:
            sim.terminate()
        for sim in self.sims:
            assert sim.wait(20) == 0
        self.sims.clear()
