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

# long_canaries [--only NAME] [--kind unit|redis|system]
long_canaries() {
  packages_ensure test
  python_ensure
  kafka_ensure
  exec "$PYTHON" "$RISER_ROOT/tests/canary/run.py" "$RISER_ROOT/build/canary" "$@"
}

# long_tsan [--system] [-- PYTEST...]: unit tests (not with --system) and system tests under ThreadSanitizer.
long_tsan() {
  local failed=0
  sanitizer_begin tsan
  if [[ ${1:-} == --system ]]; then shift; else tests_ctest "$BUILD" || failed=1; fi
  sanitizer_system "$@" || failed=1
  sanitizer_end "$failed"
}

# long_asan_system [-- PYTEST...]: system tests with services under AddressSanitizer and UBSan; the unit tests are
# a part of `./riser test`: asan.
long_asan_system() {
  local failed=0
  sanitizer_begin asan
  sanitizer_system "$@" || failed=1
  sanitizer_end "$failed"
}

# sanitizer_begin PRESET: builds, and lets every program that is started from now on write its findings into one folder.
sanitizer_begin() {
  local supp=$RISER_ROOT/tests/sanitizers
  packages_ensure test
  python_ensure
  kafka_ensure
  build_preset "$1"
  export RISER_BUILD=$RISER_ROOT/build/$1
  BUILD=$RISER_BUILD
  FINDINGS=$BUILD/findings
  rm -rf "$FINDINGS"
  mkdir -p "$FINDINGS"
  export TSAN_OPTIONS="suppressions=$supp/tsan.supp log_path=$FINDINGS/thread second_deadlock_stack=1"
  export ASAN_OPTIONS="log_path=$FINDINGS/address"
  export LSAN_OPTIONS="suppressions=$supp/lsan.supp print_suppressions=0"
  export UBSAN_OPTIONS="log_path=$FINDINGS/undefined print_stacktrace=1"
}

sanitizer_system() {
  if [[ ${1:-} == -- ]]; then shift; fi
  tests_pytest tests/system -- -o timeout=1800 "$@"
}

# sanitizer_end FAILED: a finding of any process fails the run, even where its test did not notice.
sanitizer_end() {
  local files=("$FINDINGS"/*)
  if [[ -e ${files[0]} ]]; then
    say "== ${#files[@]} processes had findings, in $FINDINGS; the first:"
    head -n 40 "${files[0]}" >&2
    return 1
  fi
  say "== no process had a finding"
  return "$1"
}

# long_sim [--seed S] [--seeds N] [--steps N] [--trace] ...: see docs/simulation.md
long_sim() {
  packages_ensure test
  build_main
  exec "$BUILD/tests/riser-sim" "$@"
}
