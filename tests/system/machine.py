# SPDX-License-Identifier: Apache-2.0
"""What else the machine is doing: without that a measured time says nothing about Riser."""
import os

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds of CPU that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_of_all():
    """Seconds of CPU used by everybody, stolen ones included; waiting and idle ones not."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


class Others:
    """The part of the machine that processes other than these took, from here on: 0 to 1."""

    def __init__(self, pids):
        self.pids = [os.getpid(), *pids]
        self.begin = self.now()

    def now(self):
        return os.times().elapsed, cpu_of_all(), sum(cpu_of(pid) for pid in self.pids)

    def share(self):
        elapsed, everybody, ours = (now - before for now, before in zip(self.now(), self.begin))
        return max(0.0, everybody - ours) / (elapsed * os.cpu_count())
