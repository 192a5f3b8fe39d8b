# SPDX-License-Identifier: Apache-2.0
# `./riser demo [--once]`: the main job from empty data, told by a checker that shares no code with the services. The
# clock is the log's: replay writes the ticks, so months pass in minutes.

DEMO_SITE=$LOCAL/demo/site.yaml

demo_command() {
  local once=''
  case ${1:-} in
    --once) once=1 ;;
    '') ;;
    *) die "demo doesn't know '$1'" "only --once is an option of demo" "./riser help" ;;
  esac
  RISER_CLOCK=log
  demo_clear
  stack_up
  if [[ -n $once ]]; then
    trap 'stack_down' EXIT
    demo_main_job
    return
  fi
  demo_main_job || say "the demo did not hold; the stack stays up to be looked at"
  demo_where_to_look
}

# The demo begins with empty data each time; only data of an earlier demo or stack in $RISER_VAR is thrown away.
demo_clear() {
  local name
  if [[ ! -d $RISER_VAR ]]; then return 0; fi
  stack_down
  for name in kafka redis mosquitto mail spool log run demo; do rm -rf "${RISER_VAR:?}/$name"; done
}

demo_main_job() {
  stack_export
  "$BUILD/bin/riserctl" apply "$DEMO_SITE" || return 1
  "$BUILD/bin/riserctl" replay --data "$RISER_ROOT/tests/data" || return 1
  # Its last line begins with `demo: `.
  "$PYTHON" "$RISER_ROOT/tools/demo/check.py"
}

demo_where_to_look() {
  say ""
  say "The stack stays up. Where to look:"
  say "  mail      $RISER_VAR/mail"
  say "  logs      $RISER_VAR/log"
  say "  state     ./riser ctl get ..."
  say "  ends with ./riser down"
}
