# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # variables are shared between the parts
# RISER_TLS=true: the engines and the services of the local stack talk TLS, each with a name and rights of its own.

TLS=$RISER_VAR/tls

tls_on() { [[ $RISER_TLS == true ]]; }

# hiredis speaks TLS from 1.0 on. Before that Redis stays on loopback in the clear, with users and rights all the same.
redis_tls_on() { tls_on && pkg-config --exists 'hiredis_ssl >= 1.0' 2>/dev/null; }

tls_ensure() {
  case $RISER_TLS in
    true) ;;
    false) return 0 ;;
    *) die "RISER_TLS is '$RISER_TLS'" "it is true or false" "RISER_TLS=true ./riser up" ;;
  esac
  if [[ $RISER_REDIS_NODES != 1 ]]; then
    die "a local Redis Cluster has no TLS" "RISER_TLS=true and RISER_REDIS_NODES=$RISER_REDIS_NODES exclude each other" \
      "leave one of them away"
  fi
  if ! { "$LOCAL/tls.sh" init "$TLS" && "$LOCAL/tls.sh" simulator "$TLS"; }; then
    die "the certificates in $TLS could not be made" "see the lines above" "mend that, or remove $TLS and try again"
  fi
  if ! redis_tls_on; then
    say "redis: in the clear on loopback: this system's hiredis has no TLS (1.0 or newer has; Debian 13)"
  fi
}

# certs_command [add|renew|password NAME...]: certificates and passwords of this stack, and the engines are told. Running
# services take their own on SIGHUP.
certs_command() {
  local command=${1:-list}
  if [[ ! -e $TLS/ca.pem ]]; then
    die "there are no certificates in $TLS" "this stack was not started with TLS" "RISER_TLS=true ./riser up"
  fi
  RISER_TLS=true
  case $command in
    list) certs_list ;;
    add | renew | password)
      "$LOCAL/tls.sh" "$command" "$TLS" "${@:2}"
      certs_tell_engines
      ;;
    *) die "certs doesn't know '$command'" "it knows add, renew and password" "./riser certs add SITE" ;;
  esac
}

certs_list() {
  local path
  for path in "$TLS"/*.pem; do
    printf '%-18s until %s\n' "$(basename "$path" .pem)" "$(openssl x509 -in "$path" -noout -enddate | cut -d= -f2)"
  done
}

# No engine has to be restarted, but Kafka for a new certificate of its own.
certs_tell_engines() {
  if process_alive mosquitto; then
    mosquitto_passwords
    kill -HUP "$(process_pid mosquitto)"
  fi
  if process_alive redis; then redis_renew; fi
  if process_alive kafka; then kafka_topics; fi
}

# Over standard input, so that no password is ever an argument.
redis_renew() {
  local options=(-p "$(port_of redis)") answers wanted=2
  redis_users >"$RISER_VAR/redis/users.acl"
  if redis_tls_on; then
    options+=(--tls --cacert "$TLS/ca.pem")
    wanted=3
  fi
  answers=$({
    printf 'AUTH riser-admin %s\nACL LOAD\n' "$(<"$TLS/riser-admin.password")"
    if redis_tls_on; then printf 'CONFIG SET tls-cert-file "%s"\n' "$TLS/server.pem"; fi
  } | redis-cli "${options[@]}" 2>&1) || true
  if (($(grep -cx OK <<<"$answers") != wanted)); then
    die "Redis did not take the new users and certificates" "it says: $answers" "see $(log_file redis)"
  fi
}

# Every NAME.password becomes a line; hashed in place, so that no password is ever an argument.
mosquitto_passwords() {
  local target=$RISER_VAR/mosquitto/passwords path
  (
    umask 077
    for path in "$TLS"/*.password; do
      printf '%s:%s\n' "$(basename "$path" .password)" "$(<"$path")"
    done >"$target.new"
  )
  if ! mosquitto_passwd -U "$target.new"; then
    die "Mosquitto's passwords could not be hashed" "see the lines above" "look at $TLS/*.password"
  fi
  mv "$target.new" "$target"
}

# redis_users: users.acl with the SHA-256 of each password.
redis_users() {
  local user hash text
  text=$(<"$LOCAL/redis/users.acl")
  for user in billing operator portal control admin; do
    hash=$(printf '%s' "$(<"$TLS/riser-$user.password")" | sha256sum | cut -d' ' -f1)
    text=${text//"@RISER_${user^^}@"/"$hash"}
  done
  printf '%s\n' "$text"
}

# Kafka 4 refuses user names of librdkafka before 2.6.1.
kafka_names_work() { pkg-config --exists 'rdkafka >= 2.6.1' 2>/dev/null; }

# tls_environment NAME: who a program is towards the engines, and how it knows them. Both ways in are in use: notify and
# control have a password where that works, the others show a certificate.
tls_environment() {
  local user=riser-$1 kafka=certificate mqtt=certificate
  if ! tls_on; then return 0; fi
  printf '%s\n' RISER_KAFKA_TLS=on "RISER_KAFKA_CA_FILE=$TLS/ca.pem" RISER_MQTT_TLS=on "RISER_MQTT_CA_FILE=$TLS/ca.pem" \
    "RISER_MQTT_CLIENT_KEY_FILE=$TLS/$user.client-key" \
    "RISER_REDIS_USERNAME=$user" "RISER_REDIS_PASSWORD_FILE=$TLS/$user.password" RISER_SMTP_TLS=starttls \
    "RISER_SMTP_CA_FILE=$TLS/ca.pem"
  if redis_tls_on; then printf '%s\n' RISER_REDIS_TLS=on "RISER_REDIS_CA_FILE=$TLS/ca.pem"; fi
  if [[ $1 == control ]]; then mqtt=password; fi
  if [[ $1 == notify || $1 == control ]] && kafka_names_work; then kafka=password; fi
  tls_identity KAFKA "$kafka" "$user"
  tls_identity MQTT "$mqtt" "$user"
  if [[ $kafka == password ]]; then printf 'RISER_KAFKA=127.0.0.1:%s\n' "$(port_of kafka-sasl)"; fi
  if [[ $mqtt == certificate ]]; then
    printf 'RISER_MQTT=127.0.0.1:%s\n' "$(port_of mosquitto-cert)"
  else
    printf 'RISER_MQTT=127.0.0.1:%s\n' "$(port_of mosquitto)"
  fi
}

# tls_identity ENGINE certificate|password USER: the other way's variables are emptied, since they may be inherited.
tls_identity() {
  local engine=$1 user=$3
  if [[ $2 == certificate ]]; then
    printf '%s\n' "RISER_${engine}_CERT_FILE=$TLS/$user.pem" "RISER_${engine}_KEY_FILE=$TLS/$user.key" \
      "RISER_${engine}_USERNAME=" "RISER_${engine}_PASSWORD_FILE="
  else
    printf '%s\n' "RISER_${engine}_USERNAME=$user" "RISER_${engine}_PASSWORD_FILE=$TLS/$user.password" \
      "RISER_${engine}_CERT_FILE=" "RISER_${engine}_KEY_FILE="
  fi
}
