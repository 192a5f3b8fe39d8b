# SPDX-License-Identifier: Apache-2.0
"""riser-billing on the real Kafka and the real Redis: the fence, the outbox, and what it refuses."""
import random
import subprocess
import time

import kafka
import pytest

import vectors
from billing_harness import Billing, decision_pb, site_pb, state_pb
from stack import BUILD

MARCH_S = 1456790400  # 2016-03-01T00:00:00Z
COLD = 20             # REGISTER_VOLUME_COLD
RANK_DEVICE = 64


@pytest.fixture(scope="module")
def module_billing(engines):
    billing = Billing(engines)
    billing.redis.flushall()
    engines.ctl("rebuild", "--all")
    yield billing
    billing.close()


@pytest.fixture
def billing(module_billing):
    """Not running yet; ended afterwards."""
    yield module_billing
    if module_billing.process and module_billing.process.poll() is None:
        module_billing.kill()


@pytest.fixture
def site(billing, request):
    """A site of the test's own."""
    name = f"s{abs(hash((request.node.name, time.time_ns()))) % 10**9}"
    billing.add_site(name)
    return name


def entry(second, value, rank=RANK_DEVICE):
    return [(second, rank, value)]


def vector(billing, site, meter="m-1", month=201603):
    value = billing.value(site, f"reads:{site}/{meter}/{COLD}/{month}")
    return value and vectors.reads(value)


def steady(billing, site, count, start=0):
    """Readings of one meter, one every ten minutes, one a record."""
    for n in range(start, start + count):
        billing.producer.send("riser.site.v1", key=site.encode(), partition=billing.partition(site),
                              value=billing.readings(site, f"{site}-{n}", ("m-1", COLD, MARCH_S + 600 * n, 1000 + n))
                              .SerializeToString())


def test_a_reading_becomes_an_entry_of_the_vector(billing, site):
    billing.start()
    billing.send(billing.readings(site, "a", ("m-1", COLD, MARCH_S + 90, 5000), ("m-1", COLD, MARCH_S + 30, 4000)))
    billing.wait_applied()
    assert vector(billing, site) == entry(30, 4000) + entry(90, 5000)
    partition, offset = billing.send(billing.readings(site, "b", ("m-1", COLD, MARCH_S + 60, 4500)))
    billing.wait_applied()
    assert vector(billing, site) == entry(30, 4000) + entry(60, 4500) + entry(90, 5000)
    meta = billing.meta(partition)
    assert (meta.next_offset, meta.last_offset, meta.partition_count) == (offset + 1, offset, billing.partitions)


def test_any_order_and_any_duplication_give_the_same_bytes(billing, site):
    seed = random.randrange(10**9)
    print("seed", seed)
    chance = random.Random(seed)
    other = site + "-b"
    billing.add_site(other)
    billing.start()
    reads = [("m-1", COLD, MARCH_S + chance.randrange(86400), chance.randrange(5000)) for _ in range(400)]
    for number, where in enumerate((site, other)):
        shuffled = reads + chance.sample(reads, 200) * number
        chance.shuffle(shuffled)
        for at in range(0, len(shuffled), 7):
            billing.producer.send("riser.site.v1", key=where.encode(), partition=billing.partition(where),
                                  value=billing.readings(where, f"{where}-{at}", *shuffled[at:at + 7])
                                  .SerializeToString())
    billing.wait_applied()
    assert vector(billing, site) == vector(billing, other)
    assert len(vector(billing, site)) >= 50


def unknown_meters(billing, site, name, count):
    """Each makes a decision."""
    for n in range(count):
        billing.send(billing.readings(site, f"{name}-{n}", (f"{name}-{n}", COLD, MARCH_S, 1)))


def check_decisions(billing, site, count):
    """Every one is in the decision log once, in the order of causes; `count` of them are of unknown meters."""
    seen = billing.decisions()
    ids = [d.id for _, d in seen]
    assert len(ids) == len(set(ids)), "a decision was published twice"
    assert sum(d.id.startswith(f"unknown:{site}:new-") for _, d in seen) == count
    for p in range(billing.partitions):
        causes = [(d.cause.offset, d.cause.index) for r, d in seen if r.partition == p]
        assert causes == sorted(causes)
        assert all(d.cause.partition == p for r, d in seen if r.partition == p)


def check_rebuild(billing):
    """The log alone gives the same state. Billing isn't running before or afterwards."""
    before = billing.dump()
    billing.redis.flushall()
    billing.stack.ctl("rebuild", "--all")
    billing.start()
    billing.wait_applied()
    assert billing.stop() == 0
    assert billing.dump() == before


def test_killed_at_any_moment_it_comes_to_the_same_state(billing, site):
    for round_ in range(4):
        billing.start(ready=False, RISER_BATCH_RECORDS="20")
        steady(billing, site, 1500, 1500 * round_)
        unknown_meters(billing, site, f"new-{round_}", 40)
        billing.kill()
    billing.start()
    billing.wait_applied()
    assert billing.stop() == 0
    check_rebuild(billing)
    check_decisions(billing, site, 160)


def test_two_processes_share_the_partitions_and_hand_them_over(billing, site, engines):
    other_site = next(f"{site}-{n}" for n in range(100)
                      if billing.partition(f"{site}-{n}") == billing.partition(site) ^ 1)
    billing.add_site(other_site)
    second = Billing(engines, instance=1)
    try:
        billing.start()
        second.start(ready=False)
        for round_ in range(3):
            for where in (site, other_site):
                steady(billing, where, 500, 500 * round_)
                unknown_meters(billing, where, f"new-{round_}", 20)
            if round_ == 0:
                billing.wait("both own partitions", lambda: billing.metric("riser_billing_partitions_owned") == 2
                             and second.metric("riser_billing_partitions_owned") == 2)
            if round_ == 1:
                billing.kill()
        second.wait("the other one takes over", lambda: second.metric("riser_billing_partitions_owned") == 4)
        second.wait_applied()
        assert second.stop() == 0
    finally:
        second.close()
    check_rebuild(billing)
    check_decisions(billing, site, 60)
    check_decisions(billing, other_site, 60)


def test_what_the_predecessor_could_not_publish_is_published_once(billing, site):
    billing.start()
    billing.send(billing.readings(site, "x", ("m-x", COLD, MARCH_S, 1)))
    billing.wait_applied()
    billing.stop()
    partition = billing.partition(site)
    left = decision_pb.Decision(id=f"left:{site}", site=site)
    left.cause.partition, left.cause.offset, left.cause.index = partition, billing.meta(partition).next_offset - 1, 99
    outbox = state_pb.Outbox()
    outbox.records.add(topic="riser.decision.v1", key=site.encode(), value=left.SerializeToString(), cause=left.cause)
    billing.redis.set(f"{{p{partition}}}:outbox", outbox.SerializeToString())
    for _ in range(2):
        billing.start()
        billing.wait("the outbox is published", lambda: any(d.id == left.id for _, d in billing.decisions()))
        billing.stop()
    assert [d.id for _, d in billing.decisions()].count(left.id) == 1


def refused(billing, reason):
    billing.start(ready=False)
    billing.wait("the partition is refused", lambda: f'"reason":"{reason}"' in billing.tail())
    billing.wait("readyz says so", lambda: billing.ready()[0] == 503)
    assert "partitions" in billing.ready()[1]
    billing.wait("metrics say so", lambda: billing.metric("riser_billing_partitions_refused") == 1)


def test_without_meta_a_partition_is_refused_until_it_is_rebuilt(billing, site):
    partition = billing.partition(site)
    billing.start()
    billing.send(billing.readings(site, "a", ("m-1", COLD, MARCH_S, 5)))
    billing.wait_applied()
    billing.stop()
    before = billing.dump()
    billing.redis.delete(f"{{p{partition}}}:meta")
    refused(billing, "no-meta")
    billing.wait_applied(besides=[partition])
    assert billing.redis.get(f"{{p{partition}}}:meta") is None, "it began by itself"
    billing.stack.ctl("rebuild", "--partition", str(partition), "--yes")
    billing.wait_applied()
    billing.wait("it is ready again", lambda: billing.ready()[0] == 200)
    assert billing.dump() == before


@pytest.mark.parametrize("field, value, reason", [
    ("digest", bytes(range(32)), "log-differs"),
    ("partition_count", 63, "partition-count"),
    ("fold_version", 999, "fold-version"),
    ("next_offset", 10**9, "log-shorter"),
], ids=["digest", "partition_count", "fold_version", "next_offset"])
def test_state_that_does_not_belong_to_the_log_is_refused(billing, site, field, value, reason):
    partition = billing.partition(site)
    billing.start()
    billing.wait_applied()
    billing.stop()
    key = f"{{p{partition}}}:meta"
    good = billing.redis.get(key)
    bad = billing.meta(partition)
    setattr(bad, field, value)
    billing.redis.set(key, bad.SerializeToString())
    refused(billing, reason)
    assert billing.redis.get(key) == bad.SerializeToString()
    billing.redis.set(key, good)
    billing.wait("it is ready again", lambda: billing.ready()[0] == 200)


def test_a_record_for_newer_readers_stops_its_partition_alone(billing, site):
    partition = billing.partition(site)
    other = next(f"other-{n}-{site}" for n in range(100) if billing.partition(f"other-{n}-{site}") != partition)
    billing.add_site(other)
    billing.start()
    billing.send(billing.readings(site, "a", ("m-1", COLD, MARCH_S, 5)))
    newer = billing.record(site, "newer", tick=site_pb.Tick(time_s=1))
    newer.envelope.min_reader = 1000
    _, offset = billing.send(newer)
    billing.send(billing.readings(site, "b", ("m-1", COLD, MARCH_S + 60, 6)))
    billing.send(billing.readings(other, "c", ("m-1", COLD, MARCH_S, 7)))
    billing.wait_applied(besides=[partition])
    billing.wait("it stops before the record", lambda: billing.meta(partition).next_offset == offset)
    billing.wait("readyz says so", lambda: billing.ready()[0] == 503)
    assert vector(billing, site) == entry(0, 5), "what came before is applied, what comes behind is not"
    assert vector(billing, other) == entry(0, 7)
    # An operator's way out, for this test: the partition is told to go on behind it.
    billing.stop()
    meta = billing.meta(partition)
    meta.next_offset = offset + 1
    billing.redis.set(f"{{p{partition}}}:meta", meta.SerializeToString())
    billing.start()
    billing.wait_applied()
    assert vector(billing, site) == entry(0, 5) + entry(60, 6)


def test_a_record_in_a_wrong_partition_becomes_an_exception(billing, site):
    wrong = (billing.partition(site) + 1) % billing.partitions
    billing.start()
    record = billing.readings(site, f"lost-{site}", ("m-1", COLD, MARCH_S, 5))
    billing.send(record, partition=wrong)
    billing.send(b"\xff\xff no record", key=site.encode())
    billing.wait_applied()
    billing.stop()
    assert vector(billing, site) is None
    assert not list(billing.redis.scan_iter(f"{{p{wrong}}}:*{site}*"))
    found = {d.fact_exception.reason: (r.partition, d.id) for r, d in billing.decisions() if d.site == site}
    assert found["wrong-partition"] == (wrong, f"exception:lost-{site}")
    assert found["undecodable"][0] == billing.partition(site)


def test_a_fence_that_another_owner_moved_makes_it_load_again(billing, site):
    partition = billing.partition(site)
    billing.start()
    billing.send(billing.readings(site, "a", ("m-1", COLD, MARCH_S, 5)))
    billing.wait_applied()
    meta = billing.meta(partition)
    meta.business_time_s = MARCH_S + 3600  # as if another one had committed in between
    billing.redis.set(f"{{p{partition}}}:meta", meta.SerializeToString())
    billing.send(billing.readings(site, "b", ("m-1", COLD, MARCH_S + 60, 6)))
    billing.wait_applied()
    assert vector(billing, site) == entry(0, 5) + entry(60, 6)
    assert billing.metric('riser_billing_commits_total{outcome="fence-lost"}') == 1
    assert billing.meta(partition).business_time_s == meta.business_time_s


def test_offsets_taken_by_transactions_are_passed_over(billing, site):
    """Their markers are no records, yet next_offset reaches the end, and the last record is found again."""
    partition = billing.partition(site)
    billing.start()
    writer = kafka.KafkaProducer(bootstrap_servers=billing.env["RISER_KAFKA"], transactional_id=f"tx-{site}")
    writer.init_transactions()
    offsets = []
    for second, end in ((0, writer.commit_transaction), (60, writer.abort_transaction)):
        writer.begin_transaction()
        record = billing.readings(site, f"tx-{second}", ("m-1", COLD, MARCH_S + second, 5))
        sent = writer.send("riser.site.v1", key=site.encode(), value=record.SerializeToString(), partition=partition)
        offsets.append(sent.get(30).offset)
        end()
    writer.close()
    billing.wait_applied()
    meta = billing.meta(partition)
    assert (meta.last_offset, meta.next_offset) == (offsets[0], offsets[0] + 4)
    assert vector(billing, site) == entry(0, 5)
    billing.stop()
    billing.start()
    billing.send(billing.readings(site, "b", ("m-1", COLD, MARCH_S + 120, 6)))
    billing.wait_applied()
    assert vector(billing, site) == entry(0, 5) + entry(120, 6)


def test_redis_away_for_a_while_loses_nothing(billing, site, engines):
    billing.start()
    steady(billing, site, 100)
    billing.wait_applied()
    engines.stop("redis")
    steady(billing, site, 100, 100)
    billing.producer.flush()
    time.sleep(1)
    assert billing.get("/livez")[0] == 200
    engines.start("redis")
    billing.wait_applied()
    assert vector(billing, site) == [read for n in range(200) if n % 6 not in (2, 3)
                                     for read in entry(600 * n, 1000 + n)]  # of each hour the outer four


def test_the_owner_writes_a_tick_a_minute(billing):
    before = time.time()
    billing.start(RISER_CLOCK="system")
    billing.wait("business time moves", lambda: all(
        billing.meta(p).business_time_s >= before - 60 for p in range(billing.partitions)))
    billing.stop()
    ticks = [(r, site_pb.SiteRecord.FromString(r.value)) for r in billing.all_of("riser.site.v1")
             if r.key.startswith(b"@tick/")]
    for p in range(billing.partitions):
        times = [t.tick.time_s for r, t in ticks if r.partition == p]
        assert times and all(t % 60 == 0 and t <= time.time() for t in times)
        assert f"clock:{p}:{times[-1]}" in [d.id for _, d in billing.decisions()]


def test_a_tick_from_the_future_is_ignored(billing, site):
    partition = billing.partition(site)
    billing.start()
    tick = billing.record("", "ahead", tick=site_pb.Tick(time_s=int(time.time()) + 3600))
    billing.send(tick, key=f"@tick/{partition}".encode(), partition=partition)
    billing.wait_applied()
    assert billing.meta(partition).business_time_s < time.time() + 300
    assert billing.metric('riser_billing_skipped_total{reason="tick-ahead"}') == 1


def test_it_does_not_start_with_another_number_of_partitions(billing):
    billing.start(ready=False, RISER_PARTITIONS="7")
    assert billing.process.wait(timeout=120) == 1
    assert "partition-count-differs" in billing.tail()


def test_check_config():
    program = BUILD / "bin" / "riser-billing"
    assert subprocess.run([program, "--check-config"], capture_output=True, env={}).returncode == 0
    assert subprocess.run([program, "--check-config"], capture_output=True,
                          env={"RISER_BATCH_WRITES": "none"}).returncode == 2
