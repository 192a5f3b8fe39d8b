# SPDX-License-Identifier: Apache-2.0
"""Plain load on one site for long tests of ingest: no story, and only what is not in the log yet is looked at each time."""
import datetime
import json
import signal
import subprocess
import time

import evidence
import outside
from fault_run import FLOOD, POINT, STATED_RATE, ZONE, local_midnight
from stack import BUILD

START_S = local_midnight(2001, 1)
INTERVAL_S = 300


class Stream:
    """`with Stream(world, name, seed) as stream:`; in the end `account` compares and gives (acknowledged, lost, twice,
    copies in the log)."""

    def __init__(self, world, name, seed, rate=1440, gateways=2, meters=12, options=()):
        self.world, self.seed, self.options = world, seed, options
        world.runs += 1
        self.site = f"{name}-{world.runs}"
        self.rate_wanted, self.gateways, self.meters = rate, gateways, meters
        self.pending, self.seen = set(), 0
        self.sim = self.ledger = None

    def __enter__(self):
        stack, folder = self.world.stack, self.world.stack.var / "fault" / self.site
        folder.mkdir(parents=True)
        start = datetime.datetime.fromtimestamp(START_S, ZONE).date()
        (folder / "site.yaml").write_text(FLOOD.format(flood=self.site) + "".join(
            POINT.format(meter=f"gw-{gateway}-{meter}", gateway=f"gw-{gateway}", start=start)
            for gateway in range(1, self.gateways + 1) for meter in range(1, self.meters + 1)))
        stack.ctl("apply", str(folder / "site.yaml"), "--wait")
        self.ledger = outside.Ledger(folder / "ledger.jsonl")
        with open(folder / "metersim.log", "ab") as log:
            self.sim = subprocess.Popen(
                [BUILD / "bin" / "metersim", "--mqtt", "%s:%d" % stack.address("MQTT"), "--site", self.site,
                 "--gateways", str(self.gateways), "--meters", str(self.meters), "--rate", str(self.rate_wanted),
                 "--batch", "4", "--interval", str(INTERVAL_S), "--start", str(START_S), "--ledger",
                 str(self.ledger.path), "--seed", str(self.seed), *self.options], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            self.wait("the load to come up", lambda: self.rate() >= min(STATED_RATE, self.rate_wanted * 0.7), 20)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.sim.poll() is None:
            self.sim.kill()
        self.sim.wait()
        self.sim.stdout.close()

    def step(self, poll=True):
        self.ledger.read()
        self.pending.update(self.ledger.order[self.seen:])
        self.seen = len(self.ledger.order)
        if poll:
            self.world.logs.poll()
        else:
            time.sleep(0.05)
        logged = self.world.logs.readings.get(self.site, {})
        self.pending = {reading for reading in self.pending if reading not in logged}

    def run_for(self, seconds, poll=True):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.step(poll)

    def wait(self, what, condition, seconds=60, poll=True):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"{self.site} seed {self.seed}: waited {seconds} s in vain for {what}"
            self.step(poll)

    def rate(self):
        self.ledger.read()
        return self.ledger.rate(time.time() * 1000)

    def catch_up(self):
        """What was acknowledged by now and is not in the log now."""
        self.step()
        self.world.logs.catch_up()
        self.step()
        return set(self.pending)

    def held(self, folder=None):
        """How many of those that are not in the log lie in the spool; of more than a few hundred, by every n-th."""
        step = max(1, len(self.pending) // 300)
        some = sorted(self.pending, key=lambda reading: reading.time_s)[::step]
        return step * len(outside.held_by_spool(folder or self.world.stack.var / "spool", some))

    def recovered(self, seconds=60):
        """Until all that was acknowledged by now is in the log; gives how long that took."""
        began, waiting = time.monotonic(), self.catch_up()
        self.wait(f"{len(waiting)} readings to be made up for", lambda: not waiting & self.pending, seconds)
        return time.monotonic() - began

    def slowest_second(self):
        """Readings acknowledged in the worst whole second of the load, and its length in seconds."""
        first, last = self.ledger.acked_ms[0][0], self.ledger.acked_ms[-1][0]
        seconds = [0] * ((last - first) // 1000 + 1)
        for at, count in self.ledger.acked_ms:
            seconds[(at - first) // 1000] += count
        return min(seconds[1:-1]), len(seconds)

    def account(self, ranks=(evidence.RANK_DEVICE,)):
        self.sim.send_signal(signal.SIGTERM)
        self.wait("the load's end", lambda: self.sim.poll() is not None, 60)
        said = json.loads(self.sim.stdout.read())
        self.recovered(120)
        logs, state = self.world.logs, self.world.state
        acked = self.ledger.read()
        assert len(acked) == said["readings"], "metersim's ledger and its last line differ"
        self.wait("the state to have it all", lambda: not evidence.lost(acked, logs.readings[self.site],
                                                                        state.next_offsets()), 60)
        logged = logs.readings[self.site]
        lost = evidence.lost(acked, logged, state.next_offsets())
        twice = evidence.wrong_vectors(acked, state.vectors(self.site), ranks)
        invented = evidence.invented(acked, logged)
        assert not invented, f"{len(invented)} readings that nobody sent"
        assert not lost and not twice, f"{len(lost)} lost, {len(twice)} registers wrong: {twice[:3]}"
        return len(acked), len(lost), len(twice), sum(len(places) - 1 for places in logged.values())
