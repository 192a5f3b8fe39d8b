# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # variables are shared between the parts
# The engines beside Kafka: Mosquitto, Redis, the mail server. Each has NAME_start (write its configuration, spawn) and
# NAME_ready.

ENGINES=(kafka redis mosquitto mail)
if [[ $RISER_KAFKA_NODES == 3 ]]; then ENGINES=(kafka kafka-2 kafka-3 redis mosquitto mail); fi
if [[ $RISER_REDIS_NODES == 6 ]]; then ENGINES+=(redis-2 redis-3 redis-4 redis-5 redis-6); fi

mosquitto_start() {
  local home=$RISER_VAR/mosquitto
  mkdir -p "$home"
  render "$LOCAL/mosquitto/mosquitto.conf" "$home/mosquitto.conf" "DATA=$home" "USER=$(id -un)"
  if tls_on; then
    mosquitto_passwords
    cat "$LOCAL/mosquitto/acl" "$LOCAL/mosquitto/acl.simulator" >"$home/acl"
    render_behind "$LOCAL/mosquitto/tls.conf" "$home/mosquitto.conf" "MQTT_PORT=$(port_of mosquitto)" \
      "MQTT_CERT_PORT=$(port_of mosquitto-cert)" "TLS=$TLS" "PASSWORDS=$home/passwords" "ACL=$home/acl"
  else
    render_behind "$LOCAL/mosquitto/plain.conf" "$home/mosquitto.conf" "MQTT_PORT=$(port_of mosquitto)"
  fi
  process_spawn mosquitto "$(program mosquitto)" -c "$home/mosquitto.conf"
}

mosquitto_ready() { port_open "$(port_of mosquitto)"; }

# redis_parts: redis, or the six nodes of a Redis Cluster.
redis_parts() {
  case $RISER_REDIS_NODES in
    1) printf 'redis\n' ;;
    6) printf '%s\n' redis redis-2 redis-3 redis-4 redis-5 redis-6 ;;
    *) die "RISER_REDIS_NODES is '$RISER_REDIS_NODES'" "Redis runs alone, or as three masters with a replica each" "set it to 1 or 6" ;;
  esac
}

# redis_addresses: host:port of each node, separated by commas.
redis_addresses() {
  local part list=
  for part in $(redis_parts); do list+=,127.0.0.1:$(port_of "$part"); done
  printf '%s' "${list:1}"
}

# redis_start PART: a replica takes over some two seconds after its master has died; until then the other two go on.
redis_start() {
  local part=$1 home=$RISER_VAR/$1 options=()
  mkdir -p "$home"
  render "$LOCAL/redis/redis.conf" "$home/redis.conf" "REDIS_PORT=$(port_of "$part")" "DATA=$home" \
    "REDIS_MAXMEMORY=$RISER_REDIS_MAXMEMORY"
  if tls_on; then
    redis_users >"$home/users.acl"
    render_behind "$LOCAL/redis/access.conf" "$home/redis.conf" "USERS=$home/users.acl"
  fi
  if redis_tls_on; then
    render_behind "$LOCAL/redis/tls.conf" "$home/redis.conf" "REDIS_PORT=$(port_of "$part")" "TLS=$TLS"
  fi
  if [[ $RISER_REDIS_NODES == 6 ]]; then
    options=(--cluster-enabled yes --cluster-port "$(port_of "redis-bus${part#redis}")" --cluster-node-timeout 2000
      --cluster-require-full-coverage no)
  fi
  process_spawn "$part" "$(program redis-server)" "$home/redis.conf" "${options[@]}"
}

# PING is answered with an error while the append-only file is read.
redis_ready() {
  local options=(-p "$(port_of "$1")")
  if tls_on; then options+=(--user riser-health --pass health --no-auth-warning); fi
  if redis_tls_on; then options+=(--tls --cacert "$TLS/ca.pem"); fi
  [[ $(redis-cli "${options[@]}" ping 2>/dev/null) == PONG ]]
}

# redis_form_cluster: once, when all nodes are up for the first time. redis-cli spreads the slots over the first three.
redis_form_cluster() {
  local mark=$RISER_VAR/redis/cluster-formed log=$RISER_VAR/log/redis-cluster.log part addresses
  if [[ $RISER_REDIS_NODES != 6 || -e $mark ]]; then return 0; fi
  for part in $(redis_parts); do
    if ! process_alive "$part"; then return 0; fi
  done
  mapfile -t addresses < <(redis_addresses | tr ',' '\n')
  if ! redis-cli --cluster create "${addresses[@]}" --cluster-replicas 1 --cluster-yes >"$log" 2>&1; then
    tail -n 15 "$log" | cut -c1-300 | sed 's/^/  | /' >&2
    die "the Redis Cluster could not be formed" "see the lines above" "all of it: $log"
  fi
  for part in $(redis_parts); do process_wait "$part" "$SERVICE_START_SECONDS" redis_in_step "$part"; done
  touch "$mark"
}

# redis_in_step PART: it knows that all slots are served; a replica has what its master has.
redis_in_step() {
  local port
  port=$(port_of "$1")
  redis-cli -p "$port" cluster info | grep -q '^cluster_state:ok' &&
    redis-cli -p "$port" info replication | tr -d '\r' | grep -q '^role:master$\|^master_link_status:up$' &&
    [[ $(redis-cli -p "$port" cluster nodes | grep -c slave) == 3 ]]
}

mail_start() {
  python_ensure
  local options=(--port "$(port_of mail)" --dir "$RISER_VAR/mail")
  if tls_on; then options+=(--cert "$TLS/server.pem" --key "$TLS/server.key"); fi
  process_spawn mail "$PYTHON" "$LOCAL/mail_sink.py" "${options[@]}"
}

mail_ready() { port_open "$(port_of mail)"; }

# program NAME: daemons are in /usr/sbin, which isn't in everybody's PATH.
program() {
  PATH=$PATH:/usr/sbin:/sbin command -v "$1" ||
    die "$1 is not there" "its package is installed but the program is not in PATH or /usr/sbin" "reinstall the package"
}
