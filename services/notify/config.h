// SPDX-License-Identifier: Apache-2.0
// What notify can be told; the table in config.c describes each entry. Read once, before any thread.
#ifndef RISER_NOTIFY_CONFIG_H
#define RISER_NOTIFY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "run/settings.h"

enum smtp_tls { SMTP_TLS_AUTO, SMTP_TLS_NONE, SMTP_TLS_TRY, SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT };
enum mail_encoding { MAIL_ENCODING_8BIT, MAIL_ENCODING_BASE64 };
enum webhook_reach { WEBHOOK_REACH_PUBLIC, WEBHOOK_REACH_ANY };

struct mail_config {
  const char *smtp; // host:port
  int tls;          // enum smtp_tls
  const char *ca_file;
  const char *user;
  const char *password;
  const char *from;
  const char *from_name;
  const char *reply_to;
  int encoding; // enum mail_encoding
  int64_t connections;
  int64_t timeout_ms;
};

struct webhook_config {
  const char *secrets; // folder
  int reach;           // enum webhook_reach
  int64_t in_flight;
  int64_t per_host;
  int64_t timeout_ms;
};

struct notify_config {
  struct run_settings run;
  struct kafka_settings kafka;
  int64_t partitions;
  int64_t session_timeout_ms;
  const char *message_domain; // "": that of mail.from
  const char *contact;
  struct mail_config mail;
  struct webhook_config webhook;
  int64_t retry_first_ms;
  int64_t retry_longest_ms;
  int64_t retry_age_ms;
  int64_t person_wait_ms;
  int64_t persons_max;
  int64_t window;
  int64_t unfinished;
};

extern const struct config_schema notify_schema;

// What is done about TLS to the relay: `tls`, and where that is AUTO, STARTTLS outside loopback and TRY on it.
enum smtp_tls notify_smtp_tls(const struct mail_config *mail);

// The domain of the Message-IDs.
const char *notify_message_domain(const struct notify_config *config);

#endif
