# SPDX-License-Identifier: Apache-2.0
"""What can be seen from outside: metersim's ledger, Kafka's logs, Redis, the mails. Shares no code with the services."""
import collections
import datetime
import json
import pathlib
import sys
import time

import kafka
import redis

from stack import ROOT

sys.path.insert(0, str(ROOT / "tools" / "demo"))
import records  # noqa: E402  the demo's independent readers
import rules  # noqa: E402,F401  and its own rules of metering

SCHEMAS = records.load_schemas()
site_pb, decision_pb, state_pb, telemetry_pb = (SCHEMAS[a] for a in ("site", "decision", "state", "telemetry"))
command_pb = SCHEMAS["command"]
SITE_LOG, DECISION_LOG = "riser.site.v1", "riser.decision.v1"
REGISTERS = {"energy_import": 1}
RANK_DEVICE = 64  # what a vector begins from
PATIENCE_S = 30

# One reading as everybody can name it; and where a record of a log lies.
Reading = collections.namedtuple("Reading", "meter register time_s value")
Place = collections.namedtuple("Place", "partition offset")


class Ledger:
    """metersim's own account of what the broker acknowledged, read as it grows."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.at = 0
        self.acked = set()
        self.order = []     # the same as they came
        self.acked_ms = []  # of each line: (when, how many readings)
        self.latest_s = 0
        self.malformed = 0  # messages that no ingest can read, acknowledged like the others

    def read(self):
        if not self.path.exists():
            return self.acked
        with open(self.path, "rb") as file:
            file.seek(self.at)
            text = file.read()
        whole = text[:text.rfind(b"\n") + 1]
        self.at += len(whole)
        for line in map(json.loads, whole.splitlines()):
            if "malformed" in line:
                self.malformed += 1
                continue
            fresh = [Reading(m, REGISTERS[r], t, v) for m, r, t, v in line["readings"]]
            self.acked.update(fresh)
            self.order += fresh
            self.acked_ms.append((line["acked_ms"], len(fresh)))
            self.latest_s = max(self.latest_s, fresh[-1].time_s)
        return self.acked

    def rate(self, until_ms):
        """Readings acknowledged in the second before that instant of the wall clock."""
        return sum(count for at, count in reversed(self.acked_ms[-5000:]) if until_ms - 1000 < at <= until_ms)


class Logs:
    """The site log and the decision log from their beginning, read as they grow."""

    def __init__(self, brokers):
        self.brokers = brokers
        self.consumer = None
        self.next = {}
        self.readings = {}   # site: {Reading: [Place]}
        self.facts = {}      # site: [(Place, SiteRecord)] of all other facts
        self.decisions = []  # (Place, Decision)

    def connect(self):
        self.consumer = kafka.KafkaConsumer(bootstrap_servers=self.brokers, enable_auto_commit=False,
                                            isolation_level="read_committed", fetch_max_wait_ms=20,
                                            max_partition_fetch_bytes=4 << 20, max_poll_records=100000,
                                            receive_message_max_bytes=64 << 20)
        parts = [kafka.TopicPartition(topic, p) for topic in (SITE_LOG, DECISION_LOG)
                 for p in sorted(self.consumer.partitions_for_topic(topic))]
        self.consumer.assign(parts)
        for part in parts:
            self.consumer.seek(part, self.next.get(part, 0))

    def disconnect(self):
        if self.consumer:
            self.consumer.close()
        self.consumer = None

    def poll(self, milliseconds=20):
        if not self.consumer:
            self.connect()
        for part, batch in self.consumer.poll(timeout_ms=milliseconds).items():
            for record in batch:
                place = Place(record.partition, record.offset)
                if part.topic == DECISION_LOG:
                    self.decisions.append((place, decision_pb.Decision.FromString(record.value)))
                else:
                    self.take(place, site_pb.SiteRecord.FromString(record.value))
            self.next[part] = self.consumer.position(part)

    def take(self, place, record):
        site = record.envelope.site
        if record.WhichOneof("fact") != "readings":
            self.facts.setdefault(site, []).append((place, record))
            return
        found = self.readings.setdefault(site, {})
        for r in record.readings.readings:
            found.setdefault(Reading(r.meter, r.register, r.time_s, r.value), []).append(place)

    def ends(self):
        """{partition: end offset} of the site log."""
        if not self.consumer:
            self.connect()
        parts = [p for p in self.consumer.assignment() if p.topic == SITE_LOG]
        return {part.partition: end for part, end in self.consumer.end_offsets(parts).items()}

    def catch_up(self):
        """Everything that is there now."""
        if not self.consumer:
            self.connect()
        ends = self.consumer.end_offsets(list(self.consumer.assignment()))
        while any(self.consumer.position(part) < end for part, end in ends.items()):
            self.poll()

    def facts_of(self, site, kind):
        return [(p, getattr(r, kind)) for p, r in self.facts.get(site, ()) if r.WhichOneof("fact") == kind]

    def decisions_of(self, site, *kinds):
        return [(d, getattr(d, d.WhichOneof("what"))) for _, d in self.decisions
                if d.site == site and d.WhichOneof("what") in kinds]


class State:
    """Billing's state in Redis; several addresses are those of a Redis Cluster."""

    def __init__(self, addresses):
        self.is_cluster = len(addresses) > 1
        self.client = records.redis_client(",".join("%s:%d" % address for address in addresses))

    def metas(self):
        """{partition: PartitionMeta}; while a cluster has nobody for some of them, it is waited for."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.metas_now()
            except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ClusterError, redis.BusyLoadingError):
                if not self.is_cluster or time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def metas_now(self):
        keys = sorted(self.client.scan_iter(match="{p*}:meta", count=1000))
        return {int(key[2:key.index(b"}")]): state_pb.PartitionMeta.FromString(self.client.get(key)) for key in keys}

    def next_offsets(self):
        return {partition: meta.next_offset for partition, meta in self.metas().items()}

    def vectors(self, site):
        """{(meter, register): [(UTC second, rank, value)]} from the packed read vectors."""
        found = {}
        for key in self.client.scan_iter(match=f"{{p*}}:reads:{site}/*", count=10000):
            _, meter, register, month = key.decode().split(":reads:")[1].split("/")
            start = datetime.datetime(int(month[:4]), int(month[4:]), 1, tzinfo=datetime.timezone.utc)
            found.setdefault((meter, int(register)), []).extend(
                (int(start.timestamp()) + second, rank, value) for second, rank, value in unpack(self.client.get(key)))
        return {name: sorted(reads) for name, reads in found.items()}


def unpack(raw):
    """[(second of the month, rank, value)] of one value of `reads:`: differences in varints, see docs/services/billing.md."""
    reads, at = [], 0

    def number():
        nonlocal at
        end = at
        while raw[end] >= 128:
            end += 1
        groups, at = raw[at:end + 1], end + 1
        return sum((group & 127) << 7 * i for i, group in enumerate(groups))

    second, rank, value = 0, RANK_DEVICE, 0
    while at < len(raw):
        seconds, differs = divmod(number(), 2)
        second += seconds
        rank = number() if differs else rank
        half, negative = divmod(number(), 2)
        value += -half - 1 if negative else half
        reads.append((second, rank, value))
    return reads


def command_states(brokers):
    """Every record of riser.command.v1, in the order of each partition."""
    return [state for _, _, state in records.Topic(brokers, "riser.command.v1").parsed(command_pb.CommandState)]


def held_by_spool(folder, readings):
    """Those of the readings whose encoding lies in the spool's files."""
    text = b"".join(path.read_bytes().rstrip(b"\0") for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file())
    return {r for r in readings if telemetry_pb.Reading(meter=r.meter, register=r.register, time_s=r.time_s,
                                                        value=r.value).SerializeToString() in text}
