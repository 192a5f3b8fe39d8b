# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # variables are shared between the parts
# `./riser demo [--once]`: the main job from empty data, told by a checker that shares no code with the services. The
# clock is the log's: replay writes the ticks, so months pass in minutes.

DEMO_SITE=$LOCAL/demo/site.yaml
DEMO_PERSONS=$LOCAL/demo/persons.yaml
DEMO_SCENARIO=$LOCAL/demo/scenario.yaml

demo_command() {
  local once='' demo_failed=''
  case ${1:-} in
    --once) once=1 ;;
    '') ;;
    *) die "demo doesn't know '$1'" "only --once is an option of demo" "./riser help" ;;
  esac
  demo_clear
  RISER_CLOCK=log
  if [[ -n $once ]]; then at_exit stack_down; fi
  writable "$RISER_VAR"
  touch "$RISER_VAR/demo-data"
  stack_up
  if [[ -n $once ]]; then
    demo_main_job
    return
  fi
  demo_main_job || demo_failed=1
  demo_where_to_look
  return "${demo_failed:-0}"
}

# The demo begins with empty data each time; it throws away an earlier demo's, never anybody else's.
demo_clear() {
  local name
  if [[ ! -d $RISER_VAR/kafka ]]; then return 0; fi
  if [[ ! -e $RISER_VAR/demo-data ]]; then
    die "$RISER_VAR holds data that is not a demo's" "the demo begins with empty data; a stack was started here by ./riser up" \
      "RISER_VAR=./var-demo RISER_PORT_BASE=22000 ./riser demo, or remove $RISER_VAR if nobody needs it"
  fi
  stack_down
  for name in kafka redis redis-{2..6} mosquitto mail spool log run settings demo-data; do rm -rf "${RISER_VAR:?}/$name"; done
}

# What was published, with the broker's PUBACK, is written down by replay in the ledger; the checker compares it with what
# it finds in Kafka, Redis and the mail. Its last line begins with `demo: `.
demo_main_job() {
  local ledger=$RISER_VAR/demo/ledger.jsonl
  stack_export
  mkdir -p "$RISER_VAR/demo"
  "$BUILD/bin/riserctl" apply --wait "$DEMO_SITE" "$DEMO_PERSONS" || return 1
  demo_relays
  "$BUILD/bin/riserctl" replay "$DEMO_SCENARIO" --ledger "$ledger" || return 1
  process_stop metersim 10
  "$PYTHON" "$RISER_ROOT/tools/demo/check.py" --ledger "$ledger" --mail "$RISER_VAR/mail"
}

# The relay of the room that does not pay: replay publishes the meters' reads, metersim is the contact that obeys.
demo_relays() {
  local options=()
  if tls_on; then
    "$LOCAL/tls.sh" add "$TLS" alicante
    certs_tell_engines
    options+=(--tls "$TLS")
  fi
  process_spawn metersim "$BUILD/bin/metersim" --mqtt "127.0.0.1:$(port_of mosquitto)" --kafka "$RISER_KAFKA" --installed \
    --relays alicante/e-heat-pump "${options[@]}"
}

demo_where_to_look() {
  say ""
  say "The stack stays up. Where to look:"
  say "  mail      $RISER_VAR/mail"
  say "  logs      $RISER_VAR/log"
  say "  state     ./riser ctl get ..."
  say "  ends with ./riser down"
}
