# SPDX-License-Identifier: Apache-2.0
"""A Redis Cluster of a test's own: three masters and three replicas, six processes of the distribution's package."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

import redis

NODES, MASTERS = 6, 3
CONFIG = """
bind 127.0.0.1
port {port}
cluster-enabled yes
cluster-port {bus}
cluster-config-file nodes.conf
cluster-node-timeout 2000
cluster-require-full-coverage no
dir {folder}
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
logfile redis.log
"""


class Node:
    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.address = f"127.0.0.1:{port}"
        self.process = None

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "redis.conf"
        config.write_text(CONFIG.format(port=self.port, bus=self.port + NODES, folder=self.folder))
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        self.process = subprocess.Popen([shutil.which("redis-server", path=path), config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)

    def ask(self, *words):
        with redis.Redis("127.0.0.1", self.port, decode_responses=True) as client:
            return client.execute_command(*words)

    def answers(self):
        try:
            return bool(self.ask("PING"))
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False

    def end(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)


class RedisCluster:
    """Takes 2 * NODES ports from `port` on."""

    def __init__(self, folder, port):
        self.nodes = [Node(pathlib.Path(folder) / str(i), port + i) for i in range(NODES)]

    @property
    def addresses(self):
        return ",".join(node.address for node in self.nodes)

    def up(self):
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            wait(f"{node.address} to answer", node.answers)
        subprocess.run(["redis-cli", "--cluster", "create", *(node.address for node in self.nodes),
                        "--cluster-replicas", str(NODES // MASTERS - 1), "--cluster-yes"],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        wait("the cluster to be whole", self.whole)

    def whole(self):
        """Everybody agrees that all slots are served and that three replicas are in step."""
        try:
            return all("cluster_state:ok" in str(node.ask("CLUSTER", "INFO")) for node in self.nodes) and \
                sum(node.ask("ROLE")[3] == "connected" for node in self.nodes if node.ask("ROLE")[0] == "slave") == MASTERS
        except redis.ConnectionError:
            return False

    def master_of(self, key):
        """The living node that holds a key's slot."""
        for node in self.nodes:
            if node.answers() and node.ask("ROLE")[0] == "master":
                slot = node.ask("CLUSTER", "KEYSLOT", key)
                if any(low <= slot <= high and master[1] == node.port
                       for low, high, master, *_ in node.ask("CLUSTER", "SLOTS")):
                    return node
        raise LookupError(f"nobody serves {key}")

    def down(self):
        for node in self.nodes:
            node.end()


def wait(what, condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)
