# SPDX-License-Identifier: Apache-2.0
"""Nobody reads or writes what is not theirs, on any of the wires: strangers, neighbours and every service's name are
tried against the real engines with the configuration that Riser ships; then the main job runs over TLS everywhere,
goes on while certificates and passwords are renewed, and leaves no secret anywhere."""
import csv
import datetime
import email
import importlib
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from zoneinfo import ZoneInfo

import paho.mqtt.client as mqtt
import pytest
import redis
from kafka import TopicPartition
from kafka.errors import GroupAuthorizationFailedError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from stack import BIN, PORT_BASE, ROOT, wait_for
from wires_world import AT_ONCE, HARBOUR, NEIGHBOUR, TOPICS, Wires

SERVICES = ("ingest", "billing", "notify", "control")
ZONE = ZoneInfo("Europe/Madrid")
REFUSED = 135  # MQTT 5, 2.4: not authorized
TOO_LARGE = bytes(4_200_000)  # above what a topic takes: it says so only to those who may write at all

# Written down here once more, on purpose: what a change of rights must not change unnoticed.
READS = {
    "ingest": "device", "billing": "site decision", "notify": "decision person",
    "control": "site decision command device", "portal": "decision command person",
    "operator": "site decision command device person reject", "metersim": "decision device",
}
WRITES = {
    "ingest": "site reject", "billing": "site decision device", "notify": "site", "control": "site command",
    "portal": "site person", "operator": "site person", "metersim": "",
}


@pytest.fixture(scope="module")
def wires(tmp_path_factory):
    """The engines; the services come later, into logs that no test has written to."""
    stack = Wires(tmp_path_factory.mktemp("wires"), PORT_BASE + 600, RISER_CLOCK="log", RISER_SESSION_TIMEOUT="6s",
                  RISER_SMTP_TIMEOUT="2s", RISER_WEBHOOK_TIMEOUT="2s")
    try:
        stack.up(engines_only=True)
        stack.certs("add", HARBOUR, NEIGHBOUR)
        stack.site_record = site_record(tmp_path_factory.mktemp("wires-proto"))
        yield stack
    finally:
        stack.down()


def site_record(folder):
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={folder}", "riser/telemetry/v1/telemetry.proto",
                    "riser/site/v1/site.proto"], check=True, cwd=ROOT / "proto")
    sys.path.insert(0, str(folder))
    return importlib.import_module("riser.site.v1.site_pb2").SiteRecord


# ---------------------------------------------------------------- certificates

def test_certificates_are_made_for_sites_and_the_authority_stays(tmp_path):
    folder = tmp_path / "tls"

    def make(command, *names, **env):
        return subprocess.run([ROOT / "deploy/local/tls.sh", command, folder, *names], env={**os.environ, **env},
                              capture_output=True, text=True)
    assert make("init").returncode == 0 and make("add", HARBOUR).returncode == 0
    assert not list(folder.glob("riser-metersim.*")), "the simulator may do everything: only the local stack has it"
    assert "riser-metersim" not in (ROOT / "deploy/local/mosquitto/acl").read_text()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for command, name, why in (("renew", "ca", "the authority itself"), ("add", "ca", "the authority itself"),
                               ("add", "server", "an engine's certificate"), ("add", "riser-operator", "of services"),
                               ("add", "riser-quay", "of services"), ("renew", "nobody", "has no certificate")):
        ran = make(command, HARBOUR, name)
        assert ran.returncode == 1 and why in ran.stderr, (command, name, ran.stderr)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    ran = make("renew", HARBOUR, RISER_CERT_DAYS="1y")
    assert ran.returncode == 1 and "1y" in ran.stderr


# ---------------------------------------------------------------- MQTT

def stranger(wires, *options, **known):
    try:
        with wires.mqtt_as(*options, **known) as client:
            return client.connect()
    except (ssl.SSLError, ConnectionError):
        return "no handshake"


def test_the_broker_lets_in_only_whom_it_knows(wires):
    for version in (mqtt.MQTTv5, mqtt.MQTTv311):
        assert stranger(wires, HARBOUR, version=version) == 0
        assert stranger(wires, HARBOUR, "wrong", version=version) in (REFUSED, 134, 5)
        assert stranger(wires, "nobody", "secret", version=version) in (REFUSED, 134, 5)
        assert stranger(wires, None, "", version=version) in (REFUSED, 134, 5)
        assert stranger(wires, HARBOUR, wires.password(NEIGHBOUR), version=version) in (REFUSED, 134, 5)
    assert stranger(wires, HARBOUR, certificate=True) == 0


def test_the_broker_speaks_nothing_in_the_clear_and_takes_no_other_authority(wires, tmp_path):
    plain = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="plain")
    refused = []
    for port in (wires.port("mqtt"), wires.port("mqtt-cert")):
        try:
            plain.connect("127.0.0.1", port)
            refused.append(plain.loop(2) != 0 or not plain.is_connected())
        except OSError:
            refused.append(True)
    assert refused == [True, True]
    other = tmp_path / "other"
    subprocess.run([ROOT / "deploy/local/tls.sh", "init", other], check=True)
    subprocess.run([ROOT / "deploy/local/tls.sh", "add", other, HARBOUR], check=True)
    context = ssl.create_default_context(cafile=wires.file("ca", "pem"))
    context.load_cert_chain(other / f"{HARBOUR}.pem", other / f"{HARBOUR}.key")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(("127.0.0.1", wires.port("mqtt-cert"))) as wire:
            with context.wrap_socket(wire, server_hostname="127.0.0.1") as session:
                session.sendall(bytes.fromhex("101000044d5154540402003c000474657374"))
                assert session.recv(4) != b"", "the broker closed the connection"
                raise AssertionError("a certificate of another authority was let in")


def test_a_gateway_writes_only_its_own_sites_up_and_reads_only_its_own_down(wires):
    with wires.mqtt_as(HARBOUR) as gateway, wires.mqtt_as(NEIGHBOUR, certificate=True) as neighbour, \
            wires.mqtt_as("riser-ingest", certificate=True) as ingest, wires.mqtt_as("riser-control") as control:
        assert [client.connect() for client in (gateway, neighbour, ingest, control)] == [0, 0, 0, 0]
        for client in (gateway, neighbour, ingest, control):
            for everything in ("#", "$SYS/#", f"riser/v1/{HARBOUR}/+/down/#", f"riser/v1/{HARBOUR}/+/up/#"):
                client.subscribe(everything)
        own, foreign = f"riser/v1/{HARBOUR}/gw", f"riser/v1/{NEIGHBOUR}/gw"
        assert gateway.publish(f"{own}/up/json", b"mine") in (0, 16)
        assert control.publish(f"{own}/down/cmd", b"command") in (0, 16)
        assert ingest.publish(f"{own}/down/receipt", b"receipt") in (0, 16)
        for user, topics in ((HARBOUR, (f"{foreign}/up/json", f"{own}/down/cmd", f"{own}/down/receipt", "anything",
                                        f"riser/v1/{HARBOUR}/up/json", f"riser/v1/{HARBOUR}-2/gw/up/json", "$SYS/x")),
                             ("riser-control", (f"{own}/up/ack", f"{own}/down/receipt")),
                             ("riser-ingest", (f"{own}/up/json", f"{own}/down/cmd"))):
            with wires.mqtt_as(user) as client:  # one of its own: Mosquitto 2.0.11 closes the connection as well
                client.connect()
                assert {topic: client.publish(topic, b"not mine", retain) for topic in topics
                        for retain in (False, True)} == dict.fromkeys(topics, REFUSED)
        assert neighbour.publish(f"{foreign}/up/json", b"theirs") in (0, 16)
        wait_for("what is theirs", lambda: len(set(ingest.messages)) >= 2 and len(set(gateway.messages)) >= 2, 20)
        time.sleep(0.5)  # and nothing behind it
        assert set(gateway.messages) == {(f"{own}/down/cmd", b"command"), (f"{own}/down/receipt", b"receipt")}
        assert neighbour.messages == [] and control.messages == []
        assert set(ingest.messages) == {(f"{own}/up/json", b"mine"), (f"{foreign}/up/json", b"theirs")}


def test_a_last_will_for_a_neighbour_is_not_carried_out(wires):
    """Mosquitto takes every will and judges it when it comes to it."""
    with wires.mqtt_as("riser-ingest", certificate=True) as ingest:
        ingest.connect()
        ingest.subscribe("riser/v1/+/+/up/state")
        for site in (NEIGHBOUR, HARBOUR):
            gateway = wires.mqtt_as(HARBOUR)
            gateway.client.will_set(f"riser/v1/{site}/gw/up/state", site.encode(), qos=1, retain=True)
            assert gateway.connect() == 0
            gateway.client.loop_stop()
            gateway.client.socket().close()
        wait_for("its own will", lambda: (f"riser/v1/{HARBOUR}/gw/up/state", HARBOUR.encode()) in ingest.messages)
        time.sleep(0.5)
        assert {topic for topic, _ in ingest.messages} == {f"riser/v1/{HARBOUR}/gw/up/state"}
    with wires.mqtt_as(HARBOUR) as gateway:
        gateway.connect()
        gateway.publish(f"riser/v1/{HARBOUR}/gw/up/state", b"", retain=True)


# ---------------------------------------------------------------- Kafka

def may_write(producer, topic, expected):
    """Where it is expected nothing is written all the same: the record is too large."""
    try:
        producer.send(topic, key=b"k", value=TOO_LARGE if expected else b"forged", partition=0).get(60)
    except MessageSizeTooLargeError:
        return True
    except TopicAuthorizationFailedError:
        return False
    raise AssertionError("it was written")


def may_read(consumer, topic):
    """What may not even be described has no partitions; what may be described alone refuses the fetch."""
    if not consumer.partitions_for_topic(topic):
        return False
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    consumer.seek(place, 0)
    deadline = time.monotonic() + 10
    try:
        while consumer.highwater(place) is None:
            assert time.monotonic() < deadline, f"{topic} answers nothing"
            consumer.poll(100, max_records=1, update_offsets=False)
    except TopicAuthorizationFailedError:
        return False
    return True


@pytest.mark.parametrize("user", sorted(READS))
def test_a_service_writes_and_reads_its_own_topics_alone(wires, user):
    name, writes = f"riser-{user}", WRITES[user].split()
    producer = wires.producer(name, max_request_size=8_000_000, max_block_ms=5000, retries=0, enable_idempotence=False)
    consumer = wires.consumer(name, fetch_max_wait_ms=50)
    written = {topic for topic in TOPICS if may_write(producer, f"riser.{topic}.v1", topic in writes)}
    read = {topic for topic in TOPICS if may_read(consumer, f"riser.{topic}.v1")}
    producer.close()
    consumer.close()
    assert written == set(writes)
    assert read == set(READS[user].split())


def test_a_service_can_not_take_another_ones_offsets(wires):
    """Whoever commits for billing's group moves the place where it goes on."""
    for user, group, allowed in (("riser-notify", "riser-notify", True), ("riser-notify", "riser-billing", False),
                                 ("riser-portal", "riser-control", False)):
        consumer = wires.consumer(user, wires.password(user), group_id=group)
        try:
            consumer.committed(TopicPartition("riser.decision.v1", 0))
            assert allowed, group
        except GroupAuthorizationFailedError:
            assert not allowed, group
        finally:
            consumer.close()


def test_kafka_lets_in_only_whom_it_knows(wires):
    for password, known in (("wrong", False), (wires.password("riser-billing"), True)):
        consumer = wires.consumer("riser-billing", password)
        assert consumer.bootstrap_connected() == known
        consumer.close()
    anonymous = wires.kafka_options("riser-billing")
    context = ssl.create_default_context(cafile=anonymous["ssl_cafile"])
    with pytest.raises((ssl.SSLError, ConnectionError, TimeoutError)):
        with socket.create_connection(("127.0.0.1", wires.port("kafka")), 10) as wire:
            with context.wrap_socket(wire, server_hostname="127.0.0.1") as session:
                session.sendall(bytes(8))
                if not session.recv(1):
                    raise ConnectionError("closed")
    consumer = wires.consumer("riser-billing", wires.password("riser-billing"))
    assert {"riser.site.v1", "riser.decision.v1"} <= consumer.topics()
    assert "riser.person.v1" not in consumer.topics()
    consumer.close()


# ---------------------------------------------------------------- Redis

def test_nobody_but_billing_and_the_operator_writes_billings_keys(wires):
    key = "{p3}:probe"
    billing = wires.redis_as("riser-billing")
    billing.set(key, "billing's")
    for user in ("riser-portal", "riser-control"):
        client = wires.redis_as(user)
        assert client.get(key) == b"billing's"
        for command in (("SET", key, "x"), ("DEL", key), ("UNLINK", key), ("EXPIRE", key, "1"), ("SETRANGE", key, "0", "x"),
                        ("RENAME", key, "{p3}:x"), ("RESTORE", "{p3}:x", "0", "x"), ("COPY", key, "{p3}:x"),
                        ("EVAL", "return redis.call('SET', KEYS[1], 'x')", "1", key), ("FLUSHALL",), ("SCRIPT", "FLUSH"),
                        ("GETDEL", key), ("GETEX", key, "EX", "1"), ("SORT", key, "STORE", "{p3}:x"), ("MULTI",)):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)
    assert billing.get(key) == b"billing's"
    billing.delete(key)


@pytest.mark.parametrize("user", ["riser-billing", "riser-operator", "riser-portal", "riser-control"])
def test_nobody_changes_redis_itself_or_leaves_riser_s_keys(wires, user):
    client = wires.redis_as(user)
    for command in (("CONFIG", "GET", "*"), ("CONFIG", "SET", "maxmemory", "1"), ("FLUSHDB",), ("FLUSHALL",), ("KEYS", "*"),
                    ("SHUTDOWN",), ("ACL", "LIST"), ("REPLICAOF", "127.0.0.1", "1"),
                    ("MONITOR",), ("CLIENT", "KILL", "TYPE", "normal"), ("GET", "another"), ("SET", "another", "x"),
                    ("PUBLISH", "channel", "x"), ("MODULE", "LIST"), ("EVAL", "return 1", "0")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)


def test_redis_lets_in_only_whom_it_knows(wires):
    for user, password in (("riser-billing", "wrong"), ("default", ""), ("nobody", "x"),
                           ("riser-billing", wires.password("riser-portal"))):
        with pytest.raises(redis.exceptions.AuthenticationError):
            wires.redis_as(user, password).get("{p0}:meta")
    with pytest.raises(redis.exceptions.ConnectionError if wires.redis_tls() else redis.exceptions.AuthenticationError):
        redis.Redis("127.0.0.1", wires.port("redis"), retry=AT_ONCE).get("{p0}:meta")


# ---------------------------------------------------------------- mail

def test_the_relay_takes_no_mail_in_the_clear(wires):
    with smtplib.SMTP("127.0.0.1", wires.port("mail")) as client:
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            client.sendmail("a@riser.test", ["b@tenant.test"], "Subject: x\r\n\r\nx")
        assert refused.value.smtp_code == 530


# ---------------------------------------------------------------- the main job, over TLS everywhere

SITE_FILE = """
site: {id: harbour, landlord: demo, name: Harbour house, zone: Europe/Madrid, currency: EUR, grace_hours: 24, due_days: 1,
       reminder_after_days: 1, notice_after_days: 1, disconnect_after_days: 2, notice_lead_days: 1,
       disconnectable: [electricity]}
tariffs: [{id: power, commodity: electricity, blocks: [{price: 0.2}]}]
meter_types: {relay: {register: energy_import, max_rate: 20 kW, slack: 10 Wh, switch: relay}}
rooms:
  - id: 1
    points:
      - {id: p-1, commodity: electricity, tariff: power, meters: [{meter: el-1, type: relay, from: 2016-03-01}]}
    leases: [{id: lease-1, persons: [anna], from: 2016-03-01}]
persons: [{id: anna, name: Anna, mail: anna@example.org, language: en}]
"""
SCENARIO = """
site: harbour
ticks: {from: 2016-03-25, until: 2016-04-12}
seed: 3
payments: {default: never}
sources:
  - file: power.csv
    time: {column: utc, format: "YYYY-MM-DDThh:mm:ssZ"}
    payload: pb
    columns: {kwh: {meter: el-1, register: energy_import, unit: kWh}}
"""
FIRST, LAST = datetime.datetime(2016, 3, 1, tzinfo=ZONE), datetime.datetime(2016, 4, 10, tzinfo=ZONE)
STEP_WH = 200  # an hour


@pytest.fixture(scope="module")
def played(wires, tmp_path_factory):
    """The services up; forty days of reads, nobody pays, a relay that obeys as the site's own user."""
    folder = tmp_path_factory.mktemp("played")
    for name, text in (("site.yaml", SITE_FILE), ("scenario.yaml", SCENARIO)):
        (folder / name).write_text(text)
    with open(folder / "power.csv", "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["utc", "kwh"])
        hours = int((LAST - FIRST).total_seconds()) // 3600
        for hour in range(hours + 1):
            at = FIRST.astimezone(datetime.timezone.utc) + datetime.timedelta(hours=hour)
            lines.writerow([at.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{(100000 + hour * STEP_WH) / 1000:.3f}"])
    wires.up()
    wires.ctl("apply", "--wait", str(folder / "site.yaml"))
    relay = subprocess.Popen([BIN / "metersim", "--mqtt", f"127.0.0.1:{wires.port('mqtt')}", "--kafka",
                              f"127.0.0.1:{wires.port('kafka')}", "--tls", wires.tls, "--relays", f"{HARBOUR}/el-1",
                              "--installed"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wires.ctl("replay", str(folder / "scenario.yaml"))
        yield wires
    finally:
        relay.send_signal(signal.SIGTERM)
        relay.communicate(timeout=60)


def ctl_json(wires, *arguments):
    return json.loads(wires.ctl(*arguments, "--json").stdout)


def test_a_reading_becomes_usage_a_bill_and_a_mail(played):
    march = (31 * 24 - 1) * STEP_WH  # an hour less: summer time begins
    usage, = ctl_json(played, "get", "usage", "--month", "2016-03")
    assert round(usage["usage"] * 1000) == march
    bill = [row["bill"] for row in ctl_json(played, "get", "bills") if row["month"] == "2016-03"][-1]
    assert [section["quantity"] for section in ctl_json(played, "bill", bill)["sections"]] == [march]
    mails = [email.message_from_bytes(path.read_bytes()) for path in played.mail.glob("*.eml")]
    assert [mail["Riser-Kind"] for mail in mails if mail["Riser-Decision"] == bill and "anna@example.org" in mail["To"]] == ["bill"]


def test_a_command_is_sent_and_confirmed(played):
    """Nobody paid: control cut the supply, and the relay's own state says so."""
    commands = ctl_json(played, "command")
    assert [(row["supply"], row["state"]) for row in commands] == [("off", "confirmed")]
    assert '"off"' in json.dumps(ctl_json(played, "get", "points"))


# ---------------------------------------------------------------- rotation

def is_ready(wires, service):
    try:
        host, port = wires.address(f"HTTP_{service.upper()}")
        return urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=2).status == 200
    except OSError:
        return False


class Publisher(threading.Thread):
    """A gateway that publishes, beside a neighbour who has joined what he takes for ingest's share under what he takes
    for its client id, a reading every 10 ms."""

    def __init__(self, wires):
        super().__init__()
        self.wires, self.ending, self.acknowledged, self.thief = wires, threading.Event(), [], None

    def run(self):
        with self.wires.mqtt_as(NEIGHBOUR, client_id="riser-ingest-0") as thief:
            self.thief = [thief.connect(), *[thief.subscribe(f"$share/{share}/riser/v1/+/+/up/#")
                                             for share in ("riser-ingest", "riser-ingest-")]]
            self.publish()

    def publish(self):
        client = self.wires.mqtt_as(HARBOUR, certificate=True, client_id="rotation-gateway")
        client.connect(clean=False)
        pending = []
        while not self.ending.is_set():
            at = 1460000000 + len(pending)
            body = json.dumps({"at": at, "energy_import_wh": 400000 + len(pending)})
            pending.append((at, client.client.publish(f"riser/v1/{HARBOUR}/el-9/up/json", body, qos=1)))
            time.sleep(0.01)
        for at, info in pending:
            info.wait_for_publish(60)
            self.acknowledged.append(at)
        client.close()


def spoil(wires, service, tmp_path):
    """Files of another authority in the place of the service's own; gives back what was there."""
    other = tmp_path / f"other-{service}"
    subprocess.run([ROOT / "deploy/local/tls.sh", "init", other], check=True)
    kept = {}
    for ending in ("pem", "key"):
        path = wires.tls / f"riser-{service}.{ending}"
        kept[path] = path.read_bytes()
        os.replace(other / f"riser-{service}.{ending}", path)
    return kept


def hang_up(wires, service):
    """SIGHUP; the same process begins anew."""
    pid, begun = wires.pid(service), wires.log(service).count('"event":"started"')
    os.kill(pid, signal.SIGHUP)
    wait_for(f"{service} to begin anew", lambda: wires.log(service).count('"event":"started"') > begun)
    assert wires.pid(service) == pid


def test_renewed_certificates_and_passwords_are_picked_up_and_nothing_is_lost(played, tmp_path):
    publisher = Publisher(played)
    publisher.start()
    wait_for("the load", lambda: publisher.is_alive())

    # Every certificate and password is renewed; the brokers take theirs, the services theirs on SIGHUP.
    before = {path: path.read_bytes() for path in played.tls.glob("riser-*.pem")}
    played.certs("renew")
    assert all(path.read_bytes() != old for path, old in before.items())
    played.certs("password", "riser-control")
    played.stop("kafka")
    played.start("kafka")
    for service in SERVICES:
        hang_up(played, service)
    for service in SERVICES:
        wait_for(f"{service} to be ready with what was renewed", lambda s=service: is_ready(played, s))

    # And they do read them: with files of another authority none of them comes in again, until those are mended. Towards
    # MQTT a reconnect reads them, towards Kafka SIGHUP.
    kept = spoil(played, "ingest", tmp_path)
    hang_up(played, "ingest")
    time.sleep(3)
    assert not is_ready(played, "ingest")
    for path, content in kept.items():
        path.write_bytes(content)
    hang_up(played, "ingest")
    wait_for("ingest to be ready again", lambda: is_ready(played, "ingest"))

    publisher.ending.set()
    publisher.join(120)
    assert publisher.thief == [0, 1, 1], "the thief was not there"  # let in, and both granted
    assert len(publisher.acknowledged) > 300, "there was no load"
    wanted = set(publisher.acknowledged)
    wait_for("every acknowledged reading to be in the site log", lambda: wanted <= readings_of(played, "el-9"))


def readings_of(wires, meter):
    """The instants of a meter's readings in the site log, by protoc's own decoder of the raw records."""
    found = set()
    for _, _, _, value in wires.records("riser.site.v1"):
        record = wires.site_record.FromString(value)
        if record.WhichOneof("fact") == "readings":
            found |= {r.time_s for r in record.readings.readings if meter in (r.meter, record.readings.device)}
    return found


# ---------------------------------------------------------------- secrets

def test_no_secret_is_in_a_log_an_argument_the_environment_or_what_check_config_prints(played):
    secrets = {path.name: path.read_text().strip().encode() for pattern in ("*.password", "*.client-key")
               for path in played.tls.glob(pattern)}
    secrets.update({path.name: path.read_bytes().splitlines()[1] for path in played.tls.glob("*.key")})
    assert len(secrets) > 20
    seen = {f"log of {path.name}": path.read_bytes() for path in (played.var / "log").glob("*.log")}
    for service in SERVICES:
        process = f"/proc/{played.pid(service)}"
        for name in ("cmdline", "environ"):
            with open(f"{process}/{name}", "rb") as file:
                seen[f"{name} of {service}"] = file.read()
        environment = dict(line.split(b"=", 1) for line in seen[f"environ of {service}"].split(b"\0") if b"=" in line)
        checked = subprocess.run([BIN / f"riser-{service}", "--check-config"], env=environment,
                                 capture_output=True, check=True)
        seen[f"--check-config of {service}"] = checked.stdout + checked.stderr
        assert b"kafka_ca_file = " in checked.stdout
        host, port = played.address(f"HTTP_{service.upper()}")
        seen[f"metrics of {service}"] = urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=5).read()
    for engine in ("kafka", "redis", "mosquitto", "mail"):
        with open(f"/proc/{played.pid(engine)}/cmdline", "rb") as file:
            seen[f"cmdline of {engine}"] = file.read()
    found = [(where, name) for where, text in seen.items() for name, secret in secrets.items() if secret in text
             and not (where == "log of mosquitto.log" and name.endswith(".client-key"))]  # it logs who is connected
    assert not found
