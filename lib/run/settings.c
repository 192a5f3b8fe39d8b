// SPDX-License-Identifier: Apache-2.0
// A wire that would carry readings, money or passwords in the clear over a network is refused at the start, where
// somebody is looking, and not found out later.
#include "run/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "io/redis_tls.h"

struct wire {
  const char *name; // prefix of the keys
  const char *address;
  const char *ca_file, *cert_file, *key_file;
  const char *username, *password;
};

// Where to write a text.
struct text {
  char *at;
  size_t size;
};

enum { PROPERTY_SIZE = 4096, CLIENT_ID_MAX = 128, CLIENT_KEY_MAX = 64 };

static enum error check_files(const struct wire *wire, struct text problem);
static enum error check_file(const char *key, const char *which, const char *path, struct text problem);
static enum error check_who(const struct wire *wire, struct text problem);
static bool property_find(const char *texts, const char *separators, bool (*matches)(const char *name),
                          struct text value);
static enum error complain(struct text problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static enum error complain(struct text problem, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(problem.at, problem.size, format, list);
  va_end(list);
  return ERR_CONFIG;
}

// ---------------------------------------------------------------- Kafka

static bool is_protocol(const char *name) {
  return strcmp(name, "security.protocol") == 0;
}

// librdkafka's properties whose value is a secret: sasl.password, ssl.key.password, ssl.keystore.password, ssl.key.pem,
// sasl.oauthbearer.client.secret, sasl.oauthbearer.config.
static bool is_secret(const char *name) {
  return strstr(name, "password") || strstr(name, "secret") || strstr(name, ".pem") ||
         strstr(name, "oauthbearer.config");
}

// What would lead the wire elsewhere than `kafka` says, or leave the other end unasked who it is.
static bool is_of_the_wire(const char *name) {
  static const char *const names[] = {"bootstrap.servers", "metadata.broker.list",
                                      "enable.ssl.certificate.verification", "ssl.endpoint.identification.algorithm"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0) return true;
  return false;
}

static bool kafka_property(const struct kafka_settings *settings, bool (*matches)(const char *name),
                           struct text value) {
  return property_find(settings->secret_properties, "\n", matches, value) ||
         property_find(settings->properties, ";\n", matches, value);
}

static enum error check_kafka_properties(const struct kafka_settings *settings, struct text problem) {
  char value[64];
  struct text found = {value, sizeof value};
  if (property_find(settings->properties, ";\n", is_secret, found))
    return complain(problem, "kafka_properties holds a secret, which anybody may read there: write that property into "
                             "the file of kafka_properties_file");
  if (settings->tls != TLS_OFF && kafka_property(settings, is_of_the_wire, found))
    return complain(problem,
                    "kafka_properties and kafka_properties_file must not say where Kafka is (kafka does) or whether "
                    "its certificate is checked (it always is): take bootstrap.servers, metadata.broker.list, "
                    "enable.ssl.certificate.verification, ssl.endpoint.identification.algorithm away, or, where the "
                    "network itself is trusted, set kafka_tls to off");
  if (!tls_wanted(settings->tls, settings->brokers) || !kafka_property(settings, is_protocol, found)) return OK;
  if (strcasecmp(value, "ssl") == 0 || strcasecmp(value, "sasl_ssl") == 0) return OK;
  return complain(problem,
                  "kafka is %s, %s, but security.protocol=%s is plain text: take that property "
                  "away, or, where the network itself is trusted, set kafka_tls to off",
                  settings->brokers, settings->tls == TLS_ON ? "and kafka_tls is on" : "which is not on loopback",
                  value);
}

enum error settings_check_kafka(const struct kafka_settings *settings, char *to, size_t size) {
  const struct wire wire = {"kafka",
                            settings->brokers,
                            settings->ca_file,
                            settings->cert_file,
                            settings->key_file,
                            settings->username,
                            settings->password};
  struct text problem = {to, size};
  enum error err = check_who(&wire, problem);
  if (!err) err = check_files(&wire, problem);
  return err ? err : check_kafka_properties(settings, problem);
}

// Whether one of a list of name=value has such a name; the value is the last one's, as it is with librdkafka.
static bool property_find(const char *texts, const char *separators, bool (*matches)(const char *name),
                          struct text value) {
  bool found = false;
  while (*texts) {
    char property[PROPERTY_SIZE];
    texts += strspn(texts, separators);
    size_t len = strcspn(texts, separators);
    snprintf(property, sizeof property, "%.*s", (int)len, texts);
    texts += len;
    char *equals = strchr(property, '=');
    if (!equals || property[0] == '#') continue;
    *equals = 0;
    if (!matches(property)) continue;
    snprintf(value.at, value.size, "%s", equals + 1);
    found = true;
  }
  return found;
}

// ---------------------------------------------------------------- MQTT

static enum error check_scheme(const struct mqtt_settings *settings, struct text problem) {
  const char *end = strstr(settings->address, "://");
  size_t len = end ? (size_t)(end - settings->address) : 0;
  bool tcp = len == 3 && strncmp(settings->address, "tcp", len) == 0;
  bool ssl = len == 3 && strncmp(settings->address, "ssl", len) == 0;
  if (end && !tcp && !ssl)
    return complain(problem, "mqtt is %s: write host:port, ssl://host:port or tcp://host:port", settings->address);
  if (ssl && settings->tls == TLS_OFF)
    return complain(problem, "mqtt is %s, but mqtt_tls is off: change one of them", settings->address);
  if (tcp && settings->tls != TLS_OFF && (settings->tls == TLS_ON || !tls_loopback(settings->address)))
    return complain(problem,
                    "mqtt is %s, which is plain text%s: write ssl:// there, or, where the network itself is trusted, "
                    "set mqtt_tls to off",
                    settings->address, settings->tls == TLS_ON ? ", but mqtt_tls is on" : " and not on loopback");
  return OK;
}

// They become part of a client id and of a share's name, where a slash, a plus or a hash would mean something else.
static enum error check_names(const struct mqtt_settings *settings, struct text problem) {
  static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t len = strlen(settings->client_key);
  if (strlen(settings->client_id) > CLIENT_ID_MAX)
    return complain(problem, "mqtt_client_id is longer than %d bytes", CLIENT_ID_MAX);
  if (len <= CLIENT_KEY_MAX && strspn(settings->client_key, good) == len) return OK;
  return complain(problem,
                  "the file of mqtt_client_key_file must hold 1 to %d of A-Z a-z 0-9 - _ in one line: write one with "
                  "openssl rand -hex 16",
                  CLIENT_KEY_MAX);
}

enum error settings_check_mqtt(const struct mqtt_settings *settings, char *to, size_t size) {
  const struct wire wire = {"mqtt",
                            settings->address,
                            settings->ca_file,
                            settings->cert_file,
                            settings->key_file,
                            settings->username,
                            settings->password};
  struct text problem = {to, size};
  enum error err = check_who(&wire, problem);
  if (!err) err = check_files(&wire, problem);
  if (!err) err = check_names(settings, problem);
  return err ? err : check_scheme(settings, problem);
}

// ---------------------------------------------------------------- Redis

enum error settings_check_redis(const struct redis_settings *settings, char *to, size_t size) {
  const struct wire wire = {"redis",
                            settings->address,
                            settings->ca_file,
                            settings->cert_file,
                            settings->key_file,
                            settings->username,
                            settings->password};
  struct text problem = {to, size};
  enum error err = check_who(&wire, problem);
  if (!err) err = check_files(&wire, problem);
  if (err || !tls_wanted(settings->tls, settings->address) || redis_tls_built()) return err;
  return complain(
      problem,
      "redis at %s needs TLS (%s), which this build cannot speak: its hiredis is older than 1.0. Build with "
      "hiredis 1.0 or newer (Debian 13), or let a TLS tunnel on loopback carry the connection, or, where "
      "the network itself is trusted, set redis_tls to off",
      settings->address, settings->tls == TLS_ON ? "redis_tls is on" : "it is not on loopback");
}

// ---------------------------------------------------------------- all three

static enum error check_who(const struct wire *wire, struct text problem) {
  if (strchr(wire->address, '@'))
    return complain(problem,
                    "%s holds an @: a user or password does not belong into an address; use %s_username and "
                    "%s_password_file",
                    wire->name, wire->name, wire->name);
  if (wire->username[0] && !wire->password[0])
    return complain(problem, "%s_username is given: name %s_password_file too", wire->name, wire->name);
  return OK;
}

static enum error check_files(const struct wire *wire, struct text problem) {
  enum error err = check_file(wire->name, "ca_file", wire->ca_file, problem);
  if (!err) err = check_file(wire->name, "cert_file", wire->cert_file, problem);
  if (!err) err = check_file(wire->name, "key_file", wire->key_file, problem);
  if (!err && (wire->cert_file[0] == 0) != (wire->key_file[0] == 0))
    err =
        complain(problem, "%s_cert_file and %s_key_file belong together: name both or neither", wire->name, wire->name);
  return err;
}

static enum error check_file(const char *key, const char *which, const char *path, struct text problem) {
  if (path[0] == 0 || access(path, R_OK) == 0) return OK;
  return complain(problem, "%s_%s is %s, which can't be read: %s", key, which, path, strerror(errno));
}
