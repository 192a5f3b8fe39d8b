# SPDX-License-Identifier: Apache-2.0
# `./riser test`: each part runs, in this order; a part that has nothing to run is a failure, not a pass.

TEST_PARTS=(unit asan lint system fault)
# Longer ones, of their own (long_tests.sh): only by name, one at a time, with options of their own.
LONG_PARTS=(fuzz canaries sim tsan asan-system)

tests_command() {
  local parts=() part failed=()
  if [[ " ${LONG_PARTS[*]} " == *" ${1:-none} "* ]]; then
    "long_${1//-/_}" "${@:2}"
    return
  fi
  while (($#)) && [[ $1 != -* ]]; do
    if [[ " ${TEST_PARTS[*]} " != *" $1 "* ]]; then
      die "there is no test part '$1'" "the parts are: ${TEST_PARTS[*]}; alone: ${LONG_PARTS[*]}" \
        "./riser test [PART...], ./riser test PART OPTION..."
    fi
    parts+=("$1")
    shift
  done
  if [[ ${1:-} == -- ]]; then
    shift
  elif (($#)) && [[ ${#parts[@]} -ne 1 || " system fault lint " != *" ${parts[0]:-} "* ]]; then
    die "'$1' is an option of one part's tests" "pytest gets it, and only system, fault and lint are pytest's" \
      "name the part: ./riser test fault $*"
  fi
  if ((${#parts[@]} == 0)); then parts=("${TEST_PARTS[@]}"); fi
  packages_ensure test
  python_ensure
  for part in "${parts[@]}"; do
    say "== tests: $part"
    if ! "tests_$part" "$@"; then failed+=("$part"); fi
  done
  if ((${#failed[@]})); then
    say "== failed: ${failed[*]}"
    return 1
  fi
  say "== all passed: ${parts[*]}"
}

tests_unit() { (build_main && tests_ctest "$BUILD"); }

# The same unit tests under AddressSanitizer and UBSan.
tests_asan() { (build_asan && tests_ctest "$BUILD/asan"); }

tests_ctest() { ctest --test-dir "$1" --output-on-failure --no-tests=error --timeout 900 -j "$(nproc)"; }

# The sources' own rules, and the manifests of deploy/k8s.
tests_lint() { (build_main && tests_pytest tests/lint tests/k8s -- "$@"); }

tests_system() { (build_main && kafka_ensure && tests_pytest tests/system -- "$@"); }

tests_fault() { (build_main && kafka_ensure && tests_pytest tests/fault -- "$@"); }

# tests_pytest FOLDER... -- OPTION...: pytest ends with 5 when it found no test: that is a failure as well.
tests_pytest() {
  local folders=()
  while [[ $1 != -- ]]; do
    folders+=("$1")
    shift
  done
  shift
  (cd "$RISER_ROOT" && PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m pytest -p no:cacheprovider -ra -o timeout=900 "${folders[@]}" "$@" </dev/null)
}
