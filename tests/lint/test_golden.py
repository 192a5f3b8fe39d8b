# SPDX-License-Identifier: Apache-2.0
"""Every field of every record has golden bytes, so a field that lib/wire forgets to copy can't go unseen: the unit test
of lib/wire decodes and encodes those bytes and would miss it."""
import subprocess
import sys

from sources import ROOT


def test_every_field_has_golden_bytes():
    ran = subprocess.run([sys.executable, ROOT / "tests/unit/wire/golden/make.py", "--check"],
                         capture_output=True, text=True)
    assert ran.returncode == 0, f"run tests/unit/wire/golden/make.py\n{ran.stdout}{ran.stderr}"
