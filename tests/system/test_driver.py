# SPDX-License-Identifier: Apache-2.0
"""The driver ends only what it started, refuses what it should, and says what, why and what to do."""
import os
import shutil
import socket
import subprocess
import time

import pytest
from stack import PORT_BASE, ROOT, Stack


def said(ran):
    """The three parts of a failure."""
    assert ran.returncode != 0
    lines = ran.stderr.splitlines()
    what = next(line for line in lines if line.startswith("riser: "))
    why = next(line for line in lines if line.startswith("  why: "))
    do = next(line for line in lines if line.startswith("  do:  "))
    return what, why, do


def test_up_again_starts_nothing_anew(engines):
    before = engines.pid("kafka")
    ran = engines.up(engines_only=True)
    assert "kafka: already up" in ran.stderr
    assert engines.pid("kafka") == before


def test_a_port_in_use_is_named(tmp_path):
    stack = Stack(tmp_path, PORT_BASE + 800)
    with socket.create_server(("127.0.0.1", PORT_BASE + 803)):
        what, why, do = said(stack.riser("start", "redis", check=False))
    assert "redis" in what and str(PORT_BASE + 803) in why and "RISER_PORT_BASE" in do


def test_other_partitions_are_refused(engines):
    other = Stack(engines.var, engines.port_base, RISER_PARTITIONS="5")
    ran = other.riser("up", "--engines", check=False)
    said(ran)
    assert "riser.site.v1 has 4 partitions instead of 5" in ran.stderr


def test_a_pid_that_was_given_to_another_process_is_left_alone(tmp_path):
    stack = Stack(tmp_path, PORT_BASE + 800)
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "redis.pid").write_text(f"{bystander.pid} 1\n")
        assert "nothing was up" in stack.down().stderr
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_part_that_ends_while_starting_shows_its_last_words(tmp_path):
    stack = Stack(tmp_path, PORT_BASE + 800, RISER_REDIS_MAXMEMORY="plenty")
    ran = stack.riser("start", "redis", check=False)
    what, why, do = said(ran)
    assert "redis did not start" in what and "ended while starting" in why and "redis.log" in do
    assert "maxmemory plenty" in ran.stderr.replace('"', "")


def test_what_ignores_sigterm_is_killed_and_that_is_said(tmp_path):
    stubborn = subprocess.Popen(["bash", "-c", "trap '' TERM; while :; do sleep 1; done"], start_new_session=True)
    try:
        time.sleep(0.3)
        ran = library(tmp_path, f"mkdir -p {tmp_path}/run; echo {stubborn.pid} $(start_time {stubborn.pid}) "
                                f">{tmp_path}/run/redis.pid; process_stop redis 1")
        assert ran.returncode == 0 and "SIGKILL" in ran.stderr
        assert stubborn.wait(5) == -9
    finally:
        if stubborn.poll() is None:
            stubborn.kill()


def library(folder, script):
    """Runs a script in the driver's own functions."""
    parts = "; ".join(f'source "$RISER_ROOT/deploy/local/lib/{p}.sh"' for p in ("base", "process", "packages", "kafka"))
    return subprocess.run(["bash", "-euo", "pipefail", "-c", f"RISER_ROOT={ROOT}; {parts}; {script}"], text=True,
                          capture_output=True, env={**os.environ, "RISER_VAR": str(folder)}, stdin=subprocess.DEVNULL)


@pytest.fixture
def jars(tmp_path):
    """A copy of the checked Kafka files."""
    found = library(tmp_path, "kafka_ensure; echo $KAFKA_JARS").stdout.strip()
    return shutil.copytree(found, tmp_path / "jars")


def test_untouched_kafka_files_are_accepted(tmp_path, jars):
    assert library(tmp_path, f"kafka_check {jars}").returncode == 0


@pytest.mark.parametrize("change", ["altered", "missing", "extra"])
def test_kafka_files_that_are_not_the_listed_ones_are_refused(tmp_path, jars, change):
    jar = next(jars.glob("kafka-clients-*.jar"))
    if change == "altered":
        with open(jar, "r+b") as file:
            file.write(b"XX")
    elif change == "missing":
        jar.unlink()
    else:
        (jars / "more.jar").write_bytes(b"")
    what, why, _ = said(library(tmp_path, f"kafka_check {jars}"))
    assert "not used" in what and "SHA-256" in why


def test_packages_that_are_missing_are_found_by_dpkg_alone(tmp_path):
    (tmp_path / "packages.txt").write_text("bash # here\nno-such-package|bash # one of them\nno-such-package # gone\n"
                                           "test:no-such-test-package # for tests\n")
    script = f"LOCAL={tmp_path}; packages_missing; echo --; packages_missing test"
    assert library(tmp_path, script).stdout.split() == ["no-such-package", "--", "no-such-package",
                                                        "no-such-test-package"]


def test_an_unknown_command_is_refused(tmp_path):
    what, _, _ = said(Stack(tmp_path).riser("fly", check=False))
    assert "fly" in what
