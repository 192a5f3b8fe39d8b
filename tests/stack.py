# SPDX-License-Identifier: Apache-2.0
"""A stack of a test's own, started and ended by the driver: other ports and another data folder than `./riser up` has."""
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("RISER_BUILD", ROOT / "build"))  # another one: sanitizers, canaries
BIN = BUILD / "bin"
PORT_BASE = int(os.environ.get("RISER_TEST_PORT_BASE", "23000"))
# Variables of the caller's own stack must not reach the test's.
INHERITED = {k: v for k, v in os.environ.items() if not k.startswith("RISER_") or k in ("RISER_CACHE", "RISER_BUILD")}


class Stack:
    """`env` goes to the driver and to every service that it starts, e.g. RISER_CLOCK="log"."""

    def __init__(self, folder, port_base=PORT_BASE, **env):
        self.var = pathlib.Path(folder)
        self.port_base = port_base
        self.env = {**INHERITED, "RISER_VAR": str(self.var), "RISER_PORT_BASE": str(port_base),
                    "RISER_PARTITIONS": "4", "RISER_START_SECONDS": "180", **env}

    def riser(self, *arguments, check=True, timeout=600):
        ran = subprocess.run([ROOT / "riser", *arguments], env=self.env, stdin=subprocess.DEVNULL, text=True,
                             capture_output=True, timeout=timeout)
        if check and ran.returncode:
            raise AssertionError(f"riser {' '.join(arguments)} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
        return ran

    def up(self, engines_only=False):
        return self.riser("up", *(["--engines"] if engines_only else []))

    def down(self):
        return self.riser("down")

    def start(self, *parts):
        return self.riser("start", *parts)

    def stop(self, *parts):
        return self.riser("stop", *parts)

    def kill(self, *parts):
        return self.riser("kill", *parts)

    def ctl(self, *arguments, check=True):
        return self.riser("ctl", *arguments, check=check)

    def environment(self):
        """What the driver tells services of where everything is: {"RISER_KAFKA": ...}."""
        return dict(line.split("=", 1) for line in (self.var / "stack.env").read_text().splitlines())

    def addresses(self, name):
        """E.g. of KAFKA, MQTT, REDIS, SMTP, HTTP_INGEST: [(host, port)]."""
        text = self.environment()["RISER_" + name]
        return [(host, int(port)) for host, port in (one.rsplit(":", 1) for one in text.split(","))]

    def address(self, name):
        """The first of them, which is the only one as a rule."""
        return self.addresses(name)[0]

    def pid(self, part):
        return int((self.var / "run" / f"{part}.pid").read_text().split()[0])

    def log(self, part):
        return (self.var / "log" / f"{part}.log").read_text(errors="replace")

    @property
    def mail(self):
        return self.var / "mail"


def wait_for(what, condition, seconds=120):
    """What the condition says when it holds."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)
