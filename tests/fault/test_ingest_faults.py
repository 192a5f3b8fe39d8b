# SPDX-License-Identifier: Apache-2.0
"""ingest: killed two hundred times, its disk full, two of them at once."""
import contextlib
import os
import random
import signal
import statistics
import subprocess
import threading
import time

import paho.mqtt.client as mqtt
import pytest

from fault_run import STATED_RATE, alive
from own import Own, http_port, metric, start_beside
from stack import ROOT
from stream import Stream

# A spool of a few MiB, in which the test can look for what it holds.
SMALL = {"RISER_PAYLOAD_MAX": "16KiB", "RISER_SPOOL_SIZE": "64MiB", "RISER_SPOOL_SEGMENT": "256KiB",
         "RISER_MQTT_RECEIVE_MAX": "64"}
AMID_START = 4  # every fourth time it is killed once more while it starts


def kill(stream):
    """Under load; the acknowledged readings that were nowhere but in the spool."""
    stack = stream.world.stack
    pid = stack.pid("ingest")
    os.kill(pid, signal.SIGKILL)
    rate = stream.rate()
    assert rate >= STATED_RATE, f"only {rate} readings/s were acknowledged before the fault, not {STATED_RATE}"
    stream.wait("ingest to be gone", lambda: not alive(pid), 5)
    stream.run_for(0.25)  # what it had handed to Kafka is there by then
    stream.catch_up()
    return stream.held()


def kill_amid_start(stream, pause_s):
    """The driver is told to start it, and it dies before or soon after it is ready."""
    stack = stream.world.stack
    with subprocess.Popen([ROOT / "riser", "start", "ingest"], env=stack.env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        pid_file = stack.var / "run" / "ingest.pid"
        stream.wait("ingest's new process", lambda: pid_file.exists() and pid_file.read_text().endswith("\n"), 10)
        stream.run_for(pause_s)
        pid = stack.pid("ingest")
        os.kill(pid, signal.SIGKILL)
        stream.wait("ingest to be gone", lambda: not alive(pid), 5)
        stream.wait("the driver to see it", lambda: driver.poll() is not None, 30)


@contextlib.contextmanager
def small_spool(stack):
    before = dict(stack.env)
    stack.env.update(SMALL)
    try:
        stack.stop("ingest")
        stack.start("ingest")
        yield
    finally:
        stack.env.clear()
        stack.env.update(before)
        stack.stop("ingest")
        stack.start("ingest")


@pytest.mark.long
def test_ingest_killed_200_times(world, seed, pytestconfig):
    """One load, one death after the other; kill n of seed s is at the moment that "s n" gives."""
    hits, recoveries, amid, kills = [], [], 0, pytestconfig.getoption("--kills")
    with small_spool(world.stack), Stream(world, "kill-ingest-200", seed) as stream:
        for number in range(kills):
            moment = random.Random(f"kill-ingest {seed} {number}")
            stream.run_for(moment.uniform(0.02, 0.8))
            hits.append(kill(stream))
            if number % AMID_START == AMID_START - 1:
                (world.stack.var / "run" / "ingest.pid").unlink()
                kill_amid_start(stream, moment.uniform(0, 0.3))
                amid += 1
            began = time.monotonic()
            world.stack.start("ingest")
            try:
                stream.recovered(30)
            except AssertionError as error:
                raise AssertionError(f"kill {number} of seed {seed}: {error}") from None
            recoveries.append(time.monotonic() - began)
        rate, seconds = stream.slowest_second()
        acked, lost, twice, copies = stream.account()
    gaps = [event for _, event in world.logs.facts_of(stream.site, "device_event")]
    assert not gaps, f"{len(gaps)} events: a gap was told of that there is not"
    struck = sum(1 for hit in hits if hit)
    assert struck >= kills // 10, f"only {struck} of {kills} deaths found readings that only the spool had"
    recoveries.sort()
    world.rows.append({
        "fault": "kill-ingest-200", "seed": seed, "hits": f"{struck} of {kills}, {sum(hits)} readings", "rate": rate,
        "acked": acked, "lost": lost, "twice": twice,
        "recovery": f"{statistics.median(recoveries):.1f} s, worst {recoveries[-1]:.1f} s",
        "remarks": f"{kills} kills and {amid} amid the start in {seconds} s, {copies} copies merged"})


DISK_MIB = 12
FULL_S = 25  # longer than the numbers of devices are kept for (10 s)


def mounted(folder, mebibytes):
    """A file system of that size at the folder, for ingest alone; ends with the test."""
    folder.mkdir(exist_ok=True)
    ran = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "riser-fault", folder],
                         capture_output=True, text=True)
    assert ran.returncode == 0, f"a small file system can't be mounted: this test needs root ({ran.stderr.strip()})"


def fill(path):
    """Somebody else fills the disk to its last block."""
    with open(path, "ab", buffering=0) as ballast:
        for size in (65536, 4096):
            try:
                while True:
                    ballast.write(b"\1" * size)
            except OSError:
                pass
    left = os.statvfs(path)
    assert left.f_bavail == 0, "the disk is not full"


@pytest.mark.long
def test_disk_full(world, seed, tmp_path):
    """Somebody fills the spool's disk. With Kafka there, what is released is used again and the load goes on; with Kafka
    away ingest disconnects, the broker holds the messages, and all of it comes when Kafka is back, disk full or not."""
    folder = tmp_path / "small"
    mounted(folder, DISK_MIB)
    spool = folder / "spool"
    spool.mkdir()
    try:
        with Own(world.stack, ingest={**SMALL, "RISER_SPOOL_DIR": str(spool)}), \
                Stream(world, "disk-full", seed) as stream:
            play_full_disk(world, stream, folder, random.Random(f"disk-full {seed}"))
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def play_full_disk(world, stream, folder, moment):
    stack, port = world.stack, http_port(world.stack, "ingest")
    stream.run_for(moment.uniform(0.5, 2))
    fill(folder / "ballast")
    before = len(world.logs.readings[stream.site])
    stream.run_for(FULL_S)
    went_on = len(world.logs.readings[stream.site]) - before
    rate = stream.rate()
    assert min(rate, went_on / FULL_S) >= STATED_RATE, f"{rate} readings/s were acknowledged, {went_on} kept in {FULL_S} s"
    world.let_go_of_kafka()
    stack.stop("kafka")
    try:
        stops = metric(port, "riser_ingest_intake_stops_total")
        stream.wait("ingest to stop taking in", lambda: metric(port, "riser_ingest_intake_stops_total") > stops, 90,
                    poll=False)
        stream.run_for(moment.uniform(1, 4), poll=False)
        held, waiting, rate = stream.held(folder / "spool"), len(stream.pending), stream.rate()
    finally:
        stack.start("kafka")
    assert 0 < held < waiting, f"{held} waited in the spool, {waiting - held} at the broker"
    assert rate >= STATED_RATE, f"only {rate} readings/s were acknowledged while the disk was full"
    began = time.monotonic()
    stream.recovered(90)
    recovery = time.monotonic() - began
    assert os.statvfs(folder).f_bavail == 0, "the disk was not full all the time"
    acked, lost, twice, copies = stream.account()
    assert "append-failed" not in stack.log("ingest"), "an append failed: the reserve was not there"
    world.rows.append({"fault": "disk-full", "seed": stream.seed, "hits": held, "rate": rate, "acked": acked, "lost": lost,
                       "twice": twice, "recovery": f"{recovery:.1f} s", "remarks":
                       f"{went_on} readings kept in {FULL_S} s with a full disk, {held} then in the spool, {waiting - held} at the "
                       f"broker, {copies} copies merged"})


def disorder(world, site):
    """Readings that lie in the log behind a later one of the same meter."""
    latest, found = {}, 0
    logged = world.logs.readings[site]
    for reading, places in sorted(logged.items(), key=lambda one: one[1][0].offset):
        found += reading.time_s < latest.get(reading.meter, 0)
        latest[reading.meter] = max(reading.time_s, latest.get(reading.meter, 0))
    return found


def forget_session(stack, client_id):
    """Mosquitto goes on handing its share to a member of a shared subscription that is away, as long as its session is
    kept: one that is gone for good must not leave it behind."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
    client.connect(*stack.address("MQTT"), clean_start=True)  # without a session expiry: it ends with the connection
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.loop_start()
    assert connected.wait(10), "the broker did not take the session back"
    client.disconnect()
    client.loop_stop()


@pytest.mark.long
def test_two_ingests(world, seed, tmp_path):
    """One shared subscription; a fifth of the messages twice, a fifth changes places, a tenth late; one of the two dies."""
    stack, moment = world.stack, random.Random(f"two-ingests {seed}")
    shared = {"RISER_SEQUENCES": "false", "RISER_MQTT_SHARE": "riser-ingest"}
    ports = http_port(stack, "ingest"), stack.port_base + 32
    second = {"RISER_INSTANCE": "1", "RISER_SPOOL_DIR": str(tmp_path / "spool-1"), "RISER_HTTP_PORT": str(ports[1])}
    faults = ("--duplicates", "20", "--reordered", "20", "--delayed", "10", "--delay", "1")
    with Own(stack, ingest=shared) as own:
        other = start_beside(stack, "ingest", tmp_path, **shared, **second)
        try:
            with Stream(world, "two-ingests", seed, options=faults) as stream:
                stream.run_for(moment.uniform(1, 2))
                own.child["ingest"].kill()
                own.child["ingest"].wait()
                rate = stream.rate()
                assert rate >= STATED_RATE, f"only {rate} readings/s were acknowledged before the fault"
                stream.run_for(moment.uniform(0.5, 1.5))
                hit = len(stream.catch_up())
                began = time.monotonic()
                own.start("ingest")
                stream.recovered(60)
                recovery = time.monotonic() - began
                stream.run_for(1)
                taken = [metric(port, "riser_ingest_messages_total") for port in ports]
                acked, lost, twice, copies = stream.account()
            late = disorder(world, stream.site)
        finally:
            other.terminate()
            status = other.wait(30)
            forget_session(stack, "riser-ingest-1")
    assert status == 0, f"the second ingest ended with {status}"
    assert min(taken) > 100, f"one of the two took next to nothing: {taken}"
    assert hit, "the death found nothing on its way"
    assert copies > acked / 50 and late > acked / 50, f"{copies} copies, {late} out of order: no disorder to speak of"
    world.rows.append({"fault": "two-ingests", "seed": seed, "hits": hit, "rate": rate, "acked": acked, "lost": lost,
                       "twice": twice, "recovery": f"{recovery:.1f} s", "remarks":
                       f"{taken[0]:.0f} and {taken[1]:.0f} messages, {copies} copies merged, {late} readings out of order"})

