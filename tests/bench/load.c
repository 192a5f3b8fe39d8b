// SPDX-License-Identifier: Apache-2.0
// bench-load: publishes protobuf readings with QoS 1 as fast as the broker takes them, or at a rate. It writes the
// packets of MQTT 3.1.1 itself, many a system call, and counts the PUBACKs. Prints one JSON line.
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "load_options.h"
#include "wire/telemetry.h"

enum { ROUND_S = 900, READINGS_MAX = 1000, TOPIC_SIZE = 256, DEVICE_SIZE = 64 };
enum { OUT_SIZE = 1 << 18, BURST_BYTES = 1 << 16 };

struct load {
  struct load_options options;
  int socket;
  struct buffer out;
  size_t written; // of out
  int64_t sent;
  int64_t acknowledged;
  size_t partial; // bytes of a PUBACK that came in part
  uint16_t packet_id;
  struct buffer payload;
};

static void die(const char *what) {
  fprintf(stderr, "bench-load: %s: %s\n", what, errno ? strerror(errno) : "unexpected answer");
  exit(1);
}

static void must(enum error err) {
  if (err != OK) {
    fprintf(stderr, "bench-load: %s\n", error_name(err));
    exit(1);
  }
}

static void append_text(struct buffer *out, const char *text) {
  size_t len = strlen(text);
  uint8_t head[2] = {(uint8_t)(len >> 8), (uint8_t)len};
  must(buffer_append(out, head, 2));
  must(buffer_append(out, text, len));
}

static void append_length(struct buffer *out, size_t length) { // MQTT 3.1.1, section 2.2.3
  do {
    uint8_t digit = (uint8_t)(length % 128);
    length /= 128;
    must(buffer_append_byte(out, digit | (length ? 128 : 0)));
  } while (length);
}

static int dial(const struct load_options *options) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(options->host, options->port, &hints, &found) != 0) die("cannot find the broker");
  int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) die("cannot connect");
  freeaddrinfo(found);
  int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

static void greet(struct load *load) {
  char id[40];
  snprintf(id, sizeof id, "bench-load-%ld", (long)getpid());
  static const uint8_t variable[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0}; // 3.1.1, clean session, no keep-alive
  must(buffer_append_byte(&load->out, 0x10));
  append_length(&load->out, sizeof variable + 2 + strlen(id));
  must(buffer_append(&load->out, variable, sizeof variable));
  append_text(&load->out, id);
  if (write(load->socket, load->out.data, load->out.len) != (ssize_t)load->out.len) die("cannot greet");
  uint8_t answer[4];
  if (recv(load->socket, answer, 4, MSG_WAITALL) != 4 || answer[0] != 0x20 || answer[3] != 0) die("not let in");
  buffer_clear(&load->out);
}

// The readings of message `number` of a site: the next meters in turn, each one step further in time and value.
static void make_payload(struct load *load, int64_t number, char *device) {
  static char names[READINGS_MAX][DEVICE_SIZE];
  static struct reading readings[READINGS_MAX];
  const struct load_options *o = &load->options;
  for (int64_t i = 0; i < o->readings; i++) {
    int64_t index = number * o->readings + i, meter = index % o->meters, round = index / o->meters;
    snprintf(names[i], sizeof names[i], "%s-%07lld", o->site, (long long)meter);
    readings[i] = (struct reading){names[i], REGISTER_ENERGY_IMPORT, o->start_s + round * ROUND_S, 1000 + round * 10};
  }
  strcpy(device, o->readings == 1 ? names[0] : "gateway");
  struct batch batch = {.readings = readings, .count = (size_t)o->readings, .sent_at_ms = clock_wall_ms()};
  buffer_clear(&load->payload);
  must(wire_batch_encode(&batch, &load->payload));
}

static void append_publish(struct load *load) {
  char device[DEVICE_SIZE], topic[TOPIC_SIZE];
  make_payload(load, load->sent / load->options.sites, device);
  int site = (int)(load->sent % load->options.sites);
  snprintf(topic, sizeof topic, "%s/%s-%d/%s/up/pb", load->options.prefix, load->options.site, site, device);
  load->packet_id = (uint16_t)(load->packet_id % 65000 + 1);
  must(buffer_append_byte(&load->out, 0x32)); // PUBLISH, QoS 1
  append_length(&load->out, 2 + strlen(topic) + 2 + load->payload.len);
  append_text(&load->out, topic);
  uint8_t id[2] = {(uint8_t)(load->packet_id >> 8), (uint8_t)load->packet_id};
  must(buffer_append(&load->out, id, 2));
  must(buffer_append(&load->out, load->payload.data, load->payload.len));
  load->sent++;
}

// As many messages as the window and the rate allow.
static void fill(struct load *load, int64_t elapsed_ms) {
  const struct load_options *o = &load->options;
  int64_t due = o->rate ? o->rate * elapsed_ms / 1000 + 1 : o->messages;
  if (due > o->messages) due = o->messages;
  while (load->sent < due && load->sent - load->acknowledged < o->window && load->out.len < BURST_BYTES)
    append_publish(load);
}

static void flush(struct load *load) {
  ssize_t n = send(load->socket, load->out.data + load->written, load->out.len - load->written, MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN) die("cannot send");
  if (n > 0) load->written += (size_t)n;
  if (load->written == load->out.len) {
    buffer_clear(&load->out);
    load->written = 0;
  }
}

static void count_acknowledged(struct load *load) {
  uint8_t in[4096];
  ssize_t n = recv(load->socket, in, sizeof in, MSG_DONTWAIT);
  if (n == 0) {
    errno = 0;
    die("the broker closed the connection");
  }
  if (n < 0 && errno != EAGAIN) die("cannot receive");
  if (n <= 0) return;
  load->partial += (size_t)n; // only PUBACKs come, four bytes each
  load->acknowledged += (int64_t)(load->partial / 4);
  load->partial %= 4;
}

static void run(struct load *load) {
  int64_t began_ms = clock_mono_ms();
  while (load->acknowledged < load->options.messages) {
    if (load->out.len == 0) fill(load, clock_mono_ms() - began_ms);
    if (load->out.len > 0) flush(load);
    struct pollfd ready = {load->socket, (short)(POLLIN | (load->out.len ? POLLOUT : 0)), 0};
    if (poll(&ready, 1, load->options.rate ? 1 : 100) < 0) die("poll");
    if (ready.revents & POLLIN) count_acknowledged(load);
  }
  double seconds = (double)(clock_mono_ms() - began_ms) / 1000;
  printf("{\"messages\": %lld, \"seconds\": %.3f}\n", (long long)load->acknowledged, seconds);
}

int main(int argc, char **argv) {
  struct load load = {0};
  load_options_parse(argc, argv, &load.options);
  if (load.options.readings > READINGS_MAX) load.options.readings = READINGS_MAX;
  buffer_init(&load.out, OUT_SIZE);
  buffer_init(&load.payload, OUT_SIZE);
  load.socket = dial(&load.options);
  greet(&load);
  run(&load);
  static const uint8_t bye[] = {0xE0, 0};
  if (write(load.socket, bye, 2) != 2) die("cannot take leave");
  close(load.socket);
  buffer_fini(&load.out);
  buffer_fini(&load.payload);
  return 0;
}
