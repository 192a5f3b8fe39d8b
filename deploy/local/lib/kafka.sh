# SPDX-License-Identifier: Apache-2.0
# Apache Kafka from its published artifacts: fetched by Maven as deploy/local/kafka/pom.xml pins them, each file checked
# against jars.sha256, then run with a small heap: as one KRaft node, or as three (RISER_KAFKA_NODES=3).

KAFKA_JARS=

# kafka_ensure: the checked jars are in $KAFKA_JARS.
kafka_ensure() {
  local key
  key=$(cat "$LOCAL/kafka/pom.xml" "$LOCAL/kafka/jars.sha256" | sha256sum | cut -c1-16)
  KAFKA_JARS=$RISER_CACHE/kafka-$key
  if [[ ! -d $KAFKA_JARS ]]; then locked_cache kafka_install; fi
  kafka_check "$KAFKA_JARS"
}

kafka_install() {
  if [[ -d $KAFKA_JARS ]]; then return 0; fi
  kafka_fetch "$KAFKA_JARS.new"
  kafka_check "$KAFKA_JARS.new"
  mv "$KAFKA_JARS.new" "$KAFKA_JARS"
}

kafka_fetch() {
  local target=$1 log=$RISER_CACHE/kafka.log
  say "fetching Apache Kafka's published artifacts (about 45 MB, once)"
  rm -rf "$target"
  if ! mvn -q -B -f "$LOCAL/kafka/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    "-DoutputDirectory=$target" >"$log" 2>&1; then
    tail -n 15 "$log" | cut -c1-300 | sed 's/^/  | /' >&2
    die "fetching Kafka failed" "see the lines above: most often no network, or a proxy that Maven isn't told of" \
      "mend that (all of it: $log), then run the same command again"
  fi
}

# kafka_check FOLDER: exactly the listed files with exactly the listed content; anything else is refused.
kafka_check() {
  local folder=$1 wrong extra
  wrong=$(cd "$folder" && sha256sum --check --quiet --strict "$LOCAL/kafka/jars.sha256" 2>&1) || true
  extra=$(cd "$folder" && comm -13 <(cut -c67- "$LOCAL/kafka/jars.sha256" | sort) <(find . -type f -printf '%P\n' | sort))
  if [[ -n $wrong || -n $extra ]]; then
    printf '%s\n' "$wrong" "${extra:+not listed: $extra}" | sed 's/^/  | /' >&2
    die "the Kafka files in $folder are not the ones that Riser was tested with; they are not used" \
      "their SHA-256 differs from deploy/local/kafka/jars.sha256" \
      "rm -r $folder and try again; if it stays, somebody changed the files on their way to you"
  fi
}

# kafka_lock: for a maintainer who changed the version in pom.xml.
kafka_lock() {
  local folder=$RISER_CACHE/kafka-lock
  mkdir -p "$RISER_CACHE"
  kafka_fetch "$folder"
  (cd "$folder" && sha256sum -- *.jar) >"$LOCAL/kafka/jars.sha256"
  rm -rf "$folder"
  say "wrote deploy/local/kafka/jars.sha256: $(wc -l <"$LOCAL/kafka/jars.sha256") files; compare before you commit"
}

kafka_java() {
  local heap=$1 main=$2 path
  shift 2
  path=$(printf ':%s' "$KAFKA_JARS"/*.jar)
  printf '%s\0' java -Xms128m "-Xmx$heap" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true \
    "-Djava.io.tmpdir=$RISER_VAR/kafka/tmp" "-Dlog4j2.configurationFile=$LOCAL/kafka/log4j2.properties" \
    -cp "${path:1}" "$main" "$@"
}

# kafka_parts: kafka, or kafka kafka-2 kafka-3.
kafka_parts() {
  case $RISER_KAFKA_NODES in
    1) printf 'kafka\n' ;;
    3) printf 'kafka\nkafka-2\nkafka-3\n' ;;
    *) die "RISER_KAFKA_NODES is '$RISER_KAFKA_NODES'" "Kafka runs as one node or as three" "set it to 1 or 3" ;;
  esac
}

kafka_node() {
  if [[ $1 == kafka ]]; then printf 1; else printf '%s' "${1#kafka-}"; fi
}

# kafka_addresses: host:port of each node, separated by commas.
kafka_addresses() {
  local part list=
  for part in $(kafka_parts); do list+=,127.0.0.1:$(port_of "$part"); done
  printf '%s' "${list:1}"
}

kafka_voters() {
  local part list=
  for part in $(kafka_parts); do list+=,$(kafka_node "$part")@127.0.0.1:$(port_of "controller${part#kafka}"); done
  printf '%s' "${list:1}"
}

# kafka_start PART: what is acknowledged is on two nodes of three.
kafka_start() {
  local part=$1 home=$RISER_VAR/$1 command in_sync=1
  kafka_ensure
  kafka_java_version
  mkdir -p "$home/tmp"
  if [[ $RISER_KAFKA_NODES == 3 ]]; then in_sync=2; fi
  render "$LOCAL/kafka/server.properties" "$home/server.properties" "KAFKA_PORT=$(port_of "$part")" \
    "CONTROLLER_PORT=$(port_of "controller${part#kafka}")" "DATA=$home/data" "NODE=$(kafka_node "$part")" \
    "VOTERS=$(kafka_voters)" "REPLICAS=$RISER_KAFKA_NODES" "IN_SYNC=$in_sync"
  if tls_on; then
    if [[ $RISER_KAFKA_NODES == 3 ]]; then
      die "three Kafka nodes don't have TLS here" "RISER_TLS and RISER_KAFKA_NODES=3 are each made for one kind of test" \
        "leave one of them out"
    fi
    (umask 077 && cat "$TLS/riser-kafka.key" "$TLS/riser-kafka.pem" "$TLS/ca.pem" >"$home/keystore.pem")
    render_behind "$LOCAL/kafka/tls.properties" "$home/server.properties" "KAFKA_PORT=$(port_of kafka)" \
      "KAFKA_SASL_PORT=$(port_of kafka-sasl)" "CONTROLLER_PORT=$(port_of controller)" "TLS=$TLS" \
      "KEYSTORE=$home/keystore.pem"
  fi
  if [[ ! -e $home/data/meta.properties ]]; then kafka_format "$home"; fi
  mapfile -d '' -t command < <(kafka_java 256m kafka.Kafka "$home/server.properties")
  process_spawn "$part" "${command[@]}"
}

# kafka_format HOME: all nodes bear one cluster id.
kafka_format() {
  local home=$1 id command mark=$RISER_VAR/kafka/cluster-id
  if [[ ! -e $mark ]]; then
    mkdir -p "$RISER_VAR/kafka"
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-22)
    printf '%s' "${id/#-/A}" >"$mark"
  fi
  mapfile -d '' -t command < <(kafka_java 128m kafka.tools.StorageTool format --cluster-id "$(<"$mark")" --config "$home/server.properties")
  if ! "${command[@]}" >"$home/format.log" 2>&1; then
    tail -n 15 "$home/format.log" | cut -c1-300 | sed 's/^/  | /' >&2
    die "Kafka's storage could not be prepared" "see the lines above" "all of it: $home/format.log"
  fi
}

kafka_java_version() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  if [[ -z $version || $version -lt 17 ]]; then
    die "Kafka needs Java 17 or newer" "java is version ${version:-unknown}: $(command -v java || echo 'not in PATH')" \
      "put a newer java first in PATH (package default-jre-headless)"
  fi
}

# Kafka opens its port when the broker has registered; the topics are made right after it, which shows that it answers.
kafka_ready() { port_open "$(port_of "$1")"; }

kafka_topics() {
  local options=(--bootstrap "$(kafka_addresses)")
  python_ensure
  if tls_on; then options+=(--ca "$TLS/ca.pem" --cert "$TLS/riser-admin.pem" --key "$TLS/riser-admin.key"); fi
  if ! "$PYTHON" "$LOCAL/topics.py" "${options[@]}" --partitions "$RISER_PARTITIONS" \
    --replicas "$RISER_KAFKA_NODES" >&2; then
    die "Kafka's topics could not be made" "see the lines above" "see also $(log_file kafka)"
  fi
  if tls_on && ! "$PYTHON" "$LOCAL/kafka_access.py" "${options[@]}" --passwords "$TLS" >&2; then
    die "Kafka's users and rights could not be made" "see the lines above" "see also $(log_file kafka)"
  fi
}
