# SPDX-License-Identifier: Apache-2.0
"""The shipped readings are complete, and the demo's rooms carry each meter of them once."""
import csv
import gzip
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
DEMO = ROOT / "deploy" / "local" / "demo"


def read_csv(path: Path) -> list[dict]:
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def test_files_are_what_make_py_makes():
    done = subprocess.run([sys.executable, DATA / "make.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "water_daiad/water.csv.gz: 191778 lines, 191778 reads",
        "electricity_opsd/electricity.csv.gz: 7345 lines, 65082 reads",
    ]


def test_rooms_have_the_water_meters_in_source_order():
    with gzip.open(DATA / "water_daiad" / "water.csv.gz", "rt", encoding="ascii") as file:
        keys = list(dict.fromkeys(line["user key"] for line in csv.DictReader(file, delimiter=";")))
    rooms = read_csv(DEMO / "rooms.csv")
    assert [room["water_key"] for room in rooms] == keys
    assert [room["water_meter"] for room in rooms] == ["w-" + key[:8] for key in keys]
    assert [room["room"] for room in rooms] == [str(number) for number in range(101, 131)]


def test_every_register_hangs_somewhere_once():
    with gzip.open(DATA / "electricity_opsd" / "electricity.csv.gz", "rt", encoding="ascii") as file:
        header = file.readline().rstrip("\n").split(",")
    registers = [name.removeprefix("DE_KN_residential4_") for name in header if name.startswith("DE_KN_")]
    places = [line for line in read_csv(DEMO / "rooms.csv") + read_csv(DEMO / "building.csv")
              if line["electricity_register"]]
    assert sorted(line["electricity_register"] for line in places) == sorted(registers)
    assert all(line["electricity_meter"] == "e-" + line["electricity_register"].replace("_", "-") for line in places)


def test_meter_ids_are_unique_and_safe_in_a_topic():
    rooms = read_csv(DEMO / "rooms.csv")
    ids = [room["water_meter"] for room in rooms]
    ids += [line["electricity_meter"] for line in rooms + read_csv(DEMO / "building.csv") if line["electricity_meter"]]
    assert len(ids) == len(set(ids)) == 39
    assert all(re.fullmatch(r"[a-z0-9-]{1,32}", meter) for meter in ids)
