#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds each canary and runs the test that must notice it: green without the canary, red with it.

    ./riser test canaries [--only NAME]... [--kind unit|redis|system]

Prints the table of docs/canaries.md. The exit status is 1 when a canary lived, or when its test is red without it."""
import argparse
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from canaries import CANARIES

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS_MAX = 600  # for one test


def build(folder, name):
    """Only what includes lib/base/canary.h is compiled anew."""
    configured = subprocess.run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                                 f"-DRISER_CANARY={name}"], capture_output=True, text=True, check=False)
    if configured.returncode:
        sys.exit(f"{name or 'without canary'}: configuring failed\n{configured.stderr}")
    if name and "BROKEN ON PURPOSE" not in configured.stderr:
        sys.exit(f"{name}: configuring it gave no warning")
    built = subprocess.run(["cmake", "--build", folder], capture_output=True, text=True, check=False)
    if built.returncode:
        sys.exit(f"{name or 'without canary'}: compiling failed\n{built.stdout[-3000:]}")
    version = subprocess.run([folder / "bin/riser-ingest", "--version"], capture_output=True, text=True, check=True).stdout
    if (f"broken-on-purpose.{name}" in version) != bool(name):
        sys.exit(f"{name or 'without canary'}: --version says {version}")


@contextlib.contextmanager
def a_redis():
    """A Redis of our own: its address."""
    port = int(os.environ.get("RISER_TEST_PORT_BASE", "23000")) + 990
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            ask = ["redis-cli", "-p", str(port), "ping"]
            for _ in range(100):
                if subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip() == "PONG":
                    break
                time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def run(folder, canary):
    """(the test passed, its output)"""
    if canary.kind == "redis":
        with a_redis() as address:
            return run_program([folder / "tests" / canary.program], {**os.environ, "RISER_REDIS": address})
    if canary.kind == "unit":
        return run_program([folder / "tests" / canary.program], os.environ)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-x", "-q", canary.program]
    return run_program(command, {**os.environ, "RISER_BUILD": str(folder), "PYTHONDONTWRITEBYTECODE": "1"})


def run_program(command, env):
    try:
        ran = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             errors="replace", timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return False, "it did not end"
    return ran.returncode == 0, ran.stdout + ran.stderr


def green(folder, chosen):
    """Each test once without any canary; the tests that failed."""
    build(folder, "")
    tests = {(c.kind, c.program): c for c in chosen}
    wrong = []
    for canary in tests.values():
        passed, output = run(folder, canary)
        print(f"without a canary: {canary.program}: {'green' if passed else 'RED'}", file=sys.stderr, flush=True)
        if not passed:
            wrong.append(canary.program)
            print(output[-3000:], file=sys.stderr)
    return wrong


def red(folder, canary):
    """Whether the named test noticed, and the row of the table."""
    began = time.monotonic()
    build(folder, canary.name)
    passed, output = run(folder, canary)
    caught = not passed and re.search(rf"FAILED.*{re.escape(canary.shows)}", output) is not None
    print(f"{canary.name}: {'caught' if caught else 'LIVED'} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    if not caught:
        print(output[-3000:], file=sys.stderr)
    test = canary.program if canary.shows in canary.program else f"{canary.program}: {canary.shows}"
    return caught, f"| `{canary.name}` | {canary.promise} | {test} | {'red' if caught else 'NOT NOTICED'} |"


def main():
    parser = argparse.ArgumentParser(prog="./riser test canaries", description="Every broken promise must be noticed.")
    parser.add_argument("folder", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", default=[], help="this canary; may be given several times")
    parser.add_argument("--kind", choices=("unit", "redis", "system"), help="only those that such a test notices")
    options = parser.parse_args()
    names = [c.name for c in CANARIES]
    unknown = [name for name in options.only if name not in names]
    if unknown:
        sys.exit(f"there is no canary {', '.join(unknown)}; there are: {', '.join(names)}")
    chosen = [c for c in CANARIES if (not options.only or c.name in options.only) and options.kind in (None, c.kind)]
    wrong = green(options.folder, chosen)
    results = [red(options.folder, canary) for canary in chosen]
    print("| canary | promise | test | with it |\n|---|---|---|---|")
    print("\n".join(row for _, row in results))
    lived = sum(not caught for caught, _ in results)
    print(f"{len(results)} canaries, {lived} not noticed, {len(wrong)} tests red without any", flush=True)
    return 1 if lived or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
