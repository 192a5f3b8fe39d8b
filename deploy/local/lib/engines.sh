# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # variables are shared between the parts
# The engines beside Kafka: Mosquitto, Redis, the mail server. Each has NAME_start (write its configuration, spawn) and
# NAME_ready.

ENGINES=(kafka redis mosquitto mail)

mosquitto_start() {
  local home=$RISER_VAR/mosquitto
  mkdir -p "$home"
  render "$LOCAL/mosquitto/mosquitto.conf" "$home/mosquitto.conf" "MQTT_PORT=$(port_of mosquitto)" "DATA=$home" \
    "USER=$(id -un)"
  process_spawn mosquitto "$(program mosquitto)" -c "$home/mosquitto.conf"
}

mosquitto_ready() { port_open "$(port_of mosquitto)"; }

redis_start() {
  local home=$RISER_VAR/redis
  mkdir -p "$home"
  render "$LOCAL/redis/redis.conf" "$home/redis.conf" "REDIS_PORT=$(port_of redis)" "DATA=$home" \
    "REDIS_MAXMEMORY=$RISER_REDIS_MAXMEMORY"
  process_spawn redis "$(program redis-server)" "$home/redis.conf"
}

# PING is answered with an error while the append-only file is read.
redis_ready() { [[ $(redis-cli -p "$(port_of redis)" ping 2>/dev/null) == PONG ]]; }

mail_start() {
  python_ensure
  process_spawn mail "$PYTHON" "$LOCAL/mail_sink.py" --port "$(port_of mail)" --dir "$RISER_VAR/mail"
}

mail_ready() { port_open "$(port_of mail)"; }

# program NAME: daemons are in /usr/sbin, which isn't in everybody's PATH.
program() {
  PATH=$PATH:/usr/sbin:/sbin command -v "$1" ||
    die "$1 is not there" "its package is installed but the program is not in PATH or /usr/sbin" "reinstall the package"
}
