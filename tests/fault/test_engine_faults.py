# SPDX-License-Identifier: Apache-2.0
"""The engines go away under load and come back."""
import signal
import time
import urllib.request

import pytest

import outside
from fault_run import SERVICES, Run, alive

KAFKA_AWAY_S, KAFKA_LONG_AWAY_S = 18, 180
SAMPLE = 500


def test_kafka_away(world, seed):
    kafka_away(Run(world, "kafka-away", seed, KAFKA_AWAY_S + 12), KAFKA_AWAY_S)


@pytest.mark.long
def test_kafka_away_for_minutes(world, seed):
    """Longer than any transaction or session lasts."""
    kafka_away(Run(world, "kafka-away-180", seed, KAFKA_LONG_AWAY_S + 12), KAFKA_LONG_AWAY_S)


def is_live(stack, part):
    url = "http://%s:%d/livez" % stack.address(f"HTTP_{part.upper()}")
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).status == 200


def kafka_away(run, seconds):
    """Ingest goes on taking in and keeps it in its spool; the others wait."""
    world = run.world
    with run:
        run.run_for(run.random.uniform(0.5, 1.5))
        run.prove_load(time.time() * 1000)
        run.kafka_down = True
        world.let_go_of_kafka()
        world.stack.stop("kafka")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            run.run_for(1)
            assert all(is_live(world.stack, part) for part in SERVICES), "a service would be taken for dead"
        run.prove_load(time.time() * 1000)  # nobody was refused meanwhile
        sample = run.random.sample(sorted(run.not_in_log()), SAMPLE)
        waiting = len(outside.held_by_spool(world.stack.var / "spool", sample))
        assert waiting, "nothing was waiting in the spool"
        world.stack.start("kafka")
        began = time.monotonic()
        run.kafka_down = False
        run.hits.append(waiting)
        run.recovered(began)


def test_redis_killed(world, seed):
    with Run(world, "kill-redis", seed, 12) as run:
        run.run_for(run.random.uniform(1, 3))
        before = world.state.next_offsets()
        pid = run.signal("redis", signal.SIGKILL)
        while alive(pid):
            time.sleep(0.01)
        time.sleep(run.random.uniform(0, 1))
        began = time.monotonic()
        world.stack.start("redis")
        after = world.state.next_offsets()
        run.remarks.append(f"{sum(max(0, before[p] - after[p]) for p in before)} records taken back")
        run.hits.append(run.unapplied())
        assert run.hits[0], "nothing came meanwhile"
        run.recovered(began)


def test_broker_killed(world, seed):
    """Mosquitto loses up to five seconds of what it acknowledged; devices that ask for receipts send that again."""
    with Run(world, "kill-mosquitto", seed, 12, receipts=True) as run:
        run.run_for(run.random.uniform(2, 4))
        pid = run.signal("mosquitto", signal.SIGKILL)
        run.wait("the broker to be gone", lambda: not alive(pid), 5)
        run.run_for(run.random.uniform(0, 1))
        run.restart("mosquitto")
    world.rows[-1]["hits"] = f"{run.resent} messages sent again"
    assert run.resent, "no device had to send anything again"
