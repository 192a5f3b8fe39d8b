# SPDX-License-Identifier: Apache-2.0
# The stack as a whole: up, down, status, and single parts for tests.

stack_up() {
  local engines_only='' began
  began=$(now_ms)
  case ${1:-} in
    --engines) engines_only=1 ;;
    '') ;;
    *) die "up doesn't know '$1'" "only --engines is an option of up" "./riser help" ;;
  esac
  packages_ensure
  python_ensure
  kafka_ensure
  if [[ -z $engines_only ]]; then build_main; fi
  locked_var stack_up_locked "$engines_only"
  say "up in $(seconds_since "$began") s; addresses in $RISER_VAR/stack.env, logs in $RISER_VAR/log, mail in $RISER_VAR/mail"
}

stack_up_locked() {
  tls_ensure
  stack_export
  # Kafka takes longest; the others start beside it.
  parts_start "${ENGINES[@]}"
  kafka_topics
  printf 'RISER_%s\n' "PARTITIONS=$RISER_PARTITIONS" "KAFKA_NODES=$RISER_KAFKA_NODES" "REDIS_NODES=$RISER_REDIS_NODES" \
    "CLOCK=$RISER_CLOCK" "TLS=$RISER_TLS" >"$RISER_VAR/settings"
  if [[ -n $1 ]]; then return 0; fi
  services_install
  parts_start "${SERVICES[@]}"
}

# parts_start NAME...: spawns those that don't run, then waits for all of them.
parts_start() {
  local name started=()
  for name in "$@"; do
    if process_alive "$name"; then
      say "$name: already up (pid $(process_pid "$name"), port $(port_of "$name"))"
    else
      part_port_free "$name" "$(port_of "$name")"
      if [[ $name == kafka* ]]; then part_port_free "$name" "$(port_of "controller${name#kafka}")"; fi
      if [[ $name == redis* && $RISER_REDIS_NODES == 6 ]]; then part_port_free "$name" "$(port_of "redis-bus${name#redis}")"; fi
      if [[ $name == kafka ]] && tls_on; then part_port_free kafka "$(port_of kafka-sasl)"; fi
      if [[ $name == mosquitto ]] && tls_on; then part_port_free mosquitto "$(port_of mosquitto-cert)"; fi
      part_start "$name"
      started+=("$name")
    fi
  done
  for name in "${started[@]}"; do
    process_wait "$name" "$SERVICE_START_SECONDS" part_ready "$name"
    say "$name: up (pid $(process_pid "$name"), port $(port_of "$name"))"
  done
  if [[ " ${started[*]} " == *" redis"* ]]; then redis_form_cluster; fi
}

part_start() {
  case $1 in
    kafka*) kafka_start "$1" ;;
    redis*) redis_start "$1" ;;
    mosquitto) mosquitto_start ;;
    mail) mail_start ;;
    *) service_start "$1" ;;
  esac
}

part_ready() {
  case $1 in
    kafka*) kafka_ready "$1" ;;
    redis*) redis_ready "$1" ;;
    mosquitto) mosquitto_ready ;;
    mail) mail_ready ;;
    *) service_ready "$1" ;;
  esac
}

# part_says NAME: what one that isn't ready says of itself.
part_says() {
  if [[ " ${SERVICES[*]} " == *" $1 "* ]]; then
    say "$1 says on /readyz:"
    curl -sS --noproxy "*" --max-time 2 "http://127.0.0.1:$(port_of "$1")/readyz" 2>&1 | sed 's/^/  | /' >&2 || true
  fi
}

part_port_free() {
  local owner
  if port_open "$2"; then
    owner=$(port_owner "$2")
    die "$1 can't have port $2" "something else listens on 127.0.0.1:$2${owner:+ ($owner)}" \
      "end that, or choose other ports: RISER_PORT_BASE=22000 RISER_VAR=./var-22000 ./riser up"
  fi
}

part_stop() {
  case $1 in
    kafka* | redis* | mosquitto | mail) process_stop "$1" 30 ;;
    *) process_stop "$1" "$SERVICE_STOP_SECONDS" ;;
  esac
}

stack_down() {
  if [[ ! -d $RISER_VAR ]]; then
    say "nothing to end: there is no $RISER_VAR"
    return 0
  fi
  locked_var stack_down_locked
}

stack_down_locked() {
  local parts=("${ENGINES[@]}" "${SERVICES[@]}") index any=
  process_stop metersim 10 # the demo's relay
  for ((index = ${#parts[@]} - 1; index >= 0; index--)); do
    if process_alive "${parts[index]}"; then any=1; fi
    part_stop "${parts[index]}"
  done
  if [[ -z $any ]]; then say "nothing was up"; fi
}

stack_status() {
  local name pid state
  for name in "${ENGINES[@]}" "${SERVICES[@]}"; do
    pid=$(process_pid "$name")
    state=down
    if [[ -n $pid ]]; then
      state="not ready"
      if part_ready "$name"; then state=up; fi
    fi
    printf '%-10s %-10s port %-6s %s\n' "$name" "$state" "$(port_of "$name")" "${pid:+pid $pid}"
  done
}

part_names() {
  local name
  if (($# == 0)); then die "no part named" "start, stop and kill take names" "one of: ${ENGINES[*]} ${SERVICES[*]}"; fi
  for name in "$@"; do port_of "$name" >/dev/null; done
}

stack_start_parts() {
  part_names "$@"
  locked_var stack_start_parts_locked "$@"
}

stack_start_parts_locked() {
  tls_ensure
  stack_export
  parts_start "$@"
}

stack_stop_parts() {
  local name
  part_names "$@"
  for name in "$@"; do part_stop "$name"; done
}

stack_kill_parts() {
  local name
  part_names "$@"
  for name in "$@"; do
    process_kill "$name"
    say "$name: killed"
  done
}

stack_ctl() {
  if [[ ! -x $BUILD/bin/riserctl ]]; then
    packages_ensure
    build_main
  fi
  stack_export
  exec "$BUILD/bin/riserctl" "$@"
}
