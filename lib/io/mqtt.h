// SPDX-License-Identifier: Apache-2.0
// An MQTT 5 client that keeps itself connected. A thread of its own connects and, with growing pauses, connects again;
// Paho's threads call the handlers.
//
// What Paho does, and what follows from it: on_message runs on Paho's single receive thread under its global lock; the
// PUBACK is sent when it returns, whatever happened. So on_message must have made the message safe before it returns,
// must not call back into this module, and must be quick: while it runs, no client of this process receives anything.
// To stop the intake, call mqtt_pause from another thread: it disconnects, and the broker keeps the messages.
#ifndef RISER_IO_MQTT_H
#define RISER_IO_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct mqtt_settings {
  const char *address;    // host:port; or, whatever `tls` says, tcp://host:port or ssl://host:port
  int tls;                // enum tls_mode
  const char *client_id;  // stable, since the broker keeps the session by it
  const char *client_key; // NULL or "" for none: added to the client id, which nobody else may be able to guess
  const char *username;   // "" for none
  const char *password;   // "" for none
  const char *ca_file;    // PEM; "": the system's. The three are read anew at each connection
  const char *cert_file;  // PEM; "" for none
  const char *key_file;
  int64_t session_expiry_ms;
  int64_t keep_alive_ms;
  int64_t reconnect_max_ms;
};

struct mqtt_message {
  const char *topic;
  struct bytes payload;
  int qos;
  bool retain;
  bool duplicate; // the broker sends it again
};

enum mqtt_state { MQTT_CONNECTED, MQTT_DISCONNECTED };

// Borrowed pointers live until the handler returns.
struct mqtt_handlers {
  // Paho's receive thread; see above. May be NULL.
  void (*on_message)(void *ctx, const struct mqtt_message *message);
  // A library thread. CONNECTED: and every subscription is granted, those to be left are gone; session_present: the
  // broker kept our session.
  // DISCONNECTED: `reason` says why, for the log. May be NULL.
  void (*on_state)(void *ctx, enum mqtt_state state, bool session_present, const char *reason);
  // A library thread: what became of a QoS 1 publish. OK: the broker has it. RETRY: it may or may not have arrived.
  // ERR_REFUSED: the broker said no, with this MQTT reason code. May be NULL.
  void (*on_published)(void *ctx, void *opaque, enum error err, int reason);
  void *ctx;
};

struct mqtt_subscription {
  const char *filter; // also "$share/<group>/<filter>"
  int qos;
  bool retained_once; // what is retained comes only if our session does not have this subscription yet
};

struct mqtt_options {
  struct mqtt_settings settings;
  const char *instance; // NULL, or added to the client id behind a dash
  struct mqtt_handlers handlers;
  const struct mqtt_subscription *subscriptions; // copied; subscribed at each connection
  size_t subscription_count;
  const char *const *leaving; // copied; filters that our session may have from before: they are unsubscribed
  size_t leaving_count;
  bool paused;               // begins as after mqtt_pause
  bool clean_start;          // forget what the broker kept of our session
  int receive_maximum;       // unacknowledged messages the broker may send; 0: 65,535
  int inflight_max;          // of our unacknowledged publishes; 0: 1,000. Beyond it publish says ERR_QUEUE_FULL
  const char *will_topic;    // NULL for no will
  struct bytes will_payload; // sent retained with QoS 1 when we vanish
};

struct mqtt {
  const struct mqtt_ops *ops;
};

// Whether connections are encrypted: by the scheme of the address, or without one by `tls`.
bool mqtt_encrypted(const struct mqtt_settings *settings);

// Returns at once and begins to connect. ERR_CONFIG: Paho refuses the address or the options.
enum error mqtt_open(const struct mqtt_options *options, struct mqtt **mqtt) MUST_USE;

struct mqtt_publish {
  const char *topic;
  struct bytes payload; // copied
  int qos;              // 0 or 1
  bool retain;
  int64_t expiry_s; // the broker drops it after that; 0: never
  void *opaque;     // handed to on_published
};

// Queues the message. Any thread, but not from on_message. ERR_DISCONNECTED, ERR_QUEUE_FULL: try again later, and
// on_published is not called; on OK it is called exactly once for QoS 1, at the latest in mqtt_close.
enum error mqtt_publish(struct mqtt *mqtt, const struct mqtt_publish *message) MUST_USE;

bool mqtt_connected(struct mqtt *mqtt);
bool mqtt_wait_connected(struct mqtt *mqtt, int timeout_ms); // true when connected

// Disconnects and stays so: the broker then holds what comes. Any thread but Paho's; returns at once, on_state follows.
void mqtt_pause(struct mqtt *mqtt);
void mqtt_resume(struct mqtt *mqtt);

// Disconnects, waiting up to two seconds for what is in flight; no handler runs after it. NULL is fine.
void mqtt_close(struct mqtt *mqtt);

struct mqtt_ops {
  enum error (*publish)(struct mqtt *, const struct mqtt_publish *);
  bool (*wait_connected)(struct mqtt *, int timeout_ms);
  void (*pause)(struct mqtt *, bool paused);
  void (*close)(struct mqtt *);
};

// Whether a filter with + and # (without "$share/<group>/") matches a topic name (MQTT 5, section 4.7). Pure.
bool mqtt_filter_matches(const char *filter, const char *topic);

#endif
