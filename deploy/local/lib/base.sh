# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # variables are shared between the parts
# What all parts of the driver share: where things are, what is said, how an error ends. Sourced by ./riser.

LOCAL=$RISER_ROOT/deploy/local
BUILD=$(realpath -ms "${RISER_BUILD:-$RISER_ROOT/build}")
RISER_VAR=$(realpath -ms "${RISER_VAR:-$RISER_ROOT/var}")
RISER_CACHE=$(realpath -ms "${RISER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/riser}")
RISER_PORT_BASE=${RISER_PORT_BASE:-21000}
RISER_REDIS_MAXMEMORY=${RISER_REDIS_MAXMEMORY:-1gb}

# What a stack was begun with is kept beside its data, so that `up` after `down` goes on with it.
setting() { sed -n "s/^$1=//p" "$RISER_VAR/settings" 2>/dev/null || true; }
RISER_PARTITIONS=${RISER_PARTITIONS:-$(setting RISER_PARTITIONS)}
RISER_PARTITIONS=${RISER_PARTITIONS:-8}
RISER_REDIS_NODES=${RISER_REDIS_NODES:-$(setting RISER_REDIS_NODES)}
RISER_REDIS_NODES=${RISER_REDIS_NODES:-1}
RISER_KAFKA_NODES=${RISER_KAFKA_NODES:-$(setting RISER_KAFKA_NODES)}
RISER_KAFKA_NODES=${RISER_KAFKA_NODES:-1}
RISER_CLOCK=${RISER_CLOCK:-$(setting RISER_CLOCK)}
RISER_CLOCK=${RISER_CLOCK:-system}

RISER_TLS=${RISER_TLS:-$(setting RISER_TLS)}
RISER_TLS=${RISER_TLS:-false}

# A virtual environment or another Python of the caller must not leak into ours.
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

say() { printf '%s\n' "$*" >&2; }

# die WHAT WHY DO: every failure says all three.
die() {
  say ""
  say "riser: $1"
  say "  why: $2"
  say "  do:  $3"
  exit 1
}

# at_exit COMMAND: runs when the driver ends, however it ends; the last one first.
EXIT_COMMANDS=()
at_exit() {
  EXIT_COMMANDS+=("$1")
  trap run_exit_commands EXIT
}

run_exit_commands() {
  local status=$? index
  trap - EXIT
  for ((index = ${#EXIT_COMMANDS[@]} - 1; index >= 0; index--)); do "${EXIT_COMMANDS[index]}" || status=1; done
  exit "$status"
}

# have_tty: progress lines are redrawn only on a terminal.
have_tty() { [[ -t 2 ]]; }

progress() {
  if have_tty; then printf '\r\033[K%s' "$*" >&2; fi
}

progress_end() {
  if have_tty; then printf '\r\033[K' >&2; fi
  if [[ -n ${1:-} ]]; then say "$1"; fi
}

now_ms() { printf '%s' "$(($(date +%s%N) / 1000000))"; }

# seconds_since MS: "2.4"
seconds_since() {
  local ms=$(($(now_ms) - $1))
  printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

# locked_var COMMAND... and locked_cache COMMAND...: one driver at a time on a stack, on the cache; a second one waits and
# says so. The first may be held while the second is taken, hence two descriptors; started programs get neither.
locked_var() {
  writable "$RISER_VAR"
  exec 8>"$RISER_VAR/lock"
  flock -n 8 || lock_wait 8 "$RISER_VAR"
  "$@"
  exec 8>&-
}

locked_cache() {
  writable "$RISER_CACHE"
  exec 9>"$RISER_CACHE/lock"
  flock -n 9 || lock_wait 9 "$RISER_CACHE"
  "$@"
  exec 9>&-
}

lock_wait() {
  say "another ./riser is at work on $2; waiting for it"
  flock "$1"
}

writable() {
  if ! mkdir -p "$1" 2>/dev/null || [[ ! -w $1 ]]; then
    die "$1 can't be written" "this user ($(id -un)) may not; perhaps another user, or sudo, made it" \
      "chown it, or choose another folder with RISER_VAR or RISER_CACHE"
  fi
}

# render TEMPLATE TARGET NAME=VALUE...: replaces @NAME@; one that stays is an error of the template.
render() {
  local template=$1 target=$2 pair text
  shift 2
  text=$(<"$template")
  for pair in "$@"; do
    text=${text//"@${pair%%=*}@"/"${pair#*=}"}
  done
  if [[ ${text//@NAMES@/} =~ @[A-Z_]+@ ]]; then
    die "$template names ${BASH_REMATCH[0]}, which nobody fills in" "the template and the driver differ" "correct one of them"
  fi
  printf '%s\n' "$text" >"$target"
}

# render_behind TEMPLATE TARGET NAME=VALUE...: the same, at the end of what is there.
render_behind() {
  local target=$2
  render "$1" "$target.part" "${@:3}"
  cat "$target.part" >>"$target"
  rm "$target.part"
}

# Ports: fixed offsets from the base.
port_of() {
  local offset
  case $1 in
    mosquitto) offset=0 ;;
    kafka) offset=1 ;;
    controller) offset=2 ;;
    redis) offset=3 ;;
    mail) offset=4 ;;
    redis-[2-6]) offset=$((28 + ${1#redis-})) ;;  # 30 to 34
    redis-bus) offset=40 ;;
    redis-bus-[2-6]) offset=$((39 + ${1#redis-bus-})) ;; # 41 to 45
    mosquitto-cert) offset=8 ;;
    kafka-sasl) offset=9 ;;
    kafka-2) offset=20 ;;
    controller-2) offset=21 ;;
    kafka-3) offset=22 ;;
    controller-3) offset=23 ;;
    ingest) offset=10 ;;
    billing) offset=11 ;;
    notify) offset=12 ;;
    control) offset=13 ;;
    *) die "no port for '$1'" "the driver doesn't know this part" "one of: $(printf '%s ' "${ENGINES[@]}" "${SERVICES[@]}")" ;;
  esac
  printf '%s' $((RISER_PORT_BASE + offset))
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# port_owner PORT: who listens, as far as this user may see it.
port_owner() {
  if command -v ss >/dev/null; then
    ss -Hltnp "sport = :$1" 2>/dev/null | grep -o 'users:.*' | head -n 1 || true
  fi
}
