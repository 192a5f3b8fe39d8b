# SPDX-License-Identifier: Apache-2.0
"""The benchmark's cases. Each gives [{what, runs, unit, ratio, aim}]."""
import signal
import statistics
import subprocess
import threading
import time

SITES, ROOMS = 100, 100  # distinct rooms: 10,000
PROBES = 50  # meters of the site probe-0
START_S = 1_704_067_200  # 2024-01-01


def result(what, runs, unit, aim, ratio=None):
    return {"what": what, "runs": runs, "unit": unit, "aim": aim, "ratio": ratio}


def ensure_installed(stack):
    if not getattr(stack, "installed", False):
        stack.install(SITES, ROOMS)
        stack.installed = True


def ingest_session(stack):
    """Ingest's persistent session exists and ingest is away: what is published now waits in the broker."""
    ensure_installed(stack)
    if not getattr(stack, "session", False):
        stack.riser("start", "ingest")
        stack.riser("stop", "ingest")
        stack.session = True


def ingest_run(stack, messages, readings):
    """Messages a second from the broker's queue to Kafka."""
    stack.load(messages=messages, readings=readings, sites=SITES, meters=ROOMS, start=START_S)
    before = stack.ends("riser.site.v1")
    stack.riser("start", "ingest")
    stack.wait_for("ingest's draining of the queue",
                   lambda: sum(stack.ends("riser.site.v1").values()) >= sum(before.values()) + messages)
    stack.riser("stop", "ingest")
    count, seconds = stack.append_times(before)
    return count / seconds


def sink_run(stack, messages, readings):
    address, filter_ = f"tcp://{stack.mqtt}", "$share/bench/bench/v1/+/+/up/#"
    stack.program("bench-sink", address, filter_, 0)
    stack.load(messages=messages, readings=readings, sites=SITES, meters=ROOMS, start=START_S, prefix="bench/v1")
    ran = stack.program("bench-sink", address, filter_, messages)
    return ran["messages"] / ran["seconds"]


def alternate(stack, rounds, messages, readings):
    ours, ceiling = [], []
    for _ in range(rounds):
        ceiling.append(sink_run(stack, messages, readings))
        ours.append(ingest_run(stack, messages, readings))
    return ours, ceiling


def ingest_single(stack, quick):
    ingest_session(stack)
    ours, ceiling = alternate(stack, 1 if quick else 7, 50_000 if quick else 100_000, 1)
    return [result("(a) minimal Paho subscriber, 1 reading a message", ceiling, "messages/s", "the ceiling"),
            result("(a) ingest, 1 reading a message, to Kafka", ours, "messages/s", "ratio 0.9",
                   statistics.median(ours) / statistics.median(ceiling))]


def ingest_batch(stack, quick):
    ingest_session(stack)
    ours, ceiling = alternate(stack, 1 if quick else 5, 5_000 if quick else 20_000, 100)
    return [result("(b) minimal Paho subscriber, 100 readings a message", [c * 100 for c in ceiling], "readings/s",
                   "the ceiling"),
            result("(b) ingest, 100 readings a message, to Kafka", [o * 100 for o in ours], "readings/s",
                   "300,000/s", statistics.median(ours) / statistics.median(ceiling))]


# What ingest is run with, beside the settings of all; the first is what the others are held against.
INGEST_VARIANTS = {
    "spool_sync=none": {},
    "spool_sync=interval": {"RISER_SPOOL_SYNC": "interval"},
    "spool_sync=always": {"RISER_SPOOL_SYNC": "always"},
}


def ingest_variants(stack, _):
    ingest_session(stack)
    runs = {name: [] for name in INGEST_VARIANTS}
    for _ in range(5):
        for name, settings in INGEST_VARIANTS.items():
            stack.env.update(settings)
            runs[name].append(ingest_run(stack, 50_000, 1))
            for setting in settings:
                del stack.env[setting]
    base = statistics.median(next(iter(runs.values())))
    return [result(f"(h) ingest, 1 reading a message, {name}", found, "messages/s", "",
                   statistics.median(found) / base) for name, found in runs.items()]


def set_rate(stack, value_bytes, count):
    """Pipelined SETs of the same size a second, by redis-benchmark, on the same Redis with the same AOF."""
    host, port = stack.env["RISER_REDIS"].split(":")
    ran = subprocess.run(["redis-benchmark", "-h", host, "-p", port, "-t", "set", "-d", str(value_bytes), "-r",
                          str(SITES * ROOMS), "-n", str(count), "-P", "200", "-c", "1", "--csv"],
                         capture_output=True, text=True, check=True)
    return float(ran.stdout.splitlines()[-1].split(",")[1].strip('"'))


def produce_readings(stack, records_wanted, readings, step):
    """Readings records straight into the site log: distinct rooms in turn, `step` makes later runs later reads."""
    pb, telemetry = stack.schemas["site"], stack.schemas["telemetry"]
    for number in range(records_wanted):
        site, turn = f"bench-{number % SITES}", number // SITES
        batch = []
        for i in range(readings):
            index = turn * readings + i
            time_s = START_S + (step * 10_000 + index // ROOMS) * 900
            batch.append(telemetry.Reading(meter=f"bench-{index % ROOMS:07d}", register=1, time_s=time_s,
                                           value=1000 + time_s // 90))
        stack.fact(site, f"bench-{step}-{number}", readings=pb.Readings(device="gateway", readings=batch))
    stack.producer.flush()


def fold_run(stack, records_wanted, readings, step):
    """Readings a second through a running billing that was held still while they came."""
    stack.signal("billing", signal.SIGSTOP)
    first = sum(stack.next_offsets().values())
    produce_readings(stack, records_wanted, readings, step)
    end = sum(stack.ends("riser.site.v1").values())
    began = time.monotonic()
    stack.signal("billing", signal.SIGCONT)
    while sum(stack.next_offsets().values()) < end:
        time.sleep(0.005)
    return (end - first) * readings / (time.monotonic() - began)


def billing_fold(stack, quick):
    ensure_installed(stack)
    rounds, total = (1, 300_000) if quick else (5, 1_000_000)
    found = []
    stack.riser("start", "billing")
    stack.wait_for("the installations' fold", lambda: sum(stack.next_offsets().values())
                   >= sum(stack.ends("riser.site.v1").values()))
    for readings, what in ((100, "100 readings a record"), (1, "1 reading a record")):
        count = total // readings if readings > 1 else total // 5
        folds, sets = [], []
        for step in range(rounds):
            sets.append(set_rate(stack, 12, 200_000 if quick else 500_000))
            folds.append(fold_run(stack, count, readings, 1 + step + (50 if readings == 1 else 0)))
        found += [result(f"(c) Redis, pipelined SETs of 12 bytes ({what})", sets, "writes/s", "the ceiling"),
                  result(f"(c) billing, distinct rooms, {what}", folds, "readings/s", "150,000/s",
                         statistics.median(folds) / statistics.median(sets))]
    stack.riser("stop", "billing")
    return found


def last_value(packed):
    """Of the vector's latest read: the sum of its entries' differences (lib/domain/reads_codec.h)."""
    total, number, shift, numbers = 0, 0, 0, []
    for byte in packed or b"":
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    numbers = iter(numbers)
    for step in numbers:
        if step & 1:
            next(numbers)  # the rank
        difference = next(numbers)
        total += difference >> 1 if difference % 2 == 0 else -(difference + 1 >> 1)
    return total


def probe(stack, number, value, times):
    """One read of a meter of its own by MQTT, and how long until it stands in Redis."""
    client = stack.prober
    time_s = START_S + 40_000_000 + number
    meter = f"probe-{number % PROBES:07d}"
    payload = f'{{"meter":"{meter}","at":{time_s},"energy_import_wh":{value}}}'
    began = time.monotonic()
    client.publish("riser/v1/probe-0/gateway/up/json", payload, qos=1)
    match = f"{{p*}}:reads:probe-0/{meter}/1/*"
    while time.monotonic() - began < 10:
        keys = stack.probe_keys.get(meter) or list(stack.redis.scan_iter(match, count=100_000))
        stack.probe_keys[meter] = keys
        if any(last_value(stack.redis.get(key)) == value for key in keys):
            times.append((time.monotonic() - began) * 1000)
            return
        time.sleep(0.001)
    raise SystemExit(f"bench: read {number} did not come to Redis within 10 s")


def latency(stack, quick):
    import paho.mqtt.client as mqtt
    ensure_installed(stack)
    stack.install(1, PROBES, "probe")
    for service in ("billing", "ingest"):
        stack.riser("start", service)
    stack.fold_all()
    host, port = stack.mqtt.split(":")
    stack.prober = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench-probe")
    stack.prober.connect(host, int(port))
    stack.prober.loop_start()
    stack.probe_keys = {}
    seconds, rate = (6, 5_000) if quick else (40, 5_000)
    load = threading.Thread(target=stack.load, kwargs=dict(
        messages=seconds * rate, rate=rate, sites=SITES, meters=ROOMS, start=START_S + 30_000_000))
    for number in range(PROBES):  # makes their keys
        probe(stack, number, 1000 + number, [])
    times = []
    load.start()
    time.sleep(1)
    number = PROBES
    while load.is_alive():
        probe(stack, number, 1000 + number, times)
        number += 1
        time.sleep(0.02)
    load.join()
    stack.prober.loop_stop()
    for service in ("ingest", "billing"):
        stack.riser("stop", service)
    times.sort()
    return [result(f"(d) publish to state at 5,000 readings/s, p50 of {len(times)}", [statistics.median(times)], "ms", ""),
            result("(d) p99", [times[int(len(times) * 0.99)]], "ms", "under 250 ms")]
