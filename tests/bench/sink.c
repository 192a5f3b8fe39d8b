// SPDX-License-Identifier: Apache-2.0
// bench-sink ADDRESS FILTER COUNT: a Paho subscriber that does nothing with its messages but count them. With the same
// session, QoS and window as ingest it is the ceiling that ingest is held against. COUNT 0 only makes the session.
// Prints one JSON line: messages and the seconds from the first to the last.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <MQTTAsync.h>

struct sink {
  MQTTAsync client;
  const char *filter;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  long wanted;
  long received;
  int subscribed; // 1 yes, -1 failed
  struct timespec first, last;
};

static void tell(struct sink *sink, int subscribed) {
  pthread_mutex_lock(&sink->lock);
  if (subscribed) sink->subscribed = subscribed;
  pthread_cond_signal(&sink->changed);
  pthread_mutex_unlock(&sink->lock);
}

static int on_message(void *ctx, char *topic, int topic_len, MQTTAsync_message *message) {
  struct sink *sink = ctx;
  (void)topic_len;
  if (sink->received == 0) clock_gettime(CLOCK_MONOTONIC, &sink->first);
  if (++sink->received == sink->wanted) {
    clock_gettime(CLOCK_MONOTONIC, &sink->last);
    tell(sink, 0);
  }
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}

static void on_subscribed(void *ctx, MQTTAsync_successData5 *data) {
  (void)data;
  tell(ctx, 1);
}

static void on_failure(void *ctx, MQTTAsync_failureData5 *data) {
  fprintf(stderr, "bench-sink: refused with code %d\n", data ? data->code : 0);
  tell(ctx, -1);
}

static void on_connected(void *ctx, MQTTAsync_successData5 *data) {
  struct sink *sink = ctx;
  (void)data;
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  options.onSuccess5 = on_subscribed;
  options.onFailure5 = on_failure;
  options.context = sink;
  if (MQTTAsync_subscribe(sink->client, sink->filter, 1, &options) != MQTTASYNC_SUCCESS) tell(sink, -1);
}

static void connect_sink(struct sink *sink) {
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
  MQTTProperties properties = MQTTProperties_initializer;
  MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 3600};
  MQTTProperties_add(&properties, &expiry);
  options.MQTTVersion = MQTTVERSION_5;
  options.cleanstart = 0;
  options.keepAliveInterval = 30;
  options.connectProperties = &properties;
  options.onSuccess5 = on_connected;
  options.onFailure5 = on_failure;
  options.context = sink;
  if (MQTTAsync_connect(sink->client, &options) != MQTTASYNC_SUCCESS) tell(sink, -1);
  MQTTProperties_free(&properties);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: bench-sink tcp://HOST:PORT FILTER COUNT\n");
    return 2;
  }
  struct sink sink = {.filter = argv[2], .wanted = strtol(argv[3], NULL, 10)};
  pthread_mutex_init(&sink.lock, NULL);
  pthread_cond_init(&sink.changed, NULL);
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
  if (MQTTAsync_createWithOptions(&sink.client, argv[1], "bench-sink", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create) != 0)
    return 1;
  MQTTAsync_setCallbacks(sink.client, &sink, NULL, on_message, NULL);
  connect_sink(&sink);

  pthread_mutex_lock(&sink.lock);
  while (sink.subscribed == 0 || (sink.subscribed == 1 && sink.received < sink.wanted))
    pthread_cond_wait(&sink.changed, &sink.lock);
  pthread_mutex_unlock(&sink.lock);
  if (sink.subscribed < 0) return 1;

  double seconds =
      (double)(sink.last.tv_sec - sink.first.tv_sec) + (double)(sink.last.tv_nsec - sink.first.tv_nsec) / 1e9;
  printf("{\"messages\": %ld, \"seconds\": %.4f}\n", sink.received, seconds);
  MQTTAsync_disconnectOptions bye = MQTTAsync_disconnectOptions_initializer5;
  bye.timeout = 1000;
  MQTTAsync_disconnect(sink.client, &bye);
  nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); // the PUBACKs of the last messages
  MQTTAsync_destroy(&sink.client);
  return 0;
}
