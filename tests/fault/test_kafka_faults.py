# SPDX-License-Identifier: Apache-2.0
"""Kafka between commits: decisions that are committed but not published, published twice, or refused for good; a slow
Kafka; a clock that is years ahead; owners that come and go."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import kafka
import pytest

import evidence
import outside
from fault_run import Run, alive
from outside import DECISION_LOG, decision_pb, site_pb, state_pb
from second import start_second
from stack import BUILD

TRIES = 12
BURSTS_S = 20
STORM_S, STORM_EVERY_S = 30, 3
YEARS_S = 10 * 365 * 86400


# ---------------------------------------------------------------- between Redis' commit and Kafka's

def outbox_keys(world):
    return [f"{{p{partition}}}:outbox" for partition in sorted(world.partitions)]


def decisions_in_outboxes(world):
    records = [record for value in world.state.client.mget(outbox_keys(world))
               for record in state_pb.Outbox.FromString(value or b"").records]
    return [decision_pb.Decision.FromString(record.value) for record in records if record.topic == DECISION_LOG]


def kill_between_commits(run, world):
    """SIGKILL at the moment at which Redis shows a new outbox; gives the decisions that never reached Kafka."""
    pid, (host, port) = world.stack.pid("billing"), world.stack.address("REDIS")
    killer = subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("kill_at_commit.py"), host, str(port),
                               str(pid), *outbox_keys(world)], stdout=subprocess.PIPE, text=True)
    assert killer.stdout.readline() == "watching\n"
    run.dead.add("billing")
    run.wait("billing to be killed at its commit", lambda: not alive(pid), 15)
    run.prove_load(time.time() * 1000)
    assert killer.wait(15) == 0
    killer.stdout.close()
    world.logs.catch_up()
    published = {decision.id for _, decision in world.logs.decisions}
    return [decision for decision in decisions_in_outboxes(world) if decision.id not in published]


def test_billing_killed_between_commits(world, seed):
    """What is in Redis and not in Kafka is published by whoever comes next: none missing, none twice."""
    with Run(world, "kill-between-commits", seed, 16) as run:
        hidden = []
        for _ in range(TRIES):
            run.run_for(run.random.uniform(0.2, 0.8))
            found = kill_between_commits(run, world)
            run.hits.append(len(found))
            hidden += [decision.id for decision in found]
            run.restart("billing")
            if found and len(run.hits) > 2:
                break
        assert hidden, "no death found decisions that only Redis had"
        run.run_for(0.5)
        world.logs.catch_up()
        published = [decision.id for _, decision in world.logs.decisions]
        counts = {name: published.count(name) for name in hidden}
        assert set(counts.values()) == {1}, f"published {counts}"


# ---------------------------------------------------------------- a decision log that repeats itself

def test_decisions_that_come_again(world, seed):
    """What a zombie does to a few decisions of one commit is done here to all of them: no mail, no command, no fact
    follows, also when notify and control have died and have only their marks in Kafka."""
    with Run(world, "decisions-again", seed, 14) as run:
        run.zombie = True
        run.run_for(run.random.uniform(4, 6))
        run.prove_load(time.time() * 1000)
        run.hits.append(repeat_all(world))
    mails = run.mails()
    assert mails and set(mails.values()) == {1}, f"sent again: {[m for m, n in mails.items() if n > 1][:5]}"
    before = when_quiet(world)
    world.stack.kill("notify", "control")
    world.stack.start("notify", "control")
    run.world.rows[-1]["hits"] += f"/{repeat_all(world)}"
    wait_until_read(world, "riser-notify", "riser-control")
    assert when_quiet(world) == before, "somebody wrote because of decisions that came again"
    assert run.mails() == mails, "mails were sent again"
    world.logs.catch_up()
    world.repeated.update(place for place, *_ in evidence.repeated_decisions(world.logs.decisions))


def repeat_all(world):
    """Every decision there is, once more, in the order of their places; gives how many."""
    world.logs.catch_up()
    producer = kafka.KafkaProducer(bootstrap_servers=world.brokers, acks="all", linger_ms=5)
    before = list(world.logs.decisions)
    for place, decision in before:
        producer.send(DECISION_LOG, key=decision.site.encode(), value=decision.SerializeToString(),
                      partition=place.partition)
    producer.flush(60)
    producer.close()
    return len(before)


def ends(world, topic):
    parts = [kafka.TopicPartition(topic, p) for p in world.partitions]
    return {part: end for part, end in world.logs.consumer.end_offsets(parts).items()}


def when_quiet(world):
    """The ends of the logs that people and devices hear of, once nothing has been written for 2 s."""
    found, since = None, 0.0
    until = time.monotonic() + 60
    while not found or time.monotonic() - since < 2:
        assert time.monotonic() < until, "it never became quiet"
        now = ends(world, outside.SITE_LOG) | ends(world, "riser.command.v1")
        if now != found:
            found, since = now, time.monotonic()
        time.sleep(0.2)
    return found


def wait_until_read(world, *groups):
    """Until the groups have committed that they have read all decisions."""
    admin = kafka.KafkaAdminClient(bootstrap_servers=world.brokers)
    until, wanted = time.monotonic() + 60, ends(world, DECISION_LOG)
    for group in groups:
        while True:
            committed = admin.list_consumer_group_offsets(group, partitions=list(wanted))
            if all(committed[part].offset >= end for part, end in wanted.items()):
                break
            assert time.monotonic() < until, f"{group} has not read all decisions"
            time.sleep(0.2)
    admin.close()


# ---------------------------------------------------------------- producers that die

@contextlib.contextmanager
def forced(world, tmp_path, parts):
    """The parts run with tests/fault/forced_fatal.c between them and librdkafka."""
    world.stack.stop(*parts)
    world.stack.env |= {"LD_PRELOAD": str(BUILD / "tests" / "libriser_forced_fatal.so"),
                        "RISER_FORCED_FATAL": str(tmp_path)}
    try:
        world.stack.start(*reversed(parts))
        yield
    finally:
        for name in ("LD_PRELOAD", "RISER_FORCED_FATAL"):
            del world.stack.env[name]
        world.stack.stop(*parts)
        world.stack.start(*reversed(parts))


# What each says when it has put another producer in the dead one's place.
REPLACED = ("producer-taken-over", "producer-replaced", "beginning-anew")


@pytest.mark.long
def test_fatal_producer_errors(world, seed, tmp_path):
    """Of each service, amid its work: another producer goes on, in the same process. Control meets its dead one when it
    sends, and all that it has to send comes within a few seconds: so it is the first."""
    parts = ["ingest", "control", "notify", "billing"]
    with forced(world, tmp_path, parts), Run(world, "fatal-producers", seed, 20) as run:
        run.wait("a command that is due", run.unsettled, 20)
        for part in ["control", *run.random.sample(["ingest", "notify", "billing"], 3), "ingest"]:
            run.run_for(run.random.uniform(0.1, 0.5) if part == "control" else run.random.uniform(0.3, 1))
            log_at, pid = len(world.stack.log(part)), world.stack.pid(part)
            run.prove_load(time.time() * 1000)
            (tmp_path / str(pid)).touch()
            run.wait(f"{part} to have another producer",
                     lambda: any(word in world.stack.log(part)[log_at:] for word in REPLACED), 30)
            run.recovered(time.monotonic())
            run.hits.append(part)
            assert world.stack.pid(part) == pid and alive(pid), f"{part} did not outlive its producer"


@pytest.mark.long
def test_notify_is_shut_out(world, seed):
    """As Kafka does when it ends a transaction that was open for too long during an outage: somebody else's
    InitProducerId for the same transactional id looks the same to the producer."""
    fault = world.stack.mail / "fault"
    fault.write_text("delay 0.1\n")
    try:
        with Run(world, "notify-shut-out", seed, 12) as run:
            pid, log_at = world.stack.pid("notify"), len(world.stack.log("notify"))
            for _ in range(5):
                run.wait("messages to be due", run.undelivered, 20)
                run.prove_load(time.time() * 1000)
                shut_out(world.brokers)
                run.run_for(run.random.uniform(0.2, 0.6))
            run.recovered(time.monotonic())
            fault.unlink()
            run.hits.append(world.stack.log("notify")[log_at:].count("producer-replaced"))
            assert run.hits[0], "notify was never shut out"
            assert world.stack.pid("notify") == pid and alive(pid), "notify did not outlive it"
    finally:
        fault.unlink(missing_ok=True)


def shut_out(brokers):
    producer = kafka.KafkaProducer(bootstrap_servers=brokers, transactional_id="riser-notify-0")
    producer.init_transactions()
    producer.close()


# ---------------------------------------------------------------- Kafka is slow

@pytest.mark.long
def test_slow_kafka(world, seed):
    """It stands still for up to 2 s, goes on for up to 1 s, and so forth."""
    with Run(world, "slow-kafka", seed, BURSTS_S + 12) as run:
        run.run_for(1)
        pid, until, before = world.stack.pid("kafka"), time.monotonic() + BURSTS_S, acknowledged(run)
        standing = 0
        while time.monotonic() < until:
            run.kafka_down = True
            os.kill(pid, signal.SIGSTOP)
            try:
                run.run_for(run.random.uniform(0.3, 2))
                standing, before = standing + acknowledged(run) - before, acknowledged(run)
            finally:
                os.kill(pid, signal.SIGCONT)
            run.prove_load(time.time() * 1000)
            run.kafka_down = False
            run.run_for(run.random.uniform(0.2, 1))
            before = acknowledged(run)
        run.hits.append(standing)
        assert standing > 1000, "hardly anything was acknowledged while Kafka stood still"
        run.recovered(time.monotonic())


def acknowledged(run):
    return sum(len(ledger.read()) for ledger in run.ledgers.values())


# ---------------------------------------------------------------- a clock that is years ahead

@pytest.mark.long
def test_tick_of_years_ahead(world, seed):
    """As of a billing whose node's clock is wrong: more than 5 minutes ahead of Kafka's own time they are passed over."""
    with Run(world, "tick-years-ahead", seed, 14) as run:
        run.run_for(run.random.uniform(1, 2))
        run.prove_load(time.time() * 1000)
        log_at, before = len(world.stack.log("billing")), world.logs.ends()
        for ahead_s in (YEARS_S, 3600, 360):
            for partition in world.partitions:
                world.send(site_pb.SiteRecord(tick=site_pb.Tick(time_s=int(time.time()) + ahead_s),
                                              envelope=site_pb.Envelope(min_reader=1, source="fault")),
                           f"@tick/{partition}", partition)
        run.wait("the ticks to be passed", lambda: all(world.state.next_offsets()[p] > before[p] + 3 for p in before), 30)
        run.recovered(time.monotonic())
        passed_over = world.stack.log("billing")[log_at:].count("tick-ahead")
        run.hits.append(passed_over)
        assert passed_over == 3 * len(world.partitions), f"{passed_over} ticks were passed over"
        ahead = {p: meta.business_time_s for p, meta in world.state.metas().items() if meta.business_time_s > run.business_s}
        assert not ahead, f"business time was moved: {ahead}"


# ---------------------------------------------------------------- owners come and go

@pytest.mark.long
@pytest.mark.parametrize("part", ["billing", "notify", "control"])
def test_rebalance_storm(world, seed, tmp_path, part):
    """Every 3 s a second process joins, or leaves: by SIGTERM or by SIGKILL."""
    settings = {"RISER_STATIC_MEMBER": "false"} if part == "billing" else {}
    with Run(world, f"storm-{part}", seed, STORM_S + 12) as run:
        run.zombie = part == "billing"
        log_at, second = len(world.stack.log(part)), None
        until = time.monotonic() + STORM_S
        try:
            while time.monotonic() < until:
                run.prove_load(time.time() * 1000)
                if second:
                    second.send_signal(run.random.choice((signal.SIGTERM, signal.SIGKILL)))
                    run.wait("the second to end", lambda: second.poll() is not None, 30)
                    second = None
                else:
                    second = start_second(world.stack, tmp_path, "1", part, **settings)
                run.run_for(STORM_EVERY_S)
                assert not second or second.poll() is None, (tmp_path / f"{part}-1.log").read_text()[-1500:]
        finally:
            if second:
                second.terminate()
                second.wait(30)
        run.recovered(time.monotonic())
        moves = world.stack.log(part)[log_at:].count("assigned")
        run.hits.append(moves)
        assert moves >= STORM_S / STORM_EVERY_S / 2, f"only {moves} assignments"
