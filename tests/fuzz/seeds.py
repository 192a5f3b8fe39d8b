#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for the fuzz targets, made from what the unit tests keep: golden records, case files, the demo's files.

    seeds.py FOLDER     one folder a target below FOLDER; libFuzzer reads them beside the kept corpus
"""
import hashlib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/unit/wire/golden"
INGEST = ROOT / "tests/unit/ingest/cases"
KINDS = {"up/json": 0, "up/pb": 0, "up/event": 1, "up/state": 2, "up/ack": 3}
LARGEST = 65536


def records():
    """The order of RECORDS, which is the first byte's meaning for the target `wire`."""
    text = (ROOT / "tests/unit/wire/records.h").read_text()
    return re.findall(r"\bX\((\w+),", text)


def golden():
    """[(record's name, bytes)]"""
    for path in sorted(GOLDEN.glob("*.hex")):
        yield re.split(r"[-.]", path.name)[0], bytes.fromhex("".join(path.read_text().split()))


def messages():
    """[(topic, payload)] of ingest's case files."""
    topic = ""
    for path in sorted(INGEST.glob("*.txt")):
        for line in path.read_text().splitlines():
            word, _, rest = line.partition(" ")
            if word == "topic":
                topic = rest
            elif word == "text":
                yield topic, rest.encode()
            elif word == "hex":
                yield topic, bytes.fromhex(rest)


def wire():
    order = records()
    for name, content in golden():
        yield bytes([order.index(name)]) + content


def codec(form):
    telemetry = {"batch": 0, "telemetry_event": 1, "telemetry_state": 2, "telemetry_ack": 3}
    for topic, payload in messages():
        tail = "/".join(topic.split("/")[4:])
        is_json = payload[:1] == b"{" if tail != "up/pb" else False
        if tail in KINDS and is_json == (form == "json"):
            yield bytes([KINDS[tail]]) + payload
    if form == "pb":
        for name, content in golden():
            if name in telemetry:
                yield bytes([telemetry[name]]) + content


def text():
    for line in (ROOT / "tests/unit/base/cases/decimal.txt").read_text().splitlines():
        for word in line.split():
            yield b"\x03\n" + word.encode()
    for topic in sorted({topic for topic, _ in messages()}):
        yield b"\x00riser/v1/+/+/up/#\n" + topic.encode()
    for instant in ("2016-03-01T00:28:55Z", "2016-03-01T01:28:55.250+01:00", "1969-12-31T23:59:60-23:59"):
        yield b"\x00a/b\n" + instant.encode()


SEEDS = {
    "codec_json": lambda: codec("json"),
    "codec_pb": lambda: codec("pb"),
    "intake": lambda: (topic.encode() + b"\n" + payload for topic, payload in messages()),
    "wire": wire,
    "text": text,
}


def main():
    for target, seeds in SEEDS.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds():
            if len(seed) <= LARGEST:
                (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


if __name__ == "__main__":
    main()
