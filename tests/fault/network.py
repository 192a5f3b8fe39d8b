# SPDX-License-Identifier: Apache-2.0
"""A network namespace with nothing but a loopback, in which a whole stack lives, and faults between any two of its parts.

Each part runs under a group id of its own, by which nftables tells whose connection a packet belongs to; the kernel drops
the packets of one link, in one direction or both, all of them or a share. Needs root. (tc's netem would do the same, but
not every kernel has it.)
"""
import contextlib
import ctypes
import json
import os
import shutil
import subprocess

from fault_run import SERVICES, Run
from stack import ROOT, Stack

CLONE_NEWNET = 0x40000000
GROUPS = {name: 60010 + at for at, name in enumerate((*SERVICES, "devices"))}
ENGINE_PORTS = {"broker": 0, "kafka": 1, "redis": 3, "mail": 4}
RULES = """
table inet faults {{
  chain whose {{ type filter hook output priority mangle; {marks} }}
  chain cut {{ type filter hook input priority filter; }}
}}
"""


@contextlib.contextmanager
def namespace():
    """This thread and all that it starts from here on have a network of their own."""
    assert shutil.which("nft"), "nft is not there: apt-get install nftables"
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET):
        raise AssertionError(f"no network namespace can be made: {os.strerror(ctypes.get_errno())}; this needs root")
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        marks = " ".join(f"meta skgid {group} ct mark set {group};" for group in GROUPS.values())
        subprocess.run(["nft", "-f", "-"], input=RULES.format(marks=marks), text=True, check=True)
        yield
    finally:
        assert libc.setns(home, CLONE_NEWNET) == 0
        os.close(home)


class Link:
    """Between a part and an engine: Link(stack, "billing", "redis")."""

    def __init__(self, stack, part, engine):
        self.group, self.port = GROUPS[part], stack.port_base + ENGINE_PORTS[engine]

    def cut(self, direction="both", percent=100):
        """Drops what goes "there" (to the engine), what comes "back", or "both"."""
        chance = f"numgen random mod 100 < {percent} " if percent < 100 else ""
        for name, side in (("there", "dport"), ("back", "sport")):
            if direction in (name, "both"):
                subprocess.run(["nft", f"add rule inet faults cut ct mark {self.group} tcp {side} {self.port} {chance}"
                                       "counter drop"], check=True)

    def heal(self):
        """Gives how many packets were dropped."""
        listed = json.loads(subprocess.run(["nft", "-j", "list", "chain", "inet", "faults", "cut"], check=True,
                                           capture_output=True, text=True).stdout)
        subprocess.run(["nft", "flush", "chain", "inet", "faults", "cut"], check=True)
        return sum(part["counter"]["packets"] for entry in listed["nftables"] for part in entry.get("rule", {})
                   .get("expr", ()) if "counter" in part)


def under(group):
    return ["setpriv", "--regid", str(group), "--clear-groups"]


class MarkedStack(Stack):
    """Each service runs under its own group id."""

    def start(self, *parts):
        for part in parts:
            prefix = under(GROUPS[part]) if part in GROUPS else []
            ran = subprocess.run([*prefix, ROOT / "riser", "start", part], env=self.env, stdin=subprocess.DEVNULL, text=True,
                                 capture_output=True, timeout=600)
            assert ran.returncode == 0, f"{part} did not start:\n{ran.stdout}{ran.stderr}"

    def up(self, engines_only=False):
        super().up(engines_only)
        self.stop(*SERVICES)
        self.start(*SERVICES)


class MarkedRun(Run):
    sim_prefix = under(GROUPS["devices"])
