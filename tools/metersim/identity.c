// SPDX-License-Identifier: Apache-2.0
#include "metersim/identity.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "io/tls.h"

static const char USER[] = "riser-metersim";

static enum error make_path(const char *folder, const char *name, const char *ending, char path[IDENTITY_PATH_MAX]) {
  int len = snprintf(path, IDENTITY_PATH_MAX, "%s/%s.%s", folder, name, ending);
  return len < IDENTITY_PATH_MAX ? OK : ERR_CONFIG;
}

enum error identity_open(const char *folder, struct identity *identity) {
  *identity = (struct identity){.folder = folder};
  if (!folder[0]) return OK;
  enum error err = make_path(folder, "ca", "pem", identity->ca_file);
  if (!err) err = make_path(folder, USER, "pem", identity->cert_file);
  if (!err) err = make_path(folder, USER, "key", identity->key_file);
  return err;
}

void identity_kafka(const struct identity *identity, struct kafka_settings *settings) {
  if (!identity->folder[0]) return;
  settings->tls = TLS_ON;
  settings->ca_file = identity->ca_file;
  settings->cert_file = identity->cert_file;
  settings->key_file = identity->key_file;
}

static bool read_password(const char *folder, const char *user, char password[IDENTITY_PASSWORD_MAX]) {
  char path[IDENTITY_PATH_MAX];
  FILE *file = make_path(folder, user, "password", path) ? NULL : fopen(path, "re");
  if (!file) return false;
  size_t len = fread(password, 1, IDENTITY_PASSWORD_MAX - 1, file);
  fclose(file);
  password[len] = 0;
  password[strcspn(password, "\r\n")] = 0;
  return password[0] != 0;
}

enum error identity_mqtt(const struct identity *identity, const char *site, struct mqtt_settings *settings,
                         char password[IDENTITY_PASSWORD_MAX]) {
  if (!identity->folder[0]) return OK;
  settings->tls = TLS_ON;
  settings->ca_file = identity->ca_file;
  settings->password = password;
  settings->username = site;
  if (read_password(identity->folder, site, password)) return OK;
  settings->username = USER;
  if (read_password(identity->folder, USER, password)) return OK;
  log_error("no-password", F_STR("folder", identity->folder), F_STR("site", site), F_STR("nor_of", USER));
  return ERR_CONFIG;
}
