# SPDX-License-Identifier: Apache-2.0
"""Two billings at once: one that was asleep and has been replaced; two that were given the same name."""
import os
import signal
import time

import pytest

from fault_run import Run, alive
from second import start_second

ASLEEP_S, LONG_ASLEEP_S = 20, 60


def stop_amid(run, world):
    """SIGSTOP while it works off what came during a nap: between two commits, with more records at hand."""
    for _ in range(20):
        pid = run.signal("billing", signal.SIGSTOP)
        run.run_for(0.7)  # with ticks, each of which brings about decisions
        before, ends = world.state.next_offsets(), run.logs.ends()
        os.kill(pid, signal.SIGCONT)
        time.sleep(run.random.uniform(0.002, 0.03))
        os.kill(pid, signal.SIGSTOP)
        at_stop = world.state.next_offsets()
        if any(before[p] < at_stop[p] for p in ends) and any(at_stop[p] < ends[p] - 1 for p in ends):
            return pid, at_stop
        os.kill(pid, signal.SIGCONT)
        run.run_for(0.3)
    raise AssertionError("billing was never stopped amid its work")


def test_zombie(world, seed, tmp_path):
    zombie(Run(world, "zombie-billing", seed, ASLEEP_S + 12), tmp_path, ASLEEP_S)


@pytest.mark.long
def test_zombie_of_a_minute(world, seed, tmp_path):
    zombie(Run(world, "zombie-billing-60", seed, LONG_ASLEEP_S + 12), tmp_path, LONG_ASLEEP_S)


def zombie(run, tmp_path, asleep_s):
    world = run.world
    with run:
        run.zombie = True
        run.run_for(run.random.uniform(0.3, 1))
        pid, at_stop = stop_amid(run, world)
        asleep = time.monotonic()
        second = start_second(world.stack, tmp_path, "1")
        try:
            run.run_for(asleep_s)
            meanwhile = world.state.next_offsets()
            run.hits.append(sum(meanwhile[p] - at_stop[p] for p in at_stop))
            assert run.hits[0] > 0, "nobody took over while billing was stopped"
            run.remarks.append(f"asleep {time.monotonic() - asleep:.0f} s")
            run.prove_load(time.time() * 1000)
            began, log_at = time.monotonic(), len(world.stack.log("billing"))
            os.kill(pid, signal.SIGCONT)
            run.recovered(began)
            run.run_for(1)
        finally:
            if alive(pid):
                os.kill(pid, signal.SIGCONT)
            second.send_signal(signal.SIGTERM)
            status = second.wait(30)
        assert status == 0
        woke = world.stack.log("billing")[log_at:]
        run.remarks.append(f"{woke.count('partition-dropped')} commits refused")
        assert world.stack.pid("billing") == pid and alive(pid), "billing did not outlive its own sleep"


def test_two_of_one_name(world, seed, tmp_path):
    """Kafka shuts the first out; it comes back once, so that a restart of Kafka, which can look the same, ends nobody."""
    with Run(world, "double-billing", seed, 12) as run:
        run.zombie = True
        run.run_for(run.random.uniform(0.3, 1))
        run.prove_load(time.time() * 1000)
        log_at = len(world.stack.log("billing"))
        second = start_second(world.stack, tmp_path, "0")
        try:
            run.wait("the first to be shut out", lambda: "rejoining" in world.stack.log("billing")[log_at:], 30)
            run.hits.append(run.unapplied())
        finally:
            second.kill()
            second.wait()
        run.recovered(time.monotonic())
