#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets of a build and says what came of it: executions, edges, findings.

    run.py BUILD [--seconds N] [--only TARGET]... [--keep]       fuzz; --keep writes the minimised corpus back
    run.py BUILD --coverage                                      lines that the kept corpus reaches

BUILD is a folder made by the preset `fuzz` or `fuzz-coverage`. A finding is an input that crashed, hung or broke what
must hold; it stays in BUILD/findings, and the exit status is 1.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEPT = HERE / "corpus"
OPTIONS = ["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=1024", "-close_fd_mask=3", "-print_final_stats=1"]


def targets(build):
    """{target: pattern of the sources that it covers}"""
    lines = (build / "tests/fuzz_targets.txt").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines if line)


# Longer than the others' inputs: a story needs many records.
LONG = {"fold": 32768}


def length(target):
    return f"-max_len={LONG.get(target, 4096)}"


def last(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def fuzz(build, target, seconds):
    """(finished without a finding, row of the table)"""
    grown, seeds, findings = (build / name / target for name in ("corpus", "seeds", "findings"))
    for folder in (grown, seeds, findings, KEPT / target):
        folder.mkdir(parents=True, exist_ok=True)
    run = subprocess.run([build / f"tests/fuzz_{target}", *OPTIONS, length(target), f"-max_total_time={seconds}",
                          f"-artifact_prefix={findings}/", grown, KEPT / target, seeds],
                         capture_output=True, text=True, errors="replace", check=False)
    (build / f"{target}.log").write_text(run.stderr)
    row = (target, last(r"stat::number_of_executed_units: +(\d+)", run.stderr), last(r"cov: (\d+)", run.stderr),
           last(r"Loaded 1 PC tables \((\d+) PCs\)", run.stderr), last(r"stat::peak_rss_mb: +(\d+)", run.stderr),
           "none" if run.returncode == 0 else "FOUND")
    return run.returncode == 0, row


def keep(build, target):
    """The smallest set of inputs that reaches all that the kept and the new ones reach becomes the kept corpus."""
    fresh = build / "minimised" / target
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    found = sorted((KEPT / target).glob("found-*"))
    subprocess.run([build / f"tests/fuzz_{target}", "-set_cover_merge=1", "-use_counters=0", length(target), "-close_fd_mask=3", fresh,
                    KEPT / target, build / "corpus" / target, build / "seeds" / target], check=True,
                   stderr=subprocess.DEVNULL)
    for path in (KEPT / target).iterdir():
        if path not in found:
            path.unlink()
    for path in fresh.iterdir():
        shutil.copy(path, KEPT / target / path.name[:16])


def table(head, rows):
    widths = [max(len(str(cell)) for cell in column) for column in zip(head, *rows)]
    for row in (head, *rows):
        print("  ".join(f"{cell:,}".rjust(w) if isinstance(cell, int) else str(cell).ljust(w)
                        for cell, w in zip(row, widths)), flush=True)


def fuzz_all(build, names, options):
    subprocess.run([sys.executable, HERE / "seeds.py", build / "seeds"], check=True)
    folder = build / "seeds/fold"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([build / "tests/fold_seeds", folder, *sorted((ROOT / "tests/unit/billing/cases").glob("*.case"))], check=True)
    rows, fine = [], True
    for target in names:
        print(f"{target} ...", file=sys.stderr, flush=True)
        good, row = fuzz(build, target, options.seconds)
        rows.append(row)
        if good and options.keep:
            keep(build, target)
        if not good:
            fine = False
            print(f"{target}: a finding, see {build}/findings/{target} and the end of {build}/{target}.log; once more:\n"
                  f"  {build}/tests/fuzz_{target} {build}/findings/{target}/*", file=sys.stderr)
    table(("target", "executions", "edges", "of", "MB", "findings"), rows)
    return fine


def coverage(build, names):
    rows = []
    for target, pattern in names.items():
        raw, merged = build / f"{target}.profraw", build / f"{target}.profdata"
        program = build / f"tests/fuzz_{target}"
        subprocess.run([program, KEPT / target], env={"LLVM_PROFILE_FILE": str(raw)}, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        subprocess.run(["llvm-profdata", "merge", "-sparse", raw, "-o", merged], check=True)
        text = subprocess.run(["llvm-cov", "export", "-summary-only", "-format=lcov", f"-instr-profile={merged}", program],
                              capture_output=True, text=True, check=True).stdout
        hit = total = 0
        for record in text.split("end_of_record"):
            source = re.search(r"^SF:(.*)$", record, re.M)
            if source and re.fullmatch(pattern, source.group(1).removeprefix(f"{ROOT}/")):
                hit += int(re.search(r"^LH:(\d+)", record, re.M).group(1))
                total += int(re.search(r"^LF:(\d+)", record, re.M).group(1))
        kept = len(list((KEPT / target).iterdir()))
        rows.append((target, kept, hit, total, f"{100 * hit // total if total else 0} %"))
    table(("target", "corpus", "lines", "of", ""), rows)
    return True


def main():
    parser = argparse.ArgumentParser(prog="./riser test fuzz", description="Fuzzes every decoder.")
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--only", action="append", default=[], help="this target; may be given several times")
    parser.add_argument("--keep", action="store_true", help="write the minimised corpus back to tests/fuzz/corpus")
    parser.add_argument("--coverage", action="store_true", help="only count the lines that the kept corpus reaches")
    options = parser.parse_args()
    build = options.build.resolve()
    known = targets(build)
    unknown = [name for name in options.only if name not in known]
    if unknown:
        sys.exit(f"there is no target {', '.join(unknown)}; there are: {', '.join(known)}")
    names = {name: known[name] for name in options.only or known}
    return coverage(build, names) if options.coverage else fuzz_all(build, names, options)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
