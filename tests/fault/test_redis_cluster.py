# SPDX-License-Identifier: Apache-2.0
"""Three masters, three replicas: a master dies with writes that its replica never had."""
import os
import signal
import time

import pytest
import redis

from fault_run import Run, World, alive
from stack import PORT_BASE, Stack

NODES = ["redis", *(f"redis-{number}" for number in range(2, 7))]
ALONE_S = 0.8  # below the nodes' time-out of 2 s, or the replica would be thought dead


@pytest.fixture
def cluster(request, tmp_path):
    stack = Stack(tmp_path, PORT_BASE + 400, RISER_REDIS_NODES="6", **request.config.fault_settings)
    try:
        stack.up()
        yield World(stack, request.config.fault_rows)
    finally:
        stack.down()


def nodes(world):
    """{part: a client of that node alone}"""
    return {part: redis.Redis(*address, decode_responses=True)
            for part, address in zip(NODES, world.stack.addresses("REDIS"))}


def pair_of(world, partition):
    """The part that holds the partition, and the one that replicates it."""
    clients = nodes(world)
    ports = {client.connection_pool.connection_kwargs["port"]: part for part, client in clients.items()}
    slot = clients["redis"].execute_command("CLUSTER", "KEYSLOT", f"{{p{partition}}}:meta")
    for low, high, *owners in clients["redis"].execute_command("CLUSTER", "SLOTS"):
        if low <= slot <= high:
            return ports[owners[0][1]], ports[owners[1][1]]
    raise LookupError(f"nobody has partition {partition}")


def busiest(run):
    before = run.state.next_offsets()
    run.run_for(1)
    after = run.state.next_offsets()
    return max(after, key=lambda p: after[p] - before[p])


def leave_behind(run, world, master, replica):
    """The replica sleeps and its link is cut, so what is written now only the master has; then the master dies. Gives the
    next offsets that died with it."""
    clients, pid = nodes(world), world.stack.pid(replica)
    os.kill(pid, signal.SIGSTOP)
    try:
        clients[master].execute_command("CLIENT", "KILL", "TYPE", "replica")
        asleep = time.monotonic()
        run.run_for(ALONE_S)
        known = world.state.next_offsets()
        dead = run.signal(master, signal.SIGKILL)
        assert time.monotonic() - asleep < 1.8, "the replica slept for too long"
    finally:
        os.kill(pid, signal.SIGCONT)
    run.wait("the master to be gone", lambda: not alive(dead), 5)
    return known


@pytest.mark.long
def test_master_killed(cluster, seed):
    """The replica takes over and has forgotten the last moment, state and offset alike; billing goes back and does it
    again. The partitions of the other masters go on meanwhile."""
    with Run(cluster, "kill-redis-master", seed, 24) as run:
        run.run_for(run.random.uniform(1, 3))
        partition = busiest(run)
        master, replica = pair_of(cluster, partition)
        mine = {p for p in cluster.partitions if pair_of(cluster, p)[0] == master}
        billing, log_at = cluster.stack.pid("billing"), len(cluster.stack.log("billing"))
        began = time.monotonic()
        known = leave_behind(run, cluster, master, replica)
        run.wait("the replica to take over", lambda: nodes(cluster)[replica].role()[0] == "master", 30)
        run.remarks.append(f"taken over after {time.monotonic() - began:.1f} s")
        taken_back = sum(max(0, known[p] - first_offset(cluster, log_at, p)) for p in mine)
        assert taken_back > 0, "the replica had everything: the fault did not hit"
        run.hits.append(taken_back)
        run.recovered(began)
        cluster.stack.start(master)  # as a replica of the new one
        run.run_for(1)
        assert cluster.stack.pid("billing") == billing and alive(billing), "billing ended"
        run.remarks.append(f"{len(mine)} of {len(cluster.partitions)} partitions on it")
    cluster.stack.ctl("verify")  # every key is what the log says, or it ends with 1
    cluster.stack.ctl("rebuild", "--all", "--yes", "--wait")
    cluster.stack.ctl("verify")


def first_offset(world, log_at, partition):
    """Where billing opened the partition again after the fault."""
    until = time.monotonic() + 30
    mark = f'"event":"partition-opened","partition":{partition},"next_offset":'
    while mark not in (text := world.stack.log("billing")[log_at:]):
        assert time.monotonic() < until, f"partition {partition} was not opened again: {text[-1500:]}"
        time.sleep(0.1)
    return int(text.split(mark)[1].split(",")[0])
