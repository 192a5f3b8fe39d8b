# SPDX-License-Identifier: Apache-2.0
"""metersim's ledger is true: what it says the broker acknowledged is what reaches the site log through ingest, under
every fault at once; and the same seed plays the same choices."""
import importlib
import json
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from stack import BIN, INHERITED, ROOT, wait_for

PARTITIONS = 4
REGISTERS = {1: "energy_import", 20: "volume"}
FAULTS = ["--duplicates", "10", "--delayed", "10", "--delay", "1", "--reordered", "10", "--malformed", "10"]


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metersim-proto")
    files = [f"riser/{area}/v1/{area}.proto" for area in ("telemetry", "site", "device", "reject")]
    subprocess.run(["protoc", f"-I{ROOT}/proto", f"--python_out={folder}", *files], check=True, cwd=ROOT / "proto")
    sys.path.insert(0, str(folder))
    return {area: importlib.import_module(f"riser.{area}.v1.{area}_pb2") for area in ("site", "device", "reject")}


@pytest.fixture(scope="module")
def ingest(engines, schemas, tmp_path_factory):
    """A running ingest that knows the sites sim-pb and sim-json."""
    folder = tmp_path_factory.mktemp("metersim")
    producer = KafkaProducer(bootstrap_servers="%s:%d" % engines.address("KAFKA"), acks="all")
    for site in ("sim-pb", "sim-json"):
        producer.send("riser.device.v1", key=f"{site}/".encode(),
                      value=schemas["device"].Device(site=site, landlord="demo").SerializeToString()).get(60)
    url = f"http://127.0.0.1:{engines.port_base + 40}/readyz"
    with open(folder / "ingest.log", "ab") as log:
        process = subprocess.Popen([BIN / "riser-ingest"], stdout=log, stderr=log,
                                   env={**INHERITED, **engines.environment(), "RISER_HTTP_PORT": str(engines.port_base + 40)})
    try:
        deadline = time.monotonic() + 120
        while not is_there(url):
            assert process.poll() is None and time.monotonic() < deadline, f"ingest is not ready; see {folder}"
            time.sleep(0.1)
        yield folder
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def is_there(url):
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


def play(engines, folder, *options):
    """(what it printed at the end, the ledger's lines)"""
    ledger = folder / f"ledger-{len(list(folder.iterdir()))}"
    ran = subprocess.run([BIN / "metersim", "--mqtt", "%s:%d" % engines.address("MQTT"), "--gateways", "3", "--meters",
                          "20", "--batch", "10", "--rate", "2000", "--start", "1456790400", "--interval", "60",
                          "--ledger", ledger, *options], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout), [json.loads(line) for line in ledger.read_text().splitlines()]


def identities(ledger):
    return {(line["device"], *reading) for line in ledger for reading in line.get("readings", [])}


class Log:
    """What is in a topic about one site."""

    def __init__(self, engines, topic, decode):
        self.decode, self.records = decode, []
        self.consumer = KafkaConsumer(bootstrap_servers="%s:%d" % engines.address("KAFKA"), consumer_timeout_ms=200,
                                      isolation_level="read_committed")
        self.consumer.assign([TopicPartition(topic, p) for p in range(PARTITIONS)])
        self.consumer.seek_to_beginning()

    def of(self, site):
        self.records += [self.decode(m.value) for m in self.consumer if m.key == site.encode()]
        return self.records


def readings(records):
    return [(r.readings.device, x.meter, REGISTERS[x.register], x.time_s, x.value)
            for r in records if r.WhichOneof("fact") == "readings" for x in r.readings.readings]


@pytest.mark.parametrize("format", ["pb", "json"])
def test_what_was_acknowledged_is_in_the_site_log(engines, schemas, ingest, format):
    site = f"sim-{format}"
    summary, ledger = play(engines, ingest, "--site", site, "--format", format, "--count", "300", "--seed", "11",
                           "--receipts", "--receipt-timeout", "2", *FAULTS)
    published = identities(ledger)
    assert (summary["messages"], summary["readings"]) == (300, 3000) and len(published) == 3000
    site_log = Log(engines, "riser.site.v1", schemas["site"].SiteRecord.FromString)
    wait_for("the readings", lambda: set(readings(site_log.of(site))) >= published)
    assert set(readings(site_log.records)) == published
    assert len(readings(site_log.records)) > 3000  # the duplicates came through: billing merges them

    malformed = [line for line in ledger if "malformed" in line]
    assert len(malformed) == summary["malformed"] > 10
    rejects = Log(engines, "riser.reject.v1", schemas["reject"].Reject.FromString)
    wait_for("the rejects", lambda: len(rejects.of(site)) >= len(malformed))
    assert sorted(reject.length for reject in rejects.records) == sorted(line["bytes"] for line in malformed)


def test_the_same_seed_plays_the_same(engines, ingest):
    def choices(seed):
        _, ledger = play(engines, ingest, "--site", "nowhere", "--count", "60", "--seed", seed, *FAULTS)
        return identities(ledger), sorted(line["bytes"] for line in ledger if "malformed" in line)

    assert choices("5") == choices("5")
    assert choices("5") != choices("6")
