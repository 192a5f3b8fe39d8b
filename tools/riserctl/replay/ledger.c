// SPDX-License-Identifier: Apache-2.0
// Ids and topics hold no character that JSON would have to escape, but for the topics of malformed messages, which are
// ours and hold none either.
#include "riserctl/replay/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "riserctl/digest.h"

enum { WRITE_BUFFER = 1 << 20 };

struct ledger {
  FILE *file; // NULL: nothing is written
  char *buffer;
};

static const char *truth(bool value);
static void message(struct ledger *ledger, const struct send *send, const char *topic, char hex[DIGEST_TEXT_SIZE]);

enum error ledger_open(const char *path, struct ledger **out) {
  struct ledger *ledger = calloc(1, sizeof *ledger);
  if (!ledger) return ERR_NO_MEMORY;
  if (path) {
    ledger->file = fopen(path, "w");
    ledger->buffer = malloc(WRITE_BUFFER);
    if (!ledger->file || !ledger->buffer) {
      if (ledger->file) fclose(ledger->file);
      free(ledger->buffer);
      free(ledger);
      return ERR_IO;
    }
    setvbuf(ledger->file, ledger->buffer, _IOFBF, WRITE_BUFFER);
  }
  *out = ledger;
  return OK;
}

enum error ledger_close(struct ledger *ledger) {
  bool failed = false;
  if (!ledger) return OK;
  if (ledger->file) {
    failed = ferror(ledger->file) != 0;
    if (fclose(ledger->file) != 0) failed = true;
  }
  free(ledger->buffer);
  free(ledger);
  return failed ? ERR_IO : OK;
}

static const char *truth(bool value) {
  return value ? "true" : "false";
}

static void message(struct ledger *ledger, const struct send *send, const char *topic, char hex[DIGEST_TEXT_SIZE]) {
  hex_encode(bytes_make(send->digest, sizeof send->digest), hex);
  fprintf(ledger->file, "{\"kind\":\"message\",\"acked\":%s,\"topic\":\"%s\",\"sha256\":\"%s\"}\n", truth(send->acked),
          topic, hex);
}

void ledger_reading(struct ledger *ledger, const struct send *send, const struct row *row, const char *topic,
                    int64_t tick_s) {
  char hex[DIGEST_TEXT_SIZE];
  if (!ledger->file) return;
  message(ledger, send, topic, hex);
  fprintf(ledger->file,
          "{\"kind\":\"reading\",\"meter\":\"%s\",\"register\":%d,\"time_s\":%" PRId64 ",\"value\":%" PRId64
          ",\"acked\":%s,\"copy\":%s,\"late\":%s,\"before_tick_s\":%" PRId64 "}\n",
          row->meter, (int)row->column->reg, row->time_s, row->value, truth(send->acked),
          truth(send->kind == SEND_COPY), truth(send->late), tick_s);
}

void ledger_malformed(struct ledger *ledger, const struct send *send, const struct malformed *malformed) {
  char hex[DIGEST_TEXT_SIZE];
  if (!ledger->file) return;
  message(ledger, send, malformed->topic, hex);
  fprintf(ledger->file, "{\"kind\":\"malformed\",\"topic\":\"%s\",\"sha256\":\"%s\",\"reason\":\"%s\",\"acked\":%s}\n",
          malformed->topic, hex, malformed->reason, truth(send->acked));
}

void ledger_tick(struct ledger *ledger, int64_t time_s, int64_t offset) {
  if (!ledger->file) return;
  fprintf(ledger->file, "{\"kind\":\"tick\",\"time_s\":%" PRId64 ",\"offset\":%" PRId64 "}\n", time_s, offset);
}

void ledger_payment(struct ledger *ledger, const struct payment *payment, int64_t offset) {
  if (!ledger->file) return;
  fprintf(ledger->file,
          "{\"kind\":\"payment\",\"id\":\"%s\",\"lease\":\"%s\",\"commodity\":\"%s\",\"amount_e4\":%" PRId64
          ",\"paid_at_s\":%" PRId64 ",\"offset\":%" PRId64 "}\n",
          payment->id, payment->lease, commodity_name(payment->commodity), payment->amount_e4, payment->paid_at_s,
          offset);
}

void ledger_broker(struct ledger *ledger, int64_t received, int64_t dropped) {
  if (!ledger->file) return;
  fprintf(ledger->file, "{\"kind\":\"broker\",\"received\":%" PRId64 ",\"dropped\":%" PRId64 "}\n", received, dropped);
}
