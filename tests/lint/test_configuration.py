# SPDX-License-Identifier: Apache-2.0
"""One table of configuration per service: its page in docs/configuration and its ConfigMap say the same."""
import subprocess

import pytest
import yaml

from sources import ROOT

SERVICES = ("ingest", "billing", "notify", "control")


def printed(service, option):
    program = ROOT / "build" / "bin" / f"riser-{service}"
    return subprocess.run([program, option], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_is_what_the_table_says(service):
    page = ROOT / "docs" / "configuration" / f"{service}.md"
    assert page.read_text() == printed(service, "--print-config-doc"), \
        f"write it anew: build/bin/riser-{service} --print-config-doc > {page.relative_to(ROOT)}"


@pytest.mark.parametrize("service", SERVICES)
def test_the_config_map_holds_only_what_the_table_knows(service):
    known = {line.split("=", 1)[0] for line in printed(service, "--print-config-env").splitlines() if "=" in line}
    maps = [doc for doc in yaml.safe_load_all((ROOT / f"deploy/k8s/base/{service}.yaml").read_text())
            if doc and doc["kind"] == "ConfigMap"]
    assert len(maps) == 1
    assert set(maps[0]["data"]) <= known
    assert maps[0]["data"], "an empty ConfigMap configures nothing"


@pytest.mark.parametrize("service", SERVICES)
def test_a_bad_value_is_named_and_explained(service):
    program = ROOT / "build" / "bin" / f"riser-{service}"
    ran = subprocess.run([program, "--check-config"], capture_output=True, text=True,
                         env={"RISER_HTTP_PORT": "ninety", "PATH": "/usr/bin:/bin"})
    assert ran.returncode == 2
    assert "RISER_HTTP_PORT" in ran.stdout + ran.stderr and "ninety" in ran.stdout + ran.stderr
