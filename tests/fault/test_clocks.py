# SPDX-License-Identifier: Apache-2.0
"""Clocks that are a day wrong: a device's, each service's while it runs, and that of the billing that tells the time."""
import time

import pytest

import evidence
from fault_run import SERVICES, Run, World
from outside import telemetry_pb
from own import Clock, Own, clock_of, http_port, metric
from stack import PORT_BASE, Stack
from stream import Stream

DAY_S = 86400
CLOCK_OFF = telemetry_pb.EVENT_KIND_CLOCK_OFF
pytestmark = pytest.mark.long


class SkewedRelays(Run):
    """The relays' clocks are a day ahead; the meters' are right."""

    def sim(self, name, *options):
        super().sim(name, *options, *(["--clock-off", str(DAY_S)] if name == "relays" else []))


def clock_events(world, site):
    return sum(event.event.kind == CLOCK_OFF for _, event in world.logs.facts_of(site, "device_event"))


def test_device_clock(world, seed):
    """Two gateways whose clocks are a day ahead and a day behind, and relays a day ahead, beside those that are right."""
    with Stream(world, "clock-ahead", seed, 240, 1, 8, ("--clock-off", str(DAY_S))) as ahead, \
            Stream(world, "clock-behind", seed, 240, 1, 8, ("--clock-off", str(-DAY_S))) as behind, \
            SkewedRelays(world, "device-clock", seed, 14) as run:
        run.run_for(run.random.uniform(3, 5))
        run.prove_load(time.time() * 1000)
        for stream in (ahead, behind):
            run.hits.append(clock_events(world, stream.site))
            assert run.hits[-1], "no event tells of the wrong clock"
            acked, lost, twice, _ = stream.account(ranks=(evidence.RANK_CLOCK,))
            run.remarks.append(f"{stream.site}: {acked} readings with the lowest rank, lost {lost}, wrong {twice}")
        run.recovered(time.monotonic())
        assert not any(clock_events(world, site) for site in run.sites), "a clock that is right was doubted"


class Doubting(Run):
    """While ingest's clock is wrong it doubts the devices' clocks."""
    ranks = (evidence.RANK_DEVICE, evidence.RANK_CLOCK)


@pytest.mark.parametrize("part", SERVICES)
@pytest.mark.parametrize("days", [1, -1], ids=["ahead", "behind"])
def test_service_clock(world, seed, part, days, tmp_path):
    """The wall clock of a running service jumps by a day, and some seconds later back again."""
    clock = Clock(tmp_path)
    with Own(world.stack, **{part: clock.variables}), \
            (Doubting if part == "ingest" else Run)(world, f"clock-{part}", seed, 20) as run:
        run.run_for(run.random.uniform(1, 2))
        run.prove_load(time.time() * 1000)
        clock.shift(days * DAY_S)
        if part == "control":
            run.wait("a command amid it", run.unsettled, 20)
        run.run_for(run.random.uniform(4, 6))
        run.hits.append(clock_of(http_port(world.stack, part)) - time.time())
        assert abs(run.hits[0]) > DAY_S / 2, f"{part}'s clock was right"
        clock.shift(0)
        run.recovered(time.monotonic())
        run.hits[0] = f"{days:+d} d"


@pytest.fixture(scope="module")
def timekeeper(tmp_path_factory, request):
    """A stack in which billing tells the time."""
    stack = Stack(tmp_path_factory.mktemp("clock"), PORT_BASE + 400, RISER_CLOCK="system")
    try:
        stack.up()
        yield World(stack, request.config.fault_rows)
    finally:
        stack.down()


def test_business_time(timekeeper, seed, tmp_path):
    """A billing whose clock is a day wrong writes ticks that are a day wrong: business time neither runs ahead nor goes
    back, and goes on at once when the clock is right again."""
    stack, clock = timekeeper.stack, Clock(tmp_path)
    with Own(stack, billing=clock.variables), Stream(timekeeper, "business-time", seed) as stream:
        def business():
            return min(meta.business_time_s for meta in timekeeper.state.metas().values())

        def is_right():
            assert max(meta.business_time_s for meta in timekeeper.state.metas().values()) <= time.time() + 1
            return business() >= time.time() // 60 * 60 - 1
        stream.wait("business time", is_right, 70)
        refused, rate, recoveries = [], stream.rate(), []
        for days in (1, -1):
            before, skipped = business(), metric(http_port(stack, "billing"), "riser_billing_skipped_total")
            ticks = metric(http_port(stack, "billing"), "riser_billing_ticks_total")
            clock.shift(days * DAY_S)
            stream.wait("a tick by the wrong clock",
                        lambda: metric(http_port(stack, "billing"), "riser_billing_ticks_total") > ticks, 10)
            stream.run_for(3)
            refused.append(metric(http_port(stack, "billing"), "riser_billing_skipped_total") - skipped)
            assert before <= business() <= time.time() + 1, "business time followed a wrong clock"
            clock.shift(0)
            began = time.monotonic()
            stream.wait("business time to go on", is_right, 10)
            recoveries.append(time.monotonic() - began)
        assert refused[0], "no tick was refused: the clock was not ahead"
        acked, lost, twice, copies = stream.account()
    timekeeper.rows.append({"fault": "business-time", "seed": seed, "hits": f"{refused[0]:.0f} ticks refused",
                            "rate": rate, "acked": acked, "lost": lost, "twice": twice,
                            "recovery": "/".join(f"{s:.1f}" for s in recoveries) + " s", "remarks": "a day ahead, a day behind"})
