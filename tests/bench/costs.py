# SPDX-License-Identifier: Apache-2.0
"""The benchmark's cases about what a reading costs: processor, memory, spool. Each gives [{what, runs, unit, ratio, aim}]."""
import statistics
import tempfile
import threading
import time

from cases import result

SERVICES = ("ingest", "billing", "notify", "control")
MEMORY_START_S = 1_640_995_200  # 2022-01-01
COST_START_S = 1_675_209_600  # 2023-02-01: business time never goes back
ROUND_S = 900  # between two reads of a meter, bench-load's
DAY_S = 86_400
MONTHS = ((2022, 12), (2023, 1))  # of hourly reads; before them a read a day


def redis_bytes(stack, quick):
    """What a meter takes in Redis with two months of hourly reads and thirteen months of days."""
    rooms = 20 if quick else 200
    stack.riser("start", "billing")
    stack.install(1, rooms, "memory", MEMORY_START_S)
    hourly_s = MEMORY_START_S + 334 * DAY_S  # 2022-12-01
    times = [*range(MEMORY_START_S, hourly_s, DAY_S), *range(hourly_s, COST_START_S + 1, 3600)]
    readings(stack, "memory", rooms, times)
    for month_end in range(30, 397 + 30, 30):
        stack.tick(min(MEMORY_START_S + month_end * DAY_S, COST_START_S))
    stack.fold_all()
    stack.riser("stop", "billing")
    found = {}
    for key in stack.redis.scan_iter("{p*}:*memory-0*", count=10_000):
        words = key.decode().split(":")
        kind = words[1]
        if kind == "reads":
            kind = "hourly reads" if words[2].rsplit("/", 1)[1] in [f"{y}{m:02}" for y, m in MONTHS] else "daily reads"
        found.setdefault(kind, []).append(stack.redis.memory_usage(key, samples=0) / rooms)
    assert len(found["days"]) == 13 * rooms and len(found["hourly reads"]) >= 2 * rooms, {k: len(v) for k, v in found.items()}
    total = sum(found["hourly reads"]) + sum(found["days"]) + sum(found.get("point", []))
    names = ", ".join(f"{kind} {sum(sizes):,.0f}" for kind, sizes in sorted(found.items()))
    return [result("(e) Redis, a meter: 2 months hourly, 13 of days", [total], "bytes", f"20,000; {names}")]


def readings(stack, name, rooms, times):
    """One record of each instant with a read of every room of the name's first site."""
    pb, telemetry = stack.schemas["site"], stack.schemas["telemetry"]
    for time_s in times:
        batch = [telemetry.Reading(meter=f"{name}-{room:07d}", register=1, time_s=time_s, value=1000 + time_s // 90)
                 for room in range(rooms)]
        stack.fact(f"{name}-0", f"{name}-{time_s}", readings=pb.Readings(device="gateway", readings=batch))
    stack.producer.flush()


def tick_along(stack, done, rounds_a_second, until_s):
    """Business time follows the reads by two hours, in steps of six."""
    began, told = time.monotonic(), 0
    while not done.wait(0.02):
        passed_s = int((time.monotonic() - began) * rounds_a_second) * ROUND_S - 7200
        if passed_s // 21600 > told:
            told = passed_s // 21600
            stack.tick(min(COST_START_S + told * 21600, until_s))
    stack.tick(until_s)


def cpu(stack, quick):
    """All services at work: rooms read every 15 minutes for 35 days: days close, a month closes, bills go out by mail."""
    sites, rooms, days = (2 if quick else 20), 20, 35
    stack.install(sites, rooms, "cost", COST_START_S, leased=True)
    for service in reversed(SERVICES):
        stack.riser("start", service)
    stack.fold_all()
    time.sleep(2)
    idle = spent(stack, lambda: time.sleep(3))
    rounds = days * DAY_S // ROUND_S
    rate = 1000  # messages of 20 readings a second
    done = threading.Event()
    ticks = threading.Thread(target=tick_along, args=(stack, done, rate / sites, COST_START_S + days * DAY_S))

    def work():
        before = sum(stack.ends("riser.site.v1").values())
        ticks.start()
        stack.load(site="cost", sites=sites, meters=rooms, readings=rooms, messages=rounds * sites, rate=rate,
                   start=COST_START_S)
        stack.wait_for("ingest", lambda: sum(stack.ends("riser.site.v1").values()) >= before + rounds * sites)
        done.set()
        ticks.join()
        stack.fold_all()
        time.sleep(3)  # mails are on their way
    busy = spent(stack, work)
    for service in SERVICES:
        stack.riser("stop", service)
    total = rounds * sites * rooms
    return [result(f"(f) {service}, of {total:,} readings at {rate * rooms:,}/s, days and bills included",
                   [busy[service] * 1e6 / total], "us/reading", f"idle {idle[service] / 3:.1%} of a core")
            for service in SERVICES]


def spent(stack, work):
    """Processor seconds of each service while `work` is done."""
    before = {service: stack.cpu_seconds(service) for service in SERVICES}
    work()
    return {service: stack.cpu_seconds(service) - before[service] for service in SERVICES}


def measure(stack, readings, messages, policy="none"):
    with tempfile.TemporaryDirectory(prefix="spool-", dir=stack.folder) as folder:
        return stack.program("riser-ingest-measure", readings, messages, "pb", folder + "/spool", policy)


def spool(stack, quick):
    """The append, alone, and beside all else that ingest does to a message (without broker and Kafka)."""
    rounds = 3 if quick else 9
    found = []
    for readings, messages in ((1, 100_000), (100, 20_000)):
        runs = [measure(stack, readings, messages) for _ in range(rounds)]
        appends, works = [[run[name] for run in runs] for name in ("append_us", "work_us")]
        found.append(result(f"(g) spool append, {readings} reading(s) a message; ratio: to decode, judge, encode", appends,
                            "us/message", "", statistics.median(appends) / statistics.median(works)))
    base = statistics.median(found[0]["runs"])
    for policy in ("interval", "always"):
        count = 100_000 if policy == "interval" else 2_000
        runs = [measure(stack, 1, count, policy)["append_us"] for _ in range(rounds)]
        found.append(result(f"(g) the same, 1 reading, spool_sync={policy}; ratio: to none", runs, "us/message", "",
                            statistics.median(runs) / base))
    return found
