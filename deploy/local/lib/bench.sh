# SPDX-License-Identifier: Apache-2.0
# `./riser bench [--quick]`: the programs are in tests/bench; they print a table and write build/bench.json.

bench_command() {
  packages_ensure
  python_ensure
  kafka_ensure
  build_main
  if [[ ! -e $RISER_ROOT/tests/bench/run.py ]]; then
    die "there is no tests/bench/run.py" "this checkout is not complete" "git status shows what is missing"
  fi
  exec "$PYTHON" "$RISER_ROOT/tests/bench/run.py" --json "$BUILD/bench.json" "$@"
}
