// SPDX-License-Identifier: Apache-2.0
#include "notify/config.h"

#include <stdio.h>
#include <string.h>

#include "notify/core/mime.h"

// An attempt must have ended before another process may make it too: Kafka counts the session from the last heartbeat,
// which may be 3 s old when the attempt begins.
enum { TAKEOVER_MARGIN_MS = 4000 };

typedef struct notify_config C;

static const struct config_entry entries[] = {
    RUN_SETTINGS(C, run, "9103"),
    KAFKA_SETTINGS(C, kafka),
    PARTITIONS_SETTING(C, partitions),
    CONFIG_DURATION(C, session_timeout_ms, "45s", "6s", "10m",
                    "How long Kafka waits for a silent process before others take its partitions over.",
                    .key = "session_timeout"),
    CONFIG_STRING(C, mail.smtp, "127.0.0.1:25", "The SMTP relay that takes the mails, host:port.", .key = "smtp",
                  .required = true),
    CONFIG_ENUM(C, mail.tls, "auto|none|try|starttls|implicit", "auto",
                "TLS to the relay: never, if it offers it, always by STARTTLS, or from the first byte (port 465); "
                "auto: starttls, but on loopback try.",
                .key = "smtp_tls"),
    CONFIG_STRING(C, mail.ca_file, "", "Certificates (PEM) that sign the relay's; empty: the system's.",
                  .key = "smtp_ca_file"),
    CONFIG_STRING(C, mail.user, "", "Login at the relay; empty for none.", .key = "smtp_user"),
    CONFIG_FILE(C, mail.password, "File that holds the password of that login.", .key = "smtp_password_file"),
    CONFIG_STRING(C, mail.from, "riser@localhost", "Address that the mails come from and that bounces go to.",
                  .key = "mail_from", .required = true),
    CONFIG_STRING(C, mail.from_name, "", "Name that stands before that address; empty for none.",
                  .key = "mail_from_name"),
    CONFIG_STRING(C, mail.reply_to, "", "Address that answers go to; empty: the one that the mails come from.",
                  .key = "mail_reply_to"),
    CONFIG_ENUM(C, mail.encoding, "8bit|base64", "8bit",
                "How a text that is not plain ASCII is sent; base64 for a relay that is not 8-bit clean.",
                .key = "mail_encoding"),
    CONFIG_INT(C, mail.connections, "8", "1", "64", "Connections to the relay at a time.", .key = "smtp_connections"),
    CONFIG_DURATION(C, mail.timeout_ms, "30s", "1s", "10m",
                    "How long handing over one mail may take; at least 4s less than session_timeout.",
                    .key = "smtp_timeout"),
    CONFIG_STRING(C, webhook.secrets, "/etc/riser/webhook-secrets",
                  "Folder with one file a webhook secret; \"default\" is for persons that name none.",
                  .key = "webhook_secrets"),
    CONFIG_ENUM(C, webhook.reach, "public|any", "public",
                "Where webhooks may go: https to public addresses, or also http and private addresses.",
                .key = "webhook_reach"),
    CONFIG_INT(C, webhook.in_flight, "32", "1", "1000", "Webhook calls at a time.", .key = "webhook_in_flight"),
    CONFIG_INT(C, webhook.per_host, "4", "1", "100", "Webhook calls at a time to one host.", .key = "webhook_per_host"),
    CONFIG_DURATION(C, webhook.timeout_ms, "10s", "100ms", "5m",
                    "How long one webhook call may take; at least 4s less than session_timeout.",
                    .key = "webhook_timeout"),
    CONFIG_STRING(C, message_domain, "", "Domain in the Message-IDs, never to be changed; empty: that of mail_from."),
    CONFIG_STRING(C, contact, "", "How people may ask, beside answering: a line in every message; empty for none."),
    CONFIG_DURATION(C, retry_first_ms, "1s", "10ms", "1h", "Pause after a first failure that may pass; it doubles.",
                    .key = "retry_first"),
    CONFIG_DURATION(C, retry_longest_ms, "10m", "10ms", "1d", "Longest such pause.", .key = "retry_longest"),
    CONFIG_DURATION(C, retry_age_ms, "3d", "1s", "30d", "How long a message is tried before it is given up.",
                    .key = "retry_age"),
    CONFIG_DURATION(C, person_wait_ms, "2s", "0s", "1h",
                    "How long to wait for a person who is not known yet, before the message is given up.",
                    .key = "person_wait"),
    CONFIG_INT(C, persons_max, "1000000", "1", "100000000", "Persons that are held in memory; beyond it: not ready."),
    CONFIG_INT(C, window, "100", "1", "120", "Unfinished messages of one partition; then it pauses."),
    CONFIG_INT(C, unfinished, "2000", "1", "100000", "Unfinished messages of all partitions; then all pause."),
};

static enum error check(const void *settings, char *problem, size_t size) {
  const struct notify_config *config = settings;
  const struct mail_config *mail = &config->mail;
  const char *wrong = NULL;
  int64_t attempt_max_ms = config->session_timeout_ms - TAKEOVER_MARGIN_MS;
  if (settings_check_kafka(&config->kafka, problem, size)) return ERR_CONFIG;
  if (!mime_address_valid(mail->from))
    wrong = "mail_from is not an address: give local@domain";
  else if (*mail->reply_to && !mime_address_valid(mail->reply_to))
    wrong = "mail_reply_to is not an address";
  else if (strchr(mail->smtp, '@'))
    wrong = "smtp holds an @: a user or password does not belong into an address; use smtp_user and smtp_password_file";
  else if (*mail->user && notify_smtp_tls(mail) != SMTP_TLS_STARTTLS && notify_smtp_tls(mail) != SMTP_TLS_IMPLICIT)
    wrong = "smtp_user would be sent in the clear: set smtp_tls to starttls or implicit";
  else if (*mail->user && !*mail->password)
    wrong = "smtp_user is given: name smtp_password_file too";
  else if (config->retry_first_ms > config->retry_longest_ms)
    wrong = "retry_first is above retry_longest";
  else if (config->window > config->unfinished)
    wrong = "window is above unfinished";
  else if (mail->timeout_ms > attempt_max_ms)
    wrong = "smtp_timeout is not 4s below session_timeout, after which another process may send the same mail: shorten "
            "it, or lengthen session_timeout";
  else if (config->webhook.timeout_ms > attempt_max_ms)
    wrong = "webhook_timeout is not 4s below session_timeout, after which another process may make the same call: "
            "shorten it, or lengthen session_timeout";
  if (!wrong) return OK;
  snprintf(problem, size, "%s", wrong);
  return ERR_CONFIG;
}

const struct config_schema notify_schema = {
    .service = "notify",
    .summary = "Turns Riser's decisions into messages to people, over SMTP and webhooks, and records each delivery.",
    .entries = entries,
    .count = sizeof entries / sizeof *entries,
    .check = check,
};

enum smtp_tls notify_smtp_tls(const struct mail_config *mail) {
  if (mail->tls != SMTP_TLS_AUTO) return (enum smtp_tls)mail->tls;
  return tls_loopback(mail->smtp) ? SMTP_TLS_TRY : SMTP_TLS_STARTTLS;
}

const char *notify_message_domain(const struct notify_config *config) {
  return *config->message_domain ? config->message_domain : strrchr(config->mail.from, '@') + 1;
}
