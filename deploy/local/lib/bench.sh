# SPDX-License-Identifier: Apache-2.0
# `./riser bench [--quick]`: the programs are in tests/bench; they print a table and write build/bench.json.
# `./riser bench broker`: what the broker's settings promise; tests/broker.

bench_command() {
  packages_ensure
  python_ensure
  kafka_ensure
  build_main
  if [[ ! -e $RISER_ROOT/tests/bench/run.py ]]; then
    die "there is no tests/bench/run.py" "this checkout is not complete" "git status shows what is missing"
  fi
  if [[ ${1:-} == broker ]]; then
    shift
    exec "$PYTHON" "$RISER_ROOT/tests/broker/run.py" --port "$RISER_PORT_BASE" "$@"
  fi
  exec "$PYTHON" "$RISER_ROOT/tests/bench/run.py" --json "$BUILD/bench.json" "$@"
}
