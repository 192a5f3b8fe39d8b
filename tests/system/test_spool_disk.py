# SPDX-License-Identifier: Apache-2.0
"""Ingest's spool and its disk, between a real broker and a real Kafka: what each spool_sync does before a message is
acknowledged, and a disk that is full, by ourselves and by others."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from ingest_world import Device, Ingest, Registry, Tail
from stack import ROOT, wait_for

sys.path.insert(0, str(ROOT / "tools" / "demo"))
import records  # noqa: E402

WITNESS = ROOT / "build" / "tests" / "sync-witness.so"
SMALL = {"SPOOL_SEGMENT": "64KiB", "PAYLOAD_MAX": "8KiB", "MQTT_RECEIVE_MAX": "64"}
SITE = "disk-1"


@pytest.fixture(scope="module")
def schemas():
    return records.load_schemas()


@pytest.fixture(scope="module")
def registry(engines, schemas):
    registry = Registry(engines, schemas)
    registry.put(SITE)
    yield registry
    registry.close()


@pytest.fixture
def log(engines, schemas):
    tail = Tail(engines, "riser.site.v1", schemas["site"].SiteRecord)
    yield tail
    tail.close()


@pytest.fixture
def device(engines):
    device = Device(engines)
    yield device
    device.close()


def publish(device, name, first, count, fill=300):
    for value in range(first, first + count):
        payload = b'{"at":%d,"volume_ml":%d,"fill":"%s"}' % (time.time(), value, b"x" * fill)
        device.publish(f"riser/v1/{SITE}/{name}/up/json", payload, name=value)


def arrived(log, name):
    log.poll()
    return {reading.value for record, _ in log.records if record.envelope.source == f"ingest/{name}"
            for reading in record.readings.readings}


@pytest.mark.parametrize("policy", ["none", "interval", "always"])
def test_the_disk_has_it_before_the_device_is_told(policy, engines, registry, device, log, tmp_path):
    """The order of fdatasync and PUBACK inside ingest, by a witness that is preloaded into it."""
    witness = tmp_path / "witness"
    ingest = Ingest(engines, tmp_path, SPOOL_SYNC=policy, SPOOL_SYNC_INTERVAL="20ms", MQTT_CLIENT_ID=f"witness-{policy}",
                    MQTT_SHARE=f"witness-{policy}")
    ingest.env |= {"LD_PRELOAD": str(WITNESS), "RISER_SYNC_WITNESS": str(witness)}
    ingest.start()
    try:
        witness.write_text("")
        publish(device, f"sync-{policy}", 1, 500)
        device.settle()
        wait_for("everything acknowledged", lambda: device.acknowledged <= arrived(log, f"sync-{policy}"), 60)
        wait_for("the witness", lambda: witness.read_text().count("p") >= 500)
        seen = witness.read_text()
    finally:
        assert ingest.stop() == 0
    acknowledged, synced = seen.count("p"), seen.count("s")
    ahead = max(seen[:end].count("p") - seen[:end].count("s") for end in range(len(seen) + 1))
    print(f"{policy}: {acknowledged} PUBACKs, {synced} fdatasyncs, at most {ahead} PUBACKs ahead of their fdatasync")
    assert acknowledged >= 500  # what other devices have left retained comes with the subscription
    if policy == "always":
        assert ahead == 0 and synced >= 500
    elif policy == "interval":
        assert 0 < synced < 500
    else:
        assert synced == 0


class SmallDisk:
    """A file system of so many KiB that only those see who are started by `within`."""

    def __init__(self, folder, kib):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        who = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = f"mount -t tmpfs -o size={kib}k riser '{folder}' && echo mounted && exec sleep 1000"
        self.holder = subprocess.Popen(["unshare", *who, "--mount", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "mounted\n", "no mount of our own: run as root"
        enter = ["--user", "--preserve-credentials"] if who else []
        self.within = ("nsenter", "--target", str(self.holder.pid), *enter, "--mount", "--root", "--wd=/", "--")
        self.outside = pathlib.Path(f"/proc/{self.holder.pid}/root") / self.folder.relative_to("/")

    @contextlib.contextmanager
    def filled(self):
        """Others take all that is left, and whatever comes free, and leave."""
        theirs = open(self.outside / "theirs", "wb", buffering=0)
        halt = threading.Event()

        def take():
            while not halt.wait(0.02):
                with contextlib.suppress(OSError):
                    while theirs.write(b"x" * 4096):
                        pass
        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield
        finally:
            halt.set()
            thread.join()
            theirs.close()
            (self.outside / "theirs").unlink()

    def close(self):
        self.holder.kill()
        self.holder.wait()


@pytest.fixture
def disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk", 4096)
    yield disk
    disk.close()


@contextlib.contextmanager
def without_kafka(engines):
    engines.stop("kafka")
    try:
        yield
    finally:
        engines.start("kafka")


def test_a_full_disk_stops_the_intake_and_loses_nothing(engines, registry, disk, device, log, tmp_path):
    """The spool may be larger than its disk is. Filled by ourselves while Kafka is away, killed on the full disk,
    drained; then filled by others, who stay when Kafka is back."""
    ingest = Ingest(engines, tmp_path, SPOOL_DIR=disk.folder / "spool", SPOOL_SIZE="64MiB", MQTT_CLIENT_ID="disk",
                    MQTT_SHARE="disk", **SMALL)
    ingest.within = disk.within
    ingest.start()
    try:
        fills_it_ourselves(engines, ingest, device, log)
        others_fill_it(engines, disk, ingest, device, log)
        assert ingest.process.poll() is None
    finally:
        ended = ingest.stop()
    assert ended == 0
    assert '"event":"append-failed"' not in ingest.log()


def fills_it_ourselves(engines, ingest, device, log):
    count = 16000
    with without_kafka(engines):
        publish(device, "ours", 1, count)
        wait_for("the intake to stop", lambda: ingest.metric("riser_ingest_intake_stops_total") >= 1)
        wait_for("no more to come", lambda: "mqtt-subscribed: ok" not in ingest.ready()[1])
        assert ingest.metric("riser_ingest_spool_disk_full") == 1
        assert ingest.ready()[0] == 503 and "spool-not-full: ok" not in ingest.ready()[1]
        taken = ingest.metric("riser_ingest_messages_total")
        assert 3000 < taken < count
        assert ingest.process.poll() is None
        os.kill(ingest.process.pid, signal.SIGKILL)
        assert ingest.process.wait() in (-signal.SIGKILL, 128 + signal.SIGKILL)
        ingest.start(wait=False)
        wait_for("the start on a full disk", lambda: ingest.metric("riser_ingest_spool_used_bytes") > 1 << 20)
        time.sleep(1)
        assert ingest.metric("riser_ingest_messages_total") == 0  # took nothing in, and lives
        assert ingest.process.poll() is None
    device.settle()
    wait_for("everything acknowledged", lambda: len(arrived(log, "ours")) >= count, 90)
    assert device.acknowledged == arrived(log, "ours") == set(range(1, count + 1))
    wait_for("ready again", lambda: ingest.ready()[0] == 200)
    print(f"{taken:.0f} of {count} messages fitted")


def others_fill_it(engines, disk, ingest, device, log):
    count = 12000  # more than the segments hold that it has from before
    with disk.filled():
        with without_kafka(engines):
            publish(device, "theirs", 1, count)
            wait_for("a full disk", lambda: ingest.metric("riser_ingest_spool_disk_full") == 1)
        device.settle()
        wait_for("everything acknowledged", lambda: len(arrived(log, "theirs")) >= count)
        stops = ingest.metric("riser_ingest_intake_stops_total")
    wait_for("room on the disk", lambda: ingest.metric("riser_ingest_spool_disk_full") == 0)
    publish(device, "room", 1, count)
    device.settle()
    wait_for("everything acknowledged", lambda: len(arrived(log, "room")) >= count)
    print(f"on a disk that others filled the intake was stopped {stops:.0f} times")
