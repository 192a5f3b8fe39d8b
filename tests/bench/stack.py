# SPDX-License-Identifier: Apache-2.0
"""The bench's own stack: engines on their own ports and data, services started and stopped as a case needs them."""
import json
import os
import pathlib
import subprocess
import sys
import time

import kafka
import redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "demo"))
import records  # noqa: E402


class Stack:
    def __init__(self):
        self.folder = pathlib.Path(os.environ.get("RISER_VAR", ROOT / "var")) / "bench"
        base = str(int(os.environ.get("RISER_PORT_BASE", "21000")) + 100)
        self.env = {**os.environ, "RISER_VAR": str(self.folder), "RISER_PORT_BASE": base,
                    "RISER_CLOCK": "log"}  # no ticks: nothing falls due beside what is measured
        self.schemas = records.load_schemas()

    def __enter__(self):
        subprocess.run(["rm", "-rf", self.folder], check=True)
        self.riser("up", "--engines")
        self.riser("ctl", "rebuild", "--all", "--yes")
        for entry in (self.folder / "stack.env").read_text().splitlines():
            name, _, value = entry.partition("=")
            self.env[name] = value
        self.kafka, self.mqtt = self.env["RISER_KAFKA"], self.env["RISER_MQTT"]
        host, port = self.env["RISER_REDIS"].split(":")
        self.redis = redis.Redis(host=host, port=int(port))
        self.producer = kafka.KafkaProducer(bootstrap_servers=self.kafka, acks="all", linger_ms=20,
                                            batch_size=1 << 18, buffer_memory=256 << 20)
        return self

    def __exit__(self, *_):
        self.producer.close()
        self.riser("down")

    def riser(self, *words):
        ran = subprocess.run([ROOT / "riser", *words], env=self.env, capture_output=True, text=True)
        if ran.returncode:
            raise SystemExit(f"bench: ./riser {' '.join(words)} failed:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
        return ran.stdout

    def program(self, name, *words, timeout=300):
        """Runs a program of build/bin and gives its JSON line."""
        ran = subprocess.run([ROOT / "build" / "bin" / name, *map(str, words)], capture_output=True, text=True,
                             timeout=timeout, env=self.env, check=True)
        return json.loads(ran.stdout)

    def load(self, **options):
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return self.program("bench-load", "--port", self.mqtt.split(":")[1], *words)

    def ends(self, topic):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False)
        partitions = [kafka.TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
        ends = {tp.partition: end for tp, end in consumer.end_offsets(partitions).items()}
        consumer.close()
        return ends

    def wait_for(self, what, condition, seconds=120):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if condition():
                return
            time.sleep(0.02)
        raise SystemExit(f"bench: {what} did not happen within {seconds} s; logs in {self.folder}/log")

    def append_times(self, since):
        """(records, seconds from the first to the last) of what came to the site log behind `since`, by Kafka's clock."""
        topic = records.Topic(self.kafka, "riser.site.v1")
        stamps = [r[4] for r in topic.records if r[1] >= since.get(r[0], 0)]
        return len(stamps), (max(stamps) - min(stamps)) / 1000

    def next_offsets(self):
        keys = [f"{{p{number}}}:meta" for number in range(int(self.env["RISER_PARTITIONS"]))]
        kind = self.schemas["state"].PartitionMeta
        return {p: kind.FromString(v).next_offset for p, v in enumerate(self.redis.mget(keys)) if v}

    def signal(self, part, number):
        os.kill(int((self.folder / "run" / f"{part}.pid").read_text().split()[0]), number)

    def fact(self, key, fact_id, **fact):
        site_pb = self.schemas["site"]
        record = site_pb.SiteRecord(**fact)
        record.envelope.fact_id, record.envelope.site, record.envelope.landlord = fact_id, key, "bench"
        record.envelope.source, record.envelope.min_reader = "bench", 1
        self.producer.send("riser.site.v1", key=key.encode(), value=record.SerializeToString())

    def tick(self, time_s):
        """Business time of all partitions."""
        site_pb = self.schemas["site"]
        record = site_pb.SiteRecord(tick=site_pb.Tick(time_s=time_s))
        record.envelope.source, record.envelope.min_reader = "bench", 1
        for partition in range(int(self.env["RISER_PARTITIONS"])):
            self.producer.send("riser.site.v1", key=f"@tick/{partition}".encode(), partition=partition,
                               value=record.SerializeToString())
        self.producer.flush()

    def fold_all(self, seconds=300):
        """Until billing has applied all that the site log has now."""
        self.producer.flush()
        end = sum(self.ends("riser.site.v1").values())
        self.wait_for("the fold", lambda: sum(self.next_offsets().values()) >= end, seconds)

    def cpu_seconds(self, part):
        """User and system time of a service since its start, ended threads included."""
        pid = int((self.folder / "run" / f"{part}.pid").read_text().split()[0])
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def install(self, sites, rooms, name="bench", since=1_000_000_000, leased=False):
        """Sites bench-0.. with `rooms` rooms each, one electricity meter bench-NNNNNNN a room, known to ingest and
        billing; `leased`: each room to a person with a mail address. The sites of one name share their meters' names; what
        ingest knows from sites of another name only, it refuses."""
        pb = self.schemas["site"]
        for number in range(sites):
            site = f"{name}-{number}"
            device = self.schemas["device"].Device(site=site, landlord="bench")
            self.producer.send("riser.device.v1", key=f"{site}/".encode(), value=device.SerializeToString())
            self.fact(site, "site", site=pb.Site(
                id=site, landlord="bench", name=site, zone="UTC", currency="CNY", minor_digits=2, language="en",
                grace_hours=24, due_days=21, reminder_after_days=7, notice_after_days=20, disconnect_after_days=30,
                notice_lead_days=7, transitions=[pb.ZoneTransition(from_s=0, offset_s=0)]))
            self.fact(site, "tariff", tariff=pb.Tariff(
                id="flat", name="flat", commodity=1, kind=1, accumulation=1, year_start_month=1,
                blocks=[pb.Block(upto=0, price_e8=50_000_000)], line_rounding=pb.Rounding(quantum_e4=10000, mode=1)))
            for room in range(rooms):
                self.fact(site, f"room-{room}", room=pb.Room(id=f"r-{room}", name=f"{room}"))
                self.fact(site, f"point-{room}", service_point=pb.ServicePoint(
                    id=f"p-{room}", room=f"r-{room}", commodity=1, tariff="flat"))
                self.fact(site, f"installation-{room}", installation=pb.Installation(
                    id=f"i-{room}", service_point=f"p-{room}", meter=f"{name}-{room:07d}", device=f"{name}-{room:07d}", register=1,
                    from_s=since, multiplier_num=1, multiplier_den=1, max_rate_per_hour=1_000_000, slack=10,
                    switch_kind=1))
                if leased:
                    person = self.schemas["person"].Person(id=f"{site}.{room}", landlord="bench", name=f"{room}",
                                                           mail=f"{site}.{room}@example.org", language="en")
                    self.producer.send("riser.person.v1", key=person.id.encode(), value=person.SerializeToString())
                    self.fact(site, f"lease-{room}", lease=pb.Lease(id=f"l-{room}", room=f"r-{room}",
                                                                    persons=[person.id], from_s=since))
        self.producer.flush()
