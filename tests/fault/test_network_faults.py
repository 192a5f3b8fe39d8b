# SPDX-License-Identifier: Apache-2.0
"""Packets are lost between parts that live: a link is dead for some seconds, in one direction or both, or loses a share."""
import time

import pytest

from fault_run import World
from network import Link, MarkedRun, MarkedStack, namespace
from stack import PORT_BASE

LINKS = [("devices", "broker"), ("ingest", "broker"), ("ingest", "kafka"), ("billing", "redis"), ("billing", "kafka"),
         ("notify", "kafka"), ("notify", "mail"), ("control", "kafka"), ("control", "broker")]
LOSS_PERCENT = 20
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def island(tmp_path_factory, request):
    """A stack like `world`'s in a network namespace."""
    with namespace():
        stack = MarkedStack(tmp_path_factory.mktemp("network"), PORT_BASE + 300, **request.config.fault_settings)
        try:
            stack.up()
            yield World(stack, request.config.fault_rows)
        finally:
            stack.down()


def behind(run, part, engine):
    """What shows that the link was needed: work that piled up while it was dead."""
    if part == "devices":
        return 0 if run.rate() else 1  # nothing is acknowledged any more
    if part == "ingest":
        return len(run.not_in_log())
    return {"billing": run.unapplied, "notify": lambda: len(run.undelivered()),
            "control": lambda: len(run.unsettled())}[part]()


@pytest.mark.parametrize("part, engine", LINKS, ids=["-".join(link) for link in LINKS])
def test_partition(island, seed, part, engine):
    with MarkedRun(island, f"cut-{part}-{engine}", seed, 30, receipts=part == "devices") as run:
        run.supervised = True  # a service may give up and be started again; that is told
        seconds, direction = run.random.uniform(6, 12), run.random.choice(["there", "back", "both"])
        link = Link(island.stack, part, engine)
        run.run_for(run.random.uniform(0.5, 1.5))
        run.prove_load(time.time() * 1000)
        link.cut(direction)
        run.run_for(seconds)
        run.hits.append(behind(run, part, engine))
        dropped = link.heal()
        run.remarks.append(f"{direction} for {seconds:.1f} s, {dropped} packets dropped")
        assert dropped and run.hits[0], f"the link was not needed: {dropped} packets dropped, {run.hits[0]} behind"
        run.recovered(time.monotonic())


def test_loss(island, seed):
    """A fifth of all packets of every link is lost for some seconds."""
    with MarkedRun(island, "packet-loss", seed, 30, receipts=True) as run:
        run.supervised = True
        run.run_for(run.random.uniform(0.5, 1.5))
        run.prove_load(time.time() * 1000)
        links = [Link(island.stack, *names) for names in LINKS]
        for link in links:
            link.cut(percent=LOSS_PERCENT)
        run.run_for(10)
        rate, dropped = run.rate(), links[0].heal()
        run.remarks.append(f"{LOSS_PERCENT} % for 10 s, {dropped} packets dropped, {rate} readings/s at the end of it")
        run.hits.append(dropped)
        assert dropped > 100
        run.recovered(time.monotonic())
