# SPDX-License-Identifier: Apache-2.0
"""SIGTERM under load: each service finishes what it has in hand, ends with status 0 within its deadline, and its
successor goes on from there."""
import time

import outside
from fault_run import SERVICES, Run
from own import DRAIN_DEADLINE_S, Own, end_by_sigterm, wait_again
from test_kill import repeated_mails


def in_hand(run):
    """What each service would leave undone if it just died."""
    return {"ingest": lambda: len(outside.held_by_spool(run.stack.var / "spool", run.not_in_log())),
            "billing": run.unapplied, "notify": lambda: len(run.undelivered()), "control": lambda: len(run.unsettled())}


def test_sigterm(world, seed):
    """The mail server takes 0.2 s a mail, so that notify has some in hand; none may come a second time."""
    fault = world.stack.mail / "fault"
    fault.write_text("delay 0.2\n")
    try:
        with Own(world.stack, **{part: {} for part in SERVICES}) as own, Run(world, "sigterm", seed, 16) as run:
            parts = [part for part in SERVICES if part != "control"]
            run.random.shuffle(parts)
            for part in ["control", *parts]:  # each supply is cut but once
                if part in ("notify", "control"):
                    run.wait(f"work for {part}", {"notify": run.undelivered, "control": run.unsettled}[part], 20)
                run.run_for(run.random.uniform(0.1, 0.8))
                run.hits.append(in_hand(run)[part]())
                status, seconds = end_by_sigterm(run, part, own.child[part])
                assert status == 0, f"{part} ended with {status}: {world.stack.log(part)[-1500:]}"
                assert seconds < DRAIN_DEADLINE_S, f"{part} took {seconds:.1f} s to end"
                run.remarks.append(f"{part} drained in {seconds:.1f} s")
                if part == "ingest":
                    run.logs.catch_up()
                    assert not in_hand(run)["ingest"](), "ingest left acknowledged readings in its spool"
                began = time.monotonic()
                wait_again(run, part, own.start(part))
                run.recovered(began)
            fault.unlink()
            assert any(run.hits), "nobody had anything in hand"
        assert repeated_mails(world, run) == 0, "a mail came again although notify had time to record it"
    finally:
        fault.unlink(missing_ok=True)
