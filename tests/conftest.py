# SPDX-License-Identifier: Apache-2.0
"""Makes tests/stack.py importable from every test folder, and gives the tests the engines alone."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from stack import PORT_BASE, Stack  # noqa: E402


@pytest.fixture(scope="session")
def engines(tmp_path_factory):
    """Kafka, Redis, Mosquitto and the mail server without Riser's services, for the whole run."""
    stack = Stack(tmp_path_factory.mktemp("engines"), PORT_BASE + 900)
    try:
        stack.up(engines_only=True)
        yield stack
    finally:
        stack.down()
