# SPDX-License-Identifier: Apache-2.0
"""lib/io against the real engines: the programs of tests/unit/io/live_*.c, on engines of their own, since they break
connections and fill Redis' memory."""
import subprocess

import pytest

from stack import INHERITED, PORT_BASE, ROOT, Stack


@pytest.fixture(scope="module")
def own_engines(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("io"), PORT_BASE + 700)
    try:
        stack.up(engines_only=True)
        yield stack
    finally:
        stack.down()


@pytest.mark.parametrize("engine", ["redis", "mqtt", "kafka"])
def test_live(own_engines, engine):
    address = {f"RISER_{name}": "%s:%d" % own_engines.address(name) for name in ("REDIS", "MQTT", "KAFKA")}
    ran = subprocess.run([ROOT / "build" / "tests" / f"io_{engine}_live"], env={**INHERITED, **address}, text=True,
                         capture_output=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
