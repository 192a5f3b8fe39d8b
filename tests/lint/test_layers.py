# SPDX-License-Identifier: Apache-2.0
"""A dependency points left only: base <- domain <- wire <- io, run <- services, tools."""
import re

from sources import ROOT, c_files, includes, name

ALLOWED = {
    "lib/base": {"base"},
    "lib/domain": {"base", "domain"},
    "lib/wire": {"base", "domain", "wire"},
    "lib/io": {"base", "domain", "wire", "io"},
    "lib/run": {"base", "domain", "io", "run"},  # the entries that set io up
}
LIBRARY_LAYERS = {"base", "domain", "wire", "io", "run"}
SERVICES = {"ingest", "billing", "notify", "control", "portal"}
PURE = {"base", "domain"}


def layer_of(path):
    parts = name(path).split("/")
    if parts[0] == "lib":
        return f"lib/{parts[1]}", ALLOWED[f"lib/{parts[1]}"]
    if parts[0] == "services":
        service = parts[1]
        pure = len(parts) > 3 and parts[2] == "core"
        return f"services/{service}", (PURE | {f"{service}/core"}) if pure else (LIBRARY_LAYERS | {service})
    if parts[0] == "tools":
        return f"tools/{parts[1]}", LIBRARY_LAYERS | {"riserctl", "metersim", "billing"}
    return parts[0], None


def is_allowed(text, allowed):
    return any(text.startswith(layer + "/") for layer in allowed)


def test_includes_point_left_only():
    wrong = []
    for path in c_files():
        layer, allowed = layer_of(path)
        if allowed is None:
            continue
        for line, text in includes(path):
            rooted = "/" in text and not text.startswith(".")
            if text.endswith(".pb-c.h"):
                continue  # the next test's
            if not rooted or not is_allowed(text, allowed):
                wrong.append(f"{name(path)}:{line}: {layer} may not include \"{text}\"")
    assert not wrong, "\n".join(wrong)


def test_only_wire_knows_the_generated_protobuf_code():
    wrong = [f"{name(p)}:{line}: \"{text}\"" for p in c_files() for line, text in includes(p)
             if ".pb-c.h" in text and not name(p).startswith("lib/wire/")]
    wrong += [name(p) for p in c_files() if re.search(r"<[^>]*\.pb-c\.h>", p.read_text())
              and not name(p).startswith("lib/wire/")]
    assert not wrong, "\n".join(wrong)


def test_the_environment_is_read_in_one_place():
    wrong = [name(p) for p in c_files() if re.search(r"\bgetenv\s*\(", p.read_text())
             and not name(p).startswith(("lib/run/config", "tests/"))]
    assert not wrong, f"getenv outside lib/run/config: {wrong}"


def test_every_folder_of_the_layout_is_there():
    for folder in ("services/ingest", "services/billing", "services/notify", "services/control", "services/portal",
                   "proto", "deploy/k8s", "tests"):
        assert (ROOT / folder).is_dir(), folder
