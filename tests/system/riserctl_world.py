# SPDX-License-Identifier: Apache-2.0
"""A stack of its own for riserctl's tests: all services with the log's clock, a small site, and files of reads for it."""
import csv
import datetime
import importlib
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from decimal import Decimal
from zoneinfo import ZoneInfo

import redis
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from stack import BIN, INHERITED, ROOT, Stack

SERVICES = {"billing": 11, "notify": 12, "control": 13, "ingest": 10}
ZONE = ZoneInfo("Europe/Madrid")
FIRST, LAST = datetime.datetime(2016, 3, 1, tzinfo=ZONE), datetime.datetime(2016, 5, 6, tzinfo=ZONE)

SITE_FILE = """
site: {id: harbour, landlord: demo, name: Harbour house, zone: Europe/Madrid, currency: EUR,
       disconnectable: [electricity]}
tariffs:
  - {id: power, commodity: electricity, blocks: [{upto: 100 kWh, price: 0.2}, {price: 0.3}]}
  - {id: tap, commodity: water, price: 4.5}
meter_types:
  tap: {register: volume, max_rate: 5 m3/h, backflow_max: 200 l, slack: 100 l}
  power: {register: energy_import, max_rate: 20 kW, slack: 10 Wh}
rooms:
  - id: 1
    points:
      - {id: 1-tap, commodity: water, tariff: tap, meters: [{meter: w-1, type: tap, from: 2016-03-01}]}
      - {id: 1-power, commodity: electricity, tariff: power, meters: [{meter: el-1, type: power, from: 2016-03-01}]}
    leases: [{id: lease-1, persons: [anna], from: 2016-03-01}]
  - id: 2
    points:
      - {id: 2-tap, commodity: water, tariff: tap, meters: [{meter: w-2, type: tap, from: 2016-03-01, device: gw}]}
    leases: [{id: lease-2, persons: [ben], from: 2016-03-01}]
persons:
  - {id: anna, name: Anna, mail: anna@example.org, language: en}
  - {id: ben, name: Ben, mail: ben@example.org, language: zh}
"""

SCENARIO = """
site: harbour
ticks: {from: 2016-03-01, until: 2016-05-08}
seed: 11
twice: 2 %
delayed: {share: 2 %, up_to: 3 days}
malformed: 29
payments: {default: {after: 5 days}, leases: {lease-2: never}}
sources:
  - file: water.csv
    separator: ";"
    time: {column: when, format: "DD/MM/YYYY hh:mm:ss", zone: local}
    meter: {column: key, ids: {one: w-1, two: w-2}}
    value: {column: litres, register: volume, unit: l}
  - file: power.csv
    time: {column: utc, format: "YYYY-MM-DDThh:mm:ssZ"}
    payload: pb
    columns: {kwh: {meter: el-1, register: energy_import, unit: kWh}}
"""


def partition_of(site, partitions):
    return (murmur2(site.encode()) & 0x7fffffff) % partitions


def of_another_site(text, site):
    """The site file or scenario as another site's, with meters of its own."""
    return re.sub(r"\b(w|el)-(\d)\b", rf"{site}-\1-\2", text.replace("harbour", site))


class World:
    def __init__(self, folder, port_base, services=tuple(SERVICES), **env):
        self.folder = folder
        self.stack = Stack(folder / "var", port_base)
        self.stack.up(engines_only=True)
        self.env = {**INHERITED, **self.stack.environment(), "RISER_CLOCK": "log", **env}
        self.partitions = int(self.env["RISER_PARTITIONS"])
        self.partition = partition_of("harbour", self.partitions)
        self.processes = {}
        self.schemas = self.load_schemas()
        host, port = self.stack.address("REDIS")
        self.redis = redis.Redis(host, port)
        self.ctl("rebuild", "--all")
        for name in services:
            self.start(name)

    def load_schemas(self):
        out = self.folder / "proto"
        out.mkdir()
        files = [str(p.relative_to(ROOT / "proto")) for p in (ROOT / "proto").rglob("*.proto")]
        subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={out}", *files], check=True, cwd=ROOT / "proto")
        sys.path.insert(0, str(out))
        areas = ("site", "decision", "device", "reject", "state", "person", "telemetry")
        return {area: importlib.import_module(f"riser.{area}.v1.{area}_pb2") for area in areas}

    def start(self, name):
        http = self.stack.port_base + SERVICES[name]
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen([BIN / f"riser-{name}"], stdin=subprocess.DEVNULL, stdout=log,
                                                    stderr=log, env={**self.env, "RISER_HTTP_PORT": str(http)})
        deadline = time.monotonic() + 60
        while not ready(f"http://127.0.0.1:{http}/readyz"):
            assert self.processes[name].poll() is None and time.monotonic() < deadline, \
                f"{name} is not ready: {(self.folder / f'{name}.log').read_text()[-2000:]}"
            time.sleep(0.1)

    def stop(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(60)

    def kill(self, name):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def close(self):
        for name in list(self.processes):
            self.stop(name)
        self.stack.down()

    def ctl(self, *arguments, expect=0, env=None, timeout=300):
        ran = subprocess.run([BIN / "riserctl", *map(str, arguments)], env={**self.env, **(env or {})}, text=True,
                             capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)
        assert ran.returncode == expect, f"riserctl {arguments} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
        return ran

    def json(self, *arguments):
        return json.loads(self.ctl(*arguments, "--json").stdout)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def records(self, topic, partition):
        """[(offset, key, value)] of what is committed."""
        consumer = KafkaConsumer(bootstrap_servers=self.env["RISER_KAFKA"], isolation_level="read_committed",
                                 enable_auto_commit=False, auto_offset_reset="earliest")
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        end, found = consumer.end_offsets([place])[place], []
        while consumer.position(place) < end:
            for record in consumer.poll(200).get(place, []):
                found.append((record.offset, record.key, record.value))
        consumer.close()
        return found

    def devices(self):
        """{key: [value, ...]} of riser.device.v1."""
        found = {}
        for partition in range(self.partitions):
            for _, key, value in self.records("riser.device.v1", partition):
                found.setdefault(key, []).append(value)
        return found

    def facts(self, partition=None):
        kind = self.schemas["site"].SiteRecord
        partition = self.partition if partition is None else partition
        return [(offset, kind.FromString(value)) for offset, _, value in self.records("riser.site.v1", partition)]

    def next_offset(self):
        value = self.redis.get(f"{{p{self.partition}}}:meta")
        return self.schemas["state"].PartitionMeta.FromString(value).next_offset

    def site_state(self):
        value = self.redis.get(f"{{p{self.partition}}}:site:harbour")
        return self.schemas["state"].SiteState.FromString(value)


def ready(url):
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


def make_reads(folder):
    """Writes the files that SCENARIO names; the set of (meter, register, UTC second, value) that they hold."""
    reads = set()
    with open(folder / "water.csv", "w", newline="") as file:
        lines = csv.writer(file, delimiter=";")
        lines.writerow(["key", "when", "litres"])
        for key, meter, start, step in (("one", "w-1", 1000, 7), ("two", "w-2", 50000, 3)):
            at, value = FIRST, start
            while at <= LAST:
                local = at.astimezone(ZONE)
                text = "2e+03" if value == 2000 else str(value)
                lines.writerow([key, local.strftime("%d/%m/%Y %H:%M:%S"), text])
                reads.add((meter, 20, int(at.timestamp()), int(Decimal(text) * 1000)))
                at = (at.astimezone(datetime.timezone.utc) + datetime.timedelta(minutes=90))
                value += step
    with open(folder / "power.csv", "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["utc", "kwh"])
        at, value = FIRST.astimezone(datetime.timezone.utc), 100000
        while at <= LAST:
            lines.writerow([at.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{value / 1000:.3f}"])
            reads.add(("el-1", 1, int(at.timestamp()), value))
            at, value = at + datetime.timedelta(hours=1), value + 217
    return reads
