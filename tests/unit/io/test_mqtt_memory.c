// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "io/mqtt_memory.h"

struct peer {
  struct mqtt *mqtt;
  int messages, retained, ok, failed, ups, downs;
  char last[64];
};

static void on_message(void *ctx, const struct mqtt_message *message) {
  struct peer *peer = ctx;
  peer->messages++;
  peer->retained += message->retain;
  snprintf(peer->last, sizeof peer->last, "%.*s", (int)message->payload.len, (const char *)message->payload.data);
}

static void on_state(void *ctx, enum mqtt_state state, bool session_present, const char *reason) {
  struct peer *peer = ctx;
  (void)session_present, (void)reason;
  *(state == MQTT_CONNECTED ? &peer->ups : &peer->downs) += 1;
}

static void on_published(void *ctx, void *opaque, enum error err, int reason) {
  struct peer *peer = ctx;
  (void)reason;
  assert_ptr_equal(opaque, peer);
  *(err ? &peer->failed : &peer->ok) += 1;
}

static void open_peer(struct mqtt_memory *broker, struct peer *peer, const char *filter) {
  struct mqtt_subscription subscription = {.filter = filter, .qos = 1};
  struct mqtt_options options = {.handlers = {on_message, on_state, on_published, peer},
                                 .subscriptions = &subscription,
                                 .subscription_count = filter ? 1 : 0};
  memset(peer, 0, sizeof *peer);
  assert_int_equal(mqtt_memory_open(broker, &options, &peer->mqtt), OK);
  assert_true(mqtt_connected(peer->mqtt));
  assert_int_equal(peer->ups, 1);
}

static enum error publish(struct peer *peer, const char *topic, const char *text, bool retain) {
  struct mqtt_publish message = {
      .topic = topic, .payload = bytes_text(text), .qos = 1, .retain = retain, .opaque = peer};
  return mqtt_publish(peer->mqtt, &message);
}

static void test_delivery(void **state) {
  struct mqtt_memory *broker = mqtt_memory_new();
  struct peer writer, reader;
  (void)state;
  open_peer(broker, &writer, NULL);
  open_peer(broker, &reader, "a/+");
  assert_int_equal(publish(&writer, "a/b", "hello", false), OK);
  assert_int_equal(publish(&writer, "b/b", "not for us", false), OK);
  assert_int_equal(reader.messages + writer.ok, 0); // handlers only run when they are told to
  assert_int_equal(mqtt_memory_run(broker), 1);
  assert_int_equal(writer.ok, 2);
  assert_string_equal(reader.last, "hello");
  mqtt_close(writer.mqtt);
  mqtt_close(reader.mqtt);
  mqtt_memory_free(broker);
}

static void test_shared(void **state) {
  struct mqtt_memory *broker = mqtt_memory_new();
  struct peer writer, first, second, alone;
  (void)state;
  open_peer(broker, &writer, NULL);
  open_peer(broker, &first, "$share/ingest/up/#");
  open_peer(broker, &second, "$share/ingest/up/#");
  open_peer(broker, &alone, "$share/other/up/#");
  for (int i = 0; i < 100; i++) assert_int_equal(publish(&writer, "up/x", "x", false), OK);
  assert_int_equal(mqtt_memory_run(broker), 200);
  assert_int_equal(first.messages + second.messages, 100);
  assert_true(first.messages > 0 && second.messages > 0);
  assert_int_equal(alone.messages, 100);
  mqtt_pause(first.mqtt); // the other one takes over
  for (int i = 0; i < 10; i++) assert_int_equal(publish(&writer, "up/x", "x", false), OK);
  assert_int_equal(mqtt_memory_run(broker), 20);
  mqtt_close(writer.mqtt);
  mqtt_close(first.mqtt);
  mqtt_close(second.mqtt);
  mqtt_close(alone.mqtt);
  mqtt_memory_free(broker);
}

static void test_pause_and_break(void **state) {
  struct mqtt_memory *broker = mqtt_memory_new();
  struct peer writer, reader;
  (void)state;
  open_peer(broker, &writer, NULL);
  open_peer(broker, &reader, "#");
  mqtt_pause(reader.mqtt);
  assert_false(mqtt_connected(reader.mqtt));
  assert_int_equal(publish(&reader, "a", "x", false), ERR_DISCONNECTED);
  assert_int_equal(publish(&writer, "a", "kept", false), OK);
  assert_int_equal(mqtt_memory_run(broker), 0);
  mqtt_resume(reader.mqtt);
  assert_int_equal(mqtt_memory_run(broker), 1);
  mqtt_memory_break(broker, true);
  assert_int_equal(publish(&writer, "a", "x", false), ERR_DISCONNECTED);
  assert_int_equal(writer.downs, 1);
  mqtt_memory_break(broker, false);
  mqtt_memory_fail_publishes(broker, 1, ERR_REFUSED);
  assert_int_equal(publish(&writer, "a", "x", false), OK);
  assert_int_equal(publish(&writer, "a", "y", false), OK);
  assert_int_equal(mqtt_memory_run(broker), 1);
  assert_true(writer.failed == 1 && writer.ok == 2);
  assert_string_equal(reader.last, "y");
  assert_true(reader.ups == 3 && reader.downs == 2);
  mqtt_close(writer.mqtt);
  mqtt_close(reader.mqtt);
  mqtt_memory_free(broker);
}

static void test_retained(void **state) {
  struct mqtt_memory *broker = mqtt_memory_new();
  struct peer writer, reader;
  (void)state;
  open_peer(broker, &writer, NULL);
  assert_int_equal(publish(&writer, "a/state", "off", true), OK);
  assert_int_equal(publish(&writer, "a/state", "on", true), OK);
  assert_int_equal(publish(&writer, "b/state", "on", true), OK);
  assert_int_equal(publish(&writer, "b/state", "", true), OK); // takes it back
  open_peer(broker, &reader, "+/state");
  mqtt_memory_run(broker);
  assert_true(reader.messages == 1 && reader.retained == 1);
  assert_string_equal(reader.last, "on");
  assert_int_equal(publish(&writer, "a/state", "off", true), OK);
  mqtt_memory_run(broker);
  assert_true(reader.messages == 2 && reader.retained == 1); // live, so not marked as retained
  mqtt_close(writer.mqtt);
  mqtt_close(reader.mqtt);
  mqtt_memory_free(broker);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_delivery),
      cmocka_unit_test(test_shared),
      cmocka_unit_test(test_pause_and_break),
      cmocka_unit_test(test_retained),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
