// SPDX-License-Identifier: Apache-2.0
// Mail: one SMTP conversation a message, over connections that libcurl keeps open. A reply of 5xx to this message is
// lasting; everything before the conversation reached it (the connection, TLS, our login, the greeting) may pass.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notify/channel/channel.h"
#include "notify/core/mime.h"

enum { CONNECT_TIMEOUT_MS = 10000, IDLE_S = 20, URL_SIZE = 512, ADDRESS_SIZE = MIME_ADDRESS_MAX + 3 };

struct mail_link {
  struct channel_link base;
  const struct mail_config *config;
  char url[URL_SIZE];
};

static bool mail_reaches(const struct person *person) {
  return *person->mail != '\0';
}

static uint32_t mail_lane(const struct person *person) {
  (void)person;
  return 0;
}

static enum error mail_open(const struct notify_config *config, struct channel_link **link) {
  struct mail_link *mail = calloc(1, sizeof *mail);
  if (!mail) return ERR_NO_MEMORY;
  mail->config = &config->mail;
  mail->base.in_flight_max = (size_t)config->mail.connections;
  mail->base.per_lane_max = mail->base.in_flight_max;
  // The path is the name with which we greet.
  const char *scheme = notify_smtp_tls(mail->config) == SMTP_TLS_IMPLICIT ? "smtps" : "smtp";
  int len = snprintf(mail->url, sizeof mail->url, "%s://%s/%s", scheme, config->mail.smtp,
                     notify_message_domain(config));
  if (len >= (int)sizeof mail->url) {
    free(mail);
    return ERR_CONFIG;
  }
  *link = &mail->base;
  return OK;
}

static void mail_close(struct channel_link *link) {
  free(link);
}

static enum error write_payload(const struct mail_config *config, const struct letter *letter, struct buffer *out) {
  const struct mime_mail mail = {
      .from_name = config->from_name,
      .from = config->from,
      .reply_to = config->reply_to,
      .to_name = letter->person->name,
      .to = letter->person->mail,
      .subject = letter->message->subject,
      .message_id = letter->message_id,
      .language = letter->message->language,
      .kind = letter->message->kind,
      .decision = letter->decision->id,
      .text = letter->message->text,
      .date_s = letter->decision->business_time_s,
      .base64 = config->encoding == MAIL_ENCODING_BASE64,
  };
  return mime_write(&mail, out);
}

static size_t read_payload(char *to, size_t size, size_t count, void *ctx) {
  struct attempt *attempt = ctx;
  size_t left = attempt->payload.len - attempt->sent;
  size_t part = size * count < left ? size * count : left;
  memcpy(to, attempt->payload.data + attempt->sent, part);
  attempt->sent += part;
  return part;
}

static void set_login(CURL *easy, const struct mail_config *config) {
  static const long levels[] = {[SMTP_TLS_NONE] = CURLUSESSL_NONE,
                                [SMTP_TLS_TRY] = CURLUSESSL_TRY,
                                [SMTP_TLS_STARTTLS] = CURLUSESSL_ALL,
                                [SMTP_TLS_IMPLICIT] = CURLUSESSL_ALL};
  curl_easy_setopt(easy, CURLOPT_USE_SSL, levels[notify_smtp_tls(config)]);
  if (*config->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
  if (!*config->user) return;
  curl_easy_setopt(easy, CURLOPT_USERNAME, config->user);
  curl_easy_setopt(easy, CURLOPT_PASSWORD, config->password);
}

static enum error mail_prepare(struct channel_link *link, const struct letter *letter, struct attempt *attempt) {
  const struct mail_link *mail = (const struct mail_link *)link;
  enum error err = write_payload(mail->config, letter, &attempt->payload);
  if (err) return err;
  char from[ADDRESS_SIZE], to[ADDRESS_SIZE];
  snprintf(from, sizeof from, "<%s>", mail->config->from);
  snprintf(to, sizeof to, "<%s>", letter->person->mail);
  attempt->recipients = curl_slist_append(NULL, to);
  if (!attempt->recipients) return ERR_NO_MEMORY;
  CURL *easy = attempt->easy;
  curl_easy_setopt(easy, CURLOPT_URL, mail->url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, attempt->recipients);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_payload);
  curl_easy_setopt(easy, CURLOPT_READDATA, attempt);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)mail->config->timeout_ms);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
  set_login(easy, mail->config);
  return OK;
}

// libcurl says CURLE_SEND_ERROR when MAIL, RCPT or DATA is refused and CURLE_WEIRD_SERVER_REPLY when the message is,
// but also when the greeting is not as it should be: then nothing of the message has been read.
static bool is_about_the_message(const struct attempt *attempt, CURLcode code) {
  return code == CURLE_SEND_ERROR || (code == CURLE_WEIRD_SERVER_REPLY && attempt->sent > 0);
}

static struct verdict mail_judge(const struct attempt *attempt, CURLcode code) {
  struct verdict verdict = {.delivery = code == CURLE_OK ? DELIVERY_DELIVERED : DELIVERY_NONE};
  long reply = 0;
  curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &reply);
  if (code == CURLE_OK) {
    snprintf(verdict.detail, sizeof verdict.detail, "smtp-250");
  } else if (is_about_the_message(attempt, code) && reply >= 400 && reply <= 599) {
    snprintf(verdict.detail, sizeof verdict.detail, "smtp-%ld", reply);
    if (reply >= 500) verdict.delivery = DELIVERY_FAILED;
  } else if (code == CURLE_LOGIN_DENIED) {
    snprintf(verdict.detail, sizeof verdict.detail, "smtp-login-denied");
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    snprintf(verdict.detail, sizeof verdict.detail, "timeout");
  } else {
    snprintf(verdict.detail, sizeof verdict.detail, "curl-%d", (int)code);
  }
  return verdict;
}

const struct channel_kind channel_mail = {
    .name = "mail",
    .channel = CHANNEL_MAIL,
    .help = "a mail through the SMTP relay",
    .reaches = mail_reaches,
    .lane = mail_lane,
    .open = mail_open,
    .prepare = mail_prepare,
    .judge = mail_judge,
    .close = mail_close,
};
