# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # variables are shared between the parts
# The Python of the tests, the checker and the mail server: the distribution's interpreter with the packages pinned in
# tests/system/requirements.txt, in a folder of the cache named after both, so that a change of either makes a new one.

PYTHON=

python_ensure() {
  local lock=$RISER_ROOT/tests/system/requirements.txt base=/usr/bin/python3 key folder
  key=$({ cat "$lock" && "$base" -VV && printf '%s' "$RISER_CACHE"; } | sha256sum | cut -c1-16)
  folder=$RISER_CACHE/python-$key
  PYTHON=$folder/bin/python3
  if [[ -e $folder/.complete ]]; then return 0; fi
  locked_cache python_make "$folder" "$lock" "$base"
}

python_make() {
  local folder=$1 lock=$2 base=$3 log=$RISER_CACHE/python.log
  if [[ -e $folder/.complete ]]; then return 0; fi
  say "making the tests' Python environment in $folder"
  rm -rf "$folder"
  if ! "$base" -m venv "$folder" >"$log" 2>&1; then
    python_failed "$log" "making a virtual environment with $base failed"
  fi
  if ! "$folder/bin/python3" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
    --requirement "$lock" >>"$log" 2>&1; then
    python_failed "$log" "installing the pinned packages of tests/system/requirements.txt failed"
  fi
  touch "$folder/.complete"
}

python_failed() {
  tail -n 15 "$1" | sed 's/^/  | /' >&2
  die "$2" "see the lines above; without a network nothing that isn't in $RISER_CACHE can be fetched" \
    "mend that (all of it: $1), then run the same command again"
}
