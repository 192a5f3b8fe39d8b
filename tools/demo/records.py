# SPDX-License-Identifier: Apache-2.0
"""Kafka, Redis, the broker and the mail folder as an outsider sees them: schemas by protoc, pure-Python clients."""
import datetime
import email
import email.policy
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile

import kafka
import redis
import redis.cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
AREAS = ("telemetry", "site", "decision", "command", "device", "person", "reject", "state")


def load_schemas():
    """{area: module} made from proto/ at this moment."""
    folder = tempfile.TemporaryDirectory(prefix="riser-proto-")
    schemas = sorted(str(p.relative_to(ROOT / "proto")) for p in (ROOT / "proto").rglob("*.proto"))
    subprocess.run(["protoc", f"--python_out={folder.name}", *schemas], cwd=ROOT / "proto", check=True)
    sys.path.insert(0, folder.name)
    modules = {area: importlib.import_module(f"riser.{area}.v1.{area}_pb2") for area in AREAS}
    modules["folder"] = folder  # kept until the end of the program
    return modules


def kafka_identity():
    """How riserctl is configured to know Kafka's brokers, and to be known by them."""
    if os.environ.get("RISER_KAFKA_TLS") != "on":
        return {}
    return {"security_protocol": "SSL", "ssl_cafile": os.environ["RISER_KAFKA_CA_FILE"],
            "ssl_certfile": os.environ["RISER_KAFKA_CERT_FILE"], "ssl_keyfile": os.environ["RISER_KAFKA_KEY_FILE"]}


def redis_identity():
    identity = {}
    if os.environ.get("RISER_REDIS_USERNAME"):
        password = pathlib.Path(os.environ["RISER_REDIS_PASSWORD_FILE"]).read_text().strip()
        identity = {"username": os.environ["RISER_REDIS_USERNAME"], "password": password}
    if os.environ.get("RISER_REDIS_TLS") == "on":
        identity.update(ssl=True, ssl_ca_certs=os.environ["RISER_REDIS_CA_FILE"])
    return identity


class Topic:
    """All records of a topic up to its present end: [(partition, offset, key, value, timestamp_ms)] in log order."""

    def __init__(self, brokers, topic):
        consumer = kafka.KafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False, consumer_timeout_ms=20000,
                                       isolation_level="read_committed", max_partition_fetch_bytes=8 << 20,
                                       fetch_max_wait_ms=100, group_id=None, **kafka_identity())
        partitions = [kafka.TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        if not partitions:
            raise SystemExit(f"check: topic {topic} does not exist at {brokers}")
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        self.ends = {tp.partition: end for tp, end in ends.items()}
        self.records = []
        while any(consumer.position(tp) < ends[tp] for tp in partitions):
            for tp, batch in consumer.poll(timeout_ms=2000, max_records=50000).items():
                self.records += [(tp.partition, r.offset, r.key, r.value, r.timestamp) for r in batch
                                 if r.offset < ends[tp]]
        consumer.close()
        self.records.sort(key=lambda r: (r[0], r[1]))

    def parsed(self, kind):
        for partition, offset, _, value, _ in self.records:
            yield partition, offset, kind.FromString(value)


def vector(raw):
    """[(second of the month, value)] of one value of `reads:`, read by what docs/services/billing.md says."""
    numbers, found, second, value = varints(raw), [], 0, 0
    for step in numbers:
        second += step >> 1
        if step & 1:
            next(numbers)  # the rank
        step = next(numbers)
        value += -(step + 1 >> 1) if step & 1 else step >> 1
        found.append((second, value))
    return found


def varints(raw):
    number = shift = 0
    for byte in raw:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0


def redis_client(addresses):
    """Of host:port; several, separated by commas, are nodes of a Redis Cluster."""
    nodes = [one.rsplit(":", 1) for one in addresses.split(",")]
    if len(nodes) == 1:
        return redis.Redis(host=nodes[0][0], port=int(nodes[0][1]), **redis_identity())
    return redis.cluster.RedisCluster(startup_nodes=[redis.cluster.ClusterNode(host, int(port)) for host, port in nodes],
                                      require_full_coverage=False, socket_timeout=5, **redis_identity())


class State:
    """Billing's state in Redis, by key."""

    def __init__(self, addresses, schemas):
        self.client = redis_client(addresses)
        self.schemas = schemas

    def keys(self, what):
        return sorted(key.decode() for key in self.client.scan_iter(match=f"{{p*}}:{what}*", count=1000))

    def value(self, key):
        return self.client.get(key)

    def next_offsets(self):
        kind = self.schemas["state"].PartitionMeta
        return {int(key[2:key.index("}")]): kind.FromString(self.value(key)).next_offset for key in self.keys("meta")}

    def vectors(self):
        """{(meter, register): [(UTC second, value)]} from the packed read vectors."""
        found = {}
        for key in self.keys("reads:"):
            _, _, (_, meter, register, month) = *key.partition(":reads:")[:2], key.partition("reads:")[2].split("/")
            start = datetime.datetime(int(month[:4]), int(month[4:]), 1, tzinfo=datetime.timezone.utc)
            reads = found.setdefault((meter, int(register)), [])
            reads += [(int(start.timestamp()) + second, value) for second, value in vector(self.value(key))]
        return {name: sorted(reads) for name, reads in found.items()}

    def days(self):
        """{(service point, YYYY-MM): [usage or None of each day]}"""
        found = {}
        for key in self.keys("days:"):
            _, point, month = key.partition("days:")[2].split("/")
            raw = self.value(key)
            records = [raw[i:i + 12] for i in range(0, len(raw), 12)]
            found[point, month] = [int.from_bytes(r[:8], "little", signed=True)
                                   if int.from_bytes(r[8:], "little", signed=True) >= 0 else None for r in records]
        return found


def mails(folder):
    """{Message-ID: [message, ...]} of the mail files."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        found.setdefault(message["Message-ID"].strip(), []).append(message)
    return found
