#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden bytes: one example of each record with every field set, made by Python's protobuf, not by ours.

    python3 make.py            writes what is missing; needs protoc (or grpcio-tools) and the protobuf package
    python3 make.py --check    writes nothing, ends with 1 if something is missing

A golden file is never changed: when a schema gains fields, the example that has them gets the next number, and the
older ones stay as proof that old records still decode.
"""
import importlib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parents[3] / "proto"

# file name -> message; those of a one-of get a file per member, named after it
RECORDS = {
    "batch": "riser.telemetry.v1.ReadingBatch",
    "receipt": "riser.telemetry.v1.Receipt",
    "telemetry_event": "riser.telemetry.v1.DeviceEvent",
    "telemetry_state": "riser.telemetry.v1.DeviceState",
    "telemetry_ack": "riser.telemetry.v1.CommandAck",
    "device_command": "riser.telemetry.v1.Command",
    "fact": "riser.site.v1.SiteRecord",
    "decision": "riser.decision.v1.Decision",
    "bill": "riser.decision.v1.Bill",
    "command_state": "riser.command.v1.CommandState",
    "device": "riser.device.v1.Device",
    "person": "riser.person.v1.Person",
    "reject": "riser.reject.v1.Reject",
    "partition_meta": "riser.state.v1.PartitionMeta",
    "outbox": "riser.state.v1.Outbox",
    "site_state": "riser.state.v1.SiteState",
    "point_state": "riser.state.v1.PointState",
    "account_state": "riser.state.v1.AccountState",
}
FIXED = {("riser.reject.v1.Reject", "sha256"): bytes(range(32)),
         ("riser.state.v1.PartitionMeta", "digest"): bytes(range(32)),
         ("riser.decision.v1.Seal", "head"): bytes(range(32))}


def load_schemas():
    out = tempfile.mkdtemp()
    files = [str(p.relative_to(PROTO)) for p in PROTO.rglob("*.proto")]
    try:
        subprocess.run(["protoc", f"-I{PROTO}", f"--python_out={out}", *files], check=True, cwd=PROTO)
    except FileNotFoundError:
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"--python_out={out}", *files],
                       check=True, cwd=PROTO)
    sys.path.insert(0, out)
    for name in files:
        importlib.import_module(name[:-len(".proto")].replace("/", ".") + "_pb2")


class Values:
    """Distinct values: no two fields of an example are equal, so that a swap shows."""

    def __init__(self):
        self.n = 0

    def next(self, field):
        self.n += 1
        kind = field.cpp_type
        if kind == field.CPPTYPE_STRING:
            return f"b{self.n}".encode() if field.type == field.TYPE_BYTES else f"{field.name}-{self.n}"
        if kind == field.CPPTYPE_BOOL:
            return True
        if kind == field.CPPTYPE_ENUM:
            numbers = [v.number for v in field.enum_type.values if v.number]
            return numbers[self.n % len(numbers)]
        if kind == field.CPPTYPE_INT64:
            return 1_000_000_000_000 + self.n
        return 1000 + self.n


def is_list(field):
    return field.label == field.LABEL_REPEATED if hasattr(field, "label") else field.is_repeated


def fill(message, values, chosen=None):
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof and field.name != chosen:
            continue
        fixed = FIXED.get((message.DESCRIPTOR.full_name, field.name))
        if fixed is not None:
            setattr(message, field.name, fixed)
        elif field.cpp_type == field.CPPTYPE_MESSAGE and is_list(field):
            for _ in range(2):
                fill(getattr(message, field.name).add(), values)
        elif field.cpp_type == field.CPPTYPE_MESSAGE:
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), values)
        elif field.cpp_type == field.CPPTYPE_ENUM and is_list(field):
            getattr(message, field.name).extend(v.number for v in field.enum_type.values if v.number)
        elif is_list(field):
            getattr(message, field.name).extend(values.next(field) for _ in range(2))
        else:
            setattr(message, field.name, values.next(field))


PER_COMMODITY = {"CommodityAmount", "BillPart", "Arrears"}


def by_commodity(message):
    """These are kept once per commodity, in ascending order."""
    for field, value in message.ListFields():
        if field.cpp_type != field.CPPTYPE_MESSAGE:
            continue
        for i, part in enumerate(value if is_list(field) else [value]):
            if part.DESCRIPTOR.name in PER_COMMODITY:
                part.commodity = i + 1
            by_commodity(part)


def keep(name, message, write):
    """True if the newest golden file of that name is this example."""
    digits = message.SerializeToString(deterministic=True).hex()
    text = "\n".join(digits[i:i + 120] for i in range(0, len(digits), 120)) + "\n"
    files = sorted(HERE.glob(f"{name}.*.hex"), key=lambda p: int(p.suffixes[-2][1:]))
    if files and files[-1].read_text() == text:
        return True
    file = HERE / f"{name}.{len(files) + 1}.hex"
    if write:
        file.write_text(text)
    print("wrote" if write else "missing:", file.name)
    return False


def main():
    write = "--check" not in sys.argv
    load_schemas()
    from google.protobuf import message_factory, symbol_database
    lookup = symbol_database.Default().pool
    complete = True
    for name, full in RECORDS.items():
        descriptor = lookup.FindMessageTypeByName(full)
        make = getattr(message_factory, "GetMessageClass", None) or symbol_database.Default().GetPrototype
        members = [f.name for o in descriptor.oneofs for f in o.fields] or [None]
        for member in members:
            message = make(descriptor)()
            fill(message, Values(), member)
            by_commodity(message)
            complete &= keep(f"{name}-{member}" if member else name, message, write)
    return 0 if complete or write else 1


if __name__ == "__main__":
    sys.exit(main())
