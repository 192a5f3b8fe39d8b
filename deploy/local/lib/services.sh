# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # variables are shared between the parts
# Riser's own services. All of them are configured by the environment that stack_environment writes; the tables behind it
# are in docs/configuration/.

# In the order of starting: ingest last, so that what it takes in is read at once. They end in reverse.
SERVICES=(billing notify control ingest)
# Above the services' own drain deadline.
SERVICE_STOP_SECONDS=30
SERVICE_START_SECONDS=${RISER_START_SECONDS:-60}

service_start() {
  local name=$1 identity
  if [[ ! -x $BUILD/bin/riser-$name ]]; then
    die "build/bin/riser-$name is not there" "it has not been built" "./riser build"
  fi
  mapfile -t identity < <(tls_environment "$name")
  process_spawn "$name" env "RISER_HTTP_PORT=$(port_of "$name")" "${identity[@]}" "$BUILD/bin/riser-$name"
}

# Ready means: connected, subscribed, partitions owned. Ingest says so only after the broker's SUBACK; Mosquitto throws
# away what is published before that.
service_ready() { curl -fsS --noproxy "*" -o /dev/null --max-time 2 "http://127.0.0.1:$(port_of "$1")/readyz" 2>/dev/null; }

# services_install: billing never begins at offset 0 of its own accord, since that may be a lost Redis. Only the very first
# start on new topics says so.
services_install() {
  local mark=$RISER_VAR/kafka/billing-installed log=$RISER_VAR/log/rebuild.log
  if [[ -e $mark ]]; then return 0; fi
  if ! "$BUILD/bin/riserctl" rebuild --all >"$log" 2>&1; then
    tail -n 15 "$log" | cut -c1-300 | sed 's/^/  | /' >&2
    die "billing's state could not be begun in Redis" "riserctl rebuild --all failed, see the lines above" "all of it: $log"
  fi
  touch "$mark"
}

# stack_environment: the addresses, for the services, the tests and the tools; one KEY=VALUE a line, no quoting.
stack_environment() {
  cat <<EOF
RISER_VAR=$RISER_VAR
RISER_PORT_BASE=$RISER_PORT_BASE
RISER_PARTITIONS=$RISER_PARTITIONS
RISER_KAFKA=$(kafka_addresses)
RISER_MQTT=127.0.0.1:$(port_of mosquitto)
RISER_REDIS=$(redis_addresses)
RISER_REDIS_CLUSTER=$([[ $RISER_REDIS_NODES == 1 ]] && printf false || printf true)
RISER_SMTP=127.0.0.1:$(port_of mail)
RISER_MAIL_FROM=${RISER_MAIL_FROM:-riser@localhost}
RISER_MAIL_DIR=$RISER_VAR/mail
RISER_SPOOL_DIR=$RISER_VAR/spool
RISER_CLOCK=$RISER_CLOCK
RISER_HTTP_INGEST=127.0.0.1:$(port_of ingest)
RISER_HTTP_BILLING=127.0.0.1:$(port_of billing)
RISER_HTTP_NOTIFY=127.0.0.1:$(port_of notify)
RISER_HTTP_CONTROL=127.0.0.1:$(port_of control)
RISER_TLS=$RISER_TLS
EOF
  tls_environment operator
}

# stack_export: writes stack.env and puts it into this process's environment.
stack_export() {
  local line
  mkdir -p "$RISER_VAR/log" "$RISER_VAR/spool" "$RISER_VAR/mail"
  stack_environment >"$RISER_VAR/stack.env"
  while IFS= read -r line; do
    # shellcheck disable=SC2163 # NAME=VALUE in one word
    export "$line"
  done <"$RISER_VAR/stack.env"
}
