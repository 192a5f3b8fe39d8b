#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes this folder's CSV files from the sources, or checks the files that are here.

    make.py SOURCE_DIR    writes water_daiad/water.csv.gz and electricity_opsd/electricity.csv.gz
    make.py --check       counts and hashes the shipped files; needs no source

SOURCE_DIR holds, anywhere below it, the two source files named in SOURCES. Only whole rows are selected (and the
electricity file's CR LF becomes LF): every line that is written is a line of the source, in the source's order.
"""
import gzip
import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

# The window, both ends included: 2016-03-01 00:00 to 2016-12-31 24:00, local time.
FIRST, LAST = "2016-03-01T00:00:00", "2017-01-01T00:00:00"


def water_stamp(line: str) -> str:
    stamp = line.split(";")[1]  # DD/MM/YYYY HH:MM:SS, local
    return f"{stamp[6:10]}-{stamp[3:5]}-{stamp[0:2]}T{stamp[11:19]}"


def electricity_stamp(line: str) -> str:
    return line.split(",")[1][:19]  # cet_cest_timestamp without its offset


def count_water(line: str) -> int:
    return 1  # a row is one read of one meter


def count_electricity(line: str) -> int:
    return sum(value != "" for value in line.split(",")[2:11])  # a row is one non-empty register value


# source file, SHA-256 of its text; target, SHA-256 of its text, lines without the header, reads
SOURCES = [
    {
        "source": "swm_trialA_30meters.csv.gz",
        "source_sha256": "7847a9b9ba5548cc1cbd02d3abfc92e67e84517f904e3f7f1845bdbd9eec6a4a",
        "target": "water_daiad/water.csv.gz",
        "target_sha256": "ef561e9ef1196c2ffeb0459244fa116d5c5441ebb2e4fbf99400476dfa8556c2",
        "lines": 191_778,
        "reads": 191_778,
        "stamp": water_stamp,
        "count": count_water,
    },
    {
        "source": "household_data_60min_singleindex.csv.gz",
        "source_sha256": "b99303725da821be07208eecf9275507e7f295af5ca13695df1e3f8e6eb39029",
        "target": "electricity_opsd/electricity.csv.gz",
        "target_sha256": "f49d20edce032e338905b5eadbc28878e7ff0eaf5f82cfae8414c2767fddc121",
        "lines": 7_345,
        "reads": 65_082,
        "stamp": electricity_stamp,
        "count": count_electricity,
    },
]


def fail(message: str) -> None:
    sys.exit(f"make.py: {message}")


def expect(what: str, found, wanted) -> None:
    if found != wanted:
        fail(f"{what} is {found}, expected {wanted}")


def find_source(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if not found:
        fail(f"no {name} below {folder}")
    return found[0]


def check_text(entry: dict, text: bytes) -> None:
    lines = text.decode("ascii").splitlines()[1:]
    name = entry["target"]
    expect(f"{name}: lines", len(lines), entry["lines"])
    expect(f"{name}: reads", sum(map(entry["count"], lines)), entry["reads"])
    expect(f"{name}: SHA-256 of the text", hashlib.sha256(text).hexdigest(), entry["target_sha256"])
    print(f"{name}: {entry['lines']} lines, {entry['reads']} reads")


def make(entry: dict, folder: Path) -> None:
    source = gzip.decompress(find_source(folder, entry["source"]).read_bytes())
    expect(f"{entry['source']}: SHA-256 of the text", hashlib.sha256(source).hexdigest(), entry["source_sha256"])
    header, *lines = source.decode("ascii").splitlines()
    kept = [line for line in lines if FIRST <= entry["stamp"](line) <= LAST]
    text = "".join(line + "\n" for line in [header, *kept]).encode("ascii")
    check_text(entry, text)
    target = HERE / entry["target"]
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(gzip.compress(text, 9, mtime=0))


def main() -> None:
    if len(sys.argv) != 2:
        fail("usage: make.py SOURCE_DIR | make.py --check")
    for entry in SOURCES:
        if sys.argv[1] == "--check":
            check_text(entry, gzip.decompress((HERE / entry["target"]).read_bytes()))
        else:
            make(entry, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
