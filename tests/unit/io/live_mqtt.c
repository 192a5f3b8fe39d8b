// SPDX-License-Identifier: Apache-2.0
// lib/io's MQTT against a real broker at RISER_MQTT.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/mqtt.h"

enum { WAIT_MS = 30000 };

struct peer {
  struct mqtt *mqtt;
  atomic_int messages;
  atomic_int retained;
  atomic_int published;
  atomic_int failed;
  atomic_int ups;
  atomic_int downs;
  atomic_bool session_present;
  char last[64];
};

static char prefix[64];
static int inflight_max = 1000;

static void on_message(void *ctx, const struct mqtt_message *message) {
  struct peer *peer = ctx;
  snprintf(peer->last, sizeof peer->last, "%.*s", (int)message->payload.len, (const char *)message->payload.data);
  peer->retained += message->retain;
  peer->messages++;
}

static void on_state(void *ctx, enum mqtt_state state, bool session_present, const char *reason) {
  struct peer *peer = ctx;
  (void)reason;
  if (state == MQTT_CONNECTED) peer->session_present = session_present;
  *(state == MQTT_CONNECTED ? &peer->ups : &peer->downs) += 1;
}

static void on_published(void *ctx, void *opaque, enum error err, int reason) {
  struct peer *peer = ctx;
  (void)reason;
  assert_ptr_equal(opaque, peer);
  *(err ? &peer->failed : &peer->published) += 1;
}

static bool comes(atomic_int *counter, int value) {
  int64_t until = clock_mono_ms() + WAIT_MS;
  while (atomic_load(counter) < value && clock_mono_ms() < until) clock_sleep_ms(2);
  return atomic_load(counter) == value;
}

static struct mqtt_options options_of(struct peer *peer, const char *id) {
  struct mqtt_options options = {
      .settings = {.address = getenv("RISER_MQTT"),
                   .client_id = id,
                   .session_expiry_ms = 60000,
                   .keep_alive_ms = 30000,
                   .reconnect_max_ms = 500},
      .instance = prefix,
      .handlers = {on_message, on_state, on_published, peer},
  };
  return options;
}

static void open_peer(struct peer *peer, const char *id, const char *filter, bool clean) {
  struct mqtt_options options = options_of(peer, id);
  struct mqtt_subscription subscription = {.filter = filter, .qos = 1};
  memset(peer, 0, sizeof *peer);
  options.subscriptions = &subscription;
  options.subscription_count = filter ? 1 : 0;
  options.clean_start = clean;
  options.inflight_max = inflight_max;
  assert_int_equal(mqtt_open(&options, &peer->mqtt), OK);
  assert_true(mqtt_wait_connected(peer->mqtt, WAIT_MS));
  assert_true(comes(&peer->ups, 1));
}

static enum error publish(struct peer *peer, const char *topic, const char *text, bool retain) {
  struct mqtt_publish message = {
      .topic = topic, .payload = bytes_text(text), .qos = 1, .retain = retain, .opaque = peer};
  return mqtt_publish(peer->mqtt, &message);
}

// One for most tests: each further client of a process takes two seconds to connect.
static struct peer speaker;

static int open_speaker(void **state) {
  (void)state;
  open_peer(&speaker, "speaker", NULL, true);
  return 0;
}

static int close_speaker(void **state) {
  (void)state;
  mqtt_close(speaker.mqtt);
  return 0;
}

static void speak(void) {
  speaker.published = speaker.failed = 0;
}

static const char *topic_of(const char *tail) {
  static char topics[8][128];
  static int turn;
  char *topic = topics[turn++ % 8];
  snprintf(topic, sizeof topics[0], "riser-test/%s/%s", prefix, tail);
  return topic;
}

static void test_publish_and_receive(void **state) {
  struct peer reader;
  (void)state;
  open_peer(&reader, "r", topic_of("+"), true);
  speak();
  for (int i = 0; i < 1000; i++) assert_int_equal(publish(&speaker, topic_of("a"), "hello", false), OK);
  assert_true(comes(&speaker.published, 1000));
  assert_true(comes(&reader.messages, 1000));
  assert_string_equal(reader.last, "hello");
  mqtt_close(reader.mqtt);
  assert_int_equal(speaker.failed, 0);
}

static void test_shared_subscription(void **state) {
  struct peer first, second;
  char filter[128];
  (void)state;
  snprintf(filter, sizeof filter, "$share/group-%s/%s", prefix, topic_of("s"));
  open_peer(&first, "s1", filter, true);
  open_peer(&second, "s2", filter, true);
  speak();
  for (int i = 0; i < 1000; i++) assert_int_equal(publish(&speaker, topic_of("s"), "x", false), OK);
  assert_true(comes(&speaker.published, 1000));
  clock_sleep_ms(300);
  assert_int_equal(first.messages + second.messages, 1000);
  assert_true(first.messages > 0 && second.messages > 0);
  mqtt_close(first.mqtt);
  mqtt_close(second.mqtt);
}

// Paused, the broker keeps the messages; the session survives.
static void test_pause_holds(void **state) {
  struct peer reader;
  (void)state;
  open_peer(&reader, "p", topic_of("p"), true);
  mqtt_close(reader.mqtt);
  open_peer(&reader, "p", topic_of("p"), false);
  assert_true(reader.session_present);
  speak();
  mqtt_pause(reader.mqtt);
  assert_true(comes(&reader.downs, 1));
  clock_sleep_ms(200);
  assert_false(mqtt_connected(reader.mqtt));
  assert_int_equal(publish(&reader, topic_of("x"), "x", false), ERR_DISCONNECTED);
  for (int i = 0; i < 100; i++) assert_int_equal(publish(&speaker, topic_of("p"), "kept", false), OK);
  assert_true(comes(&speaker.published, 100));
  assert_int_equal(reader.messages, 0);
  mqtt_resume(reader.mqtt);
  assert_true(comes(&reader.messages, 100));
  assert_true(comes(&reader.ups, 2));
  mqtt_close(reader.mqtt);
}

static void test_retained_and_expiry(void **state) {
  struct peer reader;
  (void)state;
  speak();
  assert_int_equal(publish(&speaker, topic_of("state"), "on", true), OK);
  struct mqtt_publish dying = {.topic = topic_of("dying"),
                               .payload = bytes_text("x"),
                               .qos = 1,
                               .retain = true,
                               .expiry_s = 1,
                               .opaque = &speaker};
  assert_int_equal(mqtt_publish(speaker.mqtt, &dying), OK);
  assert_true(comes(&speaker.published, 2));
  clock_sleep_ms(2500);
  open_peer(&reader, "r", topic_of("+"), true);
  clock_sleep_ms(500);
  assert_int_equal(reader.messages, 1);
  assert_int_equal(reader.retained, 1);
  assert_string_equal(reader.last, "on");
  assert_int_equal(publish(&speaker, topic_of("state"), "", true), OK);
  assert_true(comes(&speaker.published, 3));
  mqtt_close(reader.mqtt);
}

static struct mqtt *session(struct peer *peer, const char *filter, const char *leaving) {
  struct mqtt_options options = options_of(peer, "k");
  struct mqtt_subscription subscription = {.filter = filter, .qos = 1, .retained_once = true};
  memset(peer, 0, sizeof *peer);
  options.subscriptions = &subscription;
  options.subscription_count = 1;
  options.leaving = &leaving;
  options.leaving_count = leaving ? 1 : 0;
  assert_int_equal(mqtt_open(&options, &peer->mqtt), OK);
  assert_true(comes(&peer->ups, 1));
  return peer->mqtt;
}

// A session outlives its client: what it subscribed before is left in it, or everything comes twice; and what is
// retained comes once in its life.
static void test_a_session_is_gone_on_with(void **state) {
  struct peer writer, reader;
  char shared[256], plain[128];
  (void)state;
  snprintf(plain, sizeof plain, "%s", topic_of("kept/#"));
  snprintf(shared, sizeof shared, "$share/kept-%s/%s", prefix, plain);
  open_peer(&writer, "w", NULL, true);
  assert_int_equal(publish(&writer, topic_of("kept/state"), "on", true), OK);
  assert_true(comes(&writer.published, 1));
  session(&reader, shared, NULL);
  clock_sleep_ms(300); // Mosquitto gives a share what is retained, too
  mqtt_close(reader.mqtt);
  assert_int_equal(publish(&writer, topic_of("kept/a"), "meanwhile", false), OK);
  session(&reader, plain, shared);
  assert_true(reader.session_present);
  assert_true(comes(&reader.messages, 2) && reader.retained == 1); // what waited in the share, and the state
  assert_int_equal(publish(&writer, topic_of("kept/a"), "x", false), OK);
  assert_true(comes(&writer.published, 3));
  clock_sleep_ms(300);
  assert_int_equal(reader.messages, 3);
  mqtt_close(reader.mqtt);
  session(&reader, plain, NULL);
  assert_int_equal(publish(&writer, topic_of("kept/state"), "", true), OK);
  assert_true(comes(&reader.messages, 1));
  assert_int_equal(reader.retained, 0);
  mqtt_close(writer.mqtt);
  mqtt_close(reader.mqtt);
}

// The broker throws the first out when a second one comes with its id; each then comes back, until the other is gone.
static void test_comes_back(void **state) {
  struct peer first, second;
  (void)state;
  open_peer(&first, "twin", NULL, true);
  open_peer(&second, "twin", NULL, true);
  int64_t until = clock_mono_ms() + WAIT_MS;
  while (atomic_load(&first.downs) == 0 && clock_mono_ms() < until) clock_sleep_ms(5);
  assert_true(first.downs > 0);
  mqtt_close(second.mqtt);
  clock_sleep_ms(1000);
  assert_true(mqtt_wait_connected(first.mqtt, WAIT_MS));
  assert_int_equal(publish(&first, topic_of("a"), "x", false), OK);
  assert_true(comes(&first.published, 1));
  mqtt_close(first.mqtt);
}

static void test_nobody_there(void **state) {
  struct peer peer = {.mqtt = NULL};
  struct mqtt_options options = options_of(&peer, "n");
  (void)state;
  options.settings.address = "127.0.0.1:1";
  assert_int_equal(mqtt_open(&options, &peer.mqtt), OK);
  assert_false(mqtt_wait_connected(peer.mqtt, 1000));
  assert_int_equal(publish(&peer, "a", "x", false), ERR_DISCONNECTED);
  mqtt_close(peer.mqtt);
  options.settings.address = "nonsense://x";
  assert_int_equal(mqtt_open(&options, &peer.mqtt), ERR_CONFIG);
}

static void test_bounded_and_decided(void **state) {
  struct peer writer;
  (void)state;
  inflight_max = 10;
  open_peer(&writer, "b", NULL, true);
  inflight_max = 1000;
  int sent = 0;
  enum error err = OK;
  for (int i = 0; i < 100000 && !err; i++) {
    err = publish(&writer, topic_of("b"), "x", false);
    sent += err == OK;
  }
  assert_int_equal(err, ERR_QUEUE_FULL);
  mqtt_close(writer.mqtt);
  assert_int_equal(writer.published + writer.failed, sent); // each exactly once
}

static void test_speed(void **state) {
  enum { MESSAGES = 50000 };
  struct peer reader;
  (void)state;
  open_peer(&reader, "r", topic_of("speed"), true);
  speak();
  int64_t start = clock_mono_ms();
  for (int i = 0; i < MESSAGES;) {
    if (publish(&speaker, topic_of("speed"), "0123456789012345678901234567890123456789", false) == OK) {
      i++;
    } else {
      clock_sleep_ms(1);
    }
  }
  assert_true(comes(&reader.messages, MESSAGES));
  int64_t took = clock_mono_ms() - start;
  print_message("%d messages published and received: %lld/s\n", MESSAGES, (long long)(MESSAGES * 1000LL / took));
  mqtt_close(reader.mqtt);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_publish_and_receive),
      cmocka_unit_test(test_shared_subscription),
      cmocka_unit_test(test_pause_holds),
      cmocka_unit_test(test_retained_and_expiry),
      cmocka_unit_test(test_comes_back),
      cmocka_unit_test(test_nobody_there),
      cmocka_unit_test(test_bounded_and_decided),
      cmocka_unit_test(test_speed),
      cmocka_unit_test(test_a_session_is_gone_on_with),
  };
  signal(SIGPIPE, SIG_IGN);
  snprintf(prefix, sizeof prefix, "t%lld", (long long)clock_wall_ms());
  return getenv("RISER_MQTT") ? cmocka_run_group_tests(tests, open_speaker, close_speaker) : 1;
}
