# SPDX-License-Identifier: Apache-2.0
"""The relay for mail and the receivers of webhooks are down, slow, or answer with errors: each message arrives later, the
same letter by letter, and never again once it was confirmed; one slow receiver holds up nobody else."""
import sys
import time

from fault_run import ROOMS, Run
from outside import ROOT, SCHEMAS
from own import Own
from receivers import Receiver
from test_kill import repeated_mails

sys.path.insert(0, str(ROOT / "tools" / "demo"))
import records  # noqa: E402

MAIL, WEBHOOK = 1, 2
DELIVERED, FAILED = 1, 2
AWAY_S = 8
TIMEOUT_S = 3
DELIVERED_AT_ONCE_S = 2  # at a receiver that is sound, while others are not
# What each room's receiver does while the fault lasts; afterwards it answers 200, but for the one that is gone for good.
FAULTS = {1: "down", 2: ("slow", 1.0), 3: 500, 4: 410, 5: "hang", 6: 429, 7: 200, 8: 200}
GONE, SOUND = 4, (7, 8)
SETTINGS = {"RISER_WEBHOOK_REACH": "any", "RISER_WEBHOOK_TIMEOUT": f"{TIMEOUT_S}s", "RISER_RETRY_LONGEST": "2s"}


class Hooked(Run):
    """Every tenant has a mail address and a webhook."""

    def __init__(self, receivers, *rest):
        super().__init__(*rest)
        self.receivers = receivers

    def contacts(self, room):
        return f'{super().contacts(room)}, webhook: "http://127.0.0.1:{self.receivers[room].port}/{room}"'

    def unsent(self):
        """(decision, person, channel) that should be delivered and is not recorded as that."""
        done = {(d.decision_id, d.person, d.channel) for d in self.deliveries() if d.delivery == DELIVERED}
        gone = f"{self.story}.{GONE}"
        return {(*due, channel) for due in self.due_messages() for channel in (MAIL, WEBHOOK)
                if not (channel == WEBHOOK and due[1] == gone)} - done


def begin(run, world, receivers):
    for room, mode in FAULTS.items():
        if mode == "down":
            receivers[room].stop()
        else:
            receivers[room].mode = mode
    (world.stack.mail / "fault").write_text("451\n")


def end(world, receivers):
    for room, mode in FAULTS.items():
        if mode == "down":
            receivers[room].start()
        elif room != GONE:
            receivers[room].released.set()
            receivers[room].mode = 200
    (world.stack.mail / "fault").unlink()


def check_receiver(receiver):
    """Same letters each time, and none after a confirmed delivery; gives how many came more than once."""
    again, by_id = 0, {}
    for attempt in receiver.attempts:
        by_id.setdefault(attempt.message_id, []).append(attempt)
    for attempts in by_id.values():
        assert len({attempt.body for attempt in attempts}) == 1, "a message that came again differs from the first"
        answers = [attempt.answered for attempt in sorted(attempts, key=lambda one: one.at)]
        assert 200 not in answers[:-1], f"a message came again after it was confirmed: {answers}"
        again += len(attempts) - 1
    return again


def delays(world, run, receivers):
    """Seconds from each decision's publication to its arrival at the receivers that are sound."""
    published = {}
    for _, _, _, value, at_ms in records.Topic(world.brokers, "riser.decision.v1").records:
        decision = SCHEMAS["decision"].Decision.FromString(value)
        published.setdefault(decision.id, at_ms / 1000)
    ids = {d.message_id: d.decision_id for d in run.deliveries() if d.channel == WEBHOOK}
    return [attempt.at - published[ids[attempt.message_id]] for room in SOUND for attempt in receivers[room].attempts]


def test_receivers(world, seed, tmp_path):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "default").write_text("a secret of at least sixteen bytes\n")
    receivers = {room: Receiver() for room in range(1, ROOMS + 1)}
    try:
        with Own(world.stack, notify={**SETTINGS, "RISER_WEBHOOK_SECRETS": str(secrets)}), \
                Hooked(receivers, world, "receivers", seed, AWAY_S + 14) as run:
            run.run_for(run.random.uniform(0.2, 1))
            begin(run, world, receivers)
            run.wait("messages that can't be delivered", run.unsent, 20)
            run.prove_load(time.time() * 1000)
            run.run_for(AWAY_S / 2)
            world.stack.stop("mail")  # first it refuses, then it is away
            run.run_for(AWAY_S / 2)
            run.hits.append(len(run.unsent()))
            assert run.hits[0], "everything was delivered in spite of the fault"
            world.stack.start("mail")
            end(world, receivers)
            began, waiting = time.monotonic(), run.unsent()
            run.wait("everything to be delivered", lambda: not waiting & run.unsent(), 60)
            run.recovered(began)
            run.remarks.append(f"{len(waiting)} messages waited")
        unsent = run.unsent()
        assert not unsent, f"never delivered: {sorted(unsent)[:5]}"
        facts = [d for d in run.deliveries() if d.person == f"{run.story}.{GONE}" and d.channel == WEBHOOK]
        assert facts and {(d.delivery, d.detail) for d in facts} == {(FAILED, "http-410")}, "410 is a refusal for good"
        assert len(receivers[GONE].attempts) == len(facts), "a message was tried again after 410"
        assert repeated_mails(world, run) == 0, "a mail came again after the relay had taken it"
        again = {room: check_receiver(receiver) for room, receiver in receivers.items()}
        assert all(again[room] for room in (3, 5, 6)), f"a receiver that failed was not asked again: {again}"
        slowest = max(delays(world, run, receivers))
        assert slowest < DELIVERED_AT_ONCE_S, f"a sound receiver waited {slowest:.1f} s for its message"
        world.rows[-1]["remarks"] += f", {sum(again.values())} attempts again, sound receivers waited at most {slowest:.2f} s"
    finally:
        for receiver in receivers.values():
            receiver.stop()
        (world.stack.mail / "fault").unlink(missing_ok=True)
