# SPDX-License-Identifier: Apache-2.0
"""Every canary of lib/base/canary.h is used somewhere, has a test that must notice it, and stands in docs/canaries.md."""
import re
import sys

from sources import ROOT, c_files

sys.path.insert(0, str(ROOT / "tests" / "canary"))

from canaries import CANARIES  # noqa: E402

HEADER = (ROOT / "lib/base/canary.h").read_text()
NAMES = [name for name in re.findall(r"^  CANARY_(\w+),", HEADER, re.M) if name != "NONE"]


def dashed(name):
    return name.lower().replace("_", "-")


def test_each_breaks_something():
    used = set(re.findall(r"\bCANARY\((\w+)\)", "\n".join(p.read_text() for p in c_files(".c"))))
    assert used - {"NONE"} == set(NAMES)


def test_each_has_a_test():
    assert [dashed(name) for name in NAMES] == [canary.name for canary in CANARIES]


def test_the_page_is_up_to_date():
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \| (.*) \|$", (ROOT / "docs/canaries.md").read_text(), re.M)
    wanted = [(c.name, c.promise, c.program if c.shows in c.program else f"{c.program}: {c.shows}") for c in CANARIES]
    assert rows == wanted
