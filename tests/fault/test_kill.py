# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each service under load, at moments that the seed chooses: nothing is lost, nothing is done twice."""
from fault_run import Run


def test_ingest(world, seed):
    """Between a message's acknowledgement and Kafka's lies the spool; at least one death must find something in it."""
    with Run(world, "kill-ingest", seed, 25) as run:
        while len(run.hits) < 3 or (not any(run.hits) and len(run.hits) < 15):
            run.run_for(run.random.uniform(0.3, 1.5))
            run.kill("ingest", run.only_in_spool)
            run.restart("ingest")
        assert any(run.hits), "no death found readings that only the spool had"


def test_billing(world, seed):
    with Run(world, "kill-billing", seed, 12) as run:
        for _ in range(3):
            run.run_for(run.random.uniform(0.3, 1.5))
            run.kill("billing", run.unapplied)
            run.restart("billing")
        assert any(run.hits), "nothing came for it meanwhile"


def kill_amid(run, part, unfinished):
    """Twice, shortly after something came up for it to do."""
    for _ in range(2):
        run.wait(f"work for {part}", unfinished, 20)
        run.run_for(run.random.uniform(0, 0.25))
        run.kill(part, lambda: len(unfinished()))
        run.restart(part)
        if not run.loading():
            break
    assert any(run.hits), f"no death found work of {part} unfinished"


def test_notify(world, seed):
    """The mail server takes its time, so messages are under way when notify dies."""
    fault = world.stack.mail / "fault"
    fault.write_text("delay 0.3\n")
    try:
        with Run(world, "kill-notify", seed, 12) as run:
            kill_amid(run, "notify", run.undelivered)
            fault.unlink()
            run.remarks.append(f"{repeated_mails(world, run)} mails came again")
    finally:
        fault.unlink(missing_ok=True)


def repeated_mails(world, run):
    """Mails that the server took before notify could record it come again, the same letter by letter."""
    by_id = {}
    for path in sorted(world.stack.mail.glob("*.eml")):
        text = path.read_bytes()
        if f"{run.story}-".encode() in text.split(b"\n\n")[0]:
            by_id.setdefault(path.name.split("-", 1)[1], []).append(text)
    for texts in by_id.values():
        assert len(set(texts)) == 1, "a mail that came again differs from the first"
    return sum(len(texts) - 1 for texts in by_id.values())


def test_control(world, seed):
    """Relays take a while to move, so commands are under way when control dies."""
    with Run(world, "kill-control", seed, 12) as run:
        kill_amid(run, "control", run.unsettled)
