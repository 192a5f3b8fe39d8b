# SPDX-License-Identifier: Apache-2.0
"""Each check of evidence.py finds what it is there for: a sound account, then the same with one thing wrong."""
from types import SimpleNamespace as Record

import pytest

import evidence
import outside
from outside import Place, Reading

DAY_S = 86400
READS = [Reading("m", 1, day * DAY_S, 1000 + 10 * day) for day in range(5)]
NEXT = {0: 100}


def logged(readings=READS):
    return {reading: [Place(0, at)] for at, reading in enumerate(readings)}


def decision(name, offset, index=0, partition=0):
    return Place(partition, offset), Record(id=name, cause=Record(partition=partition, offset=offset, index=index))


def bill(revision, quantity, supersedes="", period="1970-01"):
    return Record(id=f"bill:{revision}", lease="lease-1", period=period, revision=revision, supersedes=supersedes,
                  sections=[Record(quantity=quantity)])


def bills(*found):
    return evidence.wrong_bills(set(READS), found, {("lease-1", "1970-01"): (0, 3 * DAY_S)}, lambda lease: "m")


def vector(rank=evidence.RANK_DEVICE, reads=READS):
    return {("m", 1): [(r.time_s, rank, r.value) for r in reads]}


def delivery(decision_id, person, delivery=1):
    return Record(decision_id=decision_id, person=person, channel=1, delivery=delivery)


def test_a_reading_that_is_not_in_the_log_is_lost():
    assert not evidence.lost(set(READS), logged(), NEXT)
    assert evidence.lost(set(READS), logged(READS[1:]), NEXT) == {READS[0]}


def test_a_reading_that_the_state_has_not_passed_is_lost():
    assert evidence.lost(set(READS), logged(), {0: 4}) == {READS[4]}
    assert evidence.lost(set(READS), logged(), {}) == set(READS)


def test_a_reading_with_another_value_is_lost_and_invented():
    other = READS[:4] + [READS[4]._replace(value=7)]
    assert evidence.lost(set(READS), logged(other), NEXT) == {READS[4]}
    assert evidence.invented(set(READS), logged(other)) == {other[4]}
    assert not evidence.invented(set(READS), logged())


@pytest.mark.parametrize("vectors", [
    {}, vector(reads=READS[:4]), vector(rank=0), vector(reads=READS + [Reading("m", 1, 9 * DAY_S, 1)]),
    vector(reads=READS[:4] + [READS[4]._replace(value=7)]), vector() | {("n", 1): []}])
def test_a_vector_that_is_not_the_merge(vectors):
    assert not evidence.wrong_vectors(READS, vector())
    assert not evidence.wrong_vectors(READS + READS, vector())  # copies merge
    assert evidence.wrong_vectors(READS, vectors)


def test_a_vector_with_a_rank_that_it_may_not_have():
    either = (evidence.RANK_DEVICE, evidence.RANK_CLOCK)
    assert not evidence.wrong_vectors(READS, vector(rank=evidence.RANK_CLOCK), either)
    assert not evidence.wrong_vectors(READS, vector(), either)
    assert evidence.wrong_vectors(READS, vector(rank=128), either)
    assert evidence.wrong_vectors(READS, {("m", 1): vector()["m", 1] + [(9, 128, 1)]}, either)
    assert evidence.wrong_vectors(READS, vector(), (evidence.RANK_CLOCK,))


@pytest.mark.parametrize("then", [decision("a", 6), decision("c", 5), decision("c", 5, 1), decision("c", 4),
                                  (Place(1, 0), decision("c", 9)[1])])
def test_a_decision_that_comes_twice_or_out_of_order(then):
    sound = [decision("a", 5), decision("b", 5, 1), decision("d", 1, partition=1)]
    assert not evidence.repeated_decisions(sound)
    assert evidence.repeated_decisions(sound + [then])


def test_a_repetition_letter_by_letter_is_told_from_another_decision_of_that_name():
    first, again, other = decision("a", 5), decision("a", 5), decision("a", 6)
    log = [first, (Place(0, 6), again[1]), (Place(0, 7), other[1])]
    repeated = {place for place, *_ in evidence.repeated_decisions(log)}
    assert repeated == {Place(0, 6), Place(0, 7)}
    assert evidence.same_again(log, repeated) == [Place(0, 6)]


@pytest.mark.parametrize("found", [
    [], [bill(0, 29)], [bill(0, 30), bill(0, 30)], [bill(1, 30)], [bill(0, 29), bill(1, 30)],
    [bill(0, 30), bill(1, 31, "bill:0")], [bill(0, 30), bill(0, 5, period="1970-02")]])
def test_a_wrong_bill(found):
    assert not bills(bill(0, 30)) and not bills(bill(0, 29), bill(1, 30, "bill:0"))
    assert bills(*found)


def test_a_message_that_was_not_delivered_or_twice():
    due, done = {("d", "ann"), ("d", "bob")}, [delivery("d", "ann"), delivery("d", "bob")]
    assert not evidence.undelivered(due, done) and not evidence.delivered_twice(done)
    assert evidence.undelivered(due, done[:1]) == {("d", "bob")}
    assert evidence.undelivered(due, [done[0], delivery("d", "bob", delivery=2)]) == {("d", "bob")}
    assert evidence.delivered_twice(done + done[:1]) == [("d", "ann", 1)]


def test_a_supply_that_does_not_stand_as_decided():
    switches = [(Record(id=f"s{v}"), Record(service_point="p", version=v, supply=supply, device="relay"))
                for v, supply in ((1, 2), (2, 1))]
    outcomes = [Record(decision_id="s1", outcome=1, supply=2), Record(decision_id="s2", outcome=1, supply=1)]
    assert not evidence.unsettled(switches, outcomes)
    assert not evidence.wrong_supplies(switches, outcomes + outcomes[:1], {"relay": 1})
    assert evidence.unsettled(switches, outcomes[:1]) == {"s2"}
    assert evidence.wrong_supplies(switches, outcomes, {"relay": 2}) and evidence.wrong_supplies(switches, outcomes, {})
    assert evidence.wrong_supplies(switches, outcomes + [Record(decision_id="s1", outcome=4, supply=2)], {"relay": 1})


def test_a_command_that_is_sent_after_its_end():
    sent, again = Record(command_id="a", state=5), Record(command_id="a", state=5)
    end, other = Record(command_id="a", state=7), Record(command_id="b", state=5)
    assert not evidence.sent_after_the_end([sent, again, end, other], 5, {7, 8})
    assert evidence.sent_after_the_end([sent, end, again, other], 5, {7, 8}) == ["a"]


def test_what_only_the_spool_holds_is_found_by_its_encoding(tmp_path):
    encoded = outside.telemetry_pb.Reading(meter="m", register=1, time_s=READS[1].time_s, value=READS[1].value)
    (tmp_path / "segment").write_bytes(b"head" + encoded.SerializeToString() + b"\0" * 99)
    assert outside.held_by_spool(tmp_path, READS) == {READS[1]}


def test_the_ledger_is_read_as_it_grows_and_its_rate_is_that_of_the_last_second(tmp_path):
    line = '{"site":"s","device":"d","seq":1,"readings":[["m","energy_import",%d,5]],"acked_ms":%d}\n'
    ledger = outside.Ledger(tmp_path / "ledger")
    assert ledger.read() == set()
    ledger.path.write_text(line % (1, 1000) + line % (2, 1900) + line[:20])
    assert ledger.read() == {Reading("m", 1, 1, 5), Reading("m", 1, 2, 5)}
    assert (ledger.rate(1950), ledger.rate(2500), ledger.rate(3000)) == (2, 1, 0)


def test_what_was_malformed_is_no_reading(tmp_path):
    ledger = outside.Ledger(tmp_path / "ledger")
    ledger.path.write_text('{"site":"s","device":"d","malformed":"empty","bytes":0,"acked_ms":5}\n')
    assert (ledger.read(), ledger.order, ledger.malformed) == (set(), [], 1)
