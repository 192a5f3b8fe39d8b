# SPDX-License-Identifier: Apache-2.0
"""The records of a later version: the schemas of proto/ with more fields in every message and one more kind of fact."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from stack import ROOT

NEXT_FIELDS = "\n  string next_note = 1900;\n  repeated int64 next_numbers = 1901;"
NEXT_READER = 2


def next_classes():
    """{full name: message class}"""
    with tempfile.TemporaryDirectory(prefix="riser-next-") as folder:
        proto = pathlib.Path(shutil.copytree(ROOT / "proto", pathlib.Path(folder) / "proto"))
        paths = sorted(proto.rglob("*.proto"))
        for path in paths:
            text = re.sub(r"^(message \w+ \{)", r"\1" + NEXT_FIELDS.replace("\n", "\\n"), path.read_text(), flags=re.M)
            text = text.replace("    Tick tick = 50;", "    Tick tick = 50;\n    NextFact next_fact = 90;")
            if path.name == "site.proto":
                text += "\nmessage NextFact {\n  string what = 1;\n}\n"
            path.write_text(text)
        out = pathlib.Path(folder) / "set"
        subprocess.run(["protoc", f"--descriptor_set_out={out}", "--include_imports",
                        *(str(path.relative_to(proto)) for path in paths)], cwd=proto, check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return {f"{file.package}.{message.name}": message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{file.package}.{message.name}")) for file in files.file
        for message in file.message_type}


CLASSES = next_classes()


def dress(message):
    """The same record as a later version would write it: something unknown in it and in all that it holds."""
    later = CLASSES[message.DESCRIPTOR.full_name].FromString(message.SerializeToString())
    fill(later)
    return later


def fill(message):
    for field, value in message.ListFields():
        if field.message_type and field.label == field.LABEL_REPEATED:
            for one in value:
                fill(one)
        elif field.message_type:
            fill(value)
    message.next_note = "of a later version"
    message.next_numbers.extend([1, -1, 1 << 60])
