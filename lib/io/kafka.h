// SPDX-License-Identifier: Apache-2.0
// Kafka: a producer, a consumer, and reading the tail of a partition. Each is a handle behind a small table of
// operations, so that tests take the in-memory twin (io/kafka_memory.h) instead. A handle belongs to one thread, on
// which all its callbacks run, from within *_poll, *_flush and *_close; only kafka_producer_send may also be called
// from other threads. librdkafka's own threads never call us. Errors of the cluster that pass are RETRY;
// ERR_KAFKA_FATAL and ERR_FENCED mean that this handle is dead: close it, make another one, go on from the source.
#ifndef RISER_IO_KAFKA_H
#define RISER_IO_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

struct kafka_settings {
  const char *brokers;   // host:port, separated by commas
  int tls;               // enum tls_mode
  const char *ca_file;   // PEM; NULL or "": the system's
  const char *cert_file; // PEM; NULL or "" for none
  const char *key_file;
  const char *username; // SASL/SCRAM; NULL or "" for none
  const char *password;
  const char *properties;        // more librdkafka properties, "name=value;name=value"; NULL or "" for none
  const char *secret_properties; // the same, one a line
};

enum { KAFKA_PARTITION_BY_KEY = -1 }; // murmur2 of the key, as Kafka's own clients

// Offsets that are not offsets.
enum { KAFKA_OFFSET_BEGINNING = -2, KAFKA_OFFSET_END = -1, KAFKA_OFFSET_STORED = -1000, KAFKA_OFFSET_INVALID = -1001 };

struct kafka_position {
  const char *topic;
  int32_t partition;
  int64_t offset;       // the next record to read
  const char *metadata; // a note beside a committed offset; NULL for none
};

struct kafka_record {
  const char *topic;
  int32_t partition;
  int64_t offset;
  int64_t timestamp_ms; // -1 if the broker gave none
  bool append_time;     // the timestamp is the broker's, not the producer's
  struct bytes key;     // .data is NULL when there is none
  struct bytes value;   // .data is NULL for a tombstone
};

// ---------------------------------------------------------------- producer

// What became of one record: OK with its place, or the error. `opaque` is what was given to send.
typedef void kafka_delivered(void *ctx, void *opaque, enum error err, int32_t partition, int64_t offset);

struct kafka_producer_options {
  struct kafka_settings settings;
  const char *client_id;
  int64_t linger_ms;             // how long to wait for a batch to fill; 0 sends at once
  int64_t queue_max_records;     // 0: 100,000; beyond it send says ERR_QUEUE_FULL
  int64_t queue_max_bytes;       // 0: 256 MiB
  const char *transactional_id;  // NULL: no transactions
  kafka_delivered *on_delivered; // may be NULL
  void *ctx;
};

struct kafka_consumer;
struct kafka_producer {
  const struct kafka_producer_ops *ops;
};

// Idempotent, acks=all, no message timeout, murmur2 partitions, lz4 compression. Does not wait for a broker, except
// with a transactional id, where it fences older producers of that id first (up to 10 s, then RETRY).
enum error kafka_producer_open(const struct kafka_producer_options *options, struct kafka_producer **producer) MUST_USE;

struct kafka_send {
  const char *topic;
  int32_t partition;    // or KAFKA_PARTITION_BY_KEY
  struct bytes key;     // copied
  struct bytes value;   // copied; .data NULL is a tombstone
  int64_t timestamp_ms; // 0: now
  void *opaque;         // handed to on_delivered
};

// Queues a copy of the record. Never blocks. ERR_QUEUE_FULL: poll and try again. ERR_TOO_LARGE: never fits.
enum error kafka_producer_send(struct kafka_producer *producer, const struct kafka_send *record) MUST_USE;

// Runs on_delivered for what was decided; waits up to timeout_ms if nothing was. Returns for how many records. The
// second says ERR_KAFKA_FATAL or ERR_FENCED once the producer is dead.
int kafka_producer_poll(struct kafka_producer *producer, int timeout_ms);
enum error kafka_producer_status(struct kafka_producer *producer) MUST_USE;

// Waits until everything sent is decided. ERR_TIMEOUT if not all of it is in time.
enum error kafka_producer_flush(struct kafka_producer *producer, int timeout_ms) MUST_USE;
int64_t kafka_producer_pending(struct kafka_producer *producer); // sent and not yet decided

// How many partitions the topic has. ERR_UNAVAILABLE if no broker answers or there is no such topic (yet).
enum error kafka_producer_partitions(struct kafka_producer *producer, const char *topic, int32_t *count) MUST_USE;

// Transactions, each blocking up to timeout_ms. Offsets of `consumer` become part of the transaction, their metadata
// too. After ERR_ABORTED call abort and do the batch again.
enum error kafka_producer_begin(struct kafka_producer *producer) MUST_USE;
enum error kafka_producer_send_offsets(struct kafka_producer *producer, struct kafka_consumer *consumer,
                                       const struct kafka_position *offsets, size_t count, int timeout_ms) MUST_USE;
enum error kafka_producer_commit(struct kafka_producer *producer, int timeout_ms) MUST_USE;
enum error kafka_producer_abort(struct kafka_producer *producer, int timeout_ms) MUST_USE;

// Drops what is still queued, so flush before; on_delivered runs for it with ERR_CLOSED or, if it was on its way,
// ERR_UNKNOWN_OUTCOME. NULL is fine.
void kafka_producer_close(struct kafka_producer *producer);

// ---------------------------------------------------------------- consumer

// All on the polling thread. In `assigned` the owner may write into .offset where to begin (KAFKA_OFFSET_STORED: where
// the group committed, else as `from_end` says). `revoked`: finish or drop what belongs to these partitions; if `lost`,
// another owner may already be at work and nothing may be committed. `reached_end`: everything there was has been given
// out, up to `offset`; only if asked for. `cut_off`: no broker can be reached; what answers later may be another log,
// say one that was restored from a copy, in which our positions mean something else.
struct kafka_consumer_events {
  void (*assigned)(void *ctx, struct kafka_position *positions, size_t count);
  void (*revoked)(void *ctx, const struct kafka_position *positions, size_t count, bool lost);
  void (*reached_end)(void *ctx, const struct kafka_position *position);
  void (*cut_off)(void *ctx);
  void *ctx;
};

enum kafka_assignor { KAFKA_ASSIGN_RANGE, KAFKA_ASSIGN_COOPERATIVE };

struct kafka_consumer_options {
  struct kafka_settings settings;
  const char *client_id;
  const char *group;       // also needed, but unused, with explicit positions
  const char *instance_id; // static membership; NULL for none
  enum kafka_assignor assignor;
  const char *const *topics; // to subscribe to; NULL: nothing until kafka_consumer_assign
  size_t topic_count;
  bool from_end;              // where to begin without a committed offset; an offset out of range is an error, not this
  bool report_end;            // call reached_end
  int64_t queue_max_bytes;    // of what is fetched ahead; 0: 32 MiB
  int64_t session_timeout_ms; // 0: 45 s
  int64_t poll_interval_ms;   // the longest pause between polls before the group moves on; 0: 5 min
  struct kafka_consumer_events events;
};

struct kafka_consumer {
  const struct kafka_consumer_ops *ops;
};

// Commits are never automatic; transactions that are not committed are not seen (read_committed).
enum error kafka_consumer_open(const struct kafka_consumer_options *options, struct kafka_consumer **consumer) MUST_USE;

// Up to `max` records, in order within each partition, waiting up to timeout_ms for the first. They are borrowed until
// the next poll or close. *count may be 0 on OK. Runs the events: records of a partition that is revoked meanwhile are
// not given out. ERR_UNAVAILABLE also if there is no such topic (yet). ERR_MISMATCH: an offset is out of range, that
// is, the log was cut.
enum error kafka_consumer_poll(struct kafka_consumer *consumer, int timeout_ms, struct kafka_record *records,
                               size_t max, size_t *count) MUST_USE;

// Explicit assignment (no group): replaces the former one.
enum error kafka_consumer_assign(struct kafka_consumer *consumer, const struct kafka_position *positions,
                                 size_t count) MUST_USE;
// From here on the partition is read from position->offset; what was given out or fetched before is forgotten.
enum error kafka_consumer_seek(struct kafka_consumer *consumer, const struct kafka_position *position) MUST_USE;
// A pause ends when the partition is revoked: one that comes back is read. Twice the same does nothing more.
enum error kafka_consumer_pause(struct kafka_consumer *consumer, const struct kafka_position *position) MUST_USE;
enum error kafka_consumer_resume(struct kafka_consumer *consumer, const struct kafka_position *position) MUST_USE;

// Waits for the group's coordinator. ERR_FENCE_LOST: we are no longer the owner.
enum error kafka_consumer_commit(struct kafka_consumer *consumer, const struct kafka_position *positions,
                                 size_t count) MUST_USE;
// Fills offset (KAFKA_OFFSET_INVALID if there is none) and metadata (in the arena, NULL if none) of each position.
enum error kafka_consumer_committed(struct kafka_consumer *consumer, struct kafka_position *positions, size_t count,
                                    struct arena *arena) MUST_USE;
// The first offset and the one behind the last stable record. Asks the broker: about a millisecond.
enum error kafka_consumer_watermarks(struct kafka_consumer *consumer, const char *topic, int32_t partition,
                                     int64_t *low, int64_t *high) MUST_USE;
enum error kafka_consumer_partitions(struct kafka_consumer *consumer, const char *topic, int32_t *count) MUST_USE;

// Leaves the group, with `revoked` for what is still assigned.
void kafka_consumer_close(struct kafka_consumer *consumer);

// ---------------------------------------------------------------- tail

// The last record of each of the given partitions of a topic, or one with offset KAFKA_OFFSET_INVALID where there is
// none: steps back over transaction markers and compacted gaps. Topic, key and value are copied into the arena. Uses
// and afterwards clears assignment and events of `consumer`, which must be opened with report_end and without topics.
enum error kafka_tail_read(struct kafka_consumer *consumer, const char *topic, const int32_t *partitions, size_t count,
                           struct arena *arena, struct kafka_record *records) MUST_USE;

// What a partition has from position->offset on: `next` becomes the offset of the first record, or the log's end where
// there is none. Uses and afterwards clears assignment and events of `consumer`, opened like the tail's. ERR_TIMEOUT.
enum error kafka_next_read(struct kafka_consumer *consumer, const struct kafka_position *position,
                           int64_t *next) MUST_USE;

// ---------------------------------------------------------------- the tables behind the handles

struct kafka_producer_ops {
  enum error (*send)(struct kafka_producer *, const struct kafka_send *);
  int (*poll)(struct kafka_producer *, int timeout_ms);
  enum error (*status)(struct kafka_producer *);
  enum error (*flush)(struct kafka_producer *, int timeout_ms);
  int64_t (*pending)(struct kafka_producer *);
  enum error (*partitions)(struct kafka_producer *, const char *topic, int32_t *count);
  enum error (*begin)(struct kafka_producer *);
  enum error (*send_offsets)(struct kafka_producer *, struct kafka_consumer *, const struct kafka_position *, size_t,
                             int timeout_ms);
  enum error (*commit)(struct kafka_producer *, int timeout_ms);
  enum error (*abort)(struct kafka_producer *, int timeout_ms);
  void (*close)(struct kafka_producer *);
};

struct kafka_consumer_ops {
  enum error (*poll)(struct kafka_consumer *, int timeout_ms, struct kafka_record *, size_t max, size_t *count);
  enum error (*assign)(struct kafka_consumer *, const struct kafka_position *, size_t);
  enum error (*seek)(struct kafka_consumer *, const struct kafka_position *);
  enum error (*pause)(struct kafka_consumer *, const struct kafka_position *, bool paused);
  enum error (*commit)(struct kafka_consumer *, const struct kafka_position *, size_t);
  enum error (*committed)(struct kafka_consumer *, struct kafka_position *, size_t, struct arena *);
  enum error (*watermarks)(struct kafka_consumer *, const char *topic, int32_t partition, int64_t *low, int64_t *high);
  enum error (*partitions)(struct kafka_consumer *, const char *topic, int32_t *count);
  void (*set_events)(struct kafka_consumer *, const struct kafka_consumer_events *);
  void (*close)(struct kafka_consumer *);
};

#endif
