# SPDX-License-Identifier: Apache-2.0
"""A Mosquitto of the test's own with settings of the test's choice, a subscriber that is to it what ingest is (a
persistent session with a shared subscription), and a device that counts what was acknowledged."""
import getpass
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PROGRAM = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
SHARED, PLAIN = "$share/ingest/up/#", "up/#"
QUIET_S = 1.0  # nothing for so long: everything has come


class Broker:
    """`settings`: lines of mosquitto.conf by name; or the text of a whole one."""

    def __init__(self, folder, port, text=None, **settings):
        self.folder, self.port = pathlib.Path(folder), port
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", f"persistence_location {self.folder}/",
                 f"user {getpass.getuser()}", "log_type error", "log_type warning",
                 *(f"{name} {value}" for name, value in settings.items())]
        (self.folder / "mosquitto.conf").write_text(text or "\n".join(lines) + "\n")
        self.process = None
        self.start()

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "-c", self.folder / "mosquitto.conf"], stdout=log, stderr=log)
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
                assert time.monotonic() < until, "mosquitto does not listen"
                time.sleep(0.02)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(60)

    def kill(self):
        self.end(signal.SIGKILL)

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("mosquitto is gone")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()


class Subscriber:
    """Comes and goes as ingest does; `heard` is what it has acknowledged."""

    def __init__(self, broker, name="ingest-0", persistent=True, topics=SHARED):
        self.broker, self.name, self.persistent, self.topics = broker, name, persistent, topics
        self.heard, self.present, self.client, self.let_in = set(), None, None, False
        self.last = 0.0

    def come(self, session_expiry_s=7 * 86400):
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=self.name, protocol=mqtt.MQTTv5)
        subscribed = threading.Event()

        def on_connect(client, _data, flags, _reason, _properties):
            self.present = flags.session_present
            client.subscribe(self.topics, 1)

        def on_message(_client, _data, message):
            self.heard.add(int(message.payload[:12]))
            self.last = time.monotonic()
        self.client.on_connect, self.client.on_message = on_connect, on_message
        self.client.on_subscribe = lambda *_: subscribed.set()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = session_expiry_s if self.persistent else 0
        properties.ReceiveMaximum = 256
        self.client.connect("127.0.0.1", self.broker.port, clean_start=not self.persistent, properties=properties)
        self.client.loop_start()
        self.let_in = subscribed.wait(20)
        return self

    def go(self):
        self.client.disconnect()
        self.client.loop_stop()
        self.client = None

    def visit(self):
        """Comes and goes: its session is there afterwards."""
        self.come()
        self.go()

    def hear_all(self, seconds=120):
        self.come()
        self.last, until = time.monotonic(), time.monotonic() + seconds
        while self.let_in and time.monotonic() - self.last < QUIET_S and time.monotonic() < until:
            time.sleep(0.02)
        self.go()
        return self.heard


class Publisher:
    """A device: `acknowledged` are the numbers whose PUBACK came, `reasons` what the PUBACKs said."""

    def __init__(self, broker, qos=1, version=mqtt.MQTTv5):
        self.broker, self.qos, self.version = broker, qos, version
        self.next, self.published, self.reasons, self.thrown_out = 0, 0, {}, 0
        self.handles = []  # of the messages, by number
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"device-{id(self)}", protocol=version,
                                  reconnect_on_failure=False)
        self.client.max_inflight_messages_set(500)
        self.client.max_queued_messages_set(0)
        self.client.on_publish = self.on_publish
        self.client.on_disconnect = self.on_disconnect
        connected = threading.Event()
        self.client.on_connect = lambda *_: connected.set()
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert connected.wait(20), "the device was not let in"

    def on_publish(self, _client, _data, _mid, reason, _properties):
        self.published += 1
        self.reasons[str(reason)] = self.reasons.get(str(reason), 0) + 1

    @property
    def acknowledged(self):
        return {number for number, handle in enumerate(self.handles) if handle.rc == 0 and handle.is_published()}

    def on_disconnect(self, _client, _data, _flags, reason, _properties):
        self.thrown_out += reason.is_failure

    def publish(self, count, size=200):
        for _ in range(count):
            payload = b"%012d" % self.next + b"x" * (size - 12)
            self.handles.append(self.client.publish("up/device", payload, qos=self.qos))
            self.next += 1

    def publish_for(self, seconds, rate, size=200):
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < seconds:
            self.publish(max(0, int(passed * rate) - self.next), size)
            time.sleep(0.005)

    def settle(self, seconds=30):
        """Everything acknowledged, or thrown out, or the time is up."""
        until = time.monotonic() + seconds
        while self.published < self.next and not self.thrown_out and time.monotonic() < until:
            time.sleep(0.01)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()
