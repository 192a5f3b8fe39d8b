#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ports.sh OBJECT: fails when a service uses a port that the simulation does not have: it would reach the real machine.
set -eu
found=$(nm -u "$1" | awk '$2 !~ /^sim_/ { print $2 }' | grep -E '^(spool|clock|life|process|health|condition|log|pthread|mqtt)_|^(poll|_exit|rename|fsync)$|^(kafka_producer|kafka_consumer|redis)_open$' |
  grep -vE '^(spool_reserve|clock_format_utc|mqtt_(publish|connected|wait_connected|pause|resume|close|filter_matches))$|^pthread_(mutex|cond)_(init|destroy)$' || true)
[ -z "$found" ] || {
  echo "ports.sh: $1 uses $(echo $found): add it to ports.syms, and the simulation's to ports.h" >&2
  rm -f "$1"
  exit 1
}
