// SPDX-License-Identifier: Apache-2.0
// Webhooks: one signed POST a message, see docs/webhooks.md. Anything but 2xx, 408, 425, 429 and 5xx is lasting;
// redirects are not followed. Receivers are named by others, so by default only https to public addresses is called,
// and the address is checked when the socket is made, after the name was looked up.
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "notify/channel/address.h"
#include "notify/channel/channel.h"
#include "notify/channel/payload.h"
#include "notify/digest.h"

enum {
  CONNECT_TIMEOUT_MS = 5000,
  SECRET_MAX = 4096,
  SECRET_MIN = 16,
  PATH_SIZE = 1024,
  HEADER_SIZE = 512,
  RETRY_AFTER_MAX_S = 86400, // libcurl hands on whatever 63 bits hold
};

struct webhook_link {
  struct channel_link base;
  const struct webhook_config *config;
};

static bool webhook_reaches(const struct person *person) {
  return *person->webhook_url != '\0';
}

// Scheme, host and port: up to the slash of the path.
static uint32_t webhook_lane(const struct person *person) {
  const char *begin = strstr(person->webhook_url, "://");
  begin = begin ? begin + 3 : person->webhook_url;
  return crc32c(0, begin, strcspn(begin, "/?#"));
}

static enum error webhook_open(const struct notify_config *config, struct channel_link **link) {
  struct webhook_link *webhook = calloc(1, sizeof *webhook);
  if (!webhook) return ERR_NO_MEMORY;
  webhook->config = &config->webhook;
  webhook->base.in_flight_max = (size_t)config->webhook.in_flight;
  webhook->base.per_lane_max = (size_t)config->webhook.per_host;
  *link = &webhook->base;
  return OK;
}

static void webhook_close(struct channel_link *link) {
  free(link);
}

// ---- the signature

static bool secret_name_valid(const char *name) {
  if (*name == '.' || strlen(name) > 64) return false;
  for (; *name; name++) {
    if (!isalnum((unsigned char)*name) && !strchr("._-", *name)) return false;
  }
  return true;
}

// Read at each call, so that a secret can be exchanged without a restart. A missing one is the operator's to mend:
// RETRY.
static enum error read_secret(const struct webhook_config *config, const char *name, char secret[SECRET_MAX + 1],
                              size_t *len) {
  char path[PATH_SIZE];
  if (!*name) name = "default";
  if (!secret_name_valid(name)) return ERR_BAD_VALUE;
  if (snprintf(path, sizeof path, "%s/%s", config->secrets, name) >= (int)sizeof path) return ERR_CONFIG;
  FILE *file = fopen(path, "rbe");
  size_t size = file ? fread(secret, 1, SECRET_MAX, file) : 0;
  if (file) fclose(file);
  while (size > 0 && (secret[size - 1] == '\n' || secret[size - 1] == '\r')) size--;
  if (size < SECRET_MIN) {
    log_error("webhook-secret-missing", F_STR("name", name), F_INT("least_bytes", SECRET_MIN));
    return ERR_UNAVAILABLE;
  }
  *len = size;
  return OK;
}

// "t=<unix seconds>,v1=<hex>" over "<t>.<body>".
static enum error sign(const struct webhook_config *config, const char *secret_name, struct bytes body,
                       char header[HEADER_SIZE]) {
  char secret[SECRET_MAX + 1], head[32], hex[DIGEST_HEX_SIZE];
  size_t len = 0;
  enum error err = read_secret(config, secret_name, secret, &len);
  if (err) return err;
  long long now_s = clock_wall_ms() / 1000;
  snprintf(head, sizeof head, "%lld.", now_s);
  err = digest_sign(bytes_make(secret, len), bytes_text(head), body, hex);
  explicit_bzero(secret, sizeof secret);
  if (!err) snprintf(header, HEADER_SIZE, "Riser-Signature: t=%lld,v1=%s", now_s, hex);
  return err;
}

// ---- the call

static enum error add_header(struct attempt *attempt, const char *header) {
  struct curl_slist *headers = curl_slist_append(attempt->headers, header);
  if (!headers) return ERR_NO_MEMORY;
  attempt->headers = headers;
  return OK;
}

static enum error set_headers(const struct webhook_config *config, const struct letter *letter,
                              struct attempt *attempt) {
  char header[HEADER_SIZE];
  enum error err = sign(config, letter->person->webhook_secret_name, buffer_bytes(&attempt->payload), header);
  if (!err) err = add_header(attempt, header);
  snprintf(header, sizeof header, "Riser-Message-Id: %s", letter->message_id);
  if (!err) err = add_header(attempt, header);
  snprintf(header, sizeof header, "Riser-Kind: %s", letter->message->kind);
  if (!err) err = add_header(attempt, header);
  if (!err) err = add_header(attempt, "Content-Type: application/json");
  if (!err) err = add_header(attempt, "Expect:"); // no 100-continue
  return err;
}

static size_t drop_answer(char *data, size_t size, size_t count, void *ctx) {
  struct attempt *attempt = ctx;
  (void)data;
  attempt->answered += size * count;
  return attempt->answered <= ATTEMPT_ANSWER_MAX ? size * count : 0;
}

static curl_socket_t open_public_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address) {
  struct attempt *attempt = ctx;
  (void)purpose;
  if (!address_is_public(&address->addr)) {
    attempt->refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype, address->protocol);
}

static enum error webhook_prepare(struct channel_link *link, const struct letter *letter, struct attempt *attempt) {
  const struct webhook_config *config = ((const struct webhook_link *)link)->config;
  enum error err = payload_write(letter, &attempt->payload);
  if (!err) err = set_headers(config, letter, attempt);
  if (err) return err;
  bool any = config->reach == WEBHOOK_REACH_ANY;
  CURL *easy = attempt->easy;
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, any ? "http,https" : "https");
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)attempt->payload.len);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)attempt->payload.data);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, attempt->headers);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "riser-notify");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_answer);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms);
  if (!any) curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_public_socket);
  if (!any) curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, attempt);
  return curl_easy_setopt(easy, CURLOPT_URL, letter->person->webhook_url) == CURLE_OK ? OK : ERR_NO_MEMORY;
}

static bool may_pass(long status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

static bool is_wrong_url(CURLcode code) {
  return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

static struct verdict webhook_judge(const struct attempt *attempt, CURLcode code) {
  struct verdict verdict = {.delivery = DELIVERY_NONE};
  long status = 0;
  curl_off_t asked_s = 0;
  curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(attempt->easy, CURLINFO_RETRY_AFTER, &asked_s);
  verdict.asked_ms = asked_s < RETRY_AFTER_MAX_S ? (int64_t)asked_s * 1000 : (int64_t)RETRY_AFTER_MAX_S * 1000;
  bool answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && attempt->answered > ATTEMPT_ANSWER_MAX);
  if (answered) {
    snprintf(verdict.detail, sizeof verdict.detail, "http-%ld", status);
    if (!may_pass(status)) verdict.delivery = status / 100 == 2 ? DELIVERY_DELIVERED : DELIVERY_FAILED;
  } else if (is_wrong_url(code)) {
    verdict.delivery = DELIVERY_FAILED;
    snprintf(verdict.detail, sizeof verdict.detail, "bad-url");
  } else if (attempt->refused) {
    verdict.delivery = DELIVERY_FAILED;
    snprintf(verdict.detail, sizeof verdict.detail, "private-address");
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    snprintf(verdict.detail, sizeof verdict.detail, "timeout");
  } else {
    snprintf(verdict.detail, sizeof verdict.detail, "curl-%d", (int)code);
  }
  return verdict;
}

const struct channel_kind channel_webhook = {
    .name = "webhook",
    .channel = CHANNEL_WEBHOOK,
    .help = "a signed POST to the person's own server",
    .reaches = webhook_reaches,
    .lane = webhook_lane,
    .open = webhook_open,
    .prepare = webhook_prepare,
    .judge = webhook_judge,
    .close = webhook_close,
};
