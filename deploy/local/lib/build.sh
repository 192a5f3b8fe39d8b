# SPDX-License-Identifier: Apache-2.0
# Compiling: CMake's presets; `default` in build/, every other in build/<preset>.

# build_tree PRESET FOLDER [TARGET...]
build_tree() {
  local preset=$1 folder=$2 began log
  shift 2
  began=$(now_ms)
  log=$folder/build.log
  mkdir -p "$folder"
  progress "building ($preset) ..."
  if [[ ! -e $folder/build.ninja ]]; then
    if ! (cd "$RISER_ROOT" && cmake --preset "$preset") >"$log" 2>&1; then build_failed "$log" configuring; fi
  fi
  if ! cmake --build "$folder" ${1:+--target "$@"} >"$log" 2>&1; then build_failed "$log" compiling; fi
  progress_end "built ($preset) in $(seconds_since "$began") s"
}

# build_failed LOG STEP: the first errors, else the last lines.
build_failed() {
  local lines
  progress_end
  lines=$(grep -E -A 3 'error:|CMake Error|undefined reference' "$1" | head -n 30) || true
  if [[ -z $lines ]]; then lines=$(tail -n 20 "$1"); fi
  printf '%s\n' "$lines" | cut -c1-300 >&2
  die "$2 failed" "see the lines above" "all of it: $1"
}

build_main() { build_tree default "$BUILD"; }
build_asan() { build_tree asan "$BUILD/asan"; }

# build_preset PRESET [TARGET...]
build_preset() { build_tree "$1" "$RISER_ROOT/build/$1" "${@:2}"; }
