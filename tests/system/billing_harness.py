# SPDX-License-Identifier: Apache-2.0
"""riser-billing as an outsider sees it: the site log goes in, Redis, the decision log and HTTP come out."""
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import kafka
import redis

from stack import BIN, ROOT

SITE_TOPIC, DECISION_TOPIC = "riser.site.v1", "riser.decision.v1"
PROTO = tempfile.TemporaryDirectory(prefix="riser-proto-")


def schema(area):
    """The module of proto/riser/<area>, generated now."""
    if PROTO.name not in sys.path:
        files = [str(p.relative_to(ROOT / "proto")) for p in (ROOT / "proto").rglob("*.proto")]
        subprocess.run(["protoc", f"--python_out={PROTO.name}", *files], cwd=ROOT / "proto", check=True)
        sys.path.insert(0, PROTO.name)
    return importlib.import_module(f"riser.{area}.v1.{area}_pb2")


site_pb, telemetry_pb, decision_pb, state_pb = map(schema, ("site", "telemetry", "decision", "state"))


def murmur2(key):
    """As org.apache.kafka.common.utils.Utils.murmur2, on its own terms: kafka-python's is not asked."""
    word, mask = 0x5bd1e995, 0xffffffff
    h = (0x9747b28c ^ len(key)) & mask
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at:at + 4], "little") * word & mask
        k = (k ^ k >> 24) * word & mask
        h = (h * word & mask) ^ k
    if rest := key[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * word & mask
    h = (h ^ h >> 13) * word & mask
    return (h ^ h >> 15) & 0x7fffffff


class Billing:
    """One riser-billing process on a stack's engines, and what it reads and writes."""

    def __init__(self, stack, instance=0):
        self.stack = stack
        self.instance = instance
        self.env = stack.environment()
        self.partitions = int(self.env["RISER_PARTITIONS"])
        host, port = stack.address("REDIS")
        self.redis = redis.Redis(host, port)
        self.producer = kafka.KafkaProducer(bootstrap_servers=self.env["RISER_KAFKA"], acks="all", linger_ms=5)
        self.process = None
        self.log_file = stack.var / "log" / f"billing-test-{instance}.log"
        self.http = f"http://127.0.0.1:{stack.port_base + 11 + 3 * instance}"

    # ---- the process

    def start(self, ready=True, **env):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "riser-billing"], stdin=subprocess.DEVNULL, stderr=log,
                env={"PATH": os.environ["PATH"], **self.env, "RISER_CLOCK": "log", "RISER_RETRY": "200ms",
                     "RISER_INSTANCE": str(self.instance), "RISER_SESSION_TIMEOUT": "3s",
                     "RISER_HTTP_PORT": self.http.rsplit(":", 1)[1], **env})
        if ready:
            self.wait("billing gets ready", lambda: self.ready()[0] == 200)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it as the system would; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.producer.close()

    def get(self, path):
        try:
            with urllib.request.urlopen(self.http + path, timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def ready(self):
        return self.get("/readyz")

    def metric(self, name):
        found = [line.rsplit(" ", 1)[1] for line in self.get("/metrics")[1].splitlines() if line.startswith(name + " ")]
        return float(found[0]) if found else 0.0

    def wait(self, what, condition, seconds=120):
        until = time.monotonic() + seconds
        while not condition():
            assert self.process is None or self.process.poll() is None, f"billing ended: {self.tail()}"
            assert time.monotonic() < until, f"{what} did not happen within {seconds} s: {self.tail()}"
            time.sleep(0.02)

    def tail(self):
        return self.log_file.read_text()[-1500:]

    # ---- the log

    def partition(self, site):
        return murmur2(site.encode()) % self.partitions

    def record(self, site, fact_id, /, **fact):
        record = site_pb.SiteRecord(**fact)
        record.envelope.fact_id, record.envelope.site, record.envelope.landlord = fact_id, site, "test"
        record.envelope.source, record.envelope.min_reader = "test", 1
        return record

    def send(self, record, key=None, partition=None):
        """Where it went: (partition, offset)."""
        key = record.envelope.site.encode() if key is None else key
        partition = murmur2(key) % self.partitions if partition is None else partition
        value = record if isinstance(record, bytes) else record.SerializeToString()
        sent = self.producer.send(SITE_TOPIC, key=key, value=value, partition=partition).get(60)
        return sent.partition, sent.offset

    def add_site(self, site):
        transitions = [site_pb.ZoneTransition(from_s=0, offset_s=0)]
        self.send(self.record(site, f"{site}-site", site=site_pb.Site(
            id=site, landlord="test", name=site, zone="UTC", transitions=transitions, currency="CNY", minor_digits=2,
            language="en", grace_hours=24, due_days=21, reminder_after_days=7, notice_after_days=20,
            disconnect_after_days=30, notice_lead_days=7)))

    def readings(self, site, fact_id, *readings):
        """Each is (meter, register, second, value)."""
        batch = [telemetry_pb.Reading(meter=m, register=r, time_s=t, value=v) for m, r, t, v in readings]
        return self.record(site, fact_id, readings=site_pb.Readings(device="gw", readings=batch))

    def all_of(self, topic):
        """[record] up to the present end, in log order."""
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.env["RISER_KAFKA"], enable_auto_commit=False)
        parts = [kafka.TopicPartition(topic, p) for p in range(self.partitions)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends, records = consumer.end_offsets(parts), []
        while any(consumer.position(p) < ends[p] for p in parts):
            records += [r for batch in consumer.poll(500).values() for r in batch]
        consumer.close()
        return sorted(records, key=lambda r: (r.partition, r.offset))

    def decisions(self):
        return [(r, decision_pb.Decision.FromString(r.value)) for r in self.all_of(DECISION_TOPIC)]

    def ends(self):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.env["RISER_KAFKA"])
        ends = consumer.end_offsets([kafka.TopicPartition(SITE_TOPIC, p) for p in range(self.partitions)])
        consumer.close()
        return {tp.partition: end for tp, end in ends.items()}

    # ---- the state

    def meta(self, partition):
        return state_pb.PartitionMeta.FromString(self.redis.get(f"{{p{partition}}}:meta") or b"")

    def wait_applied(self, besides=(), seconds=120):
        self.producer.flush()
        ends = self.ends()
        self.wait("all of the log is applied", lambda: all(
            self.meta(p).next_offset >= end for p, end in ends.items() if p not in besides), seconds)

    def value(self, site, key):
        return self.redis.get(f"{{p{self.partition(site)}}}:{key}")

    def dump(self):
        """Everything in Redis but the outboxes, which are empty after a rebuild, and the fences' generation, which is
        another one then."""
        found = {}
        for key in self.redis.scan_iter("{p*", count=1000):
            if not key.endswith(b":outbox"):
                due = key.endswith(b":due")
                found[key] = self.redis.zrange(key, 0, -1, withscores=True) if due else self.redis.get(key)
            if key.endswith(b":meta"):
                meta = state_pb.PartitionMeta.FromString(found[key])
                meta.ClearField("generation")
                found[key] = meta
        return found
