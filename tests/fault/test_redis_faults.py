# SPDX-License-Identifier: Apache-2.0
"""Redis that takes nothing, answers nothing, or does half: billing goes on where the fence stands, or not at all."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from fault_run import Run, alive
from redis_proxy import REPLY, REQUEST, RedisProxy
from stack import BUILD

AWAY_S = 4
LOADING_COMMANDS, LOADING_BATCH = 3_000_000, 100_000
SWALLOWED_EACH = 2


def said(world, log_at, word):
    return word in world.stack.log("billing")[log_at:]


@contextlib.contextmanager
def same_billing(world):
    """Nothing of this ends billing."""
    pid = world.stack.pid("billing")
    yield len(world.stack.log("billing"))
    assert world.stack.pid("billing") == pid and alive(pid), "billing ended"


def refuse_for_a_while(run, world, refusal, begin, end, throughout=True):
    """Redis refuses what is written, with that word, until `end`."""
    client = world.state.client
    with same_billing(world) as log_at:
        run.prove_load(time.time() * 1000)
        begin(client)
        try:
            run.wait(f"billing to meet {refusal}", lambda: said(world, log_at, refusal), 30)
            before = world.state.next_offsets()
            run.run_for(AWAY_S)
            after = world.state.next_offsets()
            assert not throughout or after == before, f"something was written in spite of {refusal}"
            run.hits.append(run.unapplied())
            assert run.hits[-1], "nothing was waiting"
            run.prove_load(time.time() * 1000)  # ingest goes on meanwhile
        finally:
            began = time.monotonic()
            end(client)
        run.recovered(began)


@pytest.mark.long
def test_out_of_memory(world, seed):
    """maxmemory is really reached; noeviction means an error, never a key that has gone."""
    def begin(client):
        client.config_set("maxmemory", client.info("memory")["used_memory"] + run.random.randrange(1 << 16, 1 << 18))

    def end(client):
        client.config_set("maxmemory", limit)
    with Run(world, "redis-full", seed, AWAY_S + 16) as run:
        run.run_for(run.random.uniform(0.5, 2))
        limit = world.state.client.config_get("maxmemory")["maxmemory"]
        keys = world.state.client.dbsize()
        # A commit may slip in whenever some client's buffer is freed.
        refuse_for_a_while(run, world, "OOM command not allowed", begin, end, throughout=False)
        assert world.state.client.dbsize() >= keys and world.state.client.info("stats")["evicted_keys"] == 0


@pytest.mark.long
def test_read_only(world, seed):
    """First too few replicas for its taste, then a replica itself."""
    faults = [("NOREPLICAS", lambda client: client.config_set("min-replicas-to-write", 1),
               lambda client: client.config_set("min-replicas-to-write", 0)),
              ("READONLY", lambda client: client.replicaof("127.0.0.1", 1),
               lambda client: client.replicaof("NO", "ONE"))]
    with Run(world, "redis-read-only", seed, 2 * AWAY_S + 18) as run:
        for fault in faults:
            run.run_for(run.random.uniform(0.5, 2))
            refuse_for_a_while(run, world, *fault)


def lengthen_log(client):
    """As months of work would, though not the state with it: one key, written again and again."""
    client.config_set("auto-aof-rewrite-percentage", 0)
    for _ in range(LOADING_COMMANDS // LOADING_BATCH):
        client.eval("for i = 1, ARGV[1] do redis.call('SET', 'filler', i) end", 0, LOADING_BATCH)
        time.sleep(0.01)


@pytest.mark.long
def test_loading(world, seed):
    """After its death Redis reads a long append-only file; until then it answers LOADING."""
    with Run(world, "redis-loading", seed, 26) as run, same_billing(world) as log_at:
        lengthen_log(world.state.client)
        run.run_for(run.random.uniform(0.5, 2))
        pid = run.signal("redis", signal.SIGKILL)
        while alive(pid):
            time.sleep(0.01)
        began = time.monotonic()
        world.stack.start("redis")  # until it answers PING
        run.remarks.append(f"loaded in {time.monotonic() - began:.1f} s")
        run.hits.append(run.unapplied())
        assert run.hits[0], "nothing came meanwhile"
        assert said(world, log_at, "LOADING"), "billing never met a Redis that was loading"
        run.recovered(began)
        world.state.client.delete("filler")
        world.state.client.config_set("auto-aof-rewrite-percentage", 100)
        world.state.client.bgrewriteaof()


# ---------------------------------------------------------------- all of it gone

@pytest.mark.long
def test_lost_with_its_disks(world, seed, tmp_path):
    """An empty Redis in its place: billing begins nothing of its own accord; a snapshot and the log make it again, while
    the load goes on. Before that, verify finds nothing while billing is at work, and what was damaged it finds."""
    client, ctl = world.state.client, world.stack.ctl
    with Run(world, "redis-lost", seed, 40) as run, same_billing(world) as log_at:
        run.run_for(run.random.uniform(1, 2))
        ctl("snapshot", "--to", str(tmp_path))
        before = world.state.next_offsets()
        for source in ([], ["--from", str(tmp_path)]):
            run.run_for(1)
            ctl("verify", *source)
        moved = sum(offset - before[p] for p, offset in world.state.next_offsets().items())
        assert moved, "billing was idle while verify was at work"
        find_damage(run, client, ctl)
        run.prove_load(time.time() * 1000)
        keys = client.dbsize()
        world.stack.kill("redis")
        shutil.rmtree(world.stack.var / "redis" / "appendonlydir")
        world.stack.start("redis")
        run.wait("billing to notice", lambda: said(world, log_at, '"reason":"no-meta"'), 30)
        run.run_for(2)
        assert client.dbsize() == 0, "something was begun without a rebuild"
        run.hits.append(f"{keys} keys")
        began = time.monotonic()
        fast = json.loads(ctl("rebuild", "--all", "--wait", "--from", str(tmp_path), "--json").stdout)
        run.recovered(began)
        run.remarks.append(f"from the snapshot {speed(fast)}")
        ctl("verify")
    whole = json.loads(ctl("rebuild", "--all", "--yes", "--wait", "--json").stdout)
    ctl("verify")
    world.rows[-1]["remarks"] += f", from the first record {speed(whole)}"


def speed(rows):
    """Of a rebuild: all partitions begin at once, so the slowest says how long it took."""
    slowest = max(rows, key=lambda row: row["seconds"])
    records = sum(row["next_offset"] - row["from_offset"] for row in rows)
    return "%d records in %.1f s, %d h of history a minute" % (records, slowest["seconds"], slowest["hours_a_minute"])


def find_damage(run, client, ctl):
    """One bit of a bill, which nobody writes again; verify must name it, under load."""
    run.wait("a bill", run.bills, 20)
    key = min(client.scan_iter(match="{p*}:bill:*", count=10000))
    value = client.get(key)
    client.setrange(key, 3, bytes([value[3] ^ 1]))
    said = ctl("verify", check=False)
    client.set(key, value)
    assert said.returncode == 1 and f"differs: {key.decode()}" in said.stderr, said.stderr


# ---------------------------------------------------------------- half of it done

def plant(client, key):
    """A list where billing keeps a read vector that it is going to write on; gives the vector."""
    with client.pipeline() as both:
        both.get(key)
        both.delete(key)
        both.rpush(key, "planted")
        return both.execute()[0]


@pytest.mark.long
def test_error_inside_exec(world, seed):
    """Redis does not roll back. The partition is refused until it is rebuilt; the others go on."""
    client = world.state.client
    with Run(world, "redis-exec-error", seed, 20) as run, same_billing(world) as log_at:
        run.run_for(run.random.uniform(0.5, 2))
        keys = sorted(client.scan_iter(match=f"{{p*}}:reads:{run.flood}/*", count=10000))
        key = max(keys, key=lambda name: name[-6:])  # of the latest month
        partition = int(re.match(rb"{p(\d+)}", key)[1])
        run.prove_load(time.time() * 1000)
        assert plant(client, key), "there was nothing to plant it on"
        run.wait("the partition to be refused", lambda: said(world, log_at, '"reason":"no-meta"'), 30)
        assert said(world, log_at, "redis-exec-failed") and said(world, log_at, '"reason":"exec-failed"')
        others = {p: o for p, o in world.state.next_offsets().items() if p != partition}
        run.run_for(3)
        now = world.state.next_offsets()
        assert partition not in now, "somebody went on from a torn state"
        assert any(now[p] > offset for p, offset in others.items()), "the other partitions stood still as well"
        run.hits.append(run.unapplied())
        began = time.monotonic()
        world.stack.ctl("rebuild", "--partition", str(partition), "--yes")
        run.recovered(began)
    world.stack.ctl("verify", "--partition", str(partition))  # ends with 1 if it is not what the log says


# ---------------------------------------------------------------- no answer

@contextlib.contextmanager
def billing_behind(proxy, run, world, folder):
    """The stack's billing gives way to one that reaches Redis through the proxy."""
    env = dict(line.split("=", 1) for line in (world.stack.var / "stack.env").read_text().splitlines())
    env |= {"RISER_HTTP_PORT": str(world.stack.port_base + 31), "PATH": os.environ["PATH"], "RISER_REDIS": proxy.address,
            "RISER_REDIS_TIMEOUT": "1s", "RISER_SESSION_TIMEOUT": world.stack.env["RISER_SESSION_TIMEOUT"]}
    run.dead.add("billing")
    world.stack.stop("billing")
    with open(folder / "billing.log", "ab") as log:
        process = subprocess.Popen([BUILD / "bin" / "riser-billing"], env=env, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
    try:
        yield folder / "billing.log"
        assert process.poll() is None, "billing ended"
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(30)
        proxy.close()
        run.restart("billing")
    assert status == 0


@pytest.mark.long
def test_no_answer_after_exec(world, seed, tmp_path):
    """It was done and nobody said so, or it was never heard of: which one, only the fence knows."""
    proxy = RedisProxy(world.stack.address("REDIS"))
    with Run(world, "redis-no-answer", seed, 26) as run, billing_behind(proxy, run, world, tmp_path) as log:
        run.wait("billing to be at work", lambda: "partition-opened" in log.read_text(), 30)
        run.recovered(time.monotonic())
        run.recoveries.pop()
        modes = [REQUEST, REPLY] * SWALLOWED_EACH
        run.random.shuffle(modes)
        for count, mode in enumerate(modes, 1):
            run.run_for(run.random.uniform(0.3, 1))
            run.prove_load(time.time() * 1000)
            proxy.arm(mode)
            run.wait("an EXEC", lambda: len(proxy.swallowed) == count, 10)
            began = time.monotonic()
            run.wait("billing to give up", lambda: log.read_text().count('"error":"unknown-outcome"') >= count, 10)
            run.recovered(began)
        done = [reply for what, reply in proxy.swallowed if what == REPLY]
        assert [what for what, _ in proxy.swallowed] == modes and all(b"*" in reply for reply in done)
        run.hits += [f"{modes.count(REQUEST)} not done", f"{len(done)} done"]
