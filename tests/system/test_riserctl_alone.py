# SPDX-License-Identifier: Apache-2.0
"""riserctl without servers: its help, slips, the schema of site files, quotes."""
import json
import re
import subprocess

import jsonschema
import pytest
import yaml

from riserctl_world import BIN, SITE_FILE
from stack import ROOT

COMMANDS = ("apply get bill explain quote pay read command key decode replay topics rebuild snapshot verify").split()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    ran = subprocess.run([BIN / "riserctl", command, "--help"], capture_output=True, text=True)
    assert ran.returncode == 0 and f"usage: riserctl {command}" in ran.stdout and "--json" in ran.stdout
    assert f"| `{command}" in (ROOT / "docs" / "riserctl.md").read_text()


def test_a_slip_is_told_and_ends_with_2():
    for arguments, said in ((["aplpy"], "did you mean apply?"), (["pay", "--leese", "x"], "did you mean --lease?"),
                            (["get", "romms"], "did you mean rooms?"), (["bill"], "give either"), ([], "usage:")):
        ran = subprocess.run([BIN / "riserctl", *arguments], capture_output=True, text=True)
        assert ran.returncode == 2 and said in ran.stdout + ran.stderr, arguments


def test_a_server_that_is_away_ends_with_3():
    away = {"RISER_REDIS": "127.0.0.1:1", "RISER_KAFKA": "127.0.0.1:1", "PATH": "/usr/bin"}
    ran = subprocess.run([BIN / "riserctl", "get", "sites"], env=away, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 3 and "Redis at 127.0.0.1:1 can't be reached" in ran.stderr


class PlainDates(yaml.SafeLoader):
    """Dates stay texts, as riserctl reads them."""


PlainDates.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def schema_errors(text):
    schema = json.loads((ROOT / "docs" / "schemas" / "site-file.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return list(jsonschema.Draft202012Validator(schema).iter_errors(yaml.load(text, PlainDates)))


def test_the_schema_takes_what_riserctl_takes(tmp_path):
    page = (ROOT / "docs" / "site-file.md").read_text()
    examples = [re.search(r"```yaml\n(.*?)```", page, re.S).group(1), SITE_FILE]
    examples += [(ROOT / "deploy" / "local" / "demo" / f"{name}.yaml").read_text() for name in ("site", "persons")]
    for text in examples:
        path = tmp_path / "example.yaml"
        path.write_text(text)
        ran = subprocess.run([BIN / "riserctl", "apply", "--check", path], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert not schema_errors(text)


def test_the_schema_refuses_what_riserctl_refuses(tmp_path):
    for right, wrong in (("zone: Europe/Madrid", "zoom: Europe/Madrid"), ("currency: EUR", "currency: euro"),
                         ("upto: 100 kWh", "upto: 100"), ("commodity: water", "commodity: watter"),
                         ("from: 2016-03-01}", "from: 1/3/2016}"), ("persons: [anna]", "persons: []"),
                         ("register: volume", "register: vol"), ("id: harbour", "id: the harbour"),
                         ("id: harbour", "id: riser-harbour")):
        text = SITE_FILE.replace(right, wrong)
        path = tmp_path / "wrong.yaml"
        path.write_text(text)
        ran = subprocess.run([BIN / "riserctl", "apply", "--check", path], capture_output=True, text=True)
        assert ran.returncode == 2 and re.match(rf"{path}:\d+:\d+: ", ran.stderr), (wrong, ran.stderr)
        assert schema_errors(text), wrong


def test_quote_needs_no_server(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(SITE_FILE)
    ran = subprocess.run([BIN / "riserctl", "quote", "--file", path, "--tariff", "power", "--usage", "120.5 kWh",
                          "--prior", "10 kWh", "--json"], capture_output=True, text=True, check=True)
    lines = json.loads(ran.stdout)
    assert [(line["quantity"], line["amount"]) for line in lines] == [(90, 18.00), (30.5, 9.15)]
