// SPDX-License-Identifier: Apache-2.0
// Who the simulator's devices are towards broker and Kafka, out of a folder as deploy/local/tls.sh makes it: a device
// is its site's user (SITE.password); where there is no such file, and towards Kafka, riser-metersim. Without a folder
// nobody, in the clear.
#ifndef RISER_METERSIM_IDENTITY_H
#define RISER_METERSIM_IDENTITY_H

#include "base/error.h"
#include "io/kafka.h"
#include "io/mqtt.h"

enum { IDENTITY_PATH_MAX = 512, IDENTITY_PASSWORD_MAX = 128 };

struct identity {
  const char *folder; // "" for none
  char ca_file[IDENTITY_PATH_MAX], cert_file[IDENTITY_PATH_MAX], key_file[IDENTITY_PATH_MAX];
};

// `folder` is borrowed. ERR_CONFIG if a path is too long.
enum error identity_open(const char *folder, struct identity *identity) MUST_USE;

// Fills in what `identity` has, which is borrowed by the settings.
void identity_kafka(const struct identity *identity, struct kafka_settings *settings);
// The same for a device of `site`, which is borrowed as well, as is `password`, where its password goes. ERR_CONFIG,
// and logged, if there is none.
enum error identity_mqtt(const struct identity *identity, const char *site, struct mqtt_settings *settings,
                         char password[IDENTITY_PASSWORD_MAX]) MUST_USE;

#endif
