# SPDX-License-Identifier: Apache-2.0
"""Options, the stack and the table at the end. A seed fixes the moments of the faults and metersim's choices:

    ./riser test fault --seeds 5 --first-seed 1234 -k ingest
"""
import os
import secrets

import pytest

from stack import PORT_BASE, Stack

COLUMNS = ("fault", "seed", "hits", "rate", "acked", "lost", "twice", "recovery", "remarks")
ROWS = []
# A process that is gone is missed after 8 s, not 45; and permission to cut holds for some seconds of the real clock, though
# business time runs at 100 hours a second.
SETTINGS = {"RISER_CLOCK": "log", "RISER_SESSION_TIMEOUT": "8s", "RISER_SMTP_TIMEOUT": "4s",
            "RISER_WEBHOOK_TIMEOUT": "4s", "RISER_COMMAND_PERMIT": "30d", "RISER_COMMAND_HOLD_MAX": "365d"}


def pytest_addoption(parser):
    group = parser.getgroup("faults")
    group.addoption("--seeds", type=int, default=1, help="how many seeds each fault is played with")
    group.addoption("--all", action="store_true", help="also the long ones, which need root")
    group.addoption("--kills", type=int, default=200, help="how often kill-ingest-200 kills ingest")
    group.addoption("--first-seed", type=int, help="the first of them; default: RISER_FAULT_SEED, or a new one")


def pytest_configure(config):
    first = config.getoption("--first-seed")
    if first is None:
        first = int(os.environ.get("RISER_FAULT_SEED") or secrets.randbelow(1_000_000) + 1)
    config.fault_seeds = range(first, first + config.getoption("--seeds"))
    config.fault_rows, config.fault_settings = ROWS, SETTINGS
    config.addinivalue_line("markers", "long: not in the short selection; --all or -m long plays it")


def pytest_report_header(config):
    return f"fault seeds: --first-seed {config.fault_seeds[0]} --seeds {len(config.fault_seeds)}"


def pytest_collection_modifyitems(config, items):
    """The long ones are left out unless they are asked for: by --all, -k, -m, or the name of their file or themselves."""
    named = config.getoption("-k") or config.getoption("-m") or any("::" in arg or arg.endswith(".py") for arg in config.args)
    if config.getoption("--all") or named:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", metafunc.config.fault_seeds, ids=lambda seed: f"seed{seed}")


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The whole stack, time told by the log, and what is read of it from outside."""
    from fault_run import World  # not before pytest has made tests/fault importable
    stack = Stack(tmp_path_factory.mktemp("fault"), PORT_BASE + 200, **SETTINGS)
    try:
        stack.up()
        yield World(stack, ROWS)
    finally:
        stack.down()


def pytest_terminal_summary(terminalreporter):
    if not ROWS:
        return
    texts = [[str(row[name]) for name in COLUMNS] for row in ROWS]
    widths = [max(len(text) for text in column) for column in zip(COLUMNS, *texts)]
    terminalreporter.section("faults")
    for line in [COLUMNS, *texts]:
        terminalreporter.line("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
