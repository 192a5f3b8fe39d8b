# SPDX-License-Identifier: Apache-2.0
"""lib/io against the real engines: the programs of tests/unit/io/live_*.c, on engines of their own, since they break
connections and fill Redis' memory."""
import subprocess

import pytest

from stack import BUILD, INHERITED, PORT_BASE, Stack


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
    run_live(engine, {f"RISER_{name}": "%s:%d" % own_engines.address(name) for name in ("REDIS", "MQTT", "KAFKA")})


def test_live_cluster(own_engines, tmp_path):
    cluster = Stack(tmp_path, PORT_BASE + 760, RISER_REDIS_NODES="6")
    nodes = ["redis", *(f"redis-{n}" for n in range(2, 7))]
    try:
        cluster.start(*nodes)
        run_live("redis_cluster", {"RISER_REDIS": ",".join("%s:%d" % node for node in cluster.addresses("REDIS")),
                                   "RISER_REDIS_SINGLE": "%s:%d" % own_engines.address("REDIS")})
    finally:
        cluster.stop(*nodes)


def run_live(engine, address):
    ran = subprocess.run([BUILD / "tests" / f"io_{engine}_live"], env={**INHERITED, **address}, text=True,
                         capture_output=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
