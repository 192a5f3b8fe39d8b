// SPDX-License-Identifier: Apache-2.0
// A record with a foreign key would split a site over two partitions, so it is passed over, visibly, and not applied.
#include "billing/intake.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/murmur2.h"
#include "wire/fact.h"

const char *const intake_names[INTAKE_COUNT] = {
    [INTAKE_OK] = "ok",
    [INTAKE_TOMBSTONE] = "tombstone",
    [INTAKE_UNDECODABLE] = "undecodable",
    [INTAKE_WRONG_PARTITION] = "wrong-partition",
    [INTAKE_FOREIGN_KEY] = "foreign-key",
    [INTAKE_TICK_AHEAD] = "tick-ahead",
};

enum { SITE_ID_MAX = 64, TICK_KEY_SIZE = 24 };

// Keys of this kind are no site's.
static bool is_reserved(struct bytes key) {
  return key.len > 0 && key.data[0] == '@';
}

// The partition's own key, that of its ticks.
static bool is_own_key(const struct kafka_record *record) {
  char own[TICK_KEY_SIZE];
  if (!is_reserved(record->key)) return false;
  snprintf(own, sizeof own, "@tick/%d", (int)record->partition);
  return bytes_equal_text(record->key, own);
}

// What forms a chain that somebody verifies: a site's records, or the partition's ticks.
static bool is_chain(const struct kafka_record *record) {
  struct bytes key = record->key;
  if (is_reserved(key)) return is_own_key(record);
  return key.len > 0 && key.len <= SITE_ID_MAX && bytes_is_utf8(key) && !memchr(key.data, 0, key.len);
}

static bool is_ahead(const struct kafka_record *record, const struct fact *fact) {
  if (fact->kind != FACT_TICK || record->timestamp_ms < 0) return false;
  return fact->tick.time_s > (record->timestamp_ms + INTAKE_TICK_AHEAD_MS) / 1000;
}

// Business time is moved by the partition's own key alone: in any other chain nobody would look for a tick. What a
// record for newer readers is, and where it belongs, only they can tell: the fold stops before it.
static enum intake judge(const struct kafka_record *record, int32_t partitions, const struct fact *fact) {
  if (fact->envelope.min_reader > FACT_READER_VERSION) return INTAKE_OK;
  if (is_own_key(record)) {
    if (fact->kind != FACT_TICK && fact->kind != FACT_NONE) return INTAKE_FOREIGN_KEY;
    return is_ahead(record, fact) ? INTAKE_TICK_AHEAD : INTAKE_OK;
  }
  if (is_reserved(record->key)) return INTAKE_FOREIGN_KEY;
  if (murmur2_partition(record->key, partitions) != record->partition) return INTAKE_WRONG_PARTITION;
  bool foreign = fact->kind == FACT_TICK || !bytes_equal_text(record->key, fact->envelope.site);
  return foreign ? INTAKE_FOREIGN_KEY : INTAKE_OK;
}

// What is known of a record that holds no fact: its key, which should be a site, and where it lies.
static enum error nothing_of(const struct kafka_record *record, struct arena *arena, struct fact *out) {
  char *id = arena_printf(arena, "record:%d:%lld", (int)record->partition, (long long)record->offset);
  bool is_site = record->key.len <= SITE_ID_MAX && bytes_is_utf8(record->key) && !is_reserved(record->key);
  char *site = arena_text(arena, is_site ? record->key : (struct bytes){NULL, 0});
  if (!id || !site) return ERR_LIMIT;
  *out = (struct fact){
      .envelope = {
          .fact_id = id, .landlord = "", .site = site, .source = "", .actor = "", .supersedes = "", .traceparent = ""}};
  return OK;
}

// Of a writer that doesn't partition by murmur2 the record lies where nobody looks for its site.
static enum error mark(const struct kafka_record *record, enum intake verdict, struct arena *arena, struct fact *fact) {
  if (verdict == INTAKE_WRONG_PARTITION || !is_chain(record)) return OK;
  fact->mark.value = record->value;
  fact->mark.chain = verdict ? arena_text(arena, record->key) : fact->envelope.site;
  if (is_own_key(record)) fact->mark.chain = arena_text(arena, record->key);
  return fact->mark.chain ? OK : ERR_LIMIT;
}

static enum error read_fact(const struct kafka_record *record, int32_t partitions, struct arena *arena,
                            enum intake *verdict, struct fact *out) {
  *verdict = INTAKE_TOMBSTONE;
  if (!record->value.data) return nothing_of(record, arena, out);
  enum error err = wire_fact_decode(record->value, arena, out);
  if (err == ERR_LIMIT) return err;
  *verdict = err ? INTAKE_UNDECODABLE : judge(record, partitions, out);
  return err ? nothing_of(record, arena, out) : OK;
}

enum error intake_fact(const struct kafka_record *record, int32_t partitions, struct arena *arena, enum intake *verdict,
                       struct fact *out) {
  enum error err = read_fact(record, partitions, arena, verdict, out);
  return err ? err : mark(record, *verdict, arena, out);
}

enum error intake_digest(const struct kafka_record *record, uint8_t digest[32]) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (!context) return ERR_NO_MEMORY;
  uint8_t len[4];
  put_le32(len, (uint32_t)record->key.len);
  bool done = EVP_DigestInit_ex(context, EVP_sha256(), NULL) && EVP_DigestUpdate(context, len, sizeof len) &&
              EVP_DigestUpdate(context, record->key.data, record->key.len) &&
              EVP_DigestUpdate(context, record->value.data, record->value.len) &&
              EVP_DigestFinal_ex(context, digest, NULL);
  EVP_MD_CTX_free(context);
  return done ? OK : ERR_INTERNAL;
}
