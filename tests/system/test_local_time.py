# SPDX-License-Identifier: Apache-2.0
"""The rule that makes local stamps UTC: its cases, and what it yields on the real rows."""
import csv
import gzip
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

DATA = Path(__file__).resolve().parent.parent / "data"
sys.path.insert(0, str(DATA))
import local_time  # noqa: E402

MADRID = ZoneInfo("Europe/Madrid")
TURN = int(datetime(2016, 10, 30, 1, tzinfo=timezone.utc).timestamp())  # summer time ends


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_cases() -> dict[str, list[dict]]:
    cases: dict[str, list[dict]] = {}
    with open(DATA / "local_time_cases.csv", newline="", encoding="ascii") as file:
        for line in csv.DictReader(file):
            cases.setdefault(line["case"], []).append(line)
    return cases


def read_water() -> dict[str, list[local_time.Row]]:
    meters: dict[str, list[local_time.Row]] = {}
    with gzip.open(DATA / "water_daiad" / "water.csv.gz", "rt", encoding="ascii", newline="") as file:
        for line in csv.DictReader(file, delimiter=";"):
            row = local_time.parse_row(line["datetime"], line["meter reading"])
            meters.setdefault(line["user key"], []).append(row)
    return meters


@pytest.fixture(scope="module")
def water():
    return {key: list(zip(rows, local_time.utc_seconds(rows, MADRID))) for key, rows in read_water().items()}


@pytest.mark.parametrize("name,lines", read_cases().items())
def test_case(name, lines):
    rows = [local_time.parse_row(line["local"], line["value"]) for line in lines]
    if any(line["utc"] == "" for line in lines):
        with pytest.raises(local_time.NoSuchTime):
            local_time.utc_seconds(rows, MADRID)
        return
    assert [iso(t) for t in local_time.utc_seconds(rows, MADRID)] == [line["utc"] for line in lines]


def test_every_meter_with_two_rows_reads_once_in_each_occurrence(water):
    seen = Counter()
    for rows in water.values():
        hour = {t for row, t in rows if row.local.strftime("%d%m%H") == "301002"}
        seen[sum(t < TURN for t in hour), sum(t >= TURN for t in hour)] += 1
    assert seen == {(1, 1): 28, (1, 0): 1, (0, 0): 1}


def test_only_the_eight_copies_share_an_instant_and_nothing_contradicts(water):
    copies = 0
    for key, rows in water.items():
        values: dict[int, set] = {}
        for row, t in rows:
            values.setdefault(t, set()).add(row.value)
        copies += len(rows) - len(values)
        assert all(len(v) == 1 for v in values.values()), key
    assert copies == 8


def test_file_order_is_time_order_but_for_the_four_copies_in_front(water):
    back = [t1 - t0 for rows in water.values() for (_, t0), (_, t1) in zip(rows, rows[1:]) if t1 < t0]
    assert len(back) == 4
    assert all(-3600 < step < 0 for step in back)


def test_the_rule_finds_the_utc_stamps_that_the_electricity_file_gives():
    """The electricity file has local and UTC stamps; its zone's offsets are Madrid's."""
    registers: dict[str, list[tuple]] = {}
    with gzip.open(DATA / "electricity_opsd" / "electricity.csv.gz", "rt", encoding="ascii", newline="") as file:
        for line in csv.DictReader(file):
            local = datetime.fromisoformat(line["cet_cest_timestamp"][:19])
            for name in [n for n in line if n.startswith("DE_KN_") and line[n]]:
                row = local_time.Row(local, local_time.Decimal(line[name]))
                registers.setdefault(name, []).append((row, line["utc_timestamp"]))
    assert len(registers) == 9
    for rows in registers.values():
        found = local_time.utc_seconds([row for row, _ in rows], MADRID)
        assert [iso(t) for t in found] == [utc for _, utc in rows]
