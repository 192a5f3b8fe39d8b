# SPDX-License-Identifier: Apache-2.0
"""What the meters of the demo said, straight from the files: the set of (meter, register, UTC second, value)."""
import csv
import datetime
import gzip
import pathlib
import sys
from decimal import Decimal
from zoneinfo import ZoneInfo

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
ROOMS = ROOT / "deploy" / "local" / "demo" / "rooms.csv"
BUILDING = ROOT / "deploy" / "local" / "demo" / "building.csv"
ZONE = ZoneInfo("Europe/Madrid")
IMPORT, EXPORT, VOLUME = 1, 2, 20  # telemetry.v1.Register

sys.path.insert(0, str(DATA))
import local_time  # noqa: E402  the reference of the rule that makes local stamps UTC


def thousandfold(text):
    value = Decimal(text) * 1000
    if value != value.to_integral_value():
        raise ValueError(f"{text} is not a whole number of Wh or ml")
    return int(value)


def water():
    by_key = {}
    with gzip.open(DATA / "water_daiad" / "water.csv.gz", "rt") as file:
        for line in csv.DictReader(file, delimiter=";"):
            by_key.setdefault(line["user key"], []).append((line["datetime"], line["meter reading"]))
    for key, lines in by_key.items():
        rows = [local_time.parse_row(*line) for line in lines]
        for (_, reading), utc_s in zip(lines, local_time.utc_seconds(rows, ZONE)):
            yield f"w-{key[:8]}", VOLUME, utc_s, thousandfold(reading)


def electricity():
    prefix = "DE_KN_residential4_"
    with gzip.open(DATA / "electricity_opsd" / "electricity.csv.gz", "rt") as file:
        for line in csv.DictReader(file):
            utc_s = int(datetime.datetime.fromisoformat(line["utc_timestamp"].replace("Z", "+00:00")).timestamp())
            for column, reading in line.items():
                if column.startswith(prefix) and reading:
                    name = column.removeprefix(prefix).replace("_", "-")
                    yield f"e-{name}", IMPORT, utc_s, thousandfold(reading)


def rows():
    """Every row as the files have them, copies included."""
    yield from water()
    yield from electricity()


def points():
    """{service point: (room or "", meter, commodity)} of the demo's building."""
    found = {}
    with open(ROOMS) as file:
        for line in csv.DictReader(file):
            found[f"{line['room']}-water"] = (line["room"], line["water_meter"], "water")
            if line["electricity_meter"]:
                found[f"{line['room']}-electricity"] = (line["room"], line["electricity_meter"], "electricity")
    with open(BUILDING) as file:
        for line in csv.DictReader(file):
            name = line["electricity_meter"].split("-")[-1]
            found[f"building-{name}"] = ("", line["electricity_meter"], "electricity")
    return found
