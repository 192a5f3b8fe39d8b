# SPDX-License-Identifier: Apache-2.0
# Tests that take longer than a person waits: none of them is a part of `./riser test` alone.

# long_fuzz [--seconds N] [--only TARGET] [--keep] | --coverage
long_fuzz() {
  local preset=fuzz
  if [[ " $* " == *" --coverage "* ]]; then preset=fuzz-coverage; fi
  packages_ensure fuzz
  build_preset "$preset" fuzz_targets
  exec python3 "$RISER_ROOT/tests/fuzz/run.py" "$RISER_ROOT/build/$preset" "$@"
}

# long_canaries [--only NAME] [--kind unit|system]
long_canaries() {
  packages_ensure test
  python_ensure
  kafka_ensure
  exec "$PYTHON" "$RISER_ROOT/tests/canary/run.py" "$RISER_ROOT/build/canary" "$@"
}
