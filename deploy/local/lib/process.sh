# SPDX-License-Identifier: Apache-2.0
# Background processes: started detached, known by a pid file "PID STARTTIME", so that a pid that was given to another
# process since is never taken for ours.

pid_file() { printf '%s/run/%s.pid' "$RISER_VAR" "$1"; }
log_file() { printf '%s/log/%s.log' "$RISER_VAR" "$1"; }

# start_time PID: field 22 of /proc/PID/stat; nothing for one that is gone or a zombie.
start_time() {
  local stat rest
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  rest=${stat##*) }
  # shellcheck disable=SC2086 # split into words on purpose
  set -- $rest
  if [[ $1 != Z && $1 != X ]]; then printf '%s' "${20}"; fi
}

# process_pid NAME: its pid if it lives, else nothing.
process_pid() {
  local pid='' started=''
  read -r pid started 2>/dev/null <"$(pid_file "$1")" || true
  if [[ -n $pid && -n $started && $(start_time "$pid") == "$started" ]]; then printf '%s' "$pid"; fi
}

process_alive() { [[ -n $(process_pid "$1") ]]; }

# process_spawn NAME COMMAND...: in a session of its own, output to its log.
process_spawn() {
  local name=$1 pid
  shift
  mkdir -p "$RISER_VAR/run" "$RISER_VAR/log"
  printf -- '--- %s started %s\n' "$name" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$(log_file "$name")"
  setsid "$@" </dev/null >>"$(log_file "$name")" 2>&1 8>&- 9>&- &
  pid=$!
  printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$(pid_file "$name")"
  disown "$pid"
}

# process_wait NAME SECONDS READY...: until READY succeeds; fails at once when the process ends.
process_wait() {
  local name=$1 limit=$2 began deadline
  shift 2
  began=$(now_ms)
  deadline=$((began + limit * 1000))
  until "$@"; do
    progress "$name: starting, $(seconds_since "$began") s"
    if ! process_alive "$name"; then
      progress_end
      process_failed "$name" "it ended while starting"
    fi
    if (($(now_ms) > deadline)); then
      progress_end
      part_says "$name"
      process_failed "$name" "it wasn't ready after $limit s (RISER_START_SECONDS)"
    fi
    sleep 0.1
  done
  progress_end
}

# process_failed NAME WHY: what its log says last.
process_failed() {
  local log
  log=$(log_file "$1")
  say "last lines of $log:"
  tail -n 20 "$log" 2>/dev/null | cut -c1-300 | sed 's/^/  | /' >&2
  die "$1 did not start" "$2" "read $log; ./riser down ends what did start"
}

# process_stop NAME SECONDS: SIGTERM, the time to drain, then SIGKILL, which is said.
process_stop() {
  local name=$1 limit=$2 pid deadline
  pid=$(process_pid "$name")
  if [[ -z $pid ]]; then
    rm -f "$(pid_file "$name")"
    return 0
  fi
  kill -TERM "$pid" 2>/dev/null || true
  deadline=$(($(now_ms) + limit * 1000))
  while process_alive "$name"; do
    if (($(now_ms) > deadline)); then
      say "$name: not gone $limit s after SIGTERM, ended by SIGKILL; see $(log_file "$name")"
      process_kill "$name"
      return 0
    fi
    progress "$name: ending"
    sleep 0.05
  done
  progress_end
  rm -f "$(pid_file "$name")"
  say "$name: ended"
}

# process_kill NAME: at once.
process_kill() {
  local pid
  pid=$(process_pid "$1")
  if [[ -n $pid ]]; then
    kill -KILL "$pid" 2>/dev/null || true
    while process_alive "$1"; do sleep 0.02; done
  fi
  rm -f "$(pid_file "$1")"
}
