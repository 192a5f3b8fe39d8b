# SPDX-License-Identifier: Apache-2.0
"""Services as children of the test: with an environment of its choice, and an exit status that it can see."""
import email.utils
import subprocess
import time
import urllib.error
import urllib.request

from fault_run import SERVICES, alive
from stack import BUILD, ROOT

LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))
DRAIN_DEADLINE_S = 20  # drain_deadline in docs/configuration


def http_port(stack, part):
    return stack.port_base + 10 + ("ingest", "billing", "notify", "control").index(part)


def environment(stack, part, **more):
    """What the driver gives a service, and more."""
    return {**stack.env, **stack.environment(), "RISER_HTTP_PORT": str(http_port(stack, part)), **more}


def start_beside(stack, part, folder, program=None, **more):
    """A second process of a service, which the driver knows nothing of."""
    with open(folder / f"{part}-beside.log", "ab") as log:
        return subprocess.Popen([program or BUILD / "bin" / f"riser-{part}"],
                                env=environment(stack, part, **more), stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def spawn(stack, part, **more):
    """Starts a service and puts its process id where the driver looks for it; `./riser stop` ends it like its own."""
    with open(stack.var / "log" / f"{part}.log", "ab") as log:
        process = subprocess.Popen([BUILD / "bin" / f"riser-{part}"], env=environment(stack, part, **more),
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    with open(f"/proc/{process.pid}/stat") as stat:
        started = stat.read().rsplit(")", 1)[1].split()[19]
    (stack.var / "run" / f"{part}.pid").write_text(f"{process.pid} {started}\n")
    return process


def get(port, path):
    try:
        with LOCAL.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError as failed:
        return 0, str(failed)


def clock_of(port):
    """What a service's wall clock says, from the date of its answers."""
    with LOCAL.open(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
        return email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()


def metric(port, name):
    """The sum over its labels."""
    lines = [line.rsplit(" ", 1) for line in get(port, "/metrics")[1].splitlines() if not line.startswith("#")]
    return sum(float(value) for key, value in lines if key.split("{")[0] == name)


def wait_ready(run, part, process):
    port = http_port(run.stack, part)
    run.wait(f"{part} to be ready", lambda: process.poll() is not None or get(port, "/readyz")[0] == 200, 60)
    assert process.poll() is None, f"{part} ended while starting: {run.stack.log(part)[-1500:]}"


class Own:
    """`with Own(stack, ingest={...}) as own:` these services are the test's own children, with these variables, until
    the end; then the driver's again. `own.child[part]` is the process."""

    def __init__(self, stack, **variables):
        self.stack, self.variables, self.child = stack, variables, {}

    def __enter__(self):
        try:
            for part in [name for name in SERVICES if name in self.variables]:
                self.stack.stop(part)
                self.start(part)
            for part in self.child:
                self.wait_ready(part)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def start(self, part):
        self.child[part] = spawn(self.stack, part, **self.variables[part])
        return self.child[part]

    def wait_ready(self, part, seconds=60):
        until = time.monotonic() + seconds
        while get(http_port(self.stack, part), "/readyz")[0] != 200:
            assert self.child[part].poll() is None, f"{part} ended while starting: {self.stack.log(part)[-1500:]}"
            assert time.monotonic() < until, f"{part} was not ready after {seconds} s"
            time.sleep(0.05)

    def __exit__(self, *_):
        for part, process in self.child.items():
            process.terminate()
            try:
                process.wait(DRAIN_DEADLINE_S + 10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for part in self.variables:
            if not alive(self.stack.pid(part)):
                self.stack.start(part)


def end_by_sigterm(run, part, process):
    """SIGTERM under load; (exit status, seconds). The load and the clock go on."""
    run.dead.add(part)
    began, at_ms = time.monotonic(), time.time() * 1000
    process.terminate()
    run.prove_load(at_ms)
    run.wait(f"{part} to end", lambda: process.poll() is not None, DRAIN_DEADLINE_S + 5)
    return process.returncode, time.monotonic() - began


def wait_again(run, part, process):
    """Ready once more; from then on the run watches over it again."""
    wait_ready(run, part, process)
    run.dead.discard(part)


class Clock:
    """The wall clock of services that are started with `variables`; `shift` makes it jump, `shift(0)` puts it right."""

    def __init__(self, folder):
        self.file, library = folder / "clock", folder / "clock_shift.so"
        self.file.write_bytes(bytes(8))
        source = ROOT / "tests" / "fault" / "clock_shift.c"
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"],
                       check=True)
        self.variables = {"LD_PRELOAD": str(library), "RISER_FAULT_CLOCK": str(self.file)}

    def shift(self, seconds):
        with open(self.file, "r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))
