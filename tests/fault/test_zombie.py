# SPDX-License-Identifier: Apache-2.0
"""Two billings at once: one that was asleep and has been replaced; two that were given the same name."""
import os
import signal
import time

import pytest

import evidence
import outside
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


def awake_again(run, part, pid, tmp_path, taken_over):
    """The part, which sleeps, is replaced; when the second one has done its work the first wakes up."""
    second = start_second(run.stack, tmp_path, "1", part)
    try:
        asleep = time.monotonic()
        run.wait("the second to do the work", taken_over, 60)
        run.run_for(max(0.0, asleep + ASLEEP_S - time.monotonic()))
        mails, began = run.mails(), time.monotonic()
        os.kill(pid, signal.SIGCONT)
        run.prove_load(time.time() * 1000)
        run.run_for(2)
        again = [name for name, count in run.mails().items() if count > mails.get(name, count)]
        run.recovered(began)
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGCONT)
        second.terminate()
        second.wait(30)
    assert run.stack.pid(part) == pid and alive(pid), f"{part} did not outlive its own sleep"
    return again


@pytest.mark.long
def test_zombie_notify(world, seed, tmp_path):
    """Mails wait for the relay when notify falls asleep; when it wakes, its successor has long delivered them."""
    fault = world.stack.mail / "fault"
    fault.write_text("451\n")
    try:
        with Run(world, "zombie-notify", seed, ASLEEP_S + 16) as run:
            run.wait("mails to wait", lambda: len(run.undelivered()) >= 6, 30)
            run.run_for(run.random.uniform(0.3, 1))
            pid, waiting = run.signal("notify", signal.SIGSTOP), run.undelivered()
            fault.unlink()
            run.hits.append(len(waiting))
            again = awake_again(run, "notify", pid, tmp_path, lambda: not waiting & run.undelivered())
            assert not again, f"the woken one sent again: {again}"
    finally:
        fault.unlink(missing_ok=True)


@pytest.mark.long
def test_zombie_control(world, seed, tmp_path):
    """Commands are under way when control falls asleep; when it wakes, its successor has settled them."""
    with Run(world, "zombie-control", seed, ASLEEP_S + 20) as run:
        run.wait("commands to be under way", run.unsettled, 30)
        run.run_for(run.random.uniform(0, 0.3))
        pid, waiting = run.signal("control", signal.SIGSTOP), run.unsettled()
        run.hits.append(len(waiting))
        assert waiting, "nothing was under way"
        awake_again(run, "control", pid, tmp_path, lambda: not waiting & run.unsettled())
    command = outside.command_pb
    final = {command.STATE_CONFIRMED, command.STATE_REFUSED, command.STATE_FAILED, command.STATE_SUPERSEDED}
    again = evidence.sent_after_the_end(outside.command_states(world.brokers), command.STATE_SENT, final)
    assert not again, f"sent after their end: {again}"


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
