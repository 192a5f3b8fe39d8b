// SPDX-License-Identifier: Apache-2.0
#include "io/mqtt_subscriptions.h"

#include <stdlib.h>
#include <string.h>

static enum error add(char **texts, int *count, const char *text);
static void free_all(char **texts, int count);

enum error mqtt_subscriptions_init(struct mqtt_subscriptions *subscriptions, const struct mqtt_options *options) {
  size_t room = options->subscription_count + 1;
  *subscriptions = (struct mqtt_subscriptions){
      .filters = calloc(room, sizeof(char *)),
      .qos = calloc(room, sizeof(int)),
      .granting = calloc(room, sizeof(MQTTSubscribe_options)),
      .leaving = calloc(options->leaving_count + 1, sizeof(char *)),
  };
  if (!subscriptions->filters || !subscriptions->qos || !subscriptions->granting || !subscriptions->leaving)
    return ERR_NO_MEMORY;
  enum error err = OK;
  for (size_t i = 0; i < options->subscription_count && !err; i++) {
    subscriptions->qos[i] = options->subscriptions[i].qos;
    subscriptions->granting[i] = (MQTTSubscribe_options)MQTTSubscribe_options_initializer;
    subscriptions->granting[i].retainHandling = options->subscriptions[i].retained_once; // MQTT 5, 3.8.3.1
    err = add(subscriptions->filters, &subscriptions->count, options->subscriptions[i].filter);
  }
  for (size_t i = 0; i < options->leaving_count && !err; i++)
    err = add(subscriptions->leaving, &subscriptions->leaving_count, options->leaving[i]);
  return err;
}

static enum error add(char **texts, int *count, const char *text) {
  texts[*count] = strdup(text);
  if (!texts[*count]) return ERR_NO_MEMORY;
  ++*count;
  return OK;
}

void mqtt_subscriptions_fini(struct mqtt_subscriptions *subscriptions) {
  free_all(subscriptions->filters, subscriptions->count);
  free_all(subscriptions->leaving, subscriptions->leaving_count);
  free(subscriptions->qos);
  free(subscriptions->granting);
}

static void free_all(char **texts, int count) {
  for (int i = 0; i < count; i++) free(texts[i]);
  free(texts);
}

// Paho takes the options of a single subscription from one place, and of several from another.
void mqtt_subscriptions_grant(const struct mqtt_subscriptions *subscriptions, MQTTAsync_callOptions *call) {
  call->subscribeOptions = subscriptions->granting[0];
  call->subscribeOptionsList = subscriptions->granting;
  call->subscribeOptionsCount = subscriptions->count;
}
