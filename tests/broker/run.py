#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./riser bench broker: what Mosquitto's settings promise, measured; the table of docs/broker.md."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import cases
from broker import PROGRAM


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=21190)
    parser.add_argument("--only", nargs="*", help="cases by the names of their functions")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here too")
    options = parser.parse_args()
    version = subprocess.run([PROGRAM, "-h"], capture_output=True, text=True).stdout.splitlines()[0]
    found = {"version": version}
    print(version)
    for case in cases.CASES:
        if options.only and case.__name__ not in options.only:
            continue
        with tempfile.TemporaryDirectory(prefix="riser-broker-") as folder:
            found[case.__name__] = case(folder, options.port)
        figures = ", ".join(f"{name} {value}" for name, value in found[case.__name__].items())
        print(f"{case.__name__:<36}{figures}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
