// SPDX-License-Identifier: Apache-2.0
#include "notify/courier.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum { IDLE_CONNECTIONS = 64 };

struct flight {
  struct attempt attempt;
  struct flight *next;
};

struct courier {
  CURLM *multi;
  courier_done *done;
  void *ctx;
  struct flight *flights;
  size_t count;
};

enum error courier_new(courier_done *done, void *ctx, struct courier **created) {
  struct courier *courier = calloc(1, sizeof *courier);
  if (!courier) return ERR_NO_MEMORY;
  courier->multi = curl_multi_init();
  if (!courier->multi) {
    free(courier);
    return ERR_NO_MEMORY;
  }
  curl_multi_setopt(courier->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
  courier->done = done;
  courier->ctx = ctx;
  *created = courier;
  return OK;
}

bool courier_has_room(const struct courier *courier, const struct channel_link *link, uint32_t lane) {
  size_t in_lane = 0;
  if (link->in_flight >= link->in_flight_max) return false;
  for (const struct flight *flight = courier->flights; flight; flight = flight->next) {
    if (flight->attempt.link == link && flight->attempt.lane == lane) in_lane++;
  }
  return in_lane < link->per_lane_max;
}

size_t courier_in_flight(const struct courier *courier) {
  return courier->count;
}

static void flight_free(struct flight *flight) {
  if (flight->attempt.easy) curl_easy_cleanup(flight->attempt.easy);
  curl_slist_free_all(flight->attempt.headers);
  curl_slist_free_all(flight->attempt.recipients);
  buffer_fini(&flight->attempt.payload);
  free(flight);
}

static void flight_link(struct courier *courier, struct flight *flight) {
  flight->next = courier->flights;
  courier->flights = flight;
  courier->count++;
  flight->attempt.link->in_flight++;
}

static void flight_unlink(struct courier *courier, struct flight *flight) {
  struct flight **at = &courier->flights;
  while (*at != flight) at = &(*at)->next;
  *at = flight->next;
  courier->count--;
  flight->attempt.link->in_flight--;
  curl_multi_remove_handle(courier->multi, flight->attempt.easy);
}

static enum error flight_prepare(struct flight *flight, struct channel_link *link, const struct letter *letter) {
  struct attempt *attempt = &flight->attempt;
  buffer_init(&attempt->payload, ATTEMPT_PAYLOAD_MAX);
  attempt->link = link;
  attempt->lane = link->kind->lane(letter->person);
  attempt->easy = curl_easy_init();
  if (!attempt->easy) return ERR_NO_MEMORY;
  curl_easy_setopt(attempt->easy, CURLOPT_PRIVATE, flight);
  curl_easy_setopt(attempt->easy, CURLOPT_ERRORBUFFER, attempt->reason);
  curl_easy_setopt(attempt->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(attempt->easy, CURLOPT_PROXY, ""); // not what the environment says
  return link->kind->prepare(link, letter, attempt);
}

enum error courier_start(struct courier *courier, struct channel_link *link, const struct letter *letter, void *owner) {
  struct flight *flight = calloc(1, sizeof *flight);
  if (!flight) return ERR_NO_MEMORY;
  flight->attempt.owner = owner;
  enum error err = flight_prepare(flight, link, letter);
  if (!err && curl_multi_add_handle(courier->multi, flight->attempt.easy) != CURLM_OK) err = ERR_NO_MEMORY;
  if (err) {
    flight_free(flight);
    return err;
  }
  flight_link(courier, flight);
  return OK;
}

static void land(struct courier *courier, const CURLMsg *message) {
  struct flight *flight = NULL;
  curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight);
  struct attempt *attempt = &flight->attempt;
  CURLcode code = message->data.result;
  struct verdict verdict = attempt->link->kind->judge(attempt, code);
  if (verdict.delivery != DELIVERY_DELIVERED) {
    // The reason may quote the receiver's address: only its code is logged.
    log_warn("attempt-failed", F_STR("channel", attempt->link->kind->name), F_STR("detail", verdict.detail),
             F_STR("curl", curl_easy_strerror(code)), F_BOOL("lasting", verdict.delivery == DELIVERY_FAILED));
  }
  void *owner = attempt->owner;
  flight_unlink(courier, flight);
  flight_free(flight);
  courier->done(courier->ctx, owner, verdict);
}

enum error courier_run(struct courier *courier, int timeout_ms, int64_t until_ms) {
  int running = 0, left = 0;
  if (clock_mono_ms() > until_ms) return OK;
  CURLMcode code = curl_multi_perform(courier->multi, &running);
  bool waits = code == CURLM_OK && timeout_ms > 0 && (size_t)running == courier->count;
  if (waits) {
    code = curl_multi_poll(courier->multi, NULL, 0, timeout_ms, NULL);
    if (clock_mono_ms() > until_ms) return OK;
    if (code == CURLM_OK) code = curl_multi_perform(courier->multi, &running);
  }
  if (code != CURLM_OK) {
    log_error("curl-multi-failed", F_STR("reason", curl_multi_strerror(code)));
    return ERR_INTERNAL;
  }
  for (const CURLMsg *message; (message = curl_multi_info_read(courier->multi, &left));) {
    if (message->msg == CURLMSG_DONE) land(courier, message);
  }
  return OK;
}

void courier_cancel(struct courier *courier, const void *owner) {
  for (struct flight *flight = courier->flights; flight; flight = flight->next) {
    if (flight->attempt.owner != owner) continue;
    flight_unlink(courier, flight);
    flight_free(flight);
    return;
  }
}

void courier_free(struct courier *courier) {
  if (!courier) return;
  while (courier->flights) {
    struct flight *flight = courier->flights;
    flight_unlink(courier, flight);
    flight_free(flight);
  }
  curl_multi_cleanup(courier->multi);
  free(courier);
}
