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


def read(*paths):
    return [(ROOT / path).read_bytes() for path in paths]


def site_files():
    """The demo's site and persons, and each case of the site file's test behind the site that it is about."""
    yield from read("deploy/local/demo/site.yaml", "deploy/local/demo/persons.yaml")
    base = ("site:\n  id: north\n  landlord: demo\n  name: North house\n  zone: Europe/Madrid\n  currency: EUR\n"
            "  disconnectable: [electricity]\n")
    for case in (ROOT / "tests/unit/riserctl/cases/site_file.txt").read_text().split("=== ")[1:]:
        lines = case.partition("\n---")[0].splitlines()[1:]
        yield "\n".join(base if line == "base" else line for line in lines).encode()


def scenarios():
    scenario, = read("deploy/local/demo/scenario.yaml")
    yield scenario
    yield scenario + b"\n----\nutc_timestamp;a\n2016-03-01T00:00:00Z;1.5\n"
    yield (b"site: s\nclock: {first_tick: 2016-03-01, last_tick: 2016-05-01}\n----\n"
           b'time;meter;value\n"2016-03-01 00:00";m;"1"\n')


def configs():
    for number, service in enumerate(("ingest", "billing", "control", "notify")):
        page = (ROOT / f"docs/configuration/{service}.md").read_text()
        found = re.findall(r"^\| `\w+` \| `(RISER_\w+)` \| [^|]* \| `?([^|`]*)`? \|", page, re.M)
        for name, value in found:
            yield bytes([number]) + f"{name}={value}\n".encode()
        yield bytes([number]) + "".join(f"{name}={value}\n" for name, value in found if "FILE" not in name).encode()


def http():
    for path in ("/livez", "/readyz", "/metrics", "/", "/metrics?x=%00"):
        for method in ("GET", "HEAD", "POST"):
            yield f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc".encode()
    yield b"GET /livez HTTP/1.0\r\n\r\n"
    yield b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


def reads():
    entry = lambda second, rank, value: (second << 10 | rank).to_bytes(4, "little") + value.to_bytes(8, "little")
    vector = b"".join(entry(60 * i, 300, 100 * i) for i in range(5))
    yield len(vector).to_bytes(2, "little") + vector + bytes(range(70))
    encoded = bytes.fromhex("3cc03e78d00f1580021303" "4000")
    yield len(encoded).to_bytes(2, "little") + encoded + bytes(range(70))
    yield b"\0\0" + bytes(range(140))


def sequences():
    number = lambda *values: b"".join(value.to_bytes(8, "little") for value in values)
    device = b"\5\0a/b-1" + number(9, 1, 3, 7) + b"\1\0" + number(5, 7)
    yield b"\1rseqs-2\n" + number(77, 1) + device + bytes(4)


def down():
    for name, content in golden():
        if name in ("device_command", "receipt"):
            yield bytes([0 if name == "device_command" else 1]) + content
    yield b'\0{"id":"c-1","supply":"off","not_after":1456792135,"version":3}'
    yield b'\1{"seq":7}'
    yield b"\0021 1010 17.2 0:3,2,5:ff"
    yield b"\0021 1000 -"


def mail():
    yield b"\2Riser\nriser@x.org\nask@x.org\nJos\xc3\xa9\nt@x.org\nYour bill\nbill:s:l:2016-03:r0\nDear;;text " + b"a" * 1200


SEEDS = {
    "site_file": site_files,
    "scenario": scenarios,
    "config": configs,
    "http": http,
    "reads": reads,
    "sequences": sequences,
    "down": down,
    "mail": mail,
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
