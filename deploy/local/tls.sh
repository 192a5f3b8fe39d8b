#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A certificate authority of one's own, to try Riser's wires with: certificates and passwords as files in one folder.
#
#   deploy/local/tls.sh init FOLDER [HOST...]     the CA, the engines' certificates for these hosts (default: localhost,
#                                                 127.0.0.1, ::1), a certificate and a password for every service
#   deploy/local/tls.sh add FOLDER NAME...        a certificate and a password for a site's gateway or a person
#   deploy/local/tls.sh renew FOLDER [NAME...]    new keys and certificates (default: all) by the same CA
#   deploy/local/tls.sh password FOLDER NAME...   new passwords
#   deploy/local/tls.sh simulator FOLDER          the same as `add` for metersim, whose fleets have many sites: not for a
#                                                 broker with real devices
#
# What is there already stays, but for `renew` and `password`. Files are replaced whole, never written in place.
# FOLDER/ca.pem may be given to anybody; FOLDER/ca.key and every NAME.key, .password and .client-key to nobody else.
# RISER_CERT_DAYS=397 says how long certificates last.
set -euo pipefail
umask 077

readonly DAYS=${RISER_CERT_DAYS:-397} CA_DAYS=3650
readonly ENGINES=(server riser-kafka)
readonly SERVICES=(riser-ingest riser-billing riser-notify riser-control riser-portal riser-operator riser-admin)

die() {
  printf 'tls.sh: %s\n' "$*" >&2
  exit 1
}

# request_config EXTENSION...: what openssl reads instead of the system's openssl.cnf, whose defaults differ.
request_config() { printf '%s\n' '[req]' 'distinguished_name=name' '[name]' '[extensions]' "$@"; }

# quietly COMMAND...: what it says only when it fails.
quietly() {
  local said
  said=$("$@" 2>&1) || die "$1 $2 failed: $said"
}

new_key() { quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

make_ca() {
  local folder=$1
  if [[ -e $folder/ca.pem ]]; then return 0; fi
  new_key "$folder/ca.key"
  openssl req -x509 -new -key "$folder/ca.key" -days "$CA_DAYS" -subj '/CN=Riser local CA' -extensions extensions \
    -config <(request_config 'basicConstraints=critical,CA:TRUE,pathlen:0' 'keyUsage=critical,keyCertSign,cRLSign' \
      'subjectKeyIdentifier=hash') -out "$folder/ca.pem.new"
  chmod 644 "$folder/ca.pem.new"
  mv "$folder/ca.pem.new" "$folder/ca.pem"
}

# make_certificate FOLDER NAME USAGE [ALTERNATIVES]: key first, so that who reads a pair in between finds a pair that
# doesn't fit and tries again.
make_certificate() {
  local folder=$1 name=$2 usage=$3 alternatives=${4:-} base=$1/$2
  new_key "$base.key.new"
  openssl req -new -key "$base.key.new" -subj "/CN=$name" -config <(request_config) -out "$base.request"
  quietly openssl x509 -req -in "$base.request" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -days "$DAYS" \
    -set_serial "0x$(openssl rand -hex 16)" -extensions extensions -extfile <(request_config \
      'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' "extendedKeyUsage=$usage" \
      ${alternatives:+"subjectAltName=$alternatives"}) -out "$base.pem.new"
  mv "$base.key.new" "$base.key"
  mv "$base.pem.new" "$base.pem"
  rm "$base.request"
}

make_password() { openssl rand -hex 24 >"$1/$2.password.new" && mv "$1/$2.password.new" "$1/$2.password"; }

# A service's MQTT client id is as good as a password: whoever knows it can take over its session. It must stay, since the
# broker keeps the session by it.
make_client_key() { openssl rand -hex 8 >"$1/$2.client-key"; }

# Hosts as a certificate names them, kept in the folder so that a renewed one names the same.
alternatives_of() {
  local host list=
  while read -r host; do
    if [[ $host == *:* || $host =~ ^[0-9.]+$ ]]; then list+=,IP:$host; else list+=,DNS:$host; fi
  done <"$1/hosts"
  printf '%s' "${list:1}"
}

is_engine() { [[ " ${ENGINES[*]} " == *" $1 "* ]]; }

certify() {
  check_name "$2"
  if is_engine "$2"; then
    make_certificate "$1" "$2" serverAuth,clientAuth "$(alternatives_of "$1")"
  else
    make_certificate "$1" "$2" clientAuth
  fi
}

# A name becomes part of topics, of file names and of a line in the broker's list of passwords.
check_name() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || die "\"$1\" is no name: letters, digits, dots, dashes and underscores"
  [[ $1 != ca ]] || die "\"ca\" is the authority itself; for a new one see docs/security.md, \"Renewing\""
}

# A site or a person, that is: none of our own names.
check_site() {
  check_name "$1"
  ! is_engine "$1" || die "\"$1\" is the name of an engine's certificate: no site's"
  [[ $1 != riser-* ]] || die "\"$1\" begins with riser-, as the names of services do: no site's"
}

add() {
  local folder=$1 name
  shift
  [[ -e $folder/ca.key ]] || die "$folder has no CA: begin with 'tls.sh init $folder'"
  for name in "$@"; do
    if [[ ! -e $folder/$name.pem ]]; then certify "$folder" "$name"; fi
    if ! is_engine "$name" && [[ ! -e $folder/$name.password ]]; then make_password "$folder" "$name"; fi
    if [[ $name == riser-* && ! -e $folder/$name.client-key ]]; then make_client_key "$folder" "$name"; fi
  done
}

init() {
  local folder=$1
  shift
  if (($# == 0)); then set -- localhost 127.0.0.1 ::1; fi
  mkdir -p "$folder"
  if [[ ! -e $folder/hosts ]]; then printf '%s\n' "$@" >"$folder/hosts"; fi
  make_ca "$folder"
  add "$folder" "${ENGINES[@]}" "${SERVICES[@]}"
}

renew() {
  local folder=$1 name path
  shift
  if (($# == 0)); then
    for path in "$folder"/*.pem; do
      name=$(basename "$path" .pem)
      if [[ $name != ca ]]; then set -- "$@" "$name"; fi
    done
  fi
  for name in "$@"; do
    check_name "$name"
    [[ -e $folder/$name.pem ]] || die "$folder has no certificate of $name: 'tls.sh add $folder $name'"
  done
  for name in "$@"; do certify "$folder" "$name"; done
}

main() {
  local command=${1:-} folder=${2:-} name
  [[ -n $folder ]] || die "usage: tls.sh init|add|renew|password|simulator FOLDER [...]; see the head of $0"
  shift 2
  case $command in
    init) init "$folder" "$@" ;;
    add)
      for name in "$@"; do check_site "$name"; done
      add "$folder" "$@"
      ;;
    renew) renew "$folder" "$@" ;;
    password) for name in "$@"; do check_name "$name" && make_password "$folder" "$name"; done ;;
    simulator) add "$folder" riser-metersim ;;
    *) die "there is no command '$command': init, add, renew, password or simulator" ;;
  esac
}

main "$@"
