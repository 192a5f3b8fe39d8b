// SPDX-License-Identifier: Apache-2.0
// A channel: a way to reach a person, as one descriptor. Each is one file in this folder and one word in the list of
// its CMakeLists.txt; nothing else changes. A channel only sets up and judges transfers of libcurl; the courier runs
// them, many at a time. All on the worker's thread, none may block.
#ifndef RISER_NOTIFY_CHANNEL_CHANNEL_H
#define RISER_NOTIFY_CHANNEL_CHANNEL_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "domain/decision.h"
#include "domain/fact.h"
#include "domain/person.h"
#include "notify/config.h"
#include "notify/core/message.h"

struct channel_kind;

// An open channel; the variants embed it at their beginning.
struct channel_link {
  const struct channel_kind *kind;
  size_t in_flight_max; // attempts at a time
  size_t per_lane_max;  // attempts at a time of one lane
  size_t in_flight;     // kept by the courier
};

// What is to be sent; borrowed for the call of prepare.
struct letter {
  const char *message_id;
  const struct decision *decision;
  const struct person *person;
  const struct message *message;
};

enum { ATTEMPT_PAYLOAD_MAX = 262144, ATTEMPT_ANSWER_MAX = 65536, VERDICT_DETAIL_SIZE = 48 };

// One transfer. The courier makes and frees it; prepare sets up `easy`, `headers` and `payload`.
struct attempt {
  CURL *easy;
  struct curl_slist *headers; // freed with the attempt
  struct curl_slist *recipients;
  struct buffer payload; // what is sent; must stay as it is until the end
  size_t sent;           // of the payload
  size_t answered;       // bytes of the answer, which is not kept
  bool refused;          // we did not want to connect to that address
  char reason[CURL_ERROR_SIZE];
  struct channel_link *link;
  uint32_t lane;
  void *owner;
};

struct verdict {
  enum delivery delivery;           // DELIVERED, FAILED for good, or NONE: try again
  int64_t asked_ms;                 // pause that the receiver asks for; 0: none
  char detail[VERDICT_DETAIL_SIZE]; // stable, without personal data: "smtp-550", "http-404", "timeout"
};

struct channel_kind {
  const char *name; // part of the Message-ID's digest: never to be changed
  enum channel channel;
  const char *help;
  bool (*reaches)(const struct person *person); // has the person an address here?
  // Attempts of one lane share a limit, so that one slow receiver does not take all the places.
  uint32_t (*lane)(const struct person *person);
  enum error (*open)(const struct notify_config *config, struct channel_link **link); // config is borrowed until close
  // REJECT: it can never be sent. RETRY: not now.
  enum error (*prepare)(struct channel_link *link, const struct letter *letter, struct attempt *attempt);
  struct verdict (*judge)(const struct attempt *attempt, CURLcode code);
  void (*close)(struct channel_link *link);
};

extern const struct channel_kind *const channels[]; // generated from the list
extern const size_t channel_count;

#endif
