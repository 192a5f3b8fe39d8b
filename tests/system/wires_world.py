# SPDX-License-Identifier: Apache-2.0
"""A stack with TLS and rights on every wire, and independent clients that come to it under any name."""
import pathlib
import ssl
import threading

import paho.mqtt.client as mqtt
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from redis.backoff import NoBackoff
from redis.retry import Retry

from stack import Stack

HARBOUR, NEIGHBOUR = "harbour", "quay"
TOPICS = ("site", "decision", "command", "device", "person", "reject")
AT_ONCE = Retry(NoBackoff(), 0)  # to the client a refused login is a connection that may get better


class Wires(Stack):
    def __init__(self, folder, port_base, **env):
        super().__init__(folder, port_base, RISER_TLS="true", **env)
        self.tls = pathlib.Path(folder) / "tls"

    def file(self, name, ending):
        return str(self.tls / f"{name}.{ending}")

    def password(self, name):
        return (self.tls / f"{name}.password").read_text().strip()

    def port(self, name):
        return self.port_base + {"mqtt": 0, "kafka": 1, "redis": 3, "mail": 4, "mqtt-cert": 8, "kafka-sasl": 9}[name]

    def certs(self, *arguments):
        return self.riser("certs", *arguments)

    # ---- Kafka, by certificate or by password

    def kafka_options(self, user, password=None):
        port = self.port("kafka" if password is None else "kafka-sasl")
        options = {"bootstrap_servers": f"127.0.0.1:{port}", "ssl_cafile": self.file("ca", "pem"),
                   "api_version_auto_timeout_ms": 5000}
        if password is None:
            return {**options, "security_protocol": "SSL", "ssl_certfile": self.file(user, "pem"),
                    "ssl_keyfile": self.file(user, "key")}
        return {**options, "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": user, "sasl_plain_password": password}

    def consumer(self, user, password=None, **options):
        return KafkaConsumer(**self.kafka_options(user, password), enable_auto_commit=False,
                             auto_offset_reset="earliest", **options)

    def producer(self, user, password=None, **options):
        return KafkaProducer(**self.kafka_options(user, password), acks="all", **options)

    def records(self, topic):
        """Everything in a topic, as riser-operator: [(partition, offset, key, value)]."""
        consumer = self.consumer("riser-operator")
        places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
        consumer.assign(places)
        ends, found = consumer.end_offsets(places), []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(200).values():
                found += [(r.partition, r.offset, r.key, r.value) for r in records]
        consumer.close()
        return found

    # ---- Redis

    def redis_tls(self):
        return "RISER_REDIS_TLS" in self.environment()

    def redis_as(self, user, password=None):
        tls = {"ssl": True, "ssl_ca_certs": self.file("ca", "pem")} if self.redis_tls() else {}
        return redis.Redis("127.0.0.1", self.port("redis"), username=user,
                           password=self.password(user) if password is None else password, retry=AT_ONCE,
                           **tls)

    # ---- MQTT

    def mqtt_as(self, user, password=None, certificate=False, version=mqtt.MQTTv5, client_id=None):
        return Client(self, user, self.password(user) if password is None and not certificate else password,
                      certificate, version, client_id)


class Client:
    """An MQTT client that remembers what became of everything."""

    def __init__(self, wires, user, password, certificate, version, client_id):
        self.messages, self.reasons, self.outcome = [], {}, None
        self.decided = threading.Condition()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id or f"test-{user}-{id(self)}",
                                  protocol=version)
        own = {"certfile": wires.file(user, "pem"), "keyfile": wires.file(user, "key")} if certificate else {}
        self.client.tls_set(wires.file("ca", "pem"), **own, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        if user and not certificate:
            self.client.username_pw_set(user, password)
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.decide("outcome", reason)
        self.client.on_message = lambda _c, _u, message: self.messages.append((message.topic, message.payload))
        self.client.on_publish = lambda _c, _u, mid, reason, _p: self.note(mid, reason)
        self.client.on_subscribe = lambda _c, _u, mid, reasons, _p: self.note(mid, reasons[0])
        self.port = wires.port("mqtt-cert" if certificate else "mqtt")
        self.version = version

    def decide(self, name, value):
        with self.decided:
            setattr(self, name, value)
            self.decided.notify_all()

    def note(self, mid, reason):
        with self.decided:
            self.reasons[mid] = reason
            self.decided.notify_all()

    def connect(self, clean=True):
        """Whether the broker lets us in: its reason code's value."""
        lasting = {}
        if self.version == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if clean else 3600
            lasting = {"clean_start": clean, "properties": properties}
        self.client.connect("127.0.0.1", self.port, **lasting)
        self.client.loop_start()
        with self.decided:
            assert self.decided.wait_for(lambda: self.outcome is not None, 10), "no CONNACK"
        return self.outcome.value

    def wait(self, mid):
        with self.decided:
            assert self.decided.wait_for(lambda: mid in self.reasons, 10), "no acknowledgement"
            return self.reasons[mid].value

    def publish(self, topic, payload, retain=False):
        """The reason code: 0 and 16 (nobody listens) are success, 135 is refused."""
        return self.wait(self.client.publish(topic, payload, qos=1, retain=retain).mid)

    def subscribe(self, topic):
        return self.wait(self.client.subscribe(topic, qos=1)[1])

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
