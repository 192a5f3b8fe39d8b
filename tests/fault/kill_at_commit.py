# SPDX-License-Identifier: Apache-2.0
"""kill_at_commit.py HOST PORT PID KEY...: SIGKILL to the process as soon as one of the keys in Redis has another value.

A process of its own, since nothing may come in between: there are some 2 ms from billing's commit in Redis to its
decisions' way to Kafka.
"""
import os
import signal
import sys
import time

import redis

host, port, pid, *keys = sys.argv[1:]
client = redis.Redis(host, int(port))
before = client.mget(keys)
print("watching", flush=True)
until = time.monotonic() + 10
while client.mget(keys) == before and time.monotonic() < until:
    pass
os.kill(int(pid), signal.SIGKILL)
