# SPDX-License-Identifier: Apache-2.0
"""riserctl on the real stack: what apply, replay, pay and read write is what Kafka and Redis then hold, by independent
clients; and what is wrong is refused, told, and leaves nothing behind."""
import datetime
import hashlib
import importlib
import json
import re
import subprocess
import threading
import time
from collections import Counter

import pytest
from kafka import KafkaProducer

import seal_oracle
import vectors
from riserctl_world import (BIN, FIRST, SCENARIO, SITE_FILE, ZONE, World, make_reads, of_another_site,
                            partition_of)
from stack import PORT_BASE


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("riserctl"), PORT_BASE + 950)
    try:
        yield world
    finally:
        world.close()


@pytest.fixture(scope="module")
def site(world):
    path = world.file("site.yaml", SITE_FILE)
    world.first_apply = world.json("apply", "--wait", path)
    return path


@pytest.fixture(scope="module")
def played(world, site):
    """The replay, once: what the files held, what riserctl said and wrote down."""
    reads = make_reads(world.folder)
    ledger = world.folder / "ledger.jsonl"
    ran = world.ctl("replay", world.file("scenario.yaml", SCENARIO), "--ledger", ledger, "--json")
    return reads, json.loads(ran.stdout), [json.loads(line) for line in ledger.read_text().splitlines()]


# ---------------------------------------------------------------- apply

def test_apply_twice_writes_once(world, site):
    assert world.first_apply["facts_written"] == world.first_apply["facts"] == 1 + 2 + 2 + 3 + 3 + 2
    before = len(world.facts())
    assert world.json("apply", "--wait", site)["facts_written"] == 0
    assert len(world.facts()) == before
    persons = [world.schemas["person"].Person.FromString(value)
               for p in range(world.partitions) for _, _, value in world.records("riser.person.v1", p)]
    assert {(p.id, p.mail, p.landlord) for p in persons} == {("anna", "anna@example.org", "demo"),
                                                            ("ben", "ben@example.org", "demo")}


def test_only_what_changed_is_written_and_one_can_go_back(world, site):
    names = []
    for name in ("Quay", "Pier", "Quay", "Pier", "Harbour house"):
        changed = world.file("changed.yaml", SITE_FILE.replace("name: Harbour house", f"name: {name}"))
        assert world.json("apply", "--wait", changed)["facts_written"] == 1
        names.append(world.site_state().site.name)
    assert names == ["Quay", "Pier", "Quay", "Pier", "Harbour house"]


def test_the_site_carries_its_zone(world, site):
    table = [(t.from_s, t.offset_s) for t in world.site_state().site.transitions]
    for day in range(0, 365 * 130, 13):
        at = datetime.datetime(1970, 1, 2, tzinfo=datetime.timezone.utc) + datetime.timedelta(days=day)
        offset = [o for f, o in table if f <= at.timestamp()][-1]
        assert offset == at.astimezone(ZONE).utcoffset().total_seconds(), at


def test_a_mistake_writes_nothing(world, site):
    before = len(world.facts())
    wrong = world.file("wrong.yaml", SITE_FILE.replace("due_days", "x").replace("tariff: tap", "tariff: tapp"))
    said = world.ctl("apply", wrong, expect=2).stderr
    assert 'there is no tariff "tapp"; did you mean "tap"?' in said and "nothing was written" in said
    assert len(world.facts()) == before


# ---------------------------------------------------------------- replay

def test_every_row_reaches_the_log_and_every_copy(world, played):
    reads, summary, ledger = played
    acked = [e for e in ledger if e["kind"] == "reading" and e["acked"]]
    assert {(e["meter"], e["register"], e["time_s"], e["value"]) for e in acked} == reads
    in_log = Counter()
    for _, fact in world.facts():
        for r in fact.readings.readings:
            in_log[r.meter, r.register, r.time_s, r.value] += 1
    assert set(in_log) == reads
    assert sum(in_log.values()) >= len(acked) == len(reads) + summary["sent_twice"]
    assert 0 < summary["sent_twice"] < len(reads) // 20 and 0 < summary["sent_late"] < len(reads) // 20
    messages = [e for e in ledger if e["kind"] == "message"]
    assert all(m["acked"] for m in messages) and len(messages) == len(acked) + summary["malformed"]
    assert summary["published"] == len(messages) and summary["refused_by_broker"] == 0


def test_a_tick_comes_behind_all_that_was_sent_before_it(world, played):
    _, summary, ledger = played
    facts = world.facts()
    ticks = {fact.tick.time_s: offset for offset, fact in facts if fact.WhichOneof("fact") == "tick"}
    expected = [int((FIRST + datetime.timedelta(days=day)).replace(minute=5).timestamp()) for day in range(69)]
    assert sorted(ticks) == expected and summary["ticks"] == 69
    assert [ticks[t] for t in expected] == sorted(ticks.values())
    assert {e["time_s"]: e["offset"] for e in ledger if e["kind"] == "tick"} == ticks
    first_seen = {}
    for offset, fact in facts:
        for r in fact.readings.readings:
            first_seen.setdefault((r.meter, r.register, r.time_s, r.value), offset)
    before = {t: ticks[expected[i - 1]] if i else -1 for i, t in enumerate(expected)}
    for entry in ledger:
        if entry["kind"] == "reading" and not entry["copy"] and entry["before_tick_s"]:
            offset = first_seen[entry["meter"], entry["register"], entry["time_s"], entry["value"]]
            assert before[entry["before_tick_s"]] < offset < ticks[entry["before_tick_s"]], entry
            assert entry["late"] or entry["time_s"] <= entry["before_tick_s"]


def test_what_is_malformed_is_refused_for_the_reason_foretold(world, played):
    _, summary, ledger = played
    wanted = {e["sha256"]: e["reason"] for e in ledger if e["kind"] == "malformed"}
    got = {}
    for p in range(world.partitions):
        for _, _, value in world.records("riser.reject.v1", p):
            reject = world.schemas["reject"].Reject.FromString(value)
            got[reject.sha256.hex()] = reject.reason
            if reject.length <= 4096:
                assert hashlib.sha256(reject.head).digest() == reject.sha256
    assert got == wanted and len(wanted) == summary["malformed"] == summary["rejected"] == 29
    assert len(set(wanted.values())) >= 17


def test_everybody_is_told_before_the_next_tick(world, played):
    kind = world.schemas["decision"].Decision
    told = {(f.notice_delivered.decision_id, f.notice_delivered.person): offset
            for offset, f in world.facts() if f.WhichOneof("fact") == "notice_delivered"}
    ticks = sorted(offset for offset, f in world.facts() if f.WhichOneof("fact") == "tick")
    count = 0
    for _, _, value in world.records("riser.decision.v1", world.partition):
        decision = kind.FromString(value)
        what = decision.WhichOneof("what")
        if what not in ("bill", "usage_alert", "notice_due"):
            continue
        later = [t for t in ticks if t > decision.cause.offset]
        for person in getattr(decision, what).persons:
            count += 1
            assert told[decision.id, person] > decision.cause.offset
            assert not later or told[decision.id, person] < later[0], decision.id
    assert count >= 5


def test_tenants_pay_what_they_owe_five_days_later(world, played):
    _, summary, ledger = played
    payments = [e for e in ledger if e["kind"] == "payment"]
    assert {p["lease"] for p in payments} == {"lease-1"} and summary["payments"] == len(payments) == 2
    days = [datetime.datetime.fromtimestamp(p["paid_at_s"], ZONE).strftime("%m-%d %H:%M") for p in payments]
    assert days == ["04-07 00:00", "05-07 00:00"]
    balance = {row["lease"]: row for row in world.json("get", "balance")}
    assert balance["lease-2"]["paid"] == 0 and balance["lease-2"]["owed"] == balance["lease-2"]["billed"] > 0


def test_a_second_replay_is_refused(world, played):
    said = world.ctl("replay", world.folder / "scenario.yaml", expect=1).stderr
    assert "the partition's clock stands at 2016-05-08 00:05 already" in said


# ---------------------------------------------------------------- the state

def test_verify_finds_every_kind_of_damage(world, played):
    tag = f"{{p{world.partition}}}:"
    clean = world.json("verify", "--partition", world.partition)[0]
    assert (clean["differing"], clean["missing"], clean["surplus"]) == (0, 0, 0) and clean["keys"] > 20
    key = f"{tag}reads:harbour/w-1/20/201604"
    value = world.redis.get(key)
    world.redis.set(key, value[:-1] + bytes([value[-1] ^ 1]))
    world.redis.set(f"{tag}surplus", b"x")
    lost = f"{tag}account:harbour/lease-1"
    account = world.redis.get(lost)
    world.redis.delete(lost)
    said = world.ctl("verify", "--partition", world.partition, expect=1).stderr
    for line in (f"differs: {key}", f"missing: {lost}", f"surplus: {tag}surplus"):
        assert line in said
    world.redis.set(key, value)
    world.redis.set(lost, account)
    world.redis.delete(f"{tag}surplus")
    assert world.json("verify", "--partition", world.partition)[0] == clean


def test_a_rebuilt_partition_is_the_same_to_the_byte(world, played):
    before = world.json("verify", "--partition", world.partition)[0]
    decisions = len(world.records("riser.decision.v1", world.partition))
    assert "--yes" in world.ctl("rebuild", "--partition", world.partition, expect=1).stderr
    world.stop("billing")
    world.ctl("rebuild", "--partition", world.partition, "--yes")
    world.start("billing")
    deadline = time.monotonic() + 60
    while world.next_offset() < before["next_offset"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert world.json("verify", "--partition", world.partition)[0] == before
    assert len(world.records("riser.decision.v1", world.partition)) == decisions


def test_a_snapshot_and_what_came_after_it_make_the_same_bytes(world, played, tmp_path):
    """Billing runs all the while."""
    folder, partition = tmp_path / "snapshots", world.partition
    made = world.json("snapshot", "--to", folder, "--partition", partition)[0]
    assert (made["from_offset"], made["keys"] > 20) == (0, True)
    world.ctl("pay", "--lease", "lease-1", "--amount", "1.00", "--id", "behind-the-snapshot")
    before = world.json("verify", "--partition", partition)[0]
    assert before["next_offset"] > made["next_offset"]
    assert world.json("verify", "--partition", partition, "--from", folder)[0] == before
    decisions = len(world.records("riser.decision.v1", partition))
    devices = world.devices()
    assert devices
    for key in world.redis.scan_iter(match=f"{{p{partition}}}:*"):
        world.redis.delete(key)
    rebuilt = world.json("rebuild", "--partition", partition, "--from", folder, "--wait", "--yes")[0]
    assert (rebuilt["from_offset"], rebuilt["next_offset"]) == (made["next_offset"], before["next_offset"])
    assert world.json("verify", "--partition", partition)[0] == before
    assert len(world.records("riser.decision.v1", partition)) == decisions
    deadline = time.monotonic() + 20  # whether these are in Kafka no snapshot knows: they are published again
    while not all(len(world.devices()[key]) > len(values) and world.devices()[key][-1] == values[-1]
                  for key, values in devices.items() if key.startswith(b"harbour/")):
        assert time.monotonic() < deadline
    again = world.json("snapshot", "--to", folder, "--partition", partition)[0]
    assert again["from_offset"] == made["next_offset"] < again["next_offset"]
    anew = world.json("snapshot", "--to", folder, "--partition", partition, "--anew")[0]
    assert (anew["from_offset"], anew["digest"]) == (0, again["digest"])


def test_a_snapshot_that_does_not_fit_removes_nothing(world, played, tmp_path):
    partition = world.partition
    other = (partition + 1) % world.partitions
    world.ctl("snapshot", "--to", tmp_path, "--partition", partition)
    file = tmp_path / f"p{partition}.snapshot"
    whole = file.read_bytes()
    keys = set(world.redis.scan_iter(match="{p*}:*"))

    def refused(content, partition, why):
        (tmp_path / f"p{partition}.snapshot").write_bytes(content)
        said = world.ctl("rebuild", "--partition", partition, "--from", tmp_path, "--yes", expect=1).stderr
        assert why in said
        assert set(world.redis.scan_iter(match="{p*}:*")) == keys
    refused(whole[:-1], partition, "damaged")
    refused(whole[:100] + b"?" + whole[101:], partition, "damaged")
    refused(whole, other, "another partition")
    meta_at = 16
    length = int.from_bytes(whole[12:16], "little")
    meta = world.schemas["state"].PartitionMeta.FromString(whole[meta_at:meta_at + length])
    sound = meta.SerializeToString()

    def with_meta():
        text = meta.SerializeToString()
        body = whole[:12] + len(text).to_bytes(4, "little") + text + whole[meta_at + length:-32]
        return body + hashlib.sha256(body).digest()
    meta.digest = bytes(32 * [7])
    refused(with_meta(), partition, "was not made from this log")
    meta.ParseFromString(sound)
    meta.next_offset += 1000
    refused(with_meta(), partition, "was not made from this log")
    meta.ParseFromString(sound)
    meta.fold_version += 1
    refused(with_meta(), partition, "another version of the fold")
    file.unlink()
    said = world.ctl("rebuild", "--partition", partition, "--from", tmp_path, "--yes", expect=1).stderr
    assert "riserctl snapshot makes it" in said and set(world.redis.scan_iter(match="{p*}:*")) == keys


def test_a_snapshot_ahead_of_the_decision_log_is_refused(world, played, tmp_path):
    """Its decisions would be published by nobody."""
    partition = world.partition
    world.ctl("snapshot", "--to", tmp_path, "--partition", partition)
    file = tmp_path / f"p{partition}.snapshot"
    whole = file.read_bytes()
    length = int.from_bytes(whole[12:16], "little")
    meta = world.schemas["state"].PartitionMeta.FromString(whole[16:16 + length])
    records = world.records("riser.site.v1", partition)
    last = [record for record in records if record[0] >= meta.next_offset]
    assert last, "the log ends where the decisions do"
    meta.next_offset = meta.last_offset = last[-1][0]
    meta.next_offset += 1
    key, value = last[-1][1] or b"", last[-1][2]
    meta.digest = hashlib.sha256(len(key).to_bytes(4, "little") + key + value).digest()
    text = meta.SerializeToString()
    body = whole[:12] + len(text).to_bytes(4, "little") + text + whole[16 + length:-32]
    file.write_bytes(body + hashlib.sha256(body).digest())
    said = world.ctl("rebuild", "--partition", partition, "--from", tmp_path, "--yes", expect=1).stderr
    assert "rebuild from the log" in said


def test_a_payment_counts_once_by_its_id(world, played):
    before = {row["lease"]: row for row in world.json("get", "balance")}["lease-2"]
    after = world.json("pay", "--lease", "lease-2", "--amount", "1.25", "--id", "bank-7")[0]
    assert round(before["owed"] - after["owed"], 2) == 1.25
    again = world.ctl("pay", "--lease", "lease-2", "--amount", "2.50", "--id", "bank-7", expect=1)
    assert "bank-7 is recorded already: nothing was changed" in again.stderr
    assert {row["lease"]: row for row in world.json("get", "balance")}["lease-2"]["owed"] == after["owed"]
    assert 'no lease "lease-9"' in world.ctl("pay", "--lease", "lease-9", "--amount", "1", expect=1).stderr
    world.ctl("pay", "--lease", "lease-2", "--amount", "-1", expect=2)
    world.ctl("pay", "--lease", "lease-2", "--amount", "1", "--commodity", "gas", expect=2)


def vector(world, meter, register, month):
    value = world.redis.get(f"{{p{world.partition}}}:reads:harbour/{meter}/{register}/{month}")
    return {second: (rank, value) for second, rank, value in vectors.reads(value)}


def test_reads_by_hand_and_corrections_take_their_rank(world, played):
    at = "2016-04-20T10:00:01Z"
    second = 19 * 86400 + 10 * 3600 + 1
    said = world.json("read", "--meter", "w-2", "--at", at, "--value", "51.2 m3")[0]
    assert said["value"] == 51.2 and said["time"] == "2016-04-20 12:00:01" and said["kind"] == "by hand"
    assert vector(world, "w-2", 20, "201604")[second] == (128, 51200000)
    world.ctl("read", "--edit", "--meter", "w-2", "--at", at, "--value", "51.3 m3", "--reason", "misread")
    assert vector(world, "w-2", 20, "201604")[second] == (256, 51300000)
    world.ctl("read", "--void", "--meter", "w-2", "--at", at, "--reason", "another meter")
    assert vector(world, "w-2", 20, "201604")[second][0] == 256 + 2 + 1
    world.ctl("read", "--edit", "--meter", "w-2", "--at", at, "--value", "51.4 m3", "--reason", "it was right")
    assert vector(world, "w-2", 20, "201604")[second] == (256 + 4, 51400000)
    assert "needs a --reason" in world.ctl("read", "--void", "--meter", "w-2", "--at", at, expect=2).stderr
    assert "exists twice" in world.ctl("read", "--meter", "w-2", "--at", "2016-10-30 02:30", "--value", "1 m3",
                                       expect=2).stderr
    world.ctl("read", "--meter", "w-9", "--at", at, "--value", "1 m3", expect=1)


# ---------------------------------------------------------------- looking

def test_bills_add_up(world, played):
    bills = world.json("get", "bills", "--lease", "lease-1")
    assert {b["month"] for b in bills} == {"2016-03", "2016-04"}
    march = [b for b in bills if b["month"] == "2016-03"][-1]
    bill = world.json("bill", march["bill"])
    assert world.json("bill", "--lease", "lease-1", "--month", "2016-03") == bill
    for section in bill["sections"]:
        meter = section["meters"][0]
        assert section["quantity"] == meter["present_value"] - meter["previous_value"]
        assert sum(line["quantity"] for line in section["lines"]) == section["quantity"]
        for line in section["lines"]:
            exact = line["quantity"] * line["price_e8"] // (1 if section["commodity"] == "COMMODITY_ELECTRICITY" else 1000)
            assert abs(line["amount_e4"] - exact / 1e5) <= 5000  # rounded to a cent
    assert sum(s["amount_e4"] for s in bill["sections"]) == bill["total_e4"]
    text = world.ctl("bill", march["bill"]).stdout
    assert f"{bill['total_e4'] / 1e6:.2f} EUR" in text and "step 2 (100 to ...)" in text
    world.ctl("bill", "bill:harbour:lease-1:1999-01:r0", expect=1)


def test_usage_by_month_day_and_hour_is_one_and_the_same(world, played):
    month = [row for row in world.json("get", "usage", "--point", "1-power", "--month", "2016-03")][0]["usage"]
    days = world.json("get", "usage", "--point", "1-power", "--month", "2016-03", "--days")
    assert len(days) == 31 and round(sum(day["usage"] for day in days), 3) == month
    hours = world.json("get", "usage", "--point", "1-power", "--hours", "2016-03-27")  # the clocks go forward
    assert len(hours) == 23 and all(hour["usage"] == 0.217 for hour in hours)
    assert round(sum(hour["usage"] for hour in hours), 3) == [d["usage"] for d in days if d["from"] == "2016-03-27"][0]


def test_explain_shows_the_reads_around_the_edges(world, played):
    text = world.ctl("explain", "--point", "1-power", "--month", "2016-04").stdout
    assert "opening 2016-04-01 00:00: 261.231 kWh, valid" in text
    assert "billing closed this month as revision" in text and "step 1 above 0 kWh: 100 kWh x 0.2 = 20.00 EUR" in text


def test_lists_agree_with_the_site(world, played):
    assert [r["room"] for r in world.json("get", "rooms")] == ["1", "2"]
    assert {m["meter"] for m in world.json("get", "meters", "--room", "1")} == {"w-1", "el-1"}
    assert world.json("get", "meters", "--point", "2-tap")[0]["device"] == "gw"
    assert [t["price"] for t in world.json("get", "tariffs")] == [0.2, 0.3, 4.5]
    assert world.json("get", "parked") == [] and world.json("get", "exceptions") == []
    assert {s["site"] for s in world.json("get", "sites")} >= {"harbour"}


def test_decode_shows_what_python_reads(world, played):
    offset, fact = world.facts()[0]
    shown = json.loads(world.ctl("decode", "--kafka", f"riser.site.v1:{world.partition}:{offset}").stdout)
    assert shown["envelope"]["fact_id"] == fact.envelope.fact_id and shown["site"]["zone"] == "Europe/Madrid"
    raw = fact.SerializeToString().hex()
    assert json.loads(world.ctl("decode", "--as", "site-record", raw).stdout) == shown
    meta = json.loads(world.ctl("decode", "--redis", f"{{p{world.partition}}}:meta").stdout)
    assert meta["partition_count"] == world.partitions
    world.ctl("decode", "--as", "batch", "0a05", expect=1)
    assert "did you mean batch?" in world.ctl("decode", "--as", "bacth", "00", expect=2).stderr


def test_topics_are_checked(world):
    rows = world.json("topics")
    assert len(rows) == 6 and all(r["partitions"] == world.partitions and r["state"] == "there" for r in rows)
    assert "another number" in world.ctl("topics", env={"RISER_PARTITIONS": "7"}, expect=1).stdout


# ---------------------------------------------------------------- the seal

def sealed(world, *arguments, expect=0):
    """verify --site: the row of the site's chain, that of the ticks, and what was said."""
    ran = world.ctl("verify", "--site", "harbour", "--json", *arguments, expect=expect)
    rows = {row["chain"]: row for row in json.loads(ran.stdout)}
    return rows["harbour"], rows[f"@tick/{world.partition}"], ran.stderr


def test_the_seal_is_what_hashlib_makes_of_the_log(world, played):
    log = world.records("riser.site.v1", world.partition)
    house, ticks = (seal_oracle.heads(log, key) for key in (b"harbour", f"@tick/{world.partition}".encode()))
    kept = world.redis.get(f"{{p{world.partition}}}:seal:harbour")
    assert int.from_bytes(kept[:8], "little") == len(house) and kept[8:40] == house[-1][1]
    assert kept[40:] == b"".join(head[:4] for _, head in house[len(house) // 64 * 64:])
    row, clock, _ = sealed(world)
    assert row["verdict"] == clock["verdict"] == "whole" and row["checks"] == len(house)
    assert row["seal"] == f"{len(house)}-{house[-1][1].hex()}" and clock["seal"] == f"{len(ticks)}-{ticks[-1][1].hex()}"
    assert row["heads"] >= len(house) // 64 + 1 + len(world.json("get", "bills"))


def test_bills_and_receipts_carry_the_seal(world, played):
    """Of a bill: of all records of the site that stand before the tick that issued it; of a payment: with the payment."""
    log = world.records("riser.site.v1", world.partition)
    house = seal_oracle.heads(log, b"harbour")
    decision_pb, seen = world.schemas["decision"], 0
    for _, _, value in world.records("riser.decision.v1", world.partition):
        decision = decision_pb.Decision.FromString(value)
        kind = decision.WhichOneof("what")
        if decision.site != "harbour" or kind not in ("bill", "balance"):
            continue
        known = [head for offset, head in house if offset <= decision.cause.offset]
        seal = getattr(decision, kind).seal
        assert (seal.records, seal.head) == (len(known), known[-1])
        seen += 1
    assert seen > 8
    bill = world.json("get", "bills", "--lease", "lease-1")[-1]["bill"]
    shown = world.json("bill", bill)["seal"]
    text = re.search(r"^  seal (\d+)-([0-9a-f]{64})$", world.ctl("bill", bill).stdout, re.M)
    assert text and text[1] == str(shown["records"])
    assert sealed(world, "--seal", f"{text[1]}-{text[2]}")[0]["verdict"] == "whole"
    forged = f"{text[1]}-{'0' * 64}"
    assert "of which --seal has another head" in sealed(world, "--seal", forged, expect=1)[2]


def one_more(value):
    """The record with its first reading one higher (records are as long as before: one byte of the value differs)."""
    record = importlib.import_module("riser.site.v1.site_pb2").SiteRecord.FromString(value)
    record.readings.readings[0].value += 1
    return record.SerializeToString()


ALTERATIONS = {
    "changed": (lambda log, i: log[:i] + [(log[i][0], log[i][1], one_more(log[i][2]))] + log[i + 1:], 0),
    "removed": (lambda log, i: log[:i] + log[i + 1:], 1),
    "inserted": (lambda log, i: log[:i] + [(log[i][0], log[i][1], log[i - 9][2])] + log[i:], 0),
}


@pytest.mark.parametrize("verdict", ALTERATIONS)
def test_the_altered_record_is_named(world, played, verdict):
    """In a copy of the log: in a file, and in Kafka."""
    alter, behind = ALTERATIONS[verdict]
    log = world.records("riser.site.v1", world.partition)
    ours = [i for i, (_, key, _) in enumerate(log) if key == b"harbour"]
    number = len(ours) // 3
    altered = alter(log, ours[number])
    path = seal_oracle.write_file(world.folder / f"{verdict}.log", world.partition, altered)
    named = altered[ours[number]] if not behind else next(r for r in altered[ours[number]:] if r[1] == b"harbour")
    fact = world.schemas["site"].SiteRecord.FromString(named[2]).envelope.fact_id
    row, clock, said = sealed(world, "--log", path, expect=1)
    assert (row["verdict"], row["record"], row["offset"], row["fact"]) == (verdict, number + 1, named[0], fact)
    assert clock["verdict"] == "whole" and f"offset {named[0]}, fact {fact}" in said
    offsets = seal_oracle.copy_to_topic(world.env["RISER_KAFKA"], f"copy-{verdict}", world.partition, world.partitions,
                                        altered)
    row = sealed(world, "--topic", f"copy-{verdict}", expect=1)[0]
    assert (row["verdict"], row["record"]) == (verdict, number + 1)
    assert row["offset"] == offsets[altered.index(named)]


def test_records_that_come_meanwhile_are_no_insertion(world, played):
    """A record again and again, which changes nothing but the chain."""
    key, value = next(r[1:] for r in world.records("riser.site.v1", world.partition) if r[1] == b"harbour")
    enough = threading.Event()

    def write():
        producer = KafkaProducer(bootstrap_servers=world.env["RISER_KAFKA"], acks="all")
        while not enough.wait(0.03):
            producer.send("riser.site.v1", key=key, value=value, partition=world.partition).get(10)
        producer.close()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [sealed(world)[0] for _ in range(5)]
    finally:
        enough.set()
        writer.join()
    assert {row["verdict"] for row in seen} == {"whole"}
    assert seen[0]["records"] < seen[-1]["records"]


def test_what_is_known_of_nothing_is_not_whole(world, played):
    said = world.ctl("verify", "--site", "harbor", "--json", expect=1)
    assert "no record of a site harbor is there" in said.stderr
    assert json.loads(said.stdout)[0]["verdict"] == "unknown"


def test_what_is_no_copy_of_a_log_is_told(world, site):
    for text, said in (("1 2 zz 00\n", "line 1: expected"), ("# a comment\n\n0 0 61\n", "line 3: expected")):
        path = world.file("bad.log", text)
        assert said in world.ctl("verify", "--site", "harbour", "--log", path, expect=2).stderr
    assert "can't be opened" in world.ctl("verify", "--site", "harbour", "--log", "/no/such", expect=2).stderr
    assert "need --site" in world.ctl("verify", "--seal", "1-00", expect=2).stderr
    assert "as it stands on a bill" in world.ctl("verify", "--site", "harbour", "--seal", "1-00", expect=2).stderr


# ---------------------------------------------------------------- a second site, last of all

def test_a_replay_says_what_it_waits_for(world, played):
    """On a site of another partition, whose clock stands at nothing yet."""
    site = next(name for name in (f"pier-{n}" for n in range(100))
                if partition_of(name, world.partitions) != world.partition)
    world.ctl("apply", "--wait", world.file("pier.yaml", of_another_site(SITE_FILE, site)))
    scenario = world.file("pier-scenario.yaml", of_another_site(SCENARIO, site))
    world.stop("billing")
    try:
        said = world.ctl("replay", scenario, "--timeout", "3", expect=1).stderr
    finally:
        world.start("billing")
    assert "nothing has moved for 3 s" in said and "billing has folded up to offset" in said
    assert "there are 2 sites; say which one with --site" in world.ctl("get", "rooms", expect=2).stderr
    assert len(world.json("get", "rooms", "--site", site)) == 2


def test_a_replay_survives_what_befalls_the_others(world, played):
    """The broker restarts, ingest and billing die: nothing is lost, and the replay goes on."""
    site = next(row["site"] for row in world.json("get", "sites") if row["site"] != "harbour")
    reads = {(f"{site}-{meter}", register, time_s, value) for meter, register, time_s, value in played[0]}
    ledger = world.folder / "pier-ledger.jsonl"
    replay = subprocess.Popen([BIN / "riserctl", "replay", world.folder / "pier-scenario.yaml", "--ledger", ledger],
                              env=world.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        time.sleep(0.7)
        world.stack.stop("mosquitto")
        assert replay.poll() is None, "it had ended before anything befell it"
        world.stack.start("mosquitto")
        for name in ("ingest", "billing"):
            world.kill(name)
            world.start(name)
        said = replay.communicate(timeout=180)[0].decode()
    finally:
        replay.kill()
    assert replay.returncode == 0, said
    partition = partition_of(site, world.partitions)
    facts = [fact for _, fact in world.facts(partition) if fact.envelope.site == site]
    assert {(r.meter, r.register, r.time_s, r.value) for f in facts for r in f.readings.readings} == reads
    acked = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert {(e["meter"], e["register"], e["time_s"], e["value"])
            for e in acked if e["kind"] == "reading" and e["acked"]} == reads
    assert world.json("verify", "--partition", partition)[0]["differing"] == 0
    bills = [{key: bill[key] for key in ("month", "room", "total")} for bill in world.json("get", "bills", "--site", site)
             if bill["room"] == "2"]
    harbour = [{key: bill[key] for key in ("month", "room", "total")}
               for bill in world.json("get", "bills", "--site", "harbour") if bill["room"] == "2"]
    assert bills[-1] == harbour[-1]  # the last word is the same, whatever happened on the way
