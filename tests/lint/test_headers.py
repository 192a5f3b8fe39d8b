# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, is guarded, and says what it is; every source carries its licence line."""
import re
import subprocess

import pytest

from sources import ROOT, c_files, name, tracked

SYSTEM = "rdkafka hiredis libprotobuf-c libmicrohttpd libcurl json-c yaml-0.1 glib-2.0"


@pytest.fixture(scope="module")
def flags():
    found = subprocess.run(["pkg-config", "--cflags", *SYSTEM.split()], capture_output=True, text=True, check=True)
    return ["-std=c17", "-D_POSIX_C_SOURCE=200809L", "-D_DEFAULT_SOURCE", f"-I{ROOT}/lib", f"-I{ROOT}/services",
            f"-I{ROOT}/tools", f"-I{ROOT}/tests", f"-I{ROOT}/build/proto", f"-I{ROOT}/build/generated",
            *found.stdout.split()]


def test_headers_compile_alone(flags, tmp_path):
    broken = []
    for header in c_files(".h"):
        source = tmp_path / "alone.c"
        source.write_text(f'#include "{header}"\n#include "{header}"\n')
        ran = subprocess.run(["cc", *flags, "-fsyntax-only", "-Wall", "-Werror", source], capture_output=True, text=True)
        if ran.returncode:
            broken.append(f"{name(header)}:\n{ran.stderr[:600]}")
    assert not broken, "\n".join(broken)


def test_headers_have_a_guard_named_after_their_path():
    wrong = []
    for header in c_files(".h"):
        path = re.sub(r"^(lib|services|tools)/", "", name(header))
        guard = "RISER_" + re.sub(r"[^A-Za-z0-9]", "_", path).upper()
        if f"#ifndef {guard}\n#define {guard}\n" not in header.read_text():
            wrong.append(f"{name(header)}: guard should be {guard}")
    assert not wrong, "\n".join(wrong)


def test_headers_say_what_they_are():
    mute = [name(h) for h in c_files(".h") if not re.match(r"// SPDX[^\n]*\n//", h.read_text())]
    assert not mute, f"no opening comment: {mute}"


def test_every_source_names_its_licence():
    files = tracked("*.c", "*.h", "*.py", "*.sh", "*.proto", "*.cmake", "CMakeLists.txt")
    without = [name(f) for f in files if f.stat().st_size and "SPDX-License-Identifier:" not in f.read_text()[:300]]
    assert not without, f"no SPDX line: {without}"


def test_nothing_is_left_half_done():
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [f"{name(f)}" for f in tracked("*.c", "*.h", "*.py", "*.sh", "*.proto")
             if marks.search(f.read_text()) and "tests/lint" not in name(f)]
    assert not found, found
