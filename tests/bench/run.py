#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./riser bench: how fast the main job is, as ratios to a ceiling measured on the same box in the same run.

Each figure is the median of alternating runs, with the spread. What is measured is set up first (messages wait in the
broker, records wait in Kafka), so that the load generator is not what is measured.
"""
import argparse
import json
import os
import pathlib
import statistics
import sys

import cases
import costs
from stack import Stack

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The first two go by business time, which the others leave where it is.
CASES = (costs.redis_bytes, costs.cpu, costs.spool, cases.ingest_single, cases.ingest_batch, cases.ingest_variants,
         cases.billing_fold, cases.latency)
FULL_ONLY = (cases.ingest_variants,)  # a short run of them says nothing


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def line(result):
    runs = result["runs"]
    spread = f"{figure(min(runs))} .. {figure(max(runs))}" if len(runs) > 1 else ""
    ratio = f"{result['ratio']:.2f}" if result.get("ratio") is not None else "-"
    return (f"{result['what']:<78}{ratio:>7}{figure(statistics.median(runs)):>13} {result['unit']:<12}{spread:>24}"
            f"   {result['aim']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute: fewer and shorter runs")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here too")
    parser.add_argument("--only", nargs="*", help="cases by the names of their functions")
    options = parser.parse_args()
    results = []
    with Stack() as stack:
        for case in CASES:
            if case.__name__ in options.only if options.only else not (options.quick and case in FULL_ONLY):
                results += case(stack, options.quick)
    print(f"\n{'case':<78}{'ratio':>7}{'median':>13} {'':<12}{'spread':>24}   aim")
    for result in results:
        print(line(result))
    print(f"cores: {os.cpu_count()}; everything, engines and load included, shares them")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
