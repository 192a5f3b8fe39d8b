# SPDX-License-Identifier: Apache-2.0
"""Ingest as devices and Kafka see it: an ingest process of the test's own, independent clients on both sides."""
import os
import pathlib
import subprocess
import threading
import urllib.error
import urllib.request

import kafka
import paho.mqtt.client as mqtt

from stack import BIN, wait_for

# The client's own are five minutes; a broker that has just started may let one request go unanswered.
PATIENCE = {"metadata_max_age_ms": 2000, "request_timeout_ms": 15000, "reconnect_backoff_max_ms": 500}
LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Ingest:
    """One riser-ingest; `settings` are further RISER_ variables without their prefix."""
    within = ()  # what it is started by, if not directly

    def __init__(self, stack, folder, **settings):
        self.port = stack.port_base + 10
        self.folder = pathlib.Path(folder)
        self.env = {"PATH": os.environ["PATH"], **stack.environment(), "RISER_SPOOL_DIR": str(self.folder / "spool"),
                    "RISER_HTTP_PORT": str(self.port), **{f"RISER_{k}": str(v) for k, v in settings.items()}}
        self.process = None

    def start(self, wait=True):
        with open(self.folder / "ingest.log", "ab") as log:
            self.process = subprocess.Popen([*self.within, BIN / "riser-ingest"], env=self.env, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=60):
        wait_for("ingest to be ready", lambda: self.process.poll() is not None or self.ready()[0] == 200, seconds)
        assert self.process.poll() is None, f"ingest ended:\n{self.log()[-3000:]}"

    def get(self, path):
        try:
            with LOCAL.open(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError as failed:
            return 0, str(failed)

    def ready(self):
        return self.get("/readyz")

    def metric(self, name):
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return 0.0

    def log(self):
        return (self.folder / "ingest.log").read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; gives the exit status."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"ingest did not end:\n{self.log()[-3000:]}") from None


class Device:
    """A publisher, as a meter would be."""

    def __init__(self, stack, listen=None):
        self.sent = []  # (name, paho's handle)
        self.heard = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.max_inflight_messages_set(1000)
        self.client.max_queued_messages_set(0)
        self.client.on_message = lambda client, data, message: self.heard.append((message.topic, message.payload))
        subscribed = threading.Event()
        self.client.on_connect = lambda client, *rest: client.subscribe(listen, 1) if listen else subscribed.set()
        self.client.on_subscribe = lambda *rest: subscribed.set()
        host, port = stack.address("MQTT")
        self.client.connect(host, port, keepalive=60)
        self.client.loop_start()
        assert subscribed.wait(10), "the device could not connect"

    def publish(self, topic, payload, name=None, retain=False):
        self.sent.append((name, self.client.publish(topic, payload, qos=1, retain=retain)))

    @property
    def acknowledged(self):
        """The names of all messages whose PUBACK came."""
        return {name for name, handle in self.sent if handle.is_published()}

    def settle(self, seconds=60):
        for _, handle in self.sent:
            handle.wait_for_publish(seconds)
            assert handle.is_published(), "no PUBACK"

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Tail:
    """What is appended to a topic from now on."""

    def __init__(self, stack, topic, kind):
        host, port = stack.address("KAFKA")
        self.kind = kind
        self.consumer = kafka.KafkaConsumer(bootstrap_servers=f"{host}:{port}", enable_auto_commit=False,
                                            isolation_level="read_committed", max_partition_fetch_bytes=8 << 20,
                                            fetch_max_wait_ms=20, **PATIENCE)
        wait_for(topic, lambda: self.consumer.partitions_for_topic(topic))
        self.partitions = [kafka.TopicPartition(topic, p) for p in self.consumer.partitions_for_topic(topic)]
        self.consumer.assign(self.partitions)
        self.consumer.seek_to_end(*self.partitions)
        for partition in self.partitions:
            self.consumer.position(partition)
        self.records = []  # (message, kafka's record)

    def poll(self, milliseconds=50):
        for batch in self.consumer.poll(timeout_ms=milliseconds, max_records=20000).values():
            self.records += [(self.kind.FromString(record.value), record) for record in batch]
        return self.records

    def wait(self, what, select, count=1, seconds=120):
        """The first `count` records for which select(message) holds."""
        def found():
            self.poll()
            chosen = [pair for pair in self.records if select(pair[0])]
            return chosen if len(chosen) >= count else None
        return wait_for(what, found, seconds)

    def close(self):
        self.consumer.close()


class Registry:
    """Writes riser.device.v1, as billing would."""

    def __init__(self, stack, schemas):
        host, port = stack.address("KAFKA")
        self.kind = schemas["device"].Device
        self.producer = kafka.KafkaProducer(bootstrap_servers=f"{host}:{port}", acks="all", **PATIENCE)

    def put(self, site, device="", landlord="ann", installed=True):
        record = self.kind(site=site, device=device, landlord=landlord)
        record.meters.extend([device] if device and installed else [])
        self.producer.send("riser.device.v1", key=f"{site}/{device}".encode(), value=record.SerializeToString())
        self.producer.flush()

    def close(self):
        self.producer.close()


def read_cases(path):
    """[{name, topic, payload, expect: [line]}] of a case file; its head explains the words."""
    cases = []
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if not line or word == "#" or word == "receive":
            continue
        if word == "case":
            cases.append({"name": rest, "payload": b"", "expect": []})
        elif word == "topic":
            cases[-1]["topic"] = rest
        elif word in PAYLOADS:
            cases[-1]["payload"] = PAYLOADS[word](rest)
        else:
            cases[-1]["expect"].append(line)
    return cases


def generated(rest):
    count, x = map(int, rest.split())
    out = bytearray()
    for _ in range(count):
        x = (x * 1103515245 + 12345) % 2**31
        out.append(x >> 16 & 255)
    return bytes(out)


PAYLOADS = {
    "text": str.encode,
    "hex": bytes.fromhex,
    "fill": lambda rest: bytes([int(rest.split()[1], 16)]) * int(rest.split()[0]),
    "random": generated,
    "wrap": lambda rest: b"[" * int(rest) + b"]" * int(rest),
}
